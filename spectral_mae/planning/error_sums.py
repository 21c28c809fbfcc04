"""Ratios of sums over images, with standard errors.

The explained power of a set of images is 1 − ΣE/ΣP, with the error E and the power P of each image:
a ratio of sums, never a mean of ratios. Its variance is that of the linearised ratio,
n/(n−1) · Σ(E − R·P)²/(ΣP)² with R = ΣE/ΣP, which needs no more than five sums. These can be added
up over images of several shapes. The error and the power of each image over all frequencies are
kept besides, for bootstrap samples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from spectral_mae._checks import FloatArray


@dataclass(frozen=True, eq=False)
class ErrorSums:
    """Sums over images of errors and powers, a column for all frequencies and one for each octave.

    Attributes
    ----------
    n_images : int
        Images that were added up.
    error, power : ndarray, shape (n_columns,)
        ΣE and ΣP.
    error2, power2, product : ndarray, shape (n_columns,)
        ΣE², ΣP² and ΣEP.
    images : ndarray, shape (2, n_images)
        E and P of each image in the first column.

    Examples
    --------
    >>> sums = ErrorSums.of(np.array([[1.0], [2.0], [3.0]]), np.array([[4.0], [4.0], [4.0]]))
    >>> sums.explained, sums.stderr.round(3)
    (array([0.5]), array([0.144]))
    """

    n_images: int
    error: FloatArray
    power: FloatArray
    error2: FloatArray
    power2: FloatArray
    product: FloatArray
    images: FloatArray

    @classmethod
    def of(cls, error: FloatArray, power: FloatArray) -> Self:
        """Return the sums of images.

        Parameters
        ----------
        error, power : ndarray, shape (n_images, n_columns)
            Error and power of each image.

        Returns
        -------
        ErrorSums
            Their sums.
        """
        return cls(
            len(error),
            error.sum(axis=0),
            power.sum(axis=0),
            np.sum(error**2, axis=0),
            np.sum(power**2, axis=0),
            np.sum(error * power, axis=0),
            np.stack([error[:, 0], power[:, 0]]),
        )

    @classmethod
    def by_octave(cls, error: FloatArray, power: FloatArray, groups: int | None = None) -> Self:
        """Return the sums of images of which errors and powers by octave are given.

        Parameters
        ----------
        error, power : ndarray, shape (n_images, n_octaves)
            Error and power of each image, by octave; what they sum to comes before them.
        groups : int or None
            Images are so many groups of equal size, one after the other, that depend on each other,
            such as crops of one photograph. Each then counts as one image. None is none.

        Returns
        -------
        ErrorSums
            With one column more.
        """
        if groups is not None:
            error, power = (a.reshape(groups, -1, a.shape[1]).sum(axis=1) for a in (error, power))
        return cls.of(_with_total(error), _with_total(power))

    def merge(self, other: Self) -> Self:
        """Return the sums over the images of both.

        Parameters
        ----------
        other : ErrorSums
            Sums over other images.

        Returns
        -------
        ErrorSums
            New sums.
        """
        names = [field.name for field in dataclasses.fields(self)]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names[:-1]}
        return type(self)(**sums, images=np.concatenate([self.images, other.images], axis=1))

    @property
    def explained(self) -> FloatArray:
        """1 − ΣE/ΣP of each column; NaN where there is no power but rounding."""
        return 1.0 - self._over_power(self.error)

    @property
    def stderr(self) -> FloatArray:
        """Standard error of `explained` over images; NaN of fewer than two."""
        if self.n_images < 2:
            return np.full(self.error.shape, np.nan)
        ratio = self._over_power(self.error)
        spread = self.error2 - 2 * ratio * self.product + ratio**2 * self.power2
        scale = self.n_images / (self.n_images - 1)
        return self._over_power(np.sqrt(scale * np.maximum(spread, 0.0)))

    def to_dict(self) -> dict[str, Any]:
        """Return the sums as plain lists, which `from_dict` reads.

        Returns
        -------
        dict
            The sums by name.
        """
        arrays = {name: value for name, value in vars(self).items() if name != "n_images"}
        return {"n_images": self.n_images, **{name: a.tolist() for name, a in arrays.items()}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Undo `to_dict`.

        Parameters
        ----------
        plain : mapping
            The sums by name.

        Returns
        -------
        ErrorSums
            The sums.
        """
        arrays = {name: np.array(v, dtype=float) for name, v in plain.items() if name != "n_images"}
        return cls(int(plain["n_images"]), **arrays)

    def _over_power(self, values: FloatArray) -> FloatArray:
        floor = 4 * np.finfo(np.float64).eps * float(np.max(self.power, initial=0.0))
        none = np.full(values.shape, np.nan)
        return np.divide(values, self.power, out=none, where=self.power > floor)


def _with_total(values: FloatArray) -> FloatArray:
    return np.concatenate([values.sum(axis=1, keepdims=True), values], axis=1)
