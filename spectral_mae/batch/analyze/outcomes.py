"""Many images: read each, analyse it, and say what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.records.analyzer import MaskingAnalyzer
from spectral_mae.batch.analyze.records.record import MaskingAnalysis, with_slopes
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.images.cropping import crop_to_multiple, require_two_patches, resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.reader import Reader, title_of
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused, Pixels
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.spectra.spectrum import Spectrum

# Analyzers kept for images to come; a folder of photographs has a few shapes.
KEPT_ANALYZERS = 16
KEPT_PIXELS = 2**22  # of the images whose analyzers are kept beside the one at work
PICTURE_PIXELS = 2**22  # of an image that is kept for its picture; a larger one is read again
PICTURED = 4  # images that get pictures of their own


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
            # Not by how many came before: the same bits wherever an image is analysed.
            analyzer = MaskingAnalyzer(
                shape[:2],
                self.options.plan(patch_size),
                channels=shape[2] if len(shape) == 3 else 1,
                for_many=self.options.size is not None,
            )
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
