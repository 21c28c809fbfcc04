"""The pictures of a page: masking, radial spectra, leakage by octave, the grating of the masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.models.pictures import pictures_of_models
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import PICTURED, Outcome
from spectral_mae.batch.analyze.page import RunResults
from spectral_mae.batch.analyze.records.record import MaskingAnalysis
from spectral_mae.batch.analyze.summary.data_set import data_set_spectra
from spectral_mae.batch.analyze.summary.filling import Explained
from spectral_mae.batch.analyze.summary.octave_words import SEEN_OCTAVES
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.pictures import (
    SPECTRA,
    draw_spectra,
    leakage_picture,
    mean_spectrum_picture,
    slopes_picture,
)
from spectral_mae.batch.pages.drawer import Call, Drawer
from spectral_mae.batch.pages.page import for_people
from spectral_mae.batch.pages.picture import Panel, Picture, short_name
from spectral_mae.batch.pages.saving import PANEL_WIDTH, save_panels, save_thumbnail
from spectral_mae.images.samples import Pixels, luma
from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.pulses import grating_zeros
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.plot.cells import coloured, frequency_cells, pixel_cells, save_cells
from spectral_mae.plot.curves.panels import label_plainly
from spectral_mae.plot.curves.strips import title_pixels
from spectral_mae.plot.drawing.style import HIDDEN, POWER_MAP
from spectral_mae.plot.masks import grating_section
from spectral_mae.plot.spectra import common_limits, power_range
from spectral_mae.spectra.frequencies import half_from_full
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.spectrum import Spectrum

PANELS = 4  # images in the figure of radial spectra
CELLS = 256  # along an axis of a panel of pixels
LEAST = 180  # pixels of a panel below words
GAP = 4  # pixels between panels
DOTS = 500  # images in the picture of leakage


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

    def begin_chosen(
        self, shown: Sequence[Outcome], read_again: Callable[[Outcome], Pixels | None]
    ) -> None:
        """Go on with the images that the page shows, once they are chosen."""
        done = [outcome for outcome in shown if outcome.ok]
        if self._drawer.where != "here" and self.options.figures and done:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._of_chosen_images(done, read_again)
            self._drawer.give_out(list(self._begun.values()))

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
        leakage = _octaves_by_size(numbers, sizes)
        self._start("leakage.png", leakage_picture, leakage, len(numbers), DOTS)
        shown = [outcome for outcome in done if outcome.pixels is not None]
        models = shown, self.options, results.moments, results.sampled
        self._start("response.png", pictures_of_models, *models)
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
        return pictures

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
        self._start("radial.png", _radial_picture, chosen)

    def _grating(self, shapes: Sequence[tuple[int, int, int]]) -> None:
        self._start("grating.png", _grating_picture, shapes, self.options)

    def _start(self, file: str, function: Callable[..., Any], *args: object) -> None:
        if file not in self._begun:
            self._begun[file] = self._drawer.start(function, self.folder / file, *args)


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
    """Fig. 22 for one image, its mean gray subtracted."""
    gray = luma(pixels)
    drawn = (
        analysis.mask or _other_mask(gray.shape, analysis.plan.patch_size, name, options)
        for analysis in analyses
        if analysis.shape == gray.shape
    )
    masks = [mask for mask in drawn if mask is not None]
    dark, bright = min(0.0, float(gray.min())), max(1.0, float(gray.max()))
    shown = pixel_cells((gray - dark) / (bright - dark), CELLS)[..., np.newaxis] * np.ones(3)
    centred = gray - gray.mean()
    rows = [("image", shown, psd(centred))]
    for mask in masks:
        visible = pixel_cells(mask.visible.astype(float), CELLS)[..., np.newaxis]
        rows.append(("mask, white is visible", visible * np.ones(3), psd(mask.visible)))
        tinted = shown * visible + np.array(HIDDEN) * (1 - visible)
        rows.append(("masked, hidden in lilac", tinted, psd(centred * mask.visible)))
    low, high = map(math.log10, common_limits(power_range(power) for *_, power in rows))
    files = [
        _cells_and_power(path.with_name(f"{path.stem}-{number}.webp"), cells, power, (low, high))
        for number, (_, cells, power) in enumerate(rows)
    ]
    panels: list[Panel] = []
    short = short_name(name)
    for number, mask in enumerate(masks):
        places = [0, 1 + 2 * number, 2 + 2 * number]
        hidden = f"{100 * mask.mask_ratio:.0f} %"
        heading = f"Patches of {mask.patch_size[0]} pixels, {hidden} hidden"
        panels += [
            Panel(files[i][0], rows[i][0], f"{short}: {rows[i][0]}", heading if not i else "")
            for i in places
        ]
        panels += [
            Panel(files[i][1], f"power of the {what}", f"{short}: power spectrum of the {what}")
            for i, what in zip(places, ("image", "mask", "masked image"), strict=True)
        ]
    _mosaic(path, rows, (low, high))
    thumbnail = save_thumbnail(
        gray, path.with_name(path.stem.replace("masking", "thumbnail") + ".webp")
    )
    detrended = "" if options.detrend is None else " Shown without the detrending of the analysis."
    return Picture(
        path.name,
        f"Masking and its spectra: {short}",
        "Top: the image, one mask, and the image under it. Bottom: their power spectra over "
        "frequency, the mean gray of the image subtracted. Zero frequency is in the middle, "
        "0.5 cycles/pixel at the edges; horizontal frequencies lie left and right. One colour "
        f"scale of {high - low:.0f} powers of ten, from black to pale yellow, which is "
        f"{for_people(10**high)} (squared gray values, 0 black and 1 white) per (cycle/pixel)². "
        "A copy of the mask’s spectrum takes the place of every point of the image’s, so that "
        "power spreads from the bright middle over all frequencies, most of it along the "
        "horizontal and the vertical through the middle. Copies fill each other’s dark lines, so "
        f"the grid of the mask is hardly seen in the masked image.{detrended}",
        thumbnail=thumbnail,
        about=name,
        panels=tuple(panels),
        columns=3,
    )


def _cells_and_power(
    path: Path, cells: FloatArray, power: Spectrum, ends: tuple[float, float]
) -> tuple[str, str]:
    """Files of the pixels and of the power of a column."""
    beside = path.with_name(f"{path.stem}-power.webp")
    save_cells(cells, path)
    save_cells(_log_power(power, ends), beside, colours=POWER_MAP, ends=ends, quality=60)
    return path.name, beside.name


def _log_power(power: Spectrum, ends: tuple[float, float]) -> FloatArray:
    cells = frequency_cells(power.power, power.shape, CELLS)
    found: FloatArray = np.log10(np.maximum(cells, 10.0 ** ends[0]))
    return found


def _mosaic(
    path: Path, rows: Sequence[tuple[str, FloatArray, Spectrum]], ends: tuple[float, float]
) -> None:
    """All panels in two rows as one picture, with words: pixels above, power below."""
    low, high = ends
    shown = [np.clip(cells, 0, 1) for _, cells, _ in rows]
    powers = [coloured(_log_power(power, ends), POWER_MAP, ends) for *_, power in rows]
    lines = [np.concatenate([_for_words(one) for one in line], axis=1) for line in (shown, powers)]
    width = lines[0].shape[1]
    step = width / len(rows)
    titles = [((number + 0.5) * step, what) for number, (what, *_) in enumerate(rows)]
    below = (
        "power of each by frequency, 0 in the middle, 0.5 cycles/pixel at the edges\n"
        f"{high - low:.0f} powers of ten from black to pale yellow, {for_people(10**high)} "
        "(squared gray values) per (cycle/pixel)²"
    )
    words = [title_pixels(titles, width), title_pixels([(width / 2, below)], width)]
    save_cells(np.concatenate([words[0], lines[0], words[1], lines[1]]), path)


def _for_words(cells: FloatArray) -> FloatArray:
    """A panel with white beside it, so large that there is room for words above it."""
    times = max(1, -(-LEAST // max(cells.shape[1], 1)))
    whole = cells.repeat(times, axis=0).repeat(times, axis=1)
    found: FloatArray = np.pad(whole, ((0, GAP), (0, GAP), (0, 0)), constant_values=1.0)
    return found


def _other_mask(
    shape: tuple[int, ...], patch_size: int, name: str, options: AnalyzeOptions
) -> PulseMask | None:
    """The first mask of an image that no masks were drawn of, or None where it does not fit."""
    try:
        grid = PatchGrid(shape, patch_size)
        design = options.masks.on(grid)
    except ValueError:
        return None
    (kept,) = design.sample_kept(1, mask_seed(options.rng, name, patch_size))
    return PulseMask(grid.shape, grid.patch_size, grid.starts()[kept])


def _radial_picture(path: Path, chosen: Sequence[tuple[str, MaskingAnalysis]]) -> Picture:
    draw = [
        (f"Power spectrum of {short_name(name)}, before and under masks.", partial(_draw_radial,
         name=name, analysis=analysis))
        for name, analysis in chosen
    ]  # fmt: skip
    return Picture(
        path.name,
        "Spectra of these images before and under masks",
        "As the mean spectrum above, of single images: mean power at each distance from zero "
        "frequency, the mean gray subtracted. The orange curve is the exact mean over all masks, "
        "computed without drawing any.",
        vector=True,
        data="spectra.npz",
        panels=save_panels(path, draw, height=2.8, legend=SPECTRA),
        legend=SPECTRA,
    )


def _draw_radial(axis: Any, *, name: str, analysis: MaskingAnalysis) -> None:
    kept = (1 - analysis.mask_ratio) ** 2
    before, seen = analysis.original, analysis.expected_centred
    draw_spectra(axis, before.frequency, before.power, kept, seen.power)
    axis.set_title(f"{short_name(name)}, patches of {analysis.plan.patch_size} px", size="small")


def _octaves_by_size(numbers: Numbers, patch_sizes: Sequence[int]) -> dict[str, list[list[float]]]:
    """Leakage of images in each octave, by patch size, as `plot.octaves` takes it."""
    by_size = {}
    for patch_size in patch_sizes:
        found = numbers.of_size(patch_size)
        if len(found):
            columns = [found.there(f"centred_{i}") for i in SEEN_OCTAVES]
            by_size[f"patches of {patch_size} px"] = [_some(column) for column in columns]
    return by_size


def _some(column: FloatArray) -> list[float]:
    """Enough of a column for a picture, spread evenly over its ranks, so the median stays."""
    if len(column) <= DOTS:
        return column.tolist()
    ranks = np.linspace(0, len(column) - 1, DOTS).round().astype(int)
    return np.sort(column)[ranks].tolist()


def _grating_picture(
    path: Path, shapes: Sequence[tuple[int, int, int]], options: AnalyzeOptions
) -> Picture:
    """Of the masks for images of so many rows and columns, in patches of a size."""
    grids = [PatchGrid((height, width), p) for height, width, p in shapes]
    figure, axes = plot.new_figure(len(grids), 2, width=9.4, height=4.0 * len(grids))
    panels: list[Panel] = []
    for grid, row in zip(grids, axes, strict=True):
        design = options.masks.on(grid)
        plot.grating(design=design, ax=row)
        panels += _grating_panels(path, grid, design)
    for axis in figure.axes:
        label_plainly(axis)
    plot.save(figure, path)
    return Picture(
        path.name,
        "The grating of the masks",
        "The spectrum of a mask says where the power of one frequency of the image goes: it is "
        "laid down around that frequency in this pattern. It is the mean over all masks, exactly. "
        "Whatever patches of p pixels are kept, it is zero on whole lines at the multiples of 1/p "
        "cycles/pixel other than zero: no power leaks between frequencies that lie such a distance "
        "apart, horizontally or vertically. The map spans five powers of ten.",
        panels=tuple(panels),
        legend=(("image", "mean power of the mask"), ("zero", "zero for every mask")),
    )


def _grating_panels(path: Path, grid: PatchGrid, design: MaskDesign) -> list[Panel]:
    power = expected_mask_power(design=design)
    top = math.log10(float(np.max(power.ravel()[1:])))
    p = grid.patch_size[0]
    cells = frequency_cells(half_from_full(power), grid.shape, CELLS)
    file = path.with_name(f"{path.stem}-{p}.webp")
    logs = np.log10(np.maximum(cells, 10 ** (top - 5)))
    save_cells(logs, file, colours=POWER_MAP, ends=(top - 5, top))
    width = grid.shape[1]
    zeros = np.abs(np.fft.fftfreq(width)[grating_zeros(width, p)])
    figure, ((axis,),) = plot.new_figure(width=PANEL_WIDTH, height=3.4)
    grating_section(power, zeros, axis)
    axis.set_ylabel("mean power of the mask (pixels²)")
    label_plainly(axis)
    section = path.with_name(f"{path.stem}-{p}.svg")
    plot.save(figure, section)
    return [
        Panel(
            file.name,
            f"patches of {p} px: zero frequency in the middle, 0.5 cycles/pixel at the edges",
            f"Map of the mean power of masks of {p}-pixel patches: a bright cross and a grid",
        ),
        Panel(section.name, "along the horizontal line through the middle", "Section of the map"),
    ]
