"""Many images: read each, analyse it, and say what became of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import NaN, Sampling
from spectral_mae.batch.analyze.image_analysis import (
    MaskingAnalysis,
    MaskingAnalyzer,
    MaskingPlan,
    with_slopes,
)
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.images.cropping import crop_to_multiple, require_two_patches, resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.reader import Reader, title_of
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused, Pixels
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.spectra.conditioning import DetrendOption
from spectral_mae.spectra.spectrum import Spectrum

# Analyzers kept for images to come; a folder of photographs has a few shapes.
KEPT_ANALYZERS = 16
KEPT_PIXELS = 2**22  # of the images whose analyzers are kept beside the one at work
PICTURE_PIXELS = 2**22  # of an image that is kept for its picture; a larger one is read again
TableFormat = Literal["csv", "parquet"]
PICTURED = 4  # images that get pictures of their own


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


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one image at one patch size.

    Attributes
    ----------
    name : str
        The path as it was given, or ``builtin:NAME``.
    patch_size : int
    error : str
        Why it failed; empty if it did not.
    notes : tuple of str
        What was done to the image in reading it.
    analysis : MaskingAnalysis or None
    pixels : ndarray or None
        The pixels that were analysed, for pictures.
    """

    name: str
    patch_size: int
    error: str = ""
    notes: tuple[str, ...] = ()
    analysis: MaskingAnalysis | None = field(default=None, repr=False)
    pixels: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the image was analysed."""
        return self.analysis is not None

    @property
    def is_large(self) -> bool:
        """Whether its image is too large to be kept for its picture."""
        return self.analysis is not None and math.prod(self.analysis.shape) > PICTURE_PIXELS

    def without_pixels(self) -> Outcome:
        """The outcome without its image, which is most of its size."""
        return replace(self, pixels=None)


class Analyzers:
    """`MaskingAnalyzer` objects, with their tables, of the shapes that came last.

    Parameters
    ----------
    options : AnalyzeOptions
    """

    def __init__(self, options: AnalyzeOptions) -> None:
        self.options = options
        self._analyzers: dict[tuple[tuple[int, ...], int], MaskingAnalyzer] = {}

    def of(self, shape: tuple[int, ...], patch_size: int) -> MaskingAnalyzer:
        """One for pixels of a shape, (H, W) or (H, W, channels)."""
        key = (shape, patch_size)
        analyzer = self._analyzers.pop(key, None)
        # Room is made before another one, with its tables, needs it.
        while self._analyzers and (
            len(self._analyzers) >= KEPT_ANALYZERS
            or sum(math.prod(one) for one, _ in [key, *self._analyzers]) > KEPT_PIXELS
        ):
            self._analyzers.pop(next(iter(self._analyzers)))
        if analyzer is None:
            channels = shape[2] if len(shape) == 3 else 1
            analyzer = MaskingAnalyzer(shape[:2], self.options.plan(patch_size), channels=channels)
        self._analyzers[key] = analyzer  # the last used stands last
        return analyzer


class BatchAnalyzer:
    """`AnalyzeOptions` at work, image after image.

    Parameters
    ----------
    options : AnalyzeOptions
    reader : Reader or None
        None makes one of the options.
    analyzers : Analyzers or None
        Those of earlier images with the same options, to be used again.

    Attributes
    ----------
    moments : ShapeMoments
        Of the images that were analysed at every patch size.

    Examples
    --------
    >>> from spectral_mae.images.files import builtin_images
    >>> batch = BatchAnalyzer(AnalyzeOptions(patch_sizes=(8, 16), size=64))
    >>> [(o.name, o.patch_size, o.ok) for o in batch.analyze(builtin_images()["camera"])]
    [('builtin:camera', 8, True), ('builtin:camera', 16, True)]
    """

    def __init__(
        self,
        options: AnalyzeOptions,
        reader: Reader | None = None,
        analyzers: Analyzers | None = None,
    ) -> None:
        self.options = options
        if reader is None:
            reader = Reader(options.color, options.max_pixels, **missing_of(options))
        self.reader = reader
        self.moments = ShapeMoments()
        self._analyzers = Analyzers(options) if analyzers is None else analyzers

    def analyze(
        self, path: Path | ImageReference, *, check: bool = True, draw: bool = True
    ) -> list[Outcome]:
        """Analyse one image at every patch size. A file that cannot be used has its reason.

        Without ``check`` Eq. 18 is not checked on it, and without ``draw`` no masks are drawn;
        either takes longer than all the rest.
        """
        return finished(self.measure(path, check=check, draw=draw))

    def measure(self, path: Path | ImageReference, *, check: bool, draw: bool) -> list[Outcome]:
        """Analyse one image but for the slope of its spectrum, which `finished` adds."""
        name = title_of(path)
        options = self.options
        try:
            fitted = self._fitted(self.reader.read(path))
        except (ImageRefused, MemoryError) as refusal:
            reason = str(refusal) or "not enough memory"
            return [Outcome(name, p, error=reason) for p in options.patch_sizes]
        spectra: list[Spectrum] = []
        # That of a large image is not kept while masks are drawn.
        gray = options.detrend is None and fitted.pixels.ndim == 2
        known = gray and self.moments.takes(fitted.pixels.shape)
        take = spectra.append if known else _not_kept
        outcomes = [
            self._analyze(name, fitted, p, check=check, draw=draw, take=take)
            for p in options.patch_sizes
        ]
        first = outcomes[0].pixels
        whole = all(o.analysis is not None and not o.analysis.n_missing for o in outcomes)
        if options.figures and first is not None and whole:
            same = [one for one in spectra[:1] if one.shape == first.shape]
            analysis = outcomes[0].analysis
            mean = None if analysis is None else analysis.mean
            self.moments.update(first, same[0] if same else None, mean)
        return outcomes

    def read_again(self, path: Path | ImageReference, patch_size: int) -> Pixels | None:
        """The pixels that were analysed, or None if they cannot be had again."""
        try:
            image = self._fitted(self.reader.read(path))
            return self._cropped(image, patch_size).pixels
        except (ImageRefused, MemoryError):
            return None

    def _fitted(self, image: LoadedImage) -> LoadedImage:
        """Resize, or crop so that all patch sizes go into the same pixels where they can."""
        if self.options.size is not None:
            return resize_and_crop(image, self.options.size)
        common = math.lcm(*self.options.patch_sizes)
        try:
            return crop_to_multiple(image, common)
        except ImageRefused:
            return image

    def _cropped(self, image: LoadedImage, patch_size: int) -> LoadedImage:
        return image if self.options.size else crop_to_multiple(image, patch_size)

    def _analyze(
        self,
        name: str,
        image: LoadedImage,
        patch_size: int,
        *,
        check: bool,
        draw: bool,
        take: Callable[[Spectrum], None],
    ) -> Outcome:
        try:
            require_two_patches(image.source_shape, (patch_size, patch_size))
            image = self._cropped(image, patch_size)
            analyzer = self._analyzers.of(image.pixels.shape, patch_size)
            rng = mask_seed(self.options.rng, name, patch_size) if check or draw else 0
            analysis = analyzer.measure(image.pixels, rng=rng, check=check, draw=draw, take=take)
        except (ValueError, MemoryError) as error:
            reason = str(error) or "not enough memory"
            return Outcome(name, patch_size, error=reason, notes=image.notes)
        return Outcome(name, patch_size, "", image.notes, analysis, image.pixels)


def finished(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of `BatchAnalyzer.measure` with slopes and with the notes of their analysis."""
    analysed = [outcome.analysis for outcome in outcomes if outcome.analysis is not None]
    records = iter(with_slopes(analysed))
    found = []
    for outcome in outcomes:
        if outcome.analysis is None:
            found.append(outcome)
            continue
        record = next(records)
        notes = outcome.notes + tuple(filter(None, (record.missing_note, record.slope_note)))
        found.append(replace(outcome, analysis=record, notes=notes + record.defects))
    return found


def missing_of(options: AnalyzeOptions) -> dict[str, Any]:
    """What a reader does with missing pixels, as its arguments."""
    return {"nan": options.nan, "nan_hint": "--nan hidden, or nan='hidden', takes them as missing"}


def _not_kept(_: Spectrum) -> None:
    """Let go of a spectrum."""
