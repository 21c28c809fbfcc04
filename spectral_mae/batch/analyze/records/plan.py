"""`MaskingPlan`: what is done to every image."""

from __future__ import annotations

from dataclasses import dataclass

from spectral_mae import _checks
from spectral_mae._checks import Sampling
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.spectra.conditioning import DetrendOption


@dataclass(frozen=True)
class MaskingPlan:
    """What is done to every image.

    Attributes
    ----------
    patch_size : int
        Side of the square patches.
    mask_ratio : float or None
        None is 0.75, or what the design says.
    sampling : {"fixed", "bernoulli"}
    n_draws : int
        Masks drawn to check the expectation, at least 2.
    detrend : {"constant", "linear", "periodic"} or None
        Applied to the image before it is masked.
    design : str, MaskDesign or None
        In place of mask ratio and sampling: the text of a design.

    Raises
    ------
    ValueError
        If a value cannot work for any image.
    """

    patch_size: int
    mask_ratio: float | None = None
    sampling: Sampling = "fixed"
    n_draws: int = 16
    detrend: DetrendOption = None
    design: str | MaskDesign | None = None

    def __post_init__(self) -> None:
        _checks.positive_int("patch_size", self.patch_size)
        chosen = self.masks
        object.__setattr__(self, "mask_ratio", chosen.mask_ratio)
        object.__setattr__(self, "design", chosen.design)
        if _checks.integer("n_draws", self.n_draws) < 2:
            raise ValueError(f"n_draws={self.n_draws}: a standard error needs at least 2")

    @property
    def masks(self) -> MaskChoice:
        """How masks are chosen."""
        return MaskChoice(self.mask_ratio, self.sampling, self.design)
