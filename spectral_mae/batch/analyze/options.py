"""`AnalyzeOptions`: what is done to each image, all that results depend on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from spectral_mae import _checks
from spectral_mae._checks import NaN, Sampling
from spectral_mae.batch.analyze.records.plan import MaskingPlan
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.conditioning import DetrendOption

TableFormat = Literal["csv", "parquet"]


@dataclass(frozen=True)
class AnalyzeOptions:
    """What `analyze_images` does to each image; all that its results depend on.

    Parameters
    ----------
    patch_sizes : tuple of int
        Sides of the square patches, in pixels.
    mask_ratio : float or None
        Fraction of the patches that is hidden, between 0 and 1. None is 0.75, or what the design
        says.
    sampling : {"fixed", "bernoulli"}
        Hide an exact number of patches, or each with the probability ``mask_ratio``.
    size : int or None
        Resize the shorter side to ``size`` pixels and crop the middle; None keeps the pixels as
        they are and crops to a multiple of the patch.
    n_draws : int
        Masks drawn per patch size for each image of ``masks_for``, to compare with the exact
        expectation, at least 2.
    rng : int
        Seed of the masks, at least 0. Masks depend on it, on the title of the image and the patch
        size only, so that a run can be resumed: a generator is refused.
    detrend : {"constant", "linear", "periodic"} or None
        What is subtracted before masking.
    color : bool
        Keep the channels of colour images and average their spectra; False takes ITU-R 601 luma.
    max_pixels : int
        Larger images are refused before they are decoded.
    checks : int
        Images, from the first, on which Eq. 18 is checked by direct sums, at least 0.
    design : str, MaskDesign or None
        In place of mask ratio and sampling: the text of a design, such as ``"block:6x6"``
        (`spectral_mae.designs.help_text` lists them), or a design that has a text. It is made anew
        for every shape of images, and an image that it does not fit is refused.
    masks_for : int or None
        Images, from the first, for which masks are drawn, at least 0; None draws them for all. To
        draw masks takes several times as long as all else. They are a check: no exact number
        depends on it, and those that do are blank for other images.
    figures : bool
        Draw pictures for the page.
    nan : {"raise", "hidden"}
        Images with NaN or infinity fail, or are analysed with these pixels missing: their spectrum
        is unmasked (`unmasked_psd`) and its expectation under masks is that of a stationary process
        with this spectrum. Masks are not drawn of them, and they are not in the mean spectra and
        the models.
    table_format : {"csv", "parquet"}
        Of the spectra of all images: spectra.csv, or spectra.parquet with the same columns in a
        tenth of the size. With "parquet" images.parquet and mean_spectra.parquet are beside their
        CSV files. It needs PyArrow (extra `parquet`).

    Raises
    ------
    TypeError, ValueError
        If the options cannot work for any image.

    Examples
    --------
    >>> AnalyzeOptions(patch_sizes=(8, 16), size=64).mask_ratio
    0.75
    >>> AnalyzeOptions(patch_sizes=(5,), size=32)
    Traceback (most recent call last):
    ...
    ValueError: patch_size=5 does not divide size=32; its divisors are 1, 2, 4, 8, 16
    """

    patch_sizes: tuple[int, ...] = (16,)
    mask_ratio: float | None = None
    sampling: Sampling = "fixed"
    size: int | None = 224
    n_draws: int = 16
    rng: int = 0
    detrend: DetrendOption = None
    color: bool = False
    max_pixels: int = 50_000_000
    checks: int = 100
    design: str | MaskDesign | None = None
    masks_for: int | None = 100
    figures: bool = True
    nan: NaN = "raise"
    table_format: TableFormat = "csv"

    def __post_init__(self) -> None:
        _checks.choice("nan", self.nan, NaN)
        _checks.choice("table_format", self.table_format, TableFormat)
        _checks.flag("color", self.color)
        _checks.flag("figures", self.figures)
        _checks.positive_int("max_pixels", self.max_pixels)
        _checks.run_seed(self.rng)
        if _checks.integer("checks", self.checks) < 0:
            raise ValueError(f"checks={self.checks} is negative")
        if self.masks_for is not None and _checks.integer("masks_for", self.masks_for) < 0:
            raise ValueError(f"masks_for={self.masks_for} is negative")
        if self.size is not None and _checks.positive_int("size", self.size) ** 2 > self.max_pixels:
            raise ValueError(
                f"size={self.size} makes images of more than max_pixels={self.max_pixels}"
            )
        if not _checks.items("patch_sizes", self.patch_sizes):
            raise ValueError("no patch size")
        chosen = self.masks
        object.__setattr__(self, "mask_ratio", chosen.mask_ratio)
        object.__setattr__(self, "design", chosen.design)
        for patch_size in self.patch_sizes:
            self.plan(patch_size)
            if self.size is None:
                continue
            check_divides(patch_size, self.size)
            chosen.on(PatchGrid((self.size, self.size), patch_size))

    @property
    def masks(self) -> MaskChoice:
        """How masks are chosen."""
        return MaskChoice(self.mask_ratio, self.sampling, self.design)

    def to_dict(self) -> dict[str, Any]:
        """Return the options under the names that files and the command have for them.

        Returns
        -------
        dict
            Values by name.
        """
        options = dataclasses.asdict(self)
        if self.masks_for is None:
            options["masks_for"] = "all"
        return {"masks": options.pop("n_draws"), "seed": options.pop("rng"), **options}

    def draws_for(self, number: int) -> bool:
        """Whether masks are drawn for an image.

        Parameters
        ----------
        number : int
            Of the image, counted from 0.

        Returns
        -------
        bool
            True for the first ``masks_for`` images, or all.
        """
        return self.masks_for is None or number < self.masks_for

    def plan(self, patch_size: int) -> MaskingPlan:
        """Return the options that concern a single image at one patch size.

        Parameters
        ----------
        patch_size : int
            Side of the square patches, in pixels.

        Returns
        -------
        MaskingPlan
            What is computed of each image.
        """
        return MaskingPlan(
            patch_size, self.mask_ratio, self.sampling, self.n_draws, self.detrend, self.design
        )


def check_divides(patch_size: int, size: int) -> None:
    """Raise ``ValueError`` where patches do not go into images that are resized.

    Examples
    --------
    >>> check_divides(5, 32)
    Traceback (most recent call last):
    ...
    ValueError: patch_size=5 does not divide size=32; its divisors are 1, 2, 4, 8, 16
    """
    if size % patch_size:
        divisors = [n for n in range(1, size) if size % n == 0]
        raise ValueError(
            f"{patch_size=} does not divide {size=}; "
            f"its divisors are {', '.join(map(str, divisors))}"
        )
