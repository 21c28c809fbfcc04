"""Drawings of what a run says of its images together: mean spectrum, slopes, leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.summary.data_set import BAND, DataSetSpectrum
from spectral_mae.batch.analyze.summary.octave_words import SEEN_OCTAVES
from spectral_mae.batch.pages.picture import Legend, Picture
from spectral_mae.batch.pages.saving import save_panels
from spectral_mae.plot.drawing.frequency_axes import NOTHING, log_frequency_axis
from spectral_mae.plot.drawing.style import BLUE, GRAY, GREEN, VERMILION
from spectral_mae.spectra.octaves import all_octave_names

BINS = 30
HELD = BAND[1] - BAND[0]  # per cent of the images, in a band
SPECTRA: Legend = (
    ("image", "image"),
    ("seen", "seen under masks, mean over all masks"),
    ("kept", "kept of the image under masks"),
    ("foreign", "came from other frequencies"),
)
FIELD = "Field 1987, doi:10.1364/JOSAA.4.002379"


def mean_spectrum_picture(path: Path, found: Sequence[DataSetSpectrum]) -> Picture:
    """The mean power at each frequency, before and under masks, and what masks keep of it."""
    several = found[0].n > 1
    bands: Legend = (("spread", f"{HELD} % of the images"),) if several else ()
    legend: Legend = (*SPECTRA, *bands)
    draw = [(_mean_words(one), partial(_draw_mean, one=one)) for one in found]
    panels = save_panels(path, draw, height=3.3, legend=legend)
    shape = " × ".join(map(str, found[0].shape))
    band = (
        f" The pale bands hold {HELD} % of the images (percentiles {BAND[0]} to {BAND[1]})."
        if several
        else ""
    )
    return Picture(
        path.name,
        "Mean power spectrum of the images, before and under masks",
        f"Mean of the power of {found[0].n} image{'s' * several} of {shape} pixels, by frequency "
        "from coarse (left) to fine (right), the mean gray of each image subtracted. Power is in "
        "squared gray values (0 black, 1 white) per (cycle/pixel)². Green is what "
        "masks keep of the image (each patch is kept with the probability π₁, and π₁² of the power "
        "of a frequency stays). Orange is what a masked image has there, exactly, on average over "
        "all masks. The hatched gap between the two came from other frequencies: where it is wide, "
        f"little of what one sees is the image's own.{band}",
        vector=True,
        data="mean_spectra.csv",
        panels=panels,
        legend=legend,
    )


def _mean_words(one: DataSetSpectrum) -> str:
    there = (one.frequency > 0) & (one.original > 0)
    if not there.any():
        return "No power above rounding."
    kept, seen = one.kept * one.original[there], one.expected[there]
    return (
        f"Patches of {one.patch_size} pixels: at the finest frequency shown, "
        f"{seen[-1]:.2g} is seen under masks and {kept[-1]:.2g} is kept of the images; at the "
        f"coarsest {seen[0]:.2g} and {kept[0]:.2g}."
    )


def _draw_mean(axis: Any, *, one: DataSetSpectrum) -> None:
    where = (one.frequency > 0) & (one.original > 0)
    if one.n > 1 and where.any():
        for band, colour in zip(one.bands, (BLUE, VERMILION), strict=True):
            low = np.maximum(band[0, where], np.finfo(float).tiny)
            shade = {"color": colour, "alpha": 0.16, "linewidth": 0}
            axis.fill_between(one.frequency[where], low, band[1, where], **shade)
    draw_spectra(axis, one.frequency, one.original, one.kept, one.expected)
    axis.set_title(
        f"patches of {one.patch_size} px, {one.n} image{'s' * (one.n > 1)}", size="small"
    )


def draw_spectra(
    axis: Any, frequency: FloatArray, original: FloatArray, kept: float, seen: FloatArray
) -> None:
    """Draw the power of an image, what masks keep of it, and what is seen under them."""
    where = (frequency > 0) & (original > 0)
    axis.set_ylabel("power (gray² per (cycle/pixel)²)")
    if not where.any():
        axis.set_xlabel(NOTHING)
        axis.set(xticks=[], yticks=[])
        return
    at, before, under = frequency[where], original[where], seen[where]
    own = kept * before
    axis.fill_between(
        at,
        own,
        under,
        where=under > own,
        facecolor="none",
        edgecolor=VERMILION,
        hatch="///",
        linewidth=0,
        alpha=0.35,
    )
    axis.plot(at, before, color=BLUE)
    axis.plot(at, own, "--", color=GREEN)
    axis.plot(at, under, color=VERMILION)
    axis.set_yscale("log")
    axis.set_xlim(at.min() * 0.9, at.max() * 1.1)
    log_frequency_axis(axis, at, (1.0, 1.0))
    positive = np.concatenate([one[one > 0] for one in (own, under)])
    axis.set_ylim(positive.min() / 3, max(before.max(), under.max()) * 4)


def slopes_picture(path: Path, slopes: FloatArray, marked: Mapping[str, float]) -> Picture:
    """A histogram of the slopes of the images, with some of them marked."""
    slopes = slopes[np.isfinite(slopes)]
    median = float(np.median(slopes))
    steeper = int(np.sum(slopes < -2))
    words = (
        f"Histogram of {len(slopes)} slopes from {slopes.min():.2f} to {slopes.max():.2f}, "
        f"median {median:.2f}."
    )
    draw = partial(_draw_slopes, slopes=slopes, marked=marked)
    triangles: Legend = (("mark", "images that are shown"),) if marked else ()
    legend: Legend = (("median", f"median {median:.2f}".replace("-", "−")), *triangles)
    return Picture(
        path.name,
        "Slopes of the spectra of single images",
        "The slope says how fast power falls from coarse to fine: it is that of a straight line "
        "through the blue curve of an image, on axes that are both logarithmic. A slope of −2 "
        "means that twice the frequency has a quarter of the power. A steeper one means a smoother "
        "image, a flatter one more detail or noise. Photographs of nature have about −2 "
        f"({FIELD}); {steeper} of these {len(slopes)} {'is' if steeper == 1 else 'are'} steeper "
        "than that. Resizing changes the slope.",
        vector=True,
        data="images.csv",
        panels=save_panels(path, [(words.replace("-", "−"), draw)], height=2.7, legend=legend),
        legend=legend,
    )


def _draw_slopes(axis: Any, *, slopes: FloatArray, marked: Mapping[str, float]) -> None:
    low, high = float(slopes.min()), float(slopes.max())
    width = max(high - low, 0.2)
    n_bins = int(np.clip(round(2 * len(slopes) ** 0.5), 5, BINS))
    edges = np.linspace(low - 0.02 * width, high + 0.02 * width, n_bins + 1)
    axis.hist(slopes, edges, color=BLUE, alpha=0.75, edgecolor="white", linewidth=0.5)
    top = axis.get_ylim()[1]
    axis.plot([float(np.median(slopes))] * 2, [0, top], color=VERMILION)
    ends: list[float] = []  # where the last name on each level ends
    for role, slope in sorted(marked.items(), key=lambda one: one[1]):
        long = 0.021 * len(role) * width
        start = min(max(slope - long / 2, low), high - long)
        level = next((i for i, end in enumerate(ends) if end < start), len(ends))
        ends[level : level + 1] = [start + long]
        height = top * (1.06 + 0.18 * level)
        axis.plot([slope], [height], "v", color=GRAY, markersize=5)
        axis.annotate(role, (start + long / 2, height + 0.04 * top), ha="center", va="bottom")
    axis.set_ylim(0, top * (1.12 + 0.18 * len(ends)))
    axis.set_xlabel("slope of log power against log frequency")
    axis.set_ylabel("number of images")
    axis.yaxis.get_major_locator().set_params(integer=True)


def _plain(value: float, _: Any) -> str:
    """A number of a logarithmic axis, if it is 1, 2 or 5 times a power of ten."""
    first = f"{value:e}"[0]
    return f"{value:g}" if first in "125" and f"{value:g}".strip("0.") == first else ""


def leakage_picture(
    path: Path, leakage: Mapping[str, Sequence[Sequence[float]]], n_rows: int, most: int
) -> Picture:
    """The leakage of each image by octave, at most so many of them."""
    names = [all_octave_names()[i] for i in SEEN_OCTAVES]

    def draw(axis: Any) -> None:
        plot.octaves(leakage, names, axis, legend=len(leakage) > 1)
        axis.set_ylabel("leakage (times what is kept)")
        for which in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            which(_plain)

    ends = [max((float(np.median(one[i])) for one in leakage.values() if len(one[i])), default=0.0)
            for i in (0, -1)]  # fmt: skip
    words = (
        f"Leakage by octave. The median is {ends[0]:.2g} at the coarsest octave and {ends[1]:.2g} "
        "at the finest."
    )
    legend: Legend = (("dot", "an image"), ("bar", "median"))
    some = f" (of {most} spread evenly over their ranks)" if n_rows > most else ""
    return Picture(
        path.name,
        "How much of what one sees came from elsewhere",
        "Leakage by octave of frequency, the mean gray of each image subtracted: power that "
        f"masking brought there, over the power of the image that it kept there. One dot per "
        f"image{some}, a bar at the median, whose numbers are in the table “median over "
        "the images”. Above 1, most of what one sees at these frequencies is not the image's own.",
        vector=True,
        data="images.csv",
        panels=save_panels(path, [(words, draw)], height=3.0, legend=legend),
        legend=legend,
    )
