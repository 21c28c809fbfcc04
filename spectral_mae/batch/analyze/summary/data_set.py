"""The mean spectrum of the images of a run, as it is and under masks, with its spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.mean_spectra import CENTRED, MeanSpectra
from spectral_mae.batch.analyze.run_tables import RunTables

SAMPLED = 1000  # images of which the band is made, spread evenly over all
BAND = (10, 90)  # percentiles of the band


@dataclass(frozen=True, eq=False)
class DataSetSpectrum:
    """Mean radial spectra of the images of one shape, at one patch size.

    Attributes
    ----------
    patch_size : int
    shape : tuple of int
        Rows and columns.
    n : int
        Images of that shape.
    kept : float
        π₁², the fraction of the power of a frequency that masks keep.
    frequency, original, expected : ndarray
        Frequency in cycles/pixel, and mean power of the images before and under masks, with the
        mean of each image subtracted before masking.
    bands : tuple of ndarray
        Percentiles `BAND` over the images, of power before and under masks, each of shape
        (2, frequencies).
    """

    patch_size: int
    shape: tuple[int, int]
    n: int
    kept: float
    frequency: FloatArray
    original: FloatArray
    expected: FloatArray
    bands: tuple[FloatArray, FloatArray]


def data_set_spectra(
    tables: RunTables,
    spectra: MeanSpectra,
    patch_sizes: Sequence[int],
    mask_ratio: float,
) -> list[DataSetSpectrum]:
    """The mean spectrum at each patch size, of the shape that most images have there."""
    found = []
    for patch_size in patch_sizes:
        kinds = {key: one for key, one in spectra.means.items() if key[2] == patch_size}
        if not kinds:
            continue
        height, width, _ = key = max(kinds, key=lambda one: kinds[one]["original"].n)
        original, expected = kinds[key]["original"], kinds[key][CENTRED]
        sample = tables.some_spectra(patch_size, original.frequency, SAMPLED)
        means = original.mean[None], expected.mean[None]
        before, under = (
            np.percentile(one if len(one) else mean, BAND, axis=0)
            for one, mean in zip(sample, means, strict=True)
        )
        found.append(
            DataSetSpectrum(
                patch_size,
                (height, width),
                original.n,
                (1 - mask_ratio) ** 2,
                original.frequency,
                original.mean,
                expected.mean,
                (before, under),
            )
        )
    return found
