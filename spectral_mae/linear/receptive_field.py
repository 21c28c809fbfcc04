"""Receptive fields: how far the inputs of an output pixel reach."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.masks.patches import PatchGrid


@dataclass(frozen=True, eq=False)
class WeightsByDistance(Tabled):
    """Normalised weight against distance from the output pixel.

    Attributes
    ----------
    distance : ndarray, shape (n_rings,)
        Mean distance in pixels of the inputs in a ring one pixel wide.
    weight : ndarray, shape (n_rings,)
        Mean normalised weight of an input pixel there.
    count : ndarray of int, shape (n_rings,)
        Input pixels in the ring.

    Examples
    --------
    >>> r = np.arange(4.0)
    >>> round(WeightsByDistance(r, np.exp(-r / 2), np.ones(4, dtype=int)).decay_length, 9)
    2.0
    """

    distance: FloatArray
    weight: FloatArray
    count: NDArray[np.integer[Any]]

    @property
    def decay_length(self) -> float:
        """Length ξ, in pixels, of the exponential exp(−r/ξ) that fits the weights.

        Least squares on the logarithm, each ring counted by its normalised weight, so that what is
        far and faint does not decide; infinite where weights do not decay, NaN where fewer than
        two rings have any.
        """
        used = self.weight > 0
        if np.count_nonzero(used) < 2:
            return float("nan")
        r, share = self.distance[used], (self.weight * self.count)[used]
        slope = float(np.polyfit(r, np.log(self.weight[used]), 1, w=np.sqrt(share))[0])
        flat = slope * float(np.ptp(r)) > -1e-12  # no more than rounding over all distances
        return float("inf") if flat else -1 / slope

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per ring.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        return {"distance": self.distance, "weight": self.weight, "count": self.count}


@dataclass(frozen=True, eq=False, repr=False)
class ReceptiveField(Pictured):
    """What every input pixel contributes to one output pixel.

    The *normalised weight* of an input pixel is its share |w| / Σ|w| of all absolute weights,
    channels of the input summed: never negative, summing to one over the image. The measures
    below are of these shares. Many small weights together count for much in them; `squared` has
    shares of w², what inputs contribute to the power of the output if they are alike.

    Attributes
    ----------
    weights : ndarray, shape (*shape[, channels])
        Weights w of the inputs.
    grid : PatchGrid
        Shape and patches of the images.
    output_pixel : tuple of int
        Index of the output pixel along each axis, from 0.
    periodic : bool
        Distances go around the borders, as they do for models that commute with cyclic shifts.

    Examples
    --------
    >>> field = ReceptiveField(np.array([0.0, 0.5, 1.0, 0.5]), PatchGrid(4, 2), (2,), False)
    >>> field.normalized
    array([0.  , 0.25, 0.5 , 0.25])
    >>> field.mean_distance, field.own_patch_share
    (0.5, 0.75)
    """

    weights: FloatArray
    grid: PatchGrid
    output_pixel: tuple[int, ...]
    periodic: bool
    _drawn_by: ClassVar[str] = "receptive_field"

    def _key_numbers(self) -> dict[str, str]:
        return {
            "output pixel": ", ".join(map(str, self.output_pixel)),
            "mean distance": f"{self.mean_distance:.3g} pixels",
            "share of the own patch": f"{self.own_patch_share:.3g}",
        }

    def __repr__(self) -> str:
        return (
            f"ReceptiveField(output_pixel={self.output_pixel}, "
            f"mean_distance={self.mean_distance:.3g}, own_patch_share={self.own_patch_share:.3g})"
        )

    @cached_property
    def normalized(self) -> FloatArray:
        """Normalised weight of every pixel, shape (*shape); NaN where all weights are zero."""
        size = np.abs(self.weights)
        if size.ndim > self.grid.ndim:
            size = size.sum(axis=-1)
        total = size.sum()
        return size / total if total > 0 else np.full(size.shape, np.nan)

    @property
    def distance(self) -> FloatArray:
        """Euclidean distance in pixels of every input from the output pixel, shape (*shape)."""
        square = np.zeros(self.grid.shape)
        for axis, (n, place) in enumerate(zip(self.grid.shape, self.output_pixel, strict=True)):
            step = np.abs(np.arange(n) - place)
            if self.periodic:
                step = np.minimum(step, n - step)
            square += (step**2).reshape([-1 if a == axis else 1 for a in range(self.grid.ndim)])
        return np.sqrt(square)

    @property
    def own_patch(self) -> NDArray[np.bool_]:
        """True on the patch that the output pixel belongs to, shape (*shape)."""
        index = [
            place // p for place, p in zip(self.output_pixel, self.grid.patch_size, strict=True)
        ]
        one = np.arange(self.grid.n_patches) == np.ravel_multi_index(tuple(index), self.grid.counts)
        return self.grid.expand(one)

    def without_own_patch(self) -> ReceptiveField:
        """Return the field with the weights of the own patch set to zero.

        These are the weights that masking makes a model use.

        Returns
        -------
        ReceptiveField
            A new field; its normalised weights sum to one over the other patches.
        """
        outside = ~self.own_patch
        if self.weights.ndim > self.grid.ndim:
            outside = outside[..., np.newaxis]
        return dataclasses.replace(self, weights=self.weights * outside)

    def squared(self) -> ReceptiveField:
        """Return the field of w², whose shares are of the power of weights.

        Returns
        -------
        ReceptiveField
            A new field with squared weights.
        """
        return dataclasses.replace(self, weights=np.square(self.weights))

    @property
    def own_patch_share(self) -> float:
        """Normalised weight of the own patch."""
        return float(self.normalized[self.own_patch].sum())

    @property
    def mean_distance(self) -> float:
        """Σ share · distance, in pixels."""
        return float(np.sum(self.normalized * self.distance))

    @property
    def entropy(self) -> float:
        """−Σ share · log share, in nats; its exponential is an effective number of pixels."""
        share = self.normalized[self.normalized != 0]
        return float(-np.sum(share * np.log(share)))

    def by_distance(self) -> WeightsByDistance:
        """Return the mean normalised weight in rings one pixel wide, out to the farthest input.

        Returns
        -------
        WeightsByDistance
            Distance, weight and pixels of every ring that holds any.
        """
        ring = np.rint(self.distance).astype(int).ravel()
        count = np.bincount(ring)
        filled = np.flatnonzero(count)
        distance = np.bincount(ring, self.distance.ravel())[filled] / count[filled]
        weight = np.bincount(ring, self.normalized.ravel())[filled] / count[filled]
        return WeightsByDistance(distance, weight, count[filled])

    @property
    def decay_length(self) -> float:
        """Length ξ, in pixels, of the exponential exp(−r/ξ) that fits the weights `by_distance`."""
        return self.by_distance().decay_length

    def to_dict(self) -> dict[str, Any]:
        """Return the measures, with and without the own patch.

        Returns
        -------
        dict
            The output pixel and the share of its own patch; mean distance and decay length in
            pixels and entropy in nats, and the same three of `without_own_patch`.
        """
        names = ("mean_distance", "decay_length", "entropy")
        others = self.without_own_patch()
        return {
            "output_pixel": list(self.output_pixel),
            "own_patch_share": self.own_patch_share,
            **{name: getattr(self, name) for name in names},
            **{f"{name}_without_own_patch": getattr(others, name) for name in names},
        }


@dataclass(frozen=True)
class WeightReach:
    """How far the weights of a map reach, over many output pixels.

    Each output pixel counts the same, whatever the size of its weights: the measures are of the
    mean over output pixels of the normalised weight of an input at a distance.

    Attributes
    ----------
    mean_distance : float
        Mean over output pixels of Σ share · distance, in pixels.
    decay_length : float
        Length ξ, in pixels, of the exponential that fits the mean share by distance, as
        `WeightsByDistance` has it.
    own_patch_share : float
        Mean share of the output pixel's own patch, from 0 to 1.
    n_fields : int
        Number of output pixels.

    Examples
    --------
    >>> field = ReceptiveField(np.array([0.0, 0.5, 1.0, 0.5]), PatchGrid(4, 2), (2,), False)
    >>> reach = weight_reach([field])
    >>> reach.mean_distance, reach.own_patch_share, reach.n_fields
    (0.5, 0.75, 1)
    """

    mean_distance: float
    decay_length: float
    own_patch_share: float
    n_fields: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers.

        Returns
        -------
        dict
            The name of each field, and its value.
        """
        return dataclasses.asdict(self)


def weight_reach(fields: Iterable[ReceptiveField]) -> WeightReach:
    """Measure how far weights reach, over the receptive fields of many output pixels.

    Parameters
    ----------
    fields : iterable of ReceptiveField
        Fields of one map, such as `LinearMAE.receptive_fields` gives. `ReceptiveField.squared` and
        `ReceptiveField.without_own_patch` of each measure shares of w², or what is read from other
        patches.

    Returns
    -------
    WeightReach
        Means over the fields.

    Raises
    ------
    TypeError
        If one of them is no receptive field.
    ValueError
        If there is none.

    Examples
    --------
    >>> grid = PatchGrid(4, 2)
    >>> near = ReceptiveField(np.array([1.0, 1.0, 0.0, 0.0]), grid, (0,), False)
    >>> far = ReceptiveField(np.array([1.0, 0.0, 0.0, 1.0]), grid, (0,), False)
    >>> reach = weight_reach([near, far])
    >>> reach.mean_distance, reach.own_patch_share
    (1.0, 0.75)
    """
    distance, own = [], []
    rings: dict[str, NDArray[Any]] = {}
    for field in fields if isinstance(fields, Iterator) else _checks.items("fields", fields):
        _checks.needed("a field", field, ReceptiveField, "model.receptive_fields() gives them")
        distance.append(field.mean_distance)
        own.append(field.own_patch_share)
        ring = np.rint(field.distance).astype(int).ravel()
        for name, values in (
            ("count", np.ones(ring.size)),
            ("distance", field.distance.ravel()),
            ("weight", field.normalized.ravel()),
        ):
            total = np.bincount(ring, values)
            before = rings.get(name, np.zeros(0))
            size = max(len(total), len(before))
            rings[name] = np.pad(total, (0, size - len(total))) + np.pad(
                before, (0, size - len(before))
            )
    if not distance:
        raise ValueError("no receptive fields to measure")
    filled = rings["count"] > 0
    count = rings["count"][filled]
    mean = WeightsByDistance(
        rings["distance"][filled] / count,
        rings["weight"][filled] / count,
        np.rint(count).astype(int),
    )
    return WeightReach(
        float(np.mean(distance)), mean.decay_length, float(np.mean(own)), len(distance)
    )
