"""The page of a run: pictures, tables and what the numbers mean, in one file that opens offline."""

from __future__ import annotations

import base64
import itertools
import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special

from spectral_mae import plot, tables
from spectral_mae._checks import FloatArray
from spectral_mae.analysis import OCTAVES, MaskingAnalysis, octave_columns
from spectral_mae.batch import BatchOptions, Outcome
from spectral_mae.grid import PatchGrid
from spectral_mae.masks import PulseMask
from spectral_mae.verify import rounding_bound

PICTURED = 3  # images that get pictures of their own
PANELS = 4  # images in the figure of radial spectra
LISTED = 500  # rows of the table on the page; images.csv has them all


@dataclass(frozen=True)
class Picture:
    """One figure of the report.

    Attributes
    ----------
    file : str
        Name within the folder ``figures``.
    title, caption : str
    """

    file: str
    title: str
    caption: str


def write_run(
    out: Path, outcomes: Sequence[Outcome], options: BatchOptions, run: Mapping[str, Any]
) -> Path:
    """Write tables, pictures, page and ``run.json`` into the folder ``out``.

    Parameters
    ----------
    out : Path
        Made if it is not there. Pictures of an earlier run in it are removed.
    outcomes : sequence of Outcome
    options : BatchOptions
    run : mapping
        What ``run.json`` shall say; the names of the files are added.

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
    pictures = list(_draw(figures, outcomes, options))
    page = out / "report.html"
    page.write_text(_page(figures, pictures, outcomes, options, run), encoding="utf-8")
    files = [f"figures/{picture.file}" for picture in pictures]
    record = {**run, "files": ["images.csv", "spectra.csv", "spectra.npz", "report.html", *files]}
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
        _, images, analyses = zip(*group, strict=True)
        yield _masking_picture(folder / f"masking-{number}.png", name, images[0], analyses, options)
    panels = list(dict.fromkeys(outcome.name for outcome, _ in done))[:PANELS]
    yield _radial_picture(folder / "radial.png", [(o, a) for o, a in done if o.name in panels])
    yield _octave_picture(folder / "leakage.png", [a for _, a in done], options)
    yield _grating_picture(folder / "grating.png", done[0][1], options)


def _masking_picture(
    path: Path,
    name: str,
    pixels: FloatArray,
    analyses: Sequence[MaskingAnalysis],
    options: BatchOptions,
) -> Picture:
    """Fig. 22 for one image; with one patch size asked, its half and double stand beside it."""
    gray = pixels if pixels.ndim == 2 else pixels.mean(axis=-1)
    masks = [analysis.mask for analysis in analyses if analysis.shape == gray.shape]
    if len(masks) == 1:
        asked = masks[0].patch_size[0]
        half, double = (_other_mask(gray.shape, p, options) for p in (asked // 2, asked * 2))
        masks = [mask for mask in (half, *masks, double) if mask is not None]
    columns = 1 + 2 * len(masks)
    figure, axes = plot.new_figure(2, columns, width=2.15 * columns + 0.6, height=4.7)
    plot.masking(np.clip(gray, 0.0, 1.0), masks, axes)
    plot.save(figure, path)
    sizes = ", ".join(str(mask.patch_size[0]) for mask in masks)
    return Picture(
        path.name,
        f"Masking and its spectra: {name}",
        f"Top: the image, then mask and masked image for patches of {sizes} pixels. Bottom: their "
        "power spectral densities on one colour scale, zero frequency in the middle. The mask's "
        "spectrum is a grating of Dirichlet kernels, the narrower the larger the patch; masking "
        "convolves the image's spectrum with it.",
    )


def _other_mask(shape: tuple[int, ...], patch_size: int, options: BatchOptions) -> PulseMask | None:
    """A mask of another patch size, or None where that does not go into the image."""
    try:
        grid = PatchGrid(shape, patch_size)
        return PulseMask.random(
            grid, options.mask_ratio, sampling=options.sampling, rng=options.seed
        )
    except ValueError:
        return None


def _radial_picture(path: Path, chosen: Sequence[tuple[Outcome, MaskingAnalysis]]) -> Picture:
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
        axis.set_title(f"{_short(outcome.name)}, {outcome.patch_size} px")
        axis.label_outer()
    for unused in axes.flat[len(chosen) :]:
        unused.set_axis_off()
    plot.save(figure, path)
    return Picture(
        path.name,
        "Radial spectra before and under masking",
        "Mean power at each distance from zero frequency. The red line is the exact expectation "
        "over all masks, computed without drawing any; the band is the spread of the masks that "
        "were drawn.",
    )


def _octave_picture(
    path: Path, analyses: Sequence[MaskingAnalysis], options: BatchOptions
) -> Picture:
    names = [_octave_name(low, high) for low, high in OCTAVES][::-1]
    figure, axes = plot.new_figure(1, 2, width=12.0, height=3.8, sharey=True)
    for axis, title, which in (
        (axes[0, 0], "image as it is", "octaves"),
        (axes[0, 1], "mean removed first", "octaves_centred"),
    ):
        by_size = {}
        for patch_size in options.patch_sizes:
            found = [getattr(a, which) for a in analyses if a.plan.patch_size == patch_size]
            columns = reversed(list(zip(*found, strict=True)))
            by_size[f"patches of {patch_size} px"] = [
                [value for value in column if value is not None] for column in columns
            ]
        plot.octaves(by_size, names, axis, legend=which == "octaves_centred")
        axis.set_title(title)
        axis.label_outer()
    plot.save(figure, path)
    return Picture(
        path.name,
        "How much of what one sees came from elsewhere",
        "Leakage by octave of frequency: power that masking brought there from other frequencies, "
        "over the power of the image that it kept there. One dot per image, a bar at the median. "
        "Above 1, most of what one sees at these frequencies is not the image's own. Left: the "
        "image as it is, whose mean leaks along the grating. Right: had its mean been subtracted "
        "before masking, as training code does roughly when it normalises pixels.",
    )


def _grating_picture(path: Path, analysis: MaskingAnalysis, options: BatchOptions) -> Picture:
    figure, axes = plot.new_figure(1, 2, width=9.4, height=4.0)
    grid = PatchGrid(analysis.shape, analysis.plan.patch_size)
    plot.grating(grid, options.mask_ratio, axes[0], sampling=options.sampling)
    plot.save(figure, path)
    p = analysis.plan.patch_size
    return Picture(
        path.name,
        f"The grating of patches of {p} pixels",
        f"Mean power of a random mask, exactly. Whatever patches are kept, it is zero on whole "
        f"lines at the multiples of 1/{p} cycles/pixel other than zero: nothing leaks over "
        "such a distance in frequency.",
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
        octaves=[_octave_name(low, high) for low, high in OCTAVES],
        octave_columns=octave_columns(),
    )


@dataclass(frozen=True)
class _Summary:
    """Numbers over all images at one patch size."""

    patch_size: int
    n: int
    slope: float | None
    leakage: float | None
    leakage_centred: float | None
    octaves: list[float | None]
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
        leakage_centred=_median(a.leakage_centred for a in found),
        octaves=[_median(column) for column in zip(*(a.octaves for a in found), strict=True)],
        eq18_error=max(a.convolution_error for a in found),
        mask_dft_error=max(a.mask_dft_error for a in found),
        bound=min(rounding_bound(math.prod(a.shape), np.float64) for a in found),
        within_two=float(np.mean(np.abs(scores) <= 2)),
    )


def _median(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.median(there) if there else None


def _octave_name(low: float, high: float) -> str:
    if math.isinf(high):
        return f"above {low:g}"
    if low == 0:
        return f"below {high:.2g}"
    return f"{low:.2g}–{high:.2g}"


def _common_folder(names: Sequence[str]) -> str:
    """The folder of all names, with its slash, if it is one and the same."""
    folders = {name.removesuffix(name.rpartition("/")[2]) for name in names}
    return folders.pop() if len(folders) == 1 else ""


def _short(name: str) -> str:
    """The end of a path, short enough for a title."""
    last = Path(name).name.removeprefix("builtin:")
    return last if len(last) <= 24 else f"{last[:21]}…"
