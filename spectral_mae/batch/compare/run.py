"""``compare`` on originals and reconstructions, from images to tables, pictures and a page."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.batch.compare.matching import Match, find_side, is_by_order, match
from spectral_mae.batch.compare.options import CompareOptions
from spectral_mae.batch.compare.report import FILES, SHOWN, Shown, write_report
from spectral_mae.batch.compare.result import CompareResult
from spectral_mae.batch.errors import refused
from spectral_mae.batch.progress import Progress, logging_to
from spectral_mae.batch.run_folder import check_report
from spectral_mae.batch.run_identity import fft_library, versions
from spectral_mae.cross_spectra.comparison import SpectraComparison
from spectral_mae.images.reader import Reader
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import Images

ONE_MODEL = "reconstructions"
TOGETHER = 2**21  # numbers of originals of one shape that are compared at a time


def compare_images(
    originals: Images,
    reconstructions: Images | Mapping[str, Images],
    options: CompareOptions | None = None,
    *,
    masks: Images | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    quiet: bool = True,
) -> CompareResult:
    """Compare images of one or several models with their originals; ``spectral-mae compare``.

    Images of folders and archives are matched by their path inside, without the ending; images of
    arrays by order. They are compared as they are, neither resized nor cropped. An original that a
    model has no image for, or one of another shape, is left out of all, so that all models are
    compared on the same images.

    Parameters
    ----------
    originals : path, list of paths, array_like or list of array_like
        As of `analyze_images`.
    reconstructions : the same, or a mapping of str to such
        The images of one model, or those of several by label.
    options : CompareOptions or None
        What is done to each pair; None takes the defaults.
    masks : the same, or None
        Masks of the originals, matched like reconstructions, or one for all: pixels of 1 or True
        (in image files white) were visible. The error is then that of hidden pixels, as in
        `compare_spectra`.
    out : path or None
        Folder for tables, pictures and a page. None writes nothing.
    overwrite : bool
        Replace the results of another run there.
    quiet : bool
        Show no progress.

    Returns
    -------
    CompareResult
        An image that cannot be compared is among its failures and does not end the run.

    Raises
    ------
    ValueError
        If no image is found, images of arrays cannot be matched, or ``out`` holds another run.
    OSError
        If a path stands for nothing or ``out`` cannot be written.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((8, 32, 32))
    >>> result = compare_images(images, {"dim": 0.5 * images, "same": images})
    >>> result.counts, [round(row["explained"], 2) for row in result.summaries]
    ({'compared': 8, 'failed': 0}, [0.01, 1.0])
    """
    options = CompareOptions() if options is None else options
    how = "CompareOptions(color=True) makes one"
    _checks.needed("options", options, CompareOptions, how)
    overwrite, quiet = _checks.flag("overwrite", overwrite), _checks.flag("quiet", quiet)
    started = datetime.now(UTC)
    place = None if out is None else Path(out)
    models = reconstructions if isinstance(reconstructions, Mapping) else None
    by_label: Mapping[str, Images] = (
        {ONE_MODEL: reconstructions} if models is None else models  # type: ignore[dict-item]
    )
    if not by_label:
        raise ValueError("no reconstructions to compare: the mapping is empty")
    with ExitStack() as stack, refused():
        if place is not None:
            check_report(place, FILES, overwrite=overwrite)
        given = [originals, *by_label.values(), *([] if masks is None else [masks])]
        scratch = None
        if any(not _are_paths(one) for one in given):
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix="spectral-mae-")))
        find: dict[str, Any] = {"output": place, "scratch": scratch}
        first = find_side("originals", originals, **find)
        sides = [find_side(str(label), one, **find) for label, one in by_label.items()]
        mask_side = None if masks is None else find_side("masks", masks, **find)
        all_sides = [*sides, *([] if mask_side is None else [mask_side])]
        matches, unmatched = match(first, sides, mask_side)
        stack.enter_context(logging_to(None, logging.WARNING if quiet else logging.INFO))
        pairs = _Pairs(options, [side.label for side in sides])
        with Progress(len(matches), quiet=quiet) as progress:
            for one in matches:
                pairs.take(one)
                progress.add(1)
            pairs.compare()
    result = CompareResult(
        pairs.comparisons,
        pairs.names,
        pairs.shapes,
        [*unmatched.items(), *pairs.failures],
        by_order=tuple(side.label for side in all_sides if is_by_order(first, side)),
        n_resamples=options.n_resamples,
        rng=options.rng,
    )
    if place is None:
        return result
    about = {
        "options": {name: str(value) for name, value in dataclasses.asdict(options).items()},
        "masks": masks is not None,
        "versions": versions(),
        "fft": fft_library(),
        "started": started.isoformat(timespec="seconds"),
    }
    return dataclasses.replace(result, page=write_report(place, result, pairs.shown, about))


class _Pairs:
    """Reads images that belong together, and compares them."""

    def __init__(self, options: CompareOptions, labels: Sequence[str]) -> None:
        self.options = options
        axis = -1 if options.color else None
        self.comparisons = {
            label: SpectraComparison(
                channel_axis=axis, bins=options.edges, detrend=options.detrend, ndim=2
            )
            for label in labels
        }
        self.names: list[str] = []
        self.shapes: list[tuple[int, ...]] = []
        self.failures: list[tuple[str, str]] = []
        self.shown: list[Shown] = []
        self._waiting: list[tuple[str, FloatArray, dict[str, FloatArray], BoolArray | None]] = []
        self._reader = Reader(options.color, options.max_pixels)
        self._masks = Reader(False, options.max_pixels)

    def take(self, one: Match) -> None:
        """Read an original and all that was made of it, or note why that fails."""
        try:
            trio = self._read(one)
        except (ImageRefused, ValueError) as error:
            self.failures.append((one.name, str(error)))
            return
        if self._waiting and self._waiting[0][1].shape != trio[0].shape:
            self.compare()
        self._waiting.append((one.name, *trio))
        if len(self._waiting) * trio[0].size >= TOGETHER:
            self.compare()

    def compare(self) -> None:
        """Compare the images that were read, which have one shape, in one batch."""
        if not self._waiting:
            return
        names, originals, others, masks = zip(*self._waiting, strict=True)
        self._waiting = []
        batch = np.stack(originals)
        visible = None if masks[0] is None else np.stack(masks)
        for label, comparison in self.comparisons.items():
            comparison.update(batch, np.stack([one[label] for one in others]), visible=visible)
        self.names += names
        self.shapes += [one.shape[:2] for one in originals]
        missing = SHOWN - len(self.shown)
        some = zip(names[:missing], originals, others, strict=False)
        self.shown += [Shown(*one) for one in some]

    def _read(self, one: Match) -> tuple[FloatArray, dict[str, FloatArray], BoolArray | None]:
        original = self._pixels(self._reader, one.original)
        others = {}
        for label, reference in one.others.items():
            other = self._pixels(self._reader, reference)
            if other.shape != original.shape:
                sizes = (f"{x.shape[0]}x{x.shape[1]}" for x in (original, other))
                raise ValueError(f"the original is {next(sizes)}, that of {label} {next(sizes)}")
            others[label] = other
        if one.mask is None:
            return original, others, None
        mask = self._pixels(self._masks, one.mask)
        if mask.shape != original.shape[:2]:
            sizes = (f"{x.shape[0]}x{x.shape[1]}" for x in (original, mask))
            raise ValueError(f"the original is {next(sizes)}, its mask {next(sizes)}")
        visible = _checks.bool_mask("mask", mask)
        if visible.all():
            raise ValueError("its mask hides nothing: there is no error of hidden pixels")
        return original, others, visible

    @staticmethod
    def _pixels(reader: Reader, reference: ImageReference) -> FloatArray:
        try:
            pixels = reader.read(reference).pixels
        except ImageRefused as refusal:
            raise ImageRefused(f"{reference.title}: {refusal}") from refusal
        return _checks.squarable(reference.title, _checks.real_array(reference.title, pixels))


def _are_paths(images: Any) -> bool:
    if isinstance(images, str | os.PathLike):
        return True
    return isinstance(images, list | tuple) and all(
        isinstance(one, str | os.PathLike) for one in images
    )
