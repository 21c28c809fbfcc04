"""Explained power of hidden pixels of photographs: the scale of difficulty.

The numbers in ``reference.json`` are made by ``python -m benchmarks.plan_reference`` from the
photographs inside scikit-image, at 224 × 224 pixels, as He et al. mask them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Self

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.planning.difficulty import NONE, Difficulty, equal_ratio, equal_ratios
from spectral_mae.planning.resampling import reference_errors

PATCH_SIZE = 16  # of the scale
MASK_RATIO = 0.75  # of He et al.
STORED = "reference.json"


@dataclass(frozen=True, eq=False)
class Curve:
    """Explained power of hidden pixels against the mask ratio, at one patch size.

    Attributes
    ----------
    mask_ratio : ndarray, shape (n,)
        Fractions of patches that are hidden, ascending.
    explained, stderr : ndarray, shape (n,)
        Exact over all masks, and its standard error over images.
    drawn, drawn_stderr : ndarray, shape (n,)
        Under drawn masks, as for designs that have no closed form; NaN where not measured.
    """

    mask_ratio: FloatArray
    explained: FloatArray
    stderr: FloatArray
    drawn: FloatArray
    drawn_stderr: FloatArray

    def difficulty(
        self,
        explained: float,
        resampled: FloatArray | None = None,
        wrong: FloatArray | None = None,
        *,
        drawn: bool = False,
    ) -> Difficulty:
        """Return the mask ratio of this curve that is as hard.

        Parameters
        ----------
        explained : float
            Explained power of hidden pixels of a setting.
        resampled : ndarray or None
            The same in bootstrap samples; None makes no interval.
        wrong : ndarray or None
            By how many standard errors this curve is wrong in each sample; None is none.
        drawn : bool
            Compare with what was measured under drawn masks, as ``explained`` was.

        Returns
        -------
        Difficulty
            With an interval over the samples, where there are any.
        """
        curve = self.drawn if drawn else self.explained
        errors = self.drawn_stderr if drawn else self.stderr
        there = np.isfinite(curve)
        if math.isnan(explained) or not there.any():
            return NONE
        ratios, curve, errors = self.mask_ratio[there], curve[there], np.nan_to_num(errors[there])
        found, beyond = equal_ratio(ratios, curve, explained)
        values = np.empty(0) if resampled is None else resampled
        shifts = np.zeros(len(values)) if wrong is None else wrong
        curves = curve + shifts[:, np.newaxis] * errors
        return Difficulty.of(found, beyond, equal_ratios(ratios, curves, values), ratios)

    def covers(self, mask_ratio: float) -> bool:
        """Tell whether a mask ratio lies within the curve.

        Parameters
        ----------
        mask_ratio : float
            A mask ratio.

        Returns
        -------
        bool
            Whether `at` knows it.
        """
        return bool(self.mask_ratio[0] <= mask_ratio <= self.mask_ratio[-1])

    def at(self, mask_ratio: float, *, drawn: bool = False) -> float:
        """Return the explained power at a mask ratio.

        Parameters
        ----------
        mask_ratio : float
            Within the curve; linear between its points.
        drawn : bool
            As measured under drawn masks.

        Returns
        -------
        float
            Fraction of the power of hidden pixels.

        Raises
        ------
        ValueError
            If the mask ratio is outside of the curve.
        """
        ratio = _checks.open_unit("mask_ratio", mask_ratio)
        if not self.covers(ratio):
            first, last = self.mask_ratio[[0, -1]].tolist()
            raise ValueError(f"{mask_ratio=} is outside of the reference, {first:g} to {last:g}")
        return float(np.interp(ratio, self.mask_ratio, self.drawn if drawn else self.explained))

    def stderr_at(self, mask_ratio: float, *, drawn: bool = False) -> float:
        """Return the standard error at a mask ratio.

        Parameters
        ----------
        mask_ratio : float
            Within the curve; linear between its points.
        drawn : bool
            As measured under drawn masks.

        Returns
        -------
        float
            Standard error of the explained power; 0 where none is known.
        """
        errors = self.drawn_stderr if drawn else self.stderr
        return float(np.nan_to_num(np.interp(mask_ratio, self.mask_ratio, errors)))

    def to_dict(self) -> dict[str, Any]:
        """Return the arrays as lists.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes; NaN is None.
        """
        return {
            name: [None if math.isnan(v) else v for v in values.tolist()]
            for name, values in vars(self).items()
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Undo `to_dict`.

        Parameters
        ----------
        plain : dict
            Lists by name.

        Returns
        -------
        Curve
            The curve.
        """
        return cls(**{name: np.array(values, dtype=float) for name, values in plain.items()})


@dataclass(frozen=True, eq=False)
class Reference:
    """Images and patch sizes of which it is known how hard each mask ratio is.

    Attributes
    ----------
    name : str
        What the images are, for people.
    shape : tuple of int
        Pixels of the images along each axis.
    n_images : int
        Images that were scored, or groups of images that are independent.
    curves : dict of int to Curve
        By patch size, uniform masks of a fixed number of patches.
    patch_size : int
        Whose curve is the scale of difficulty.

    Examples
    --------
    >>> reference = Reference.stored()
    >>> reference.patch_size, reference.shape
    (16, (224, 224))
    >>> round(reference.scale.difficulty(reference.scale.at(0.75)).mask_ratio, 6)
    0.75
    """

    name: str
    shape: tuple[int, ...]
    n_images: int
    curves: dict[int, Curve]
    patch_size: int = PATCH_SIZE

    @classmethod
    def stored(cls) -> Self:
        """Return the photographs that come with the package.

        Returns
        -------
        Reference
            Photographs of scikit-image at 224 × 224 pixels, gray: most of the power of colours is
            in it, so that it serves images of three channels too.
        """
        text = (files("spectral_mae.planning") / STORED).read_text(encoding="utf-8")
        return cls.from_dict(json.loads(text))

    @cached_property
    def wrong(self) -> FloatArray:
        """By how many standard errors its curves are wrong in each bootstrap sample."""
        return reference_errors(self.n_images)

    @property
    def scale(self) -> Curve:
        """The curve on which difficulty is measured."""
        return self.curves[self.patch_size]

    def curve(self, patch_size: int) -> Curve:
        """Return the curve of a patch size.

        Parameters
        ----------
        patch_size : int
            Pixels of a patch along each axis.

        Returns
        -------
        Curve
            Explained power against the mask ratio.

        Raises
        ------
        ValueError
            If there is none.
        """
        if patch_size not in self.curves:
            raise ValueError(f"{patch_size=} is not in the reference, {sorted(self.curves)}")
        return self.curves[patch_size]

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain values, which `from_dict` reads.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes.
        """
        curves = {str(p): curve.to_dict() for p, curve in self.curves.items()}
        return {
            "name": self.name,
            "shape": list(self.shape),
            "n_images": self.n_images,
            "curves": curves,
            "patch_size": self.patch_size,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Undo `to_dict`.

        Parameters
        ----------
        plain : dict
            Values by name.

        Returns
        -------
        Reference
            The reference.
        """
        curves = {int(p): Curve.from_dict(curve) for p, curve in plain["curves"].items()}
        return cls(**{**plain, "shape": tuple(plain["shape"]), "curves": curves})
