"""What ``compare`` does to each pair of images."""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae import _checks
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra.conditioning import DetrendOption

STEPS = 6  # rings in an octave: of one width on a logarithmic axis, whatever the shapes of images
OCTAVES = 12


@dataclass(frozen=True)
class CompareOptions:
    """What `compare_images` does to each pair of images.

    Parameters
    ----------
    color : bool
        Keep three channels and average their spectra; False takes ITU-R 601 luma.
    detrend : {"constant", "linear", "periodic"} or None
        As in `psd`, of originals and reconstructions.
    max_pixels : int
        Larger images are refused before they are decoded.
    n_resamples : int
        Number of times that images are drawn with replacement for error bars, at least 2.
    rng : int
        Seed of these draws, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Examples
    --------
    >>> CompareOptions(color=True).n_resamples
    1000
    """

    color: bool = False
    detrend: DetrendOption = None
    max_pixels: int = 50_000_000
    n_resamples: int = 1000
    rng: Seed = 0

    def __post_init__(self) -> None:
        _checks.flag("color", self.color)
        if self.detrend is not None and self.detrend is not False:
            _checks.choice("detrend", self.detrend, _checks.Detrend)
        _checks.positive_int("max_pixels", self.max_pixels)
        why = "a spread needs at least 2"
        _checks.integer("n_resamples", self.n_resamples, least=2, why=why)
        generator_of(self.rng)

    @property
    def edges(self) -> list[float]:
        """Edges of the rings in cycles/pixel: sixths of octaves below the Nyquist frequency."""
        return [0.5 * 2 ** (-step / STEPS) for step in range(STEPS * OCTAVES, -1, -1)]
