"""The pictures of a comparison's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.compare.result import CompareResult
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.batch.pages.saving import save_lines
from spectral_mae.plot.comparisons import Curve

SHOWN = 3  # images in the picture of images
CROP = 128  # pixels of each that are shown, so that single pixels can be seen
MAPS = 6  # models with a map of frequencies


@dataclass(frozen=True)
class Shown:
    """An image for the pictures.

    Attributes
    ----------
    name : str
        Title of the original.
    original : ndarray, shape (H, W) or (H, W, 3)
    others : dict of ndarray
        What each model made of it, by label.
    """

    name: str
    original: FloatArray
    others: Mapping[str, FloatArray]


def draw_pictures(folder: Path, result: CompareResult, shown: Sequence[Shown]) -> Iterator[Picture]:
    """Draw the pictures of a comparison, one after the other.

    Parameters
    ----------
    folder : Path
        Where to write them.
    result : CompareResult
        What was found, of one image at least.
    shown : sequence of Shown
        Images to show.

    Yields
    ------
    Picture
        Its file is in the folder.
    """
    yield _curves(folder / "curves.png", result)
    yield _images(folder / "images.png", shown)
    if len(set(result.shapes)) == 1:
        yield _maps(folder / "maps.png", result)


def _curves(path: Path, result: CompareResult) -> Picture:
    figure, axes = plot.new_figure(2, 3, width=13.0, height=8.2)
    curves: tuple[Curve, ...] = ("explained", "gain", "frc", "coherence", "error")
    rings = result.rings
    for curve, ax in zip(curves, axes.flat, strict=False):
        plot.comparison(rings, ax, curve=curve, legend=False)
    plot.compared_power(rings, axes[1, 2], legend=False)
    handles = {
        label: handle
        for ax in (axes[0, 2], axes[1, 2])
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=min(7, len(handles)),
        frameon=False,
    )
    save_lines(figure, path)
    return Picture(
        path.name,
        "What is kept, invented and lost at each frequency",
        "Top: explained power (1 is perfect, 0 as good as an empty image, below 0 worse); gain "
        "(how much of the original is in the reconstruction); Fourier ring correlation with its "
        "thresholds. Bottom: coherence (the part of the reconstruction's power that follows the "
        "original); power of the error beside that of the originals; power of the "
        "reconstructions. Where gain is below 1 and coherence near 1, the reconstruction is only "
        "too faint, as a blur is. Where coherence falls, it holds what the original does not. "
        "Bands are one standard error over images.",
        vector=True,
    )


def _images(path: Path, shown: Sequence[Shown]) -> Picture:
    columns = ["original", *shown[0].others]
    width, height = 2.3 * len(columns) + 0.4, 2.4 * len(shown) + 0.2
    figure, axes = plot.new_figure(len(shown), len(columns), width=width, height=height)
    for one, row in zip(shown, axes, strict=True):
        every = [one.original, *one.others.values()]
        limits = float(one.original.min()), float(one.original.max())
        for name, pixels, ax in zip(columns, every, row, strict=True):
            plot.image_detail(pixels, ax, size=CROP, limits=limits)
            if one is shown[0]:
                ax.set_title(name, size="medium")
        row[0].set_ylabel(short_name(one.name))
    plot.save(figure, path)
    return Picture(
        path.name,
        "Some of the images",
        f"The middle of the first {len(shown)} images, at most {CROP} pixels wide, on the gray "
        "scale or colours of the original.",
    )


def _maps(path: Path, result: CompareResult) -> Picture:
    several = dict(list(result.comparisons.items())[:MAPS])
    columns = min(3, len(several))
    rows = -(-len(several) // columns)
    figure, axes = plot.new_figure(rows, columns, width=4.4 * columns, height=3.7 * rows)
    for (label, one), ax in zip(several.items(), axes.flat, strict=False):
        plot.power_ratio(one.spectrum(), ax)
        ax.set_title(label, size="medium")
    for unused in axes.flat[len(several) :]:
        unused.set_axis_off()
    plot.save(figure, path)
    return Picture(
        path.name,
        "Power of the reconstructions over that of the originals",
        "The mean over images at each frequency, zero in the middle. White is as much, blue less, "
        "red more. Lines and dots at the multiples of one over the patch size show borders of "
        "patches or blocks.",
    )
