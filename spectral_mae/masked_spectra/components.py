"""`MaskedComponents`: the spectra of an image of which its mean spectra under masks are sums."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray, Sampling, is_tensor
from spectral_mae.masked_spectra.leaked_power import Leakage, ratio_of_sums
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.spectrum import Spectrum

# Relative difference of E[K²] and E[K]² that is rounding: every mask keeps K patches.
SAME = 1e-13


@dataclass(frozen=True, eq=False)
class MaskedComponents:
    """The spectra that determine the mean spectrum of an image under random patch masks.

    Attributes
    ----------
    grid : PatchGrid
        Patches of the image.
    original : Spectrum
        |X|², the spectrum of the whole image.
    patches : Spectrum
        Σ_b |X_b|², the sum of the spectra of the image restricted to one patch b at a time.
    design : MaskDesign or None
        The design that is meant where no other is given.
    pairs : Spectrum or None
        E|Y|² − ``share``·|X|² under ``design``, if that is not uniform.
    share : float
        Part of |X|² that ``pairs`` leaves out.

    Examples
    --------
    >>> from spectral_mae import MaskedPeriodogram
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> parts = MaskedPeriodogram(PatchGrid((16, 16), 4)).components(image)
    >>> for mask_ratio in (0.25, 0.75):  # one transform serves all mask ratios
    ...     print(round(parts.expected(mask_ratio).total / parts.original.total, 9))
    0.75
    0.25
    """

    grid: PatchGrid
    original: Spectrum
    patches: Spectrum
    design: MaskDesign | None = None
    pairs: Spectrum | None = None
    share: float = 0.0

    def expected(
        self,
        mask_ratio: float | None = None,
        *,
        sampling: Sampling = "fixed",
        design: MaskDesign | None = None,
    ) -> Spectrum:
        """Mean spectrum of the masked image, E|Y|² = π₂ |X|² + (π₁−π₂) Σ_b |X_b|².

        Of a design that is not uniform it is E|Y|² = Σ_ab Π_ab X_a* X_b.

        Parameters
        ----------
        mask_ratio : float or None
            Fraction of patches that is hidden, strictly between 0 and 1; None takes the design.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
        design : MaskDesign or None
            In place of both: any uniform design, or that of `MaskedPeriodogram`, which None takes.

        Returns
        -------
        Spectrum
            The mean over all masks, exact.

        Raises
        ------
        ValueError
            As `inclusion_probabilities`, or for a design that is not uniform and not the one that
            `MaskedPeriodogram` was made for.
        """
        parts = self._parts(self._chosen(mask_ratio, sampling, design))
        return _mix(self.original, parts.share, parts.spectrum, parts.weight)

    def leakage(
        self,
        mask_ratio: float | None = None,
        *,
        sampling: Sampling = "fixed",
        design: MaskDesign | None = None,
    ) -> Leakage:
        """Power that masking brings to each frequency, over what it keeps there.

        Parameters
        ----------
        mask_ratio : float or None
            Fraction of patches that is hidden, strictly between 0 and 1; None takes the design.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ patches, or each one independently with probability 1−m.
        design : MaskDesign or None
            In place of both: any uniform design, or that of `MaskedPeriodogram`, which None takes.

        Returns
        -------
        Leakage
            As `spectral_mae.leakage` returns it, with NumPy arrays.

        Raises
        ------
        ValueError
            As `expected`.
        """
        if is_tensor(self.original.power):
            return self.numpy().leakage(mask_ratio, sampling=sampling, design=design)
        chosen = self._chosen(mask_ratio, sampling, design)
        parts = self._parts(chosen)
        own, kept = parts.own_leak(chosen), parts.pi1**2
        leaked = _mix(
            self.original, own, parts.spectrum, parts.weight, signed=not chosen.shift_invariant
        )
        return Leakage(leaked=leaked, kept=_mix(self.original, kept, self.patches, 0.0))

    @property
    def others(self) -> Spectrum:
        """What is added to a share of `original` under the design: `patches`, or `pairs`."""
        return self._parts(self._chosen(None, "fixed", None)).spectrum

    def leakage_of_sums(
        self, of_image: FloatArray, of_others: FloatArray, counts: FloatArray | NDArray[Any]
    ) -> FloatArray:
        """Leakage under the design over some sets of frequencies, of which sums are known.

        Parameters
        ----------
        of_image, of_others : ndarray of float64, shape (n,)
            Sums of the power of `original` and of `others` over each set.
        counts : ndarray of int, shape (n,)
            Number of its frequencies.

        Returns
        -------
        ndarray of float64, shape (n,)
            What `leakage` returns over these frequencies (`Leakage.over`), but for rounding.

        Raises
        ------
        ValueError
            As `expected`.
        """
        chosen = self._chosen(None, "fixed", None)
        parts = self._parts(chosen)
        own, kept = parts.own_leak(chosen), parts.pi1**2
        leaked = own * of_image + parts.weight * of_others
        if chosen.shift_invariant:  # a variance, but for rounding
            np.maximum(leaked, 0.0, out=leaked)
        floor = abs(own) * self.original.floor + parts.weight * parts.spectrum.floor
        return ratio_of_sums(
            leaked, floor * counts, kept * of_image, kept * self.original.floor * counts
        )

    def numpy(self) -> MaskedComponents:
        """Return these spectra with their powers as NumPy arrays, on the CPU.

        Returns
        -------
        MaskedComponents
            The same numbers, without their derivatives.
        """
        return self._with(Spectrum.numpy)

    def beside(self, like: Any) -> MaskedComponents:
        """Return these spectra with their powers as tensors of the library and device of another.

        Parameters
        ----------
        like : tensor
            Says the library, the device and the precision.

        Returns
        -------
        MaskedComponents
            The same numbers, but for rounding to the precision.
        """
        return self._with(lambda spectrum: spectrum.beside(like))

    def _with(self, change: Callable[[Spectrum], Spectrum]) -> MaskedComponents:
        pairs = None if self.pairs is None else change(self.pairs)
        return dataclasses.replace(
            self, original=change(self.original), patches=change(self.patches), pairs=pairs
        )

    def _chosen(
        self, mask_ratio: float | None, sampling: Sampling, design: MaskDesign | None
    ) -> MaskDesign:
        if mask_ratio is None and design is None and self.design is not None:
            return self.design
        return design_on(self.grid, mask_ratio, sampling=sampling, design=design)

    def _parts(self, design: MaskDesign) -> _Parts:
        """What E|Y|² is made of under a design."""
        if design.uniform is not None:
            pi1, pi2 = design.uniform
            return _Parts(pi1, pi2, self.patches, pi1 - pi2)
        if self.pairs is None or design != self.design:
            raise ValueError(
                f"design={design} is not uniform and needs an image of its own: "
                "MaskedPeriodogram(design=design).components(image)"
            )
        return _Parts(float(design.inclusion.mean()), self.share, self.pairs, 1.0)


@dataclass(frozen=True, eq=False)
class _Parts:
    """Terms of E|Y|² = share·|X|² + weight·spectrum, with the mean π₁ of the patches."""

    pi1: float
    share: float
    spectrum: Spectrum
    weight: float

    def own_leak(self, design: MaskDesign) -> float:
        """Weight of |X|² in what leaks, share − π₁².

        Mostly E|Y|² − π₁²|X|² is a variance; it is formed directly, since its terms would cancel.
        """
        kept = self.pi1**2
        own = self.share - kept
        if abs(own) <= SAME * kept and design.uniform is None:
            return 0.0  # every mask keeps as many patches
        return own


def _mix(
    own: Spectrum,
    own_weight: float,
    other: Spectrum,
    other_weight: float,
    *,
    signed: bool = False,
) -> Spectrum:
    """Weighted sum of |X|² and another spectrum.

    It stands for a mean power or a variance, never negative, unless it is ``signed``.
    """
    power = other_weight * other.power
    power += own_weight * own.power
    floor = abs(own_weight) * own.floor + other_weight * other.floor
    if not signed and min(own_weight, other_weight) < 0:
        np.maximum(power, 0.0, out=power)
    return dataclasses.replace(own, power=power, floor=floor)
