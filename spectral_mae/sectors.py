"""Averages of a two-dimensional spectrum over sectors of orientation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from spectral_mae import _checks, grid
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae.binning import Binning
from spectral_mae.columns import plain_fields, write_columns
from spectral_mae.radial import bin_columns


@dataclass(frozen=True, eq=False)
class SectorSpectrum:
    """Power averaged over sectors of equal orientation; reads as its powers in NumPy functions.

    Attributes
    ----------
    angle : ndarray, shape (n,)
        Middle of each sector in degrees, 0 ≤ angle < 180: the direction of the frequency vector,
        from the last axis (0°, power of vertical stripes) towards the first axis (90°).
    power, std, stderr : ndarray, shape (n,)
        As in `RadialSpectrum`.
    count : ndarray of float, shape (n,)
        Frequencies of the whole grid; one on the border of two sectors, or at a Nyquist
        frequency, where k and its aliases have two orientations, counts half in each.
    scaling : {"density", "spectrum", "energy"}
    """

    angle: FloatArray
    power: FloatArray
    count: FloatArray
    std: FloatArray
    stderr: FloatArray
    scaling: Scaling

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.power, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.power)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and numbers."""
        return plain_fields(self)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write one row per sector."""
        write_columns(path, bin_columns({"angle": self.angle, "count": self.count}, self))


def average_sectors(
    power: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    n: int,
    *,
    fmin: float | None,
    fmax: float | None,
    scaling: Scaling,
    averages: int,
) -> SectorSpectrum:
    """Average half-plane power over ``n`` sectors of orientation; see `Spectrum.sectors`."""
    if len(shape) != 2:
        raise ValueError(f"sectors need an image; {shape=} has {len(shape)} axis")
    n = _checks.positive_int("n", n)
    rows, columns = np.meshgrid(*grid.half_frequencies(shape, fs), indexing="ij")
    radius = grid.radial_frequency(shape, fs)
    low = _checks.limit("fmin", fmin, 0.0)
    high = _checks.limit("fmax", fmax, grid.nyquist(fs))
    chosen = (radius > 0) & grid.at_least(radius, low) & grid.at_most(radius, high)
    index = np.flatnonzero(chosen)
    weights = np.broadcast_to(grid.hermitian_weights(shape), radius.shape).ravel()[index] / 2.0
    angle = np.arctan2(rows, columns).ravel()[index] % np.pi
    on_nyquist = grid.on_nyquist(shape).ravel()[index]
    mirrored = np.where(on_nyquist, -angle % np.pi, angle)
    # In units of a sector, sector b reaches from b - 1/2 to b + 1/2; a frequency on a border is
    # shared, so that mirroring or turning the image mirrors or turns the result exactly.
    entries = []
    for half in (angle, mirrored):
        position = half * (n / np.pi)
        for nudge in (-1e-9, 1e-9):
            entries.append(np.rint(position + nudge).astype(int) % n)
    binning = Binning(
        radius.shape,
        np.concatenate(entries),
        np.tile(index, len(entries)),
        np.tile(weights / 2, len(entries)),
    )
    if len(binning.filled) < n:
        raise ValueError(
            f"{n - len(binning.filled)} of {n} sectors hold no frequency of {shape=} with "
            f"{fmin=}, {fmax=}; ask for fewer"
        )
    means = binning.errors(*binning.moments(power), averages)
    return SectorSpectrum(
        angle=np.arange(n) * (180.0 / n), count=binning.counts, scaling=scaling, **means._asdict()
    )
