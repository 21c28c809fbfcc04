"""The page of a run: pictures, tables and what the numbers mean, in one file that opens offline."""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae._files.atomic_file import publish, write_whole
from spectral_mae.batch.analyze.image_analysis import MaskingAnalysis
from spectral_mae.batch.analyze.model_pictures import model_pictures, n_model_pictures
from spectral_mae.batch.analyze.outcomes import PICTURED, AnalyzeOptions, Outcome
from spectral_mae.batch.analyze.page import RunResults, render
from spectral_mae.batch.analyze.page_numbers import Numbers
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.images.image import luma
from spectral_mae.images.samples import Pixels
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.spectra.octaves import OCTAVES, all_octave_names

PANELS = 4  # images in the figure of radial spectra
DOTS = 2000  # images in the picture of leakage
TABLES = ("images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv")


class Stage(Protocol):
    """Is told how far a stage of the work has come."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def add(self, n: int) -> None:
        """So many steps more are done."""


def write_run(
    out: Path,
    results: RunResults,
    options: AnalyzeOptions,
    run: Mapping[str, Any],
    clock: float,
    stage: Callable[[str, int], Stage],
) -> Path:
    """Write tables, pictures, page and ``run.json`` into the folder ``out``.

    Everything is made beside and renamed when it is whole; ``run.json`` comes last.

    Parameters
    ----------
    out : Path
        Made if it is not there. Pictures of an earlier run in it are removed.
    results : RunResults
        Tables and sums of the run.
    options : AnalyzeOptions
        What was computed of each image.
    run : mapping
        Contents of ``run.json``; the seconds and the names of the files are added.
    clock : float
        ``time.perf_counter()`` when the run began.
    stage : callable
        Given what is done next and its number of steps.

    Returns
    -------
    Path
        Of the page.
    """
    made = results.tables.folder
    figures = made / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    pictures: list[Picture] = []
    with stage("drawing pictures", _n_pictures(results)) as drawn:
        for picture in itertools.chain(
            _draw(figures, results, options),
            model_pictures(figures, results.shown, options, results.models),
        ):
            pictures.append(picture)
            drawn.add(1)
    files = [*TABLES, "report.html", *(f"figures/{picture.file}" for picture in pictures)]
    with stage("writing tables", 3 + len(files)) as written:
        results.tables.write_derived(results.spectra)
        written.add(2)
        page = render(figures, pictures, results, options, run)
        (made / "report.html").write_text(page, encoding="utf-8")
        written.add(1)
        (out / "figures").mkdir(parents=True, exist_ok=True)
        stale = set(_pictures_of_earlier_run(out)) - {out / name for name in files}
        growing = run["status"] != "complete"
        for name in files:
            publish(made / name, out / name, copied=growing)
            written.add(1)
    record = {**run, "seconds": round(time.perf_counter() - clock, 3), "files": files}
    write_whole(out / "run.json", json.dumps(record, indent=2) + "\n")
    for path in stale:
        path.unlink(missing_ok=True)
    return out / "report.html"


def _pictures_of_earlier_run(out: Path) -> Iterator[Path]:
    """Files in ``figures`` that the run.json of an earlier run in this folder lists as its own."""
    try:
        listed = json.loads((out / "run.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in listed:
        if isinstance(name, str) and name.startswith("figures/") and name.endswith(".png"):
            yield out / "figures" / Path(name).name


def _n_pictures(results: RunResults) -> int:
    """How many pictures are drawn."""
    done = [outcome for outcome in results.shown if outcome.analysis is not None]
    n_masking = len(_pictured(done))
    of_all = 3 if done else 0
    return n_masking + of_all + n_model_pictures(results.shown, results.models)


def _pictured(done: Sequence[Outcome]) -> list[str]:
    """Names of the images that get pictures of their own."""
    whole = [o for o in done if o.analysis is not None and not o.analysis.n_missing]
    names = dict.fromkeys(o.name for o in whole if o.pixels is not None or o.is_large)
    return list(names)[:PICTURED]


def _draw(folder: Path, results: RunResults, options: AnalyzeOptions) -> Iterator[Picture]:
    done = [(o, o.analysis) for o in results.shown if o.analysis is not None]
    if not done:
        return
    for number, name in enumerate(_pictured([outcome for outcome, _ in done]), 1):
        members = [(o, a) for o, a in done if o.name == name]
        first = members[0][0]
        pixels = results.read_again(first) if first.pixels is None else first.pixels
        if pixels is not None:
            path = folder / f"masking-{number}.png"
            yield _masking_picture(path, name, pixels, [a for _, a in members], options)
    panels = list(dict.fromkeys(outcome.name for outcome, _ in done))[:PANELS]
    chosen = [(o, a) for o, a in done if o.name in panels]
    yield _radial_picture(folder / "radial.png", chosen, results.n_analysed)
    yield _octave_picture(folder / "leakage.png", results.numbers, options)
    yield _grating_picture(folder / "grating.png", results.numbers, options)


def _masking_picture(
    path: Path,
    name: str,
    pixels: Pixels,
    analyses: Sequence[MaskingAnalysis],
    options: AnalyzeOptions,
) -> Picture:
    """Fig. 22 for one image; with one patch size asked, its half and double stand beside it."""
    gray = luma(pixels)
    masks = [analysis.mask for analysis in analyses if analysis.shape == gray.shape]
    beside = ""
    if len(masks) == 1:
        asked = masks[0].patch_size[0]
        others = [_other_mask(gray.shape, p, name, options) for p in (asked // 2, asked * 2)]
        masks = [mask for mask in (others[0], *masks, others[1]) if mask is not None]
        beside = f" (asked for: {asked}; half and double for comparison)" if any(others) else ""
    columns = 1 + 2 * len(masks)
    figure, axes = plot.new_figure(2, columns, width=2.15 * columns + 0.6, height=4.7)
    plot.masking(gray, masks, axes)
    plot.save(figure, path)
    sizes = ", ".join(str(mask.patch_size[0]) for mask in masks)
    detrended = "" if options.detrend is None else " Shown without the detrending of the analysis."
    return Picture(
        path.name,
        f"Masking and its spectra: {name}",
        f"Top: the image, then mask and masked image for patches of {sizes} pixels{beside}. "
        "Bottom: their power spectral densities on one colour scale, zero frequency in the "
        "middle. The mask's spectrum is a grating, the finer the larger the patch; masking "
        f"convolves the image's spectrum with it.{detrended}",
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
    path: Path, chosen: Sequence[tuple[Outcome, MaskingAnalysis]], n_images: int
) -> Picture:
    n_sizes = len({outcome.patch_size for outcome, _ in chosen})
    columns = n_sizes if n_sizes > 1 else min(PANELS, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure, axes = plot.new_figure(
        rows, columns, width=max(4.8, 3.4 * columns), height=3.1 * rows, sharey=True
    )
    first = axes[0, 0]
    for axis, (outcome, analysis) in zip(axes.flat, chosen, strict=False):
        plot.masked_radial(
            analysis.original, analysis.expected, analysis.drawn, axis, legend=axis is first
        )
        axis.set_title(f"{short_name(outcome.name)}, {outcome.patch_size} px")
        axis.label_outer()
    for unused in axes.flat[len(chosen) :]:
        unused.set_axis_off()
    plot.save(figure, path)
    shown = len({outcome.name for outcome, _ in chosen})
    which = f" Shown: the first {shown} of {n_images} images." if shown < n_images else ""
    return Picture(
        path.name,
        "Radial spectra before and under masking",
        "Mean power at each distance from zero frequency (a ring). The dark orange line is the "
        "exact expectation over all masks, computed without drawing any; the pale band is the "
        f"spread of the masks that were drawn.{which}",
    )


def _octave_picture(path: Path, numbers: Numbers, options: AnalyzeOptions) -> Picture:
    figure, axes = plot.new_figure(1, 2, width=12.0, height=3.8, sharey=True)
    for axis, title, which in (
        (axes[0, 0], "image as it is", "octave"),
        (axes[0, 1], "mean removed first", "centred"),
    ):
        by_size = {}
        for patch_size in options.patch_sizes:
            found = numbers.of_size(patch_size)
            if len(found):
                columns = [found.there(f"{which}_{i}") for i in range(len(OCTAVES))]
                by_size[f"patches of {patch_size} px"] = [_some(column) for column in columns]
        plot.octaves(by_size, all_octave_names(), axis, legend=which == "centred")
        axis.set_title(title)
        axis.label_outer()
    plot.save(figure, path)
    return Picture(
        path.name,
        "How much of what one sees came from elsewhere",
        "Leakage by octave of frequency: power that masking brought there, over the power of the "
        f"image that it kept there. One dot per image{_of(numbers)}, a bar at the median. Above 1, "
        "most of what one sees at these frequencies is not the image's own. Left: the image as it "
        "is, whose mean leaks along the grating. Right: had its mean been subtracted before "
        "masking, as training code does roughly when it normalises pixels.",
    )


def _some(column: FloatArray) -> list[float]:
    """Enough of a column for a picture, spread evenly over its ranks, so the median stays."""
    if len(column) <= DOTS:
        return column.tolist()
    ranks = np.linspace(0, len(column) - 1, DOTS).round().astype(int)
    return np.sort(column)[ranks].tolist()


def _of(numbers: Numbers) -> str:
    return f" (of {DOTS} spread evenly over their ranks)" if len(numbers) > DOTS else ""


def _grating_picture(path: Path, numbers: Numbers, options: AnalyzeOptions) -> Picture:
    found = [(numbers.of_size(p), p) for p in options.patch_sizes]
    grids = [
        PatchGrid((int(rows["height"][0]), int(rows["width"][0])), p)
        for rows, p in found
        if len(rows)
    ]
    figure, axes = plot.new_figure(len(grids), 2, width=9.4, height=4.0 * len(grids))
    for grid, row in zip(grids, axes, strict=True):
        plot.grating(design=options.masks.on(grid), ax=row)
    plot.save(figure, path)
    return Picture(
        path.name,
        "The grating of the masks",
        "Mean power of a random mask over frequency, exactly. Whatever patches of p pixels are "
        "kept, it is zero on whole lines at the multiples of 1/p cycles/pixel other than zero: "
        "no power leaks between frequencies that lie such a distance apart, horizontally or "
        "vertically.",
    )
