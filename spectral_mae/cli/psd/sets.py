"""``spectral-mae psd`` of several images or folders: mean spectra, bands and slopes."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae.cli.console.messages import failed
from spectral_mae.cli.errors import UsageError
from spectral_mae.cli.shared import SizedReader
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.plot.curves.bands import Band
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum, fit_slopes
from spectral_mae.spectra.slope import SlopeFit

FEWEST = 10  # images of a set whose slopes are worth a histogram
# Options of ``psd`` that are about one image, and what they are when they are not given.
OF_ONE_IMAGE = {
    "mask": None,
    "unmask": False,
    "mask_ratio": None,
    "design": None,
    "patch_size": None,
    "sampling": None,
    "nan": "raise",
}


def expect_no_masks(arguments: argparse.Namespace) -> None:
    """Raise ``UsageError`` where an option is about one image."""
    for name, default in OF_ONE_IMAGE.items():
        if getattr(arguments, name) != default:
            raise UsageError(
                f"--{name.replace('_', '-')} needs one image, not several images or a folder"
            )


def names_of(paths: Sequence[str]) -> list[str]:
    """Short names of the sets, all different: the last part of each path, or the whole path."""
    short = [_last_part(path) for path in paths]
    names = [
        path if short.count(name) > 1 else name for path, name in zip(paths, short, strict=True)
    ]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{twice!r} is given twice")
    return names


def _last_part(path: str) -> str:
    """The name of a file or a folder, with what is chosen in it."""
    file, mark, chosen = path.partition("::")
    return (Path(file.rstrip("/")).name or file) + mark + chosen


def radial_of_set(
    references: Sequence[ImageReference],
    reader: SizedReader,
    options_of: Callable[[LoadedImage], dict[str, Any]],
    scaling: str,
) -> tuple[RadialSpectrum | None, list[tuple[str, str]]]:
    """Radial spectra of the images of one set, as a batch on the same rings.

    Rings are those of the images' own shape. Where shapes differ they are those of the smallest
    image, which all larger ones fill, and the images are read a second time.

    Returns
    -------
    batch : RadialSpectrum or None
        None where no image could be read.
    refused : list of (title, reason)
        Images that could not be read; they are told on standard error too.

    Raises
    ------
    ValueError
        If images have different sampling frequencies, or different shapes and a scaling that
        depends on the number of pixels.
    """
    spectra: list[RadialSpectrum] = []
    shapes: dict[tuple[int, ...], RadialSpectrum] = {}
    good: list[ImageReference] = []
    refused: list[tuple[str, str]] = []
    for reference in references:
        try:
            image = reader.read(reference)
            if image.pixels.size == 1:
                raise ImageRefused("a single pixel has no spectrum to average")  # noqa: TRY301
        except ImageRefused as refusal:
            refused.append((reference.title, str(refusal)))
            failed(*refused[-1])
            continue
        one = psd(image.pixels, **options_of(image)).radial()
        spectra.append(one)
        shapes.setdefault(image.pixels.shape[:2], one)
        good.append(reference)
        if one.fs != spectra[0].fs:
            raise ValueError(
                f"{reference.title} has another sampling frequency ({one.fs}) than {good[0].title} "
                f"({spectra[0].fs}); give one with --fs, or draw them as sets of their own"
            )
    if not spectra:
        return None, refused
    if len(shapes) > 1:
        if scaling != "density":
            raise ValueError(
                f"images of {len(shapes)} different sizes with --scaling {scaling}, which depends "
                "on the number of pixels: use --scaling density, or --size N"
            )
        smallest = shapes[min(shapes, key=min)].edges
        edges = [*smallest[:, 0], smallest[-1, 1]]
        spectra = []
        for reference in good:
            image = reader.read(reference)
            spectra.append(psd(image.pixels, **options_of(image)).radial(edges))
    return _stacked(spectra), refused


def _stacked(spectra: Sequence[RadialSpectrum]) -> RadialSpectrum:
    """Several spectra as a batch; of rings that differ a little the frequencies are averaged."""
    if len({len(one.frequency) for one in spectra}) > 1:
        raise ValueError("images of such different shapes have no rings in common; use --size N")
    rows: dict[str, Any] = {
        name: np.stack([getattr(one, name) for one in spectra])
        for name in ("power", "std", "stderr")
    }
    means: dict[str, Any] = {
        name: np.mean([getattr(one, name) for one in spectra], axis=0)
        for name in ("frequency", "log_frequency", "log_spread")
    }
    count = np.min([one.count for one in spectra], axis=0)
    floor = max(one.floor for one in spectra)
    return dataclasses.replace(spectra[0], **rows, **means, count=count, floor=floor)


# What a legend says of the lines and bands of several images.
OF_SEVERAL = {
    "percentile": "lines: medians; bands: 16th to 84th percentile",
    "std": "lines: means; bands: ± standard deviation",
    "stderr": "lines: means; bands: ± standard error",
    "none": "lines: means",
}


def _bands_in_words(sets: Mapping[str, RadialSpectrum], band: Band) -> str:
    words = [OF_SEVERAL[band]] if any(len(batch) > 1 for batch in sets.values()) else []
    if band != "none" and any(len(batch) == 1 for batch in sets.values()):
        words.append(f"{'of one image' if words else 'bands'}: ± standard error")
    return "\n".join(words)


def draw_sets(path: Path, sets: dict[str, RadialSpectrum], *, band: Band, paper: bool) -> None:
    """Draw the radial spectra of all sets, and where they are large enough their slopes."""
    large = {name: batch for name, batch in sets.items() if len(batch) >= FEWEST}
    columns = 1 + bool(large)
    with plot.style("paper" if paper else "notebook"):
        figure, axes = plot.new_figure(1, columns, width=5.6 * columns, height=4.4)
        for name, batch in sets.items():
            # Of one image there is no spread from image to image.
            used: Band = "stderr" if len(batch) == 1 and band != "none" else band
            plot.radial({label_of(name, batch): batch}, axes[0, 0], band=used)
        axes[0, 0].get_legend().set_title(_bands_in_words(sets, band), {"size": "small"})
        if large:
            slopes = {name: slopes_of(batch) for name, batch in large.items()}
            known = {name: one for name, one in slopes.items() if np.isfinite(one).any()}
            if known:
                colors = {
                    name: line.get_color()
                    for name, line in zip(sets, axes[0, 0].lines, strict=True)
                }
                plot.slopes(known, axes[0, 1], colors=[colors[name] for name in known])
        plot.save(figure, path)


def label_of(name: str, batch: RadialSpectrum) -> str:
    """What the legend calls a set."""
    return name if len(batch) == 1 else f"{name} ({len(batch)} images)"


def slopes_of(batch: RadialSpectrum) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The slope of each image; NaN where there is none."""
    fits = fit_slopes(list(batch))
    return np.array([fit.slope if isinstance(fit, SlopeFit) else np.nan for fit in fits])


def told_of(name: str, batch: RadialSpectrum) -> str:
    """One line on a set: the slope of its mean, and the range of those of its images."""
    try:
        slope, stderr = batch.mean().fit_slope()
        text = f"slope {slope:.3f} ± {stderr:.3f}"
    except ValueError as error:
        text = str(error)
    if len(batch) == 1:
        return f"{name}: {text}"
    slopes = slopes_of(batch)
    known = slopes[np.isfinite(slopes)]
    if len(known):
        low, middle, high = np.percentile(known, [16, 50, 84])
        text += f" of the mean; median of the images {middle:.3f}"
        text += f", 16th to 84th percentile {low:.3f} to {high:.3f}"
    return f"{name}, {len(batch)} images: {text}"
