"""Means of tensors over bins of frequencies: gathered, and added up bin by bin.

The array API has no sum over segments, and differences of cumulative sums would take the digits of
faint rings away in float32. So the entries of each bin, padded with zero weight, are rows of a
table: powers are gathered in its order, and rows added up. Rows have at most `WIDTH` entries, and a
second table says which of them make up a bin. Every sum is over one bin alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._array_api import Constants, constant
from spectral_mae._checks import FloatArray, namespace

WIDTH = 64  # entries of a row, so that padding takes little where bins differ in size


class TensorBins:
    """Weighted means of half-plane power over bins, for tensors.

    Parameters
    ----------
    index : ndarray of int, shape (n_entries,)
        Place of each entry in the half-plane read row by row, sorted by bin.
    weight : ndarray, shape (n_entries,)
        Frequencies of the whole grid that each entry stands for.
    sizes : ndarray of int, shape (n_bins,)
        Entries of each bin, at least one.
    """

    def __init__(
        self,
        index: NDArray[np.integer[Any]],
        weight: FloatArray,
        sizes: NDArray[np.integer[Any]],
    ) -> None:
        width = min(WIDTH, int(sizes.max()))
        rows = -(-sizes // width)
        firsts = np.cumsum(sizes) - sizes
        place = np.repeat(np.cumsum(rows) - rows, sizes) * width + _counted(sizes)
        entries = np.repeat(index[firsts], rows * width)  # padding reads what the bin holds anyway
        weights = np.zeros(len(entries))
        entries[place] = index
        weights[place] = weight / np.repeat(np.add.reduceat(weight, firsts), sizes)
        most = int(rows.max())
        row_places = np.arange(len(rows)).repeat(rows) * most + _counted(rows)
        of_bins = np.zeros(len(rows) * most, dtype=np.int64)
        filled = np.zeros(len(of_bins))
        of_bins[row_places] = np.arange(rows.sum())
        filled[row_places] = 1.0
        self._n_bins, self._width, self._most = len(sizes), width, most
        self._constants = Constants(
            entries=entries.astype(np.int64),
            weights=weights.reshape(-1, width),
            rows=of_bins,
            filled=filled.reshape(-1, most),
            bin_of_row=np.arange(len(rows)).repeat(rows),
        )

    def moments(self, power: Any, n_axes: int) -> tuple[Any, Any]:
        """Mean and standard deviation of power in each bin.

        Parameters
        ----------
        power : tensor, shape (..., *half-plane)
            Power of one spectrum or several.
        n_axes : int
            Axes of the half-plane.

        Returns
        -------
        mean, std : tensor, shape (..., n_bins)
            Weighted mean and root mean square deviation from it. Where there is no deviation its
            derivative is taken for zero.
        """
        xp = namespace(power)
        tables = self._constants.of(power)
        lead = power.shape[: power.ndim - n_axes]
        flat = xp.reshape(power, (*lead, -1))
        gathered = xp.take(flat, tables["entries"], axis=-1)
        gathered = xp.reshape(gathered, (*lead, -1, self._width))
        mean = self._add_up(xp, gathered * tables["weights"], tables)
        centre = xp.take(mean, tables["bin_of_row"], axis=-1)
        off = gathered - centre[..., None]
        # Squares could leave the range of float32.
        largest = xp.max(xp.abs(off), axis=(-2, -1))[..., None]
        scale = xp.where(largest > 0, largest, xp.ones_like(largest))
        off = off / scale[..., None]
        variance = self._add_up(xp, off * off * tables["weights"], tables)
        spread = variance > 0
        root = scale * xp.sqrt(xp.where(spread, variance, xp.ones_like(variance)))
        return mean, xp.where(spread, root, xp.zeros_like(root))

    def stderr(self, mean: Any, std: Any, scatter: FloatArray, gaussian: FloatArray) -> Any:
        """Standard errors of means, from their factors.

        Parameters
        ----------
        mean, std : tensor, shape (..., n_bins)
            As `moments` returns them.
        scatter, gaussian : ndarray, shape (n_bins,)
            Factors of ``std`` and of |``mean``|, of which one is zero.

        Returns
        -------
        tensor, shape (..., n_bins)
            Standard errors.
        """
        factors = (constant(one, mean, mean.dtype) for one in (scatter, gaussian))
        of_std, of_mean = factors
        return std * of_std + namespace(mean).abs(mean) * of_mean

    def _add_up(self, xp: Any, weighted: Any, tables: dict[str, Any]) -> Any:
        """Sums over bins, of weighted entries in rows."""
        of_rows = xp.sum(weighted, axis=-1)
        if self._most == 1:
            return of_rows
        of_bins = xp.take(of_rows, tables["rows"], axis=-1)
        of_bins = xp.reshape(of_bins, (*of_bins.shape[:-1], self._n_bins, self._most))
        return xp.sum(of_bins * tables["filled"], axis=-1)


def _counted(sizes: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """0 to n − 1 for each of several sizes n, one after the other."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
