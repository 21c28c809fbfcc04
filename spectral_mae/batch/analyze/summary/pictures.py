"""Drawings of what a run says of its images together: their mean spectrum, and their slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.summary.data_set import BAND, DataSetSpectrum
from spectral_mae.batch.pages.picture import Picture
from spectral_mae.batch.pages.saving import save_lines
from spectral_mae.plot.drawing import BLUE, GRAY, GREEN, NOTHING, VERMILION, log_frequency_axis

BINS = 30


def mean_spectrum_picture(path: Path, found: Sequence[DataSetSpectrum]) -> Picture:
    """The mean power at each frequency, before and under masks, and what masks keep of it."""
    columns = min(2, len(found))
    rows = -(-len(found) // columns)
    figure, axes = plot.new_figure(
        rows, columns, width=7.6 if columns == 1 else 11.4, height=4.4 * rows, sharey=True
    )
    for axis, one in zip(axes.flat, found, strict=False):
        _draw_mean(axis, one, legend=axis is axes[0, 0])
        axis.set_title(f"patches of {one.patch_size} px, {one.n} images")
        axis.label_outer()
    for unused in axes.flat[len(found) :]:
        unused.set_axis_off()
    embedded = save_lines(figure, path)
    shape = " × ".join(map(str, found[0].shape))
    several = found[0].n > 1
    band = (
        f" The pale bands hold {BAND[1] - BAND[0]} % of the images (percentiles {BAND[0]} to "
        f"{BAND[1]})."
        if several
        else ""
    )
    return Picture(
        path.name,
        "Mean power spectrum of the images, before and under masks",
        f"Mean of the power of {found[0].n} image{'s' * several} of {shape} pixels at each "
        "distance from zero frequency. Blue: the images. Green: what masks keep of it (the "
        "fraction π₁² of each frequency, where π₁ is the probability that a patch is kept). Dark "
        "orange: what a masked image has there, exactly, on average over all masks. The gap "
        "between green and orange is power that came from other frequencies; where orange is far "
        f"above green, little of what one sees is the image's own.{band}",
        vector=True,
        embedded=embedded,
        data="mean_spectra.csv",
    )


def _draw_mean(axis: Any, one: DataSetSpectrum, *, legend: bool) -> None:
    where = (one.frequency > 0) & (one.original > 0)
    axis.set_ylabel("power density (per (cycle/pixel)²)")
    if not where.any():
        axis.set_xlabel(NOTHING)
        return
    frequency, kept = one.frequency[where], one.kept * one.original
    before, under = (band[:, where] for band in one.bands)
    if one.n > 1:
        for band, colour in ((before, BLUE), (under, VERMILION)):
            low = np.maximum(band[0], np.finfo(float).tiny)
            axis.fill_between(frequency, low, band[1], color=colour, alpha=0.13, linewidth=0)
    axis.plot(frequency, one.original[where], color=BLUE, label="images")
    axis.plot(frequency, kept[where], "--", color=GREEN, label="kept of the images under masks")
    axis.plot(frequency, one.expected[where], color=VERMILION, label="seen under masks (mean)")
    axis.fill_between(
        frequency,
        kept[where],
        one.expected[where],
        where=one.expected[where] > kept[where],
        facecolor="none",
        edgecolor=VERMILION,
        hatch="///",
        linewidth=0,
        alpha=0.35,
        label="came from other frequencies",
    )
    axis.set_yscale("log")
    axis.set_xlim(frequency.min() * 0.9, frequency.max() * 1.1)
    log_frequency_axis(axis, frequency, (1.0, 1.0))
    bottom = min(kept[where].min(), one.expected[where].min())
    top = max(one.original[where].max(), one.expected[where].max(), before.max())
    axis.set_ylim(bottom / 4, top * 3)
    if legend:
        axis.legend()


def slopes_picture(path: Path, slopes: FloatArray, marked: Mapping[str, float]) -> Picture:
    """A histogram of the slopes of the images, with some of them marked."""
    slopes = slopes[np.isfinite(slopes)]
    figure, ((axis,),) = plot.new_figure(1, 1, width=7.6, height=2.9)
    low, high = float(slopes.min()), float(slopes.max())
    width = max(high - low, 0.2)
    n_bins = int(np.clip(round(2 * len(slopes) ** 0.5), 5, BINS))
    edges = np.linspace(low - 0.02 * width, high + 0.02 * width, n_bins + 1)
    axis.hist(slopes, edges, color=BLUE, alpha=0.75, edgecolor="white", linewidth=0.5)
    axis.axvline(float(np.median(slopes)), color=VERMILION, label="median")
    top = axis.get_ylim()[1]
    axis.set_ylim(0, top * 1.3)
    for role, slope in marked.items():
        axis.plot([slope], [top * 1.06], "v", color=GRAY, markersize=5)
        left, right = slope < low + 0.15 * width, slope > high - 0.15 * width
        axis.annotate(
            role,
            (slope, top * 1.12),
            ha="left" if left else "right" if right else "center",
            va="bottom",
        )
    axis.set_xlabel("slope of log power against log frequency")
    axis.set_ylabel("images")
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    embedded = save_lines(figure, path)
    return Picture(
        path.name,
        "Slopes of the spectra of single images",
        f"The slope says how fast power falls with frequency: about −2 is usual for "
        "photographs; a steeper one means smoother images, a flatter one more detail or noise. "
        f"{len(slopes)} images, {low:.2f} to {high:.2f}.".replace("-", "−"),
        vector=True,
        embedded=embedded,
        data="images.csv",
    )
