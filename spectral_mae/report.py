"""The page of a run: pictures, tables and what the numbers mean, in one file that opens offline."""

from __future__ import annotations

import base64
import itertools
import json
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

from spectral_mae import plot, tables
from spectral_mae.analysis import OCTAVES, MaskingAnalysis, octave_columns
from spectral_mae.batch import BatchOptions, Outcome, mask_seed
from spectral_mae.grid import PatchGrid
from spectral_mae.images import luma
from spectral_mae.linear import LinearMAE
from spectral_mae.masks import PulseMask
from spectral_mae.model_report import model_pictures
from spectral_mae.picture import PICTURED, Picture, short_name
from spectral_mae.verify import rounding_bound

PANELS = 4  # images in the figure of radial spectra
LISTED = 500  # rows of the table on the page; images.csv has them all


def write_run(
    out: Path,
    outcomes: Sequence[Outcome],
    options: BatchOptions,
    run: Mapping[str, Any],
    clock: float,
    models: Sequence[LinearMAE] = (),
) -> Path:
    """Write tables, pictures, page and ``run.json`` into the folder ``out``.

    Parameters
    ----------
    out : Path
        Made if it is not there. Pictures of an earlier run in it are removed.
    outcomes : sequence of Outcome
    options : BatchOptions
    run : mapping
        What ``run.json`` shall say; the seconds and the names of the files are added.
    clock : float
        ``time.perf_counter()`` when the run began.
    models : sequence of LinearMAE
        Fitted to the images, for pictures of what they make of them.

    Returns
    -------
    Path
        Of the page.
    """
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    for stale in _pictures_of_earlier_run(out):
        stale.unlink(missing_ok=True)
    tables.write_images_csv(out / "images.csv", outcomes)
    tables.write_spectra_csv(out / "spectra.csv", outcomes)
    tables.write_spectra_npz(out / "spectra.npz", outcomes)
    pictures = [
        *_draw(figures, outcomes, options),
        *model_pictures(figures, outcomes, options, models),
    ]
    page = out / "report.html"
    page.write_text(_page(figures, pictures, outcomes, options, run), encoding="utf-8")
    files = [f"figures/{picture.file}" for picture in pictures]
    total = time.perf_counter() - clock
    record = {
        **run,
        "seconds": round(total, 3),
        "files": ["images.csv", "spectra.csv", "spectra.npz", "report.html", *files],
    }
    (out / "run.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return page


def _pictures_of_earlier_run(out: Path) -> Iterator[Path]:
    """Files in ``figures`` that the run.json of an earlier run in this folder lists as its own."""
    try:
        listed = json.loads((out / "run.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in listed:
        if isinstance(name, str) and name.startswith("figures/") and name.endswith(".png"):
            yield out / "figures" / Path(name).name


def _draw(folder: Path, outcomes: Sequence[Outcome], options: BatchOptions) -> Iterator[Picture]:
    done = [(o, o.analysis) for o in outcomes if o.analysis is not None]
    if not done:
        return
    with_pixels = [(o.name, o.pixels, a) for o, a in done if o.pixels is not None]
    by_name = itertools.groupby(with_pixels, key=lambda item: item[0])
    for number, (name, group) in enumerate(itertools.islice(by_name, PICTURED), 1):
        members = list(group)
        path = folder / f"masking-{number}.png"
        yield _masking_picture(path, name, members[0][1], [a for *_, a in members], options)
    panels = list(dict.fromkeys(outcome.name for outcome, _ in done))[:PANELS]
    chosen = [(o, a) for o, a in done if o.name in panels]
    yield _radial_picture(folder / "radial.png", chosen, len({o.name for o, _ in done}))
    analyses = [a for _, a in done]
    yield _octave_picture(folder / "leakage.png", analyses, options)
    yield _grating_picture(folder / "grating.png", analyses, options)


def _masking_picture(
    path: Path,
    name: str,
    pixels: NDArray[np.float64],
    analyses: Sequence[MaskingAnalysis],
    options: BatchOptions,
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
    shape: tuple[int, ...], patch_size: int, name: str, options: BatchOptions
) -> PulseMask | None:
    """A mask of another patch size, or None where that does not go into the image."""
    try:
        return PulseMask.random(
            PatchGrid(shape, patch_size),
            options.mask_ratio,
            sampling=options.sampling,
            rng=np.random.default_rng(mask_seed(options.seed, name, patch_size)),
        )
    except ValueError:
        return None


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


def _octave_picture(
    path: Path, analyses: Sequence[MaskingAnalysis], options: BatchOptions
) -> Picture:
    figure, axes = plot.new_figure(1, 2, width=12.0, height=3.8, sharey=True)
    for axis, title, which in (
        (axes[0, 0], "image as it is", "octaves"),
        (axes[0, 1], "mean removed first", "octaves_centred"),
    ):
        by_size = {}
        for patch_size in options.patch_sizes:
            found = [getattr(a, which) for a in analyses if a.plan.patch_size == patch_size]
            if found:
                by_size[f"patches of {patch_size} px"] = [
                    [value for value in column if value is not None]
                    for column in zip(*found, strict=True)
                ]
        plot.octaves(by_size, octave_names(), axis, legend=which == "octaves_centred")
        axis.set_title(title)
        axis.label_outer()
    plot.save(figure, path)
    return Picture(
        path.name,
        "How much of what one sees came from elsewhere",
        "Leakage by octave of frequency: power that masking brought there, over the power of the "
        "image that it kept there. One dot per image, a bar at the median. Above 1, most of what "
        "one sees at these frequencies is not the image's own. Left: the image as it is, whose "
        "mean leaks along the grating. Right: had its mean been subtracted before masking, as "
        "training code does roughly when it normalises pixels.",
    )


def _grating_picture(
    path: Path, analyses: Sequence[MaskingAnalysis], options: BatchOptions
) -> Picture:
    sizes = [
        next((a for a in analyses if a.plan.patch_size == p), None) for p in options.patch_sizes
    ]
    grids = [PatchGrid(a.shape, a.plan.patch_size) for a in sizes if a is not None]
    figure, axes = plot.new_figure(len(grids), 2, width=9.4, height=4.0 * len(grids))
    for grid, row in zip(grids, axes, strict=True):
        plot.grating(grid, options.mask_ratio, row, sampling=options.sampling)
    plot.save(figure, path)
    return Picture(
        path.name,
        "The grating of the masks",
        "Mean power of a random mask over frequency, exactly. Whatever patches of p pixels are "
        "kept, it is zero on whole lines at the multiples of 1/p cycles/pixel other than zero: "
        "no power leaks between frequencies that lie such a distance apart, horizontally or "
        "vertically.",
    )


def _page(
    figures: Path,
    pictures: Sequence[Picture],
    outcomes: Sequence[Outcome],
    options: BatchOptions,
    run: Mapping[str, Any],
) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("spectral_mae"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    encoded = [
        (picture, base64.b64encode((figures / picture.file).read_bytes()).decode("ascii"))
        for picture in pictures
    ]
    done = [o for o in outcomes if o.ok]
    return environment.get_template("report.html").render(
        pictures=encoded,
        options=options,
        run=run,
        rows=list(tables.image_rows(done[:LISTED])),
        n_rows=len(done),
        folder=_common_folder([o.name for o in done]),
        failed=list(dict.fromkeys((o.name, o.error) for o in outcomes if not o.ok)),
        n_images=len({o.name for o in outcomes}),
        n_done=len({o.name for o in done}),
        within_expected=2 * float(scipy.special.stdtr(options.masks - 1, 2.0)) - 1,
        summary=[_summary(p, done) for p in options.patch_sizes],
        octaves=octave_names(),
        octave_columns=octave_columns()[: len(OCTAVES)],
        pictured=min(PICTURED, len({o.name for o in done})),
        number=_number,
    )


@dataclass(frozen=True)
class _Summary:
    """Numbers over all images at one patch size."""

    patch_size: int
    n: int
    slope: float | None
    leakage: float | None
    octaves: list[float | None]
    octaves_centred: list[float | None]
    eq18_error: float
    mask_dft_error: float
    bound: float
    within_two: float


def _summary(patch_size: int, outcomes: Sequence[Outcome]) -> _Summary | None:
    found = [o.analysis for o in outcomes if o.analysis and o.patch_size == patch_size]
    if not found:
        return None
    scores = np.concatenate([a.agreement for a in found])
    return _Summary(
        patch_size=patch_size,
        n=len(found),
        slope=_median(a.slope for a in found),
        leakage=_median(a.leakage for a in found),
        octaves=[_median(column) for column in zip(*(a.octaves for a in found), strict=True)],
        octaves_centred=[
            _median(column) for column in zip(*(a.octaves_centred for a in found), strict=True)
        ],
        eq18_error=max(a.convolution_error for a in found),
        mask_dft_error=max(a.mask_dft_error for a in found),
        bound=min(rounding_bound(math.prod(a.shape), np.float64) for a in found),
        within_two=float(np.mean(np.abs(scores[np.isfinite(scores)]) <= 2)),
    )


def _median(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def octave_names() -> list[str]:
    """Names of `OCTAVES` for people, in cycles/pixel."""

    def fraction(frequency: float) -> str:
        return f"1/{round(1 / frequency)}"

    return [
        f"below {fraction(high)}"
        if low == 0
        else f"above {fraction(low)}"
        if math.isinf(high)
        else f"{fraction(low)}–{fraction(high)}"
        for low, high in OCTAVES
    ]


def _number(value: float | str | None, digits: int = 3) -> str:
    """A number for people: so many digits, no exponents where they can be helped."""
    if value is None or value == "":
        return "–"
    number = float(value)
    if math.isinf(number):
        return "∞"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}g}"


def _common_folder(names: Sequence[str]) -> str:
    """The folder of all names, with its slash, if it is one and the same."""
    folders = {name.removesuffix(name.rpartition("/")[2]) for name in names}
    return folders.pop() if len(folders) == 1 else ""
