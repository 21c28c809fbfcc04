"""`MaskedSums`: mean spectra under random masks over sets of frequencies, without the spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.masked_spectra.leaked_power import ratio_of_sums
from spectral_mae.masks.designs.design import MaskDesign


@dataclass(frozen=True, eq=False)
class MaskedSums:
    """Sums of the two spectra that make the mean spectrum of an image under uniform masks.

    Attributes
    ----------
    design : MaskDesign
        Of the masks; it is uniform.
    of_image, of_patches : ndarray of float64, shape (n_sets,)
        Sums, or means, of |X|² and of Σ_b |X_b|² over the frequencies of each set.
    image_floor, patch_floor : float
        Power that rounding leaves at a frequency of both.

    Examples
    --------
    >>> from spectral_mae import MaskedPeriodogram, PatchGrid, designs
    >>> design = designs.fixed(PatchGrid((16, 16), 4), 0.75)
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> parts = MaskedPeriodogram(design=design).components(image)
    >>> whole, patches = (one.power.sum(axis=1) for one in (parts.original, parts.patches))
    >>> rows = MaskedSums(design, whole, patches, 0.0, 0.0)
    >>> bool(np.allclose(rows.expected, parts.expected().power.sum(axis=1)))
    True
    """

    design: MaskDesign
    of_image: FloatArray
    of_patches: FloatArray
    image_floor: float
    patch_floor: float

    @property
    def expected(self) -> FloatArray:
        """The same of E|Y|² = π₂ |X|² + (π₁−π₂) Σ_b |X_b|²."""
        pi1, pi2 = self._inclusion
        return pi2 * self.of_image + (pi1 - pi2) * self.of_patches

    @property
    def expected_floor(self) -> float:
        """Power that rounding leaves at a frequency of E|Y|²."""
        pi1, pi2 = self._inclusion
        return pi2 * self.image_floor + (pi1 - pi2) * self.patch_floor

    def leakage(self, counts: FloatArray | NDArray[Any]) -> FloatArray:
        """Return leakage over each set.

        Parameters
        ----------
        counts : ndarray, shape (n_sets,)
            Number of the frequencies of each, whose sums the attributes are.

        Returns
        -------
        ndarray of float64, shape (n_sets,)
            As `Leakage.over` returns it, but for rounding.
        """
        pi1, pi2 = self._inclusion
        kept, own = pi1**2, pi2 - pi1**2
        leaked = own * self.of_image + (pi1 - pi2) * self.of_patches
        if self.design.shift_invariant:  # a variance, but for rounding
            np.maximum(leaked, 0.0, out=leaked)
        floor = abs(own) * self.image_floor + (pi1 - pi2) * self.patch_floor
        return ratio_of_sums(
            leaked, floor * counts, kept * self.of_image, kept * self.image_floor * counts
        )

    @property
    def _inclusion(self) -> tuple[float, float]:
        if self.design.uniform is None:
            raise ValueError(f"{self.design} is not uniform")
        return self.design.uniform
