"""The pictures of a page: masking, radial spectra, leakage by octave, the grating of the masks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.image_analysis import MaskingAnalysis
from spectral_mae.batch.analyze.model_pictures import pictures_of_models
from spectral_mae.batch.analyze.outcomes import PICTURED, AnalyzeOptions, Outcome
from spectral_mae.batch.analyze.page import RunResults
from spectral_mae.batch.analyze.summary.answer import Explained
from spectral_mae.batch.analyze.summary.data_set import data_set_spectra
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.pictures import mean_spectrum_picture, slopes_picture
from spectral_mae.batch.pages.drawer import Call, Drawer
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.batch.pages.saving import save_lines, save_pixels, save_thumbnail
from spectral_mae.images.image import luma
from spectral_mae.images.samples import Pixels
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

PANELS = 4  # images in the figure of radial spectra
DOTS = 2000  # images in the picture of leakage


class Pictures:
    """The pictures of a run; the grating is drawn while images are analysed.

    Parameters
    ----------
    folder : Path
        Where they are drawn.
    options : AnalyzeOptions
    drawer : Drawer
        Draws them.

    Attributes
    ----------
    explained : dict of Explained
        By patch size, what the models explain whose pictures `all` has drawn.
    """

    def __init__(self, folder: Path, options: AnalyzeOptions, drawer: Drawer) -> None:
        self.folder = folder.resolve()
        self.options = options
        self._drawer = drawer
        self._begun: dict[str, Call] = {}
        self.explained: dict[int, Explained] = {}

    def begin(self, shown: Sequence[Outcome]) -> None:
        """Begin with the grating, as soon as the shape of the first images is known."""
        if self._drawer.where == "here" or not self.options.figures or self._begun:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        sizes = {o.patch_size: o.analysis.shape for o in reversed(shown) if o.analysis is not None}
        if sizes.keys() == set(self.options.patch_sizes):
            self._grating([(sizes[p][0], sizes[p][1], p) for p in self.options.patch_sizes])

    def n_steps(self, results: RunResults) -> int:
        """How often `all` calls ``each``."""
        done = [outcome for outcome in results.shown if outcome.ok]
        return len(_pictured(done)) + 6 if self.options.figures and done else 0

    def all(self, results: RunResults, each: Callable[[], None]) -> list[Picture]:
        """All pictures, in the order of the page.

        Parameters
        ----------
        results : RunResults
            What the run has found.
        each : callable
            Called after each step.
        """
        done = [outcome for outcome in results.shown if outcome.ok]
        if not self.options.figures or not done:
            return []
        self.folder.mkdir(parents=True, exist_ok=True)
        self._of_chosen_images(done, results.read_again)
        numbers, sizes = results.numbers, self.options.patch_sizes
        self._of_all_images(results)
        found = [(numbers.of_size(p), p) for p in sizes]
        self._grating(
            [(int(rows["height"][0]), int(rows["width"][0]), p) for rows, p in found if len(rows)]
        )
        leakage = [_octaves_by_size(numbers, sizes, which) for which in ("octave", "centred")]
        self._start("leakage.png", _octave_picture, leakage, len(numbers))
        shown = [outcome for outcome in done if outcome.pixels is not None]
        self._start("response.png", pictures_of_models, shown, self.options, results.moments)
        order = ["mean.png", "slopes.png", "leakage.png"]
        order += sorted(name for name in self._begun if name.startswith("masking"))
        order += ["radial.png", "grating.png", "response.png"]
        calls = list(
            self._begun.values()
        )  # the models come last, and this process begins with them
        by_name = dict(zip(self._begun, self._drawer.results(calls, each), strict=True))
        pictures: list[Picture] = []
        for name in (name for name in order if name in by_name):
            pictures += by_name[name].pictures if name == "response.png" else [by_name[name]]
        self.explained = by_name["response.png"].explained
        n_shown = min(PANELS, len(dict.fromkeys(outcome.name for outcome in done)))
        return [_counted(picture, n_shown, results.n_analysed) for picture in pictures]

    def _of_all_images(self, results: RunResults) -> None:
        """The mean spectrum, and the slopes with those of the images that are shown."""
        numbers = results.numbers
        ratio = float(np.mean(numbers["mask_ratio"]))
        found = data_set_spectra(results.tables, results.spectra, self.options.patch_sizes, ratio)
        if found:
            self._start("mean.png", mean_spectrum_picture, found)
        first = numbers.of_size(int(numbers["patch_size"][0]))
        if np.isfinite(first["slope"]).sum() > 1:
            marked = {one.role: float(numbers["slope"][one.row]) for one in results.chosen}
            there = {role: slope for role, slope in marked.items() if math.isfinite(slope)}
            self._start("slopes.png", slopes_picture, first["slope"], there)

    def _of_chosen_images(
        self, shown: Sequence[Outcome], read_again: Callable[[Outcome], Pixels | None]
    ) -> None:
        done = [(o, o.analysis) for o in shown if o.analysis is not None]
        for number, name in enumerate(_pictured([outcome for outcome, _ in done]), 1):
            file = f"masking-{number}.png"
            if file in self._begun:
                continue
            members = [(o, a) for o, a in done if o.name == name]
            first = members[0][0]
            pixels = read_again(first) if first.pixels is None else first.pixels
            if pixels is not None:
                analyses = [analysis for _, analysis in members]
                self._start(file, _masking_picture, name, pixels, analyses, self.options)
        panels = list(dict.fromkeys(outcome.name for outcome, _ in done))[:PANELS]
        chosen = [(o.name, a) for o, a in done if o.name in panels]
        data = f"spectra.{self.options.table_format}"
        self._start("radial.png", _radial_picture, chosen, data)

    def _grating(self, shapes: Sequence[tuple[int, int, int]]) -> None:
        self._start("grating.png", _grating_picture, shapes, self.options)

    def _start(self, file: str, function: Callable[..., Any], *args: object) -> None:
        if file not in self._begun:
            self._begun[file] = self._drawer.start(function, self.folder / file, *args)


def _counted(picture: Picture, n_shown: int, n_images: int) -> Picture:
    """The picture of radial spectra with the number of images that it leaves out."""
    if picture.file != "radial.png" or n_shown >= n_images:
        return picture
    caption = f"{picture.caption} Shown: {n_shown} of {n_images} images."
    return dataclasses.replace(picture, caption=caption)


def _pictured(done: Sequence[Outcome]) -> list[str]:
    """Names of the images that get pictures of their own."""
    whole = [o for o in done if o.analysis is not None and not o.analysis.n_missing]
    names = dict.fromkeys(o.name for o in whole if o.pixels is not None or o.is_large)
    return list(names)[:PICTURED]


def _masking_picture(
    path: Path,
    name: str,
    pixels: Pixels,
    analyses: Sequence[MaskingAnalysis],
    options: AnalyzeOptions,
) -> Picture:
    """Fig. 22 for one image; with one patch size asked, its half and double stand beside it."""
    gray = luma(pixels)
    drawn = (
        analysis.mask or _other_mask(gray.shape, analysis.plan.patch_size, name, options)
        for analysis in analyses
        if analysis.shape == gray.shape
    )
    masks = [mask for mask in drawn if mask is not None]
    beside = ""
    if len(masks) == 1:
        asked = masks[0].patch_size[0]
        others = [_other_mask(gray.shape, p, name, options) for p in (asked // 2, asked * 2)]
        masks = [mask for mask in (others[0], *masks, others[1]) if mask is not None]
        beside = f" (asked for: {asked}; half and double for comparison)" if any(others) else ""
    columns = 1 + 2 * len(masks)
    figure, axes = plot.new_figure(2, columns, width=1.75 * columns + 0.6, height=4.0)
    plot.masking(gray, masks, axes)
    embedded = save_pixels(figure, path)
    thumbnail = save_thumbnail(
        gray, path.with_name(path.stem.replace("masking", "thumbnail") + ".webp")
    )
    sizes = ", ".join(str(mask.patch_size[0]) for mask in masks)
    detrended = "" if options.detrend is None else " Shown without the detrending of the analysis."
    return Picture(
        path.name,
        f"Masking and its spectra: {name}",
        f"Top: the image, then mask and masked image for patches of {sizes} pixels{beside}. "
        "Bottom: their power spectral densities on one colour scale, zero frequency in the "
        "middle. The mask's spectrum is a grating, the finer the larger the patch; masking "
        f"convolves the image's spectrum with it.{detrended}",
        embedded=embedded,
        thumbnail=thumbnail,
    )


def _other_mask(
    shape: tuple[int, ...], patch_size: int, name: str, options: AnalyzeOptions
) -> PulseMask | None:
    """A mask of another patch size, or None where that, or the design, does not fit the image."""
    try:
        grid = PatchGrid(shape, patch_size)
        design = options.masks.on(grid)
    except ValueError:
        return None
    (kept,) = design.sample_kept(1, mask_seed(options.rng, name, patch_size))
    return PulseMask(grid.shape, grid.patch_size, grid.starts()[kept])


def _radial_picture(
    path: Path, chosen: Sequence[tuple[str, MaskingAnalysis]], data: str
) -> Picture:
    n_sizes = len({analysis.plan.patch_size for _, analysis in chosen})
    columns = n_sizes if n_sizes > 1 else min(PANELS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = plot.new_figure(
        rows, columns, width=max(4.8, 3.4 * columns), height=3.1 * rows, sharey=True
    )
    first = axes[0, 0]
    for axis, (name, analysis) in zip(axes.flat, chosen, strict=False):
        plot.masked_radial(
            analysis.original, analysis.expected, analysis.drawn, axis, legend=axis is first
        )
        axis.set_title(f"{short_name(name)}, {analysis.plan.patch_size} px")
        axis.label_outer()
    for unused in axes.flat[len(chosen) :]:
        unused.set_axis_off()
    embedded = save_lines(figure, path)
    some = any(analysis.drawn is not None for _, analysis in chosen)
    band = "; the pale band is the spread of the masks that were drawn" if some else ""
    return Picture(
        path.name,
        "Radial spectra before and under masking",
        "Mean power at each distance from zero frequency (a ring). The dark orange line is the "
        f"exact expectation over all masks, computed without drawing any{band}.",
        vector=True,
        embedded=embedded,
        data=data,
    )


def _octave_picture(
    path: Path, leakage: Sequence[Mapping[str, Sequence[Sequence[float]]]], n_rows: int
) -> Picture:
    figure, axes = plot.new_figure(1, 2, width=12.0, height=3.8, sharey=True)
    titles = ("image as it is", "mean removed first")
    for axis, title, by_size in zip(axes[0], titles, leakage, strict=True):
        plot.octaves(by_size, all_octave_names(), axis, legend=title == titles[1])
        axis.set_title(title)
        axis.label_outer()
    embedded = save_lines(figure, path)
    return Picture(
        path.name,
        "How much of what one sees came from elsewhere",
        "Leakage by octave of frequency: power that masking brought there, over the power of the "
        f"image that it kept there. One dot per image{_of(n_rows)}, a bar at the median. Above 1, "
        "most of what one sees at these frequencies is not the image's own. Left: the image as it "
        "is, whose mean leaks along the grating. Right: had its mean been subtracted before "
        "masking, as training code does roughly when it normalises pixels.",
        vector=True,
        embedded=embedded,
        data="images.csv",
    )


def _octaves_by_size(
    numbers: Numbers, patch_sizes: Sequence[int], which: str
) -> dict[str, list[list[float]]]:
    """Leakage of images in each octave, by patch size, as `plot.octaves` takes it."""
    by_size = {}
    for patch_size in patch_sizes:
        found = numbers.of_size(patch_size)
        if len(found):
            columns = [found.there(f"{which}_{i}") for i in range(len(OCTAVES))]
            by_size[f"patches of {patch_size} px"] = [_some(column) for column in columns]
    return by_size


def _some(column: FloatArray) -> list[float]:
    """Enough of a column for a picture, spread evenly over its ranks, so the median stays."""
    if len(column) <= DOTS:
        return column.tolist()
    ranks = np.linspace(0, len(column) - 1, DOTS).round().astype(int)
    return np.sort(column)[ranks].tolist()


def _of(n_rows: int) -> str:
    return f" (of {DOTS} spread evenly over their ranks)" if n_rows > DOTS else ""


def _grating_picture(
    path: Path, shapes: Sequence[tuple[int, int, int]], options: AnalyzeOptions
) -> Picture:
    """Of the masks for images of so many rows and columns, in patches of a size."""
    grids = [PatchGrid((height, width), p) for height, width, p in shapes]
    figure, axes = plot.new_figure(len(grids), 2, width=9.4, height=4.0 * len(grids))
    for grid, row in zip(grids, axes, strict=True):
        plot.grating(design=options.masks.on(grid), ax=row)
    embedded = save_pixels(figure, path)
    return Picture(
        path.name,
        "The grating of the masks",
        "Mean power of a random mask over frequency, exactly. Whatever patches of p pixels are "
        "kept, it is zero on whole lines at the multiples of 1/p cycles/pixel other than zero: "
        "no power leaks between frequencies that lie such a distance apart, horizontally or "
        "vertically.",
        embedded=embedded,
    )
