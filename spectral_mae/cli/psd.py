"""``spectral-mae psd``: the power spectrum of an image, or of what a mask shows of one."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray, positive_number
from spectral_mae._files.columns import write_columns, write_table
from spectral_mae._files.output_files import check_distinct, check_replaced
from spectral_mae.batch.analyze.outcomes import AnalyzeOptions
from spectral_mae.cli.analyze import detrend
from spectral_mae.cli.errors import UsageError, output_errors, usage_errors
from spectral_mae.cli.psd_sets import (
    draw_sets,
    expect_no_masks,
    names_of,
    radial_of_set,
    told_of,
)
from spectral_mae.cli.shared import (
    NOTHING,
    OK,
    SOME_FAILED,
    SizedReader,
    found_images,
    masking,
    missing_pixels,
    pixels_or_native,
)
from spectral_mae.images.image import LoadedImage, crop_to_multiple, read_file, with_missing
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.masked_spectra.expectation import expected_masked_psd
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.labels.axis_labels import ONE, Labels
from spectral_mae.spectra.labels.columns import unit_columns
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.spectrum import Spectrum

ENDINGS = (".png", ".pdf", ".svg", ".csv")
LEAKS = (
    "under a window the image's mean leaks into the lowest frequencies; --detrend constant takes "
    "it off first"
)


def power_spectrum(arguments: argparse.Namespace) -> int:
    """``spectral-mae psd``: a picture or a table of one image's spectrum, or of several sets."""
    if arguments.out.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out {arguments.out}: the name must end in .png, .pdf, .svg or .csv")
    with usage_errors():
        found = [found_images([path]) for path in arguments.paths]
    if sum(map(len, found)) != 1:
        return _several(arguments, found)
    if arguments.band is not None:
        raise UsageError("--band needs several images: it is the spread from image to image")
    return _one_image(arguments, found[0][0])


def _several(arguments: argparse.Namespace, found: list[Sequence[ImageReference]]) -> int:
    """Spectra of several images, or of all images of folders."""
    expect_no_masks(arguments)
    names = names_of(arguments.paths)
    with usage_errors():
        size = pixels_or_native(arguments.size)
        check_distinct([arguments.out], [one.place.path for each in found for one in each])
        check_replaced([arguments.out], overwrite=arguments.overwrite)
    reader = SizedReader(size, arguments.max_pixels, color=arguments.color)

    def options_of(image: LoadedImage) -> dict[str, Any]:
        return options_of_image(arguments, image)

    sets: dict[str, RadialSpectrum] = {}
    refused = 0
    with usage_errors():
        for name, references in zip(names, found, strict=True):
            batch, n = radial_of_set(references, reader, options_of, arguments.scaling)
            refused += n
            if batch is not None:
                sets[name] = batch
    if not sets:
        return NOTHING
    with output_errors(), usage_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        if arguments.out.suffix.lower() == ".csv":
            means = {name: batch.mean() for name, batch in sets.items()}
            _write_series(arguments.out, means, dict(zip(names, arguments.paths, strict=True)))
        else:
            draw_sets(
                arguments.out,
                sets,
                band=arguments.band or "percentile",
                paper=arguments.out.suffix.lower() in (".pdf", ".svg"),
            )
    for name, batch in sets.items():
        print(told_of(name, batch))
    print(f"written to {arguments.out}")
    return SOME_FAILED if refused else OK


def options_of_image(arguments: argparse.Namespace, image: LoadedImage) -> dict[str, Any]:
    """Arguments of `psd` for one image."""
    return {
        "window": arguments.window,
        "detrend": detrend(arguments.detrend),
        "scaling": arguments.scaling,
        "channel_axis": -1 if arguments.color else None,
        **sampling_of(arguments, image),
    }


def _one_image(arguments: argparse.Namespace, reference: ImageReference) -> int:
    """The spectrum of one image, also under masks."""
    if arguments.unmask and arguments.mask is None and arguments.nan == "raise":
        raise UsageError("--unmask needs --mask or --nan hidden")
    masked = arguments.mask_ratio is not None or arguments.design is not None
    for option, value in (
        ("--patch-size", arguments.patch_size),
        ("--sampling", arguments.sampling),
    ):
        if value is not None and not masked:
            raise UsageError(f"{option} is that of masks and needs --mask-ratio or --design")
    patch_size = 16 if arguments.patch_size is None else arguments.patch_size
    with usage_errors():
        size = pixels_or_native(arguments.size)
        # Its checks are of masks, which need not be asked for.
        masks = AnalyzeOptions(
            (patch_size,), **masking(arguments), size=None, max_pixels=arguments.max_pixels
        ).masks
    with usage_errors():
        read = [reference.place.path, *filter(None, [arguments.mask])]
        check_distinct([arguments.out], read)
        check_replaced([arguments.out], overwrite=arguments.overwrite)
    try:
        reader = SizedReader(
            size, arguments.max_pixels, color=arguments.color, **missing_pixels(arguments)
        )
        image = reader.read(reference)
        if masked and size is None:
            image = crop_to_multiple(image, patch_size)
        if image.pixels.size == 1:
            raise ImageRefused("a single pixel has no spectrum to average")  # noqa: TRY301
    except ImageRefused as refusal:
        print(f"{arguments.paths[0]}: {refusal}", file=sys.stderr)
        return NOTHING
    if arguments.mask is not None or image.n_missing:
        return masked_spectrum(arguments, image, reference.title)
    with usage_errors():
        options = options_of_image(arguments, image)
        spectra = {"original": psd(image.pixels, **options)}
        if masked:
            design = masks.on(PatchGrid(image.pixels.shape[:2], patch_size))
            spectra["expected"] = expected_masked_psd(image.pixels, design=design, **options)
        series = {name: spectrum.radial() for name, spectrum in spectra.items()}
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        if arguments.out.suffix.lower() == ".csv":
            _write_series(arguments.out, series, dict.fromkeys(series, reference.title))
        else:
            _draw_psd(
                arguments.out, spectra, series, "masking" if masks.design is None else masks.text
            )
    if arguments.window is not None and arguments.detrend == "none":
        print(f"note: {LEAKS}", file=sys.stderr)
    if arguments.fs == "file":
        rows, columns = image.pixel_size or (0.0, 0.0)
        print(f"note: pixels of {rows:.6g} x {columns:.6g} {image.pixel_unit}, rows x columns")
    for note in image.notes:
        print(f"note: {note}")
    print(f"{_slope_line(series['original'])}; written to {arguments.out}")
    return OK


def sampling_of(arguments: argparse.Namespace, image: LoadedImage) -> dict[str, Any]:
    """``--fs``: the sampling frequency and the unit of the axes, as arguments of `psd`.

    Raises
    ------
    ValueError
        If the file states no size of its pixels, or the text is neither "file" nor a number.
    """
    text = arguments.fs
    if text is None:
        return {}
    if text == "file":
        if image.pixel_size is None:
            raise ValueError(
                f"--fs file: {', '.join(arguments.paths)} states no size of its pixels; give their "
                "number in a unit of length, such as --fs 20/mm"
            )
        rows, columns = image.pixel_size
        return {"fs": (1 / rows, 1 / columns), "unit": image.pixel_unit}
    number, _, unit = text.partition("/")
    try:
        rate = positive_number("--fs", float(number))
    except ValueError:
        raise ValueError(
            f"--fs {text!r} is neither 'file' nor a positive number, such as 20 or 20/mm"
        ) from None
    return {"fs": rate, "unit": unit.strip() or None}


def _slope_line(spectrum: RadialSpectrum) -> str:
    try:
        slope, stderr = spectrum.fit_slope()
    except ValueError as error:
        return str(error)
    return f"slope {slope:.3f} ± {stderr:.3f}"


def _draw_psd(
    path: Path, spectra: dict[str, Spectrum], series: dict[str, RadialSpectrum], masking: str
) -> None:
    """A map of each spectrum, on one scale, and their radial averages."""
    columns = len(spectra) + 1
    figure, axes = plot.new_figure(1, columns, width=5.0 * columns, height=4.2)
    low, high = plot.power_limits(list(spectra.values()))
    titles = {"original": "original", "expected": f"expected under {masking}"}
    for axis, (name, spectrum) in zip(axes[0], spectra.items(), strict=False):
        plot.psd(spectrum, axis, vmin=low, vmax=high)
        axis.set_title(titles[name], fontsize="medium")
    rings = axes[0, -1]
    plot.radial({"original": series["original"]}, rings)
    if "expected" in series:
        # An exact expectation has no standard error.
        plot.radial({titles["expected"]: series["expected"]}, rings, band="none")
    # A reason why there is no slope is longer than the axes are wide.
    title = textwrap.fill(f"original: {_slope_line(series['original'])}", 52)
    rings.set_title(title, fontsize="medium")
    plot.save(figure, path)


def _write_series(out: Path, series: dict[str, RadialSpectrum], paths: dict[str, str]) -> None:
    """One series behind the other; ``paths`` are their images or sets."""
    columns = ("frequency", "power", "count", "std", "stderr")
    units = _units_of(next(iter(series.values())))
    rows = (
        [name, *values, paths[name], *units.values()]
        for name, spectrum in series.items()
        for values in zip(*(getattr(spectrum, c).tolist() for c in columns), strict=True)
    )
    write_table(out, ["series", *columns, "path", *units], rows)


def _units_of(spectrum: RadialSpectrum) -> dict[str, str]:
    """Units of frequency and power, by the names of their columns; pixels are pure numbers."""
    labels = spectrum.labels or Labels((None,) * len(spectrum.fs))
    known = dataclasses.replace(spectrum, labels=dataclasses.replace(labels, values=ONE))
    return {name: str(unit[0]) for name, unit in unit_columns(known, "frequency", "power").items()}


NEARLY = 0.1  # as far from black or white as JPEG takes the pixels of a mask


SOFT, NO_MASK = 0.05, 0.5  # shares of gray pixels: tapered on purpose; no mask but a picture


def masked_spectrum(arguments: argparse.Namespace, image: LoadedImage, path: str) -> int:
    """``spectral-mae psd IMAGE --mask MASK``, or an image with missing pixels: picture or table."""
    what = "an image with missing pixels" if arguments.mask is None else "--mask"
    unmask = arguments.unmask or arguments.mask is None
    with usage_errors():
        defaults = {
            "mask_ratio": None,
            "design": None,
            "window": None,
            "scaling": "density",
            "detrend": "none",
            "fs": None,
        }
        for name, default in defaults.items():
            if getattr(arguments, name) != default:
                raise ValueError(f"--{name.replace('_', '-')} does not go with {what}")
        if arguments.color:
            raise ValueError(f"--color does not go with {what}: gray values are unmasked")
        weights, soft = _all_weights(arguments, image)
        spectra = MaskedSpectra.of(image.pixels, weights, unmask=unmask)
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        if arguments.out.suffix.lower() == ".csv":
            _write(spectra, path, arguments)
        else:
            _draw(spectra, image.pixels, weights, arguments)
    fit = spectra.fit
    for note in (*image.notes, *soft):
        print(f"note: {note}")
    gone = "missing" if arguments.mask is None else "hidden"
    print(f"{1 - weights.mean():.1%} of the pixels {gone}")
    print(
        f"slope {fit.slope:.3f} ± {fit.stderr:.3f} (power law fitted under the mask up to 0.5 "
        "cycles/pixel, most to the highest frequencies; a line through the rings of a photograph, "
        "which is no power law, differs)"
    )
    if arguments.mask is None:
        print("the spectrum is unmasked: estimated from the pairs of pixels that are there")
    elif unmask:
        print(spectra.deviation())
    print(f"written to {arguments.out}")
    return OK


def _all_weights(arguments: argparse.Namespace, image: LoadedImage) -> tuple[FloatArray, list[str]]:
    """Weights of the pixels by the mask, zero where they are missing; and what is to be said."""
    visible = image.visible
    if arguments.mask is None:
        return visible.astype(np.float64), []
    mask = _read_mask(arguments)
    if mask.pixels.shape != image.pixels.shape:
        raise ValueError(
            f"the mask has {_size(mask.pixels)} pixels, the image {_size(image.pixels)}"
        )
    weights, soft = _weights(mask.pixels, arguments.mask)
    if not weights.any():
        raise ValueError(f"{arguments.mask}: no pixel is visible")
    if not (weights * visible).any():
        raise ValueError(f"{arguments.mask}: all pixels that it shows are missing")
    return weights * visible, soft


def _read_mask(arguments: argparse.Namespace) -> LoadedImage:
    try:
        mask = read_file(arguments.mask, max_pixels=arguments.max_pixels)
        return with_missing(mask, "raise", "")
    except ImageRefused as refusal:
        raise ValueError(f"{arguments.mask}: {refusal}") from refusal


def _weights(gray: FloatArray, name: str) -> tuple[FloatArray, list[str]]:
    """A mask's picture as weights, and what is to be said of it; no photograph is one."""
    between = (gray > NEARLY) & (gray < 1 - NEARLY)
    share = float(np.mean(between))
    if share > NO_MASK:
        raise ValueError(
            f"{name} is not a mask: {share:.0%} of its pixels are neither black (hidden) nor white "
            "(visible)"
        )
    if share > SOFT:
        return gray, [f"{share:.0%} of the mask's pixels are gray and count in part"]
    return np.where(between, gray, np.round(gray)), []


def _draw(
    spectra: MaskedSpectra, image: FloatArray, weights: FloatArray, arguments: argparse.Namespace
) -> None:
    figure, axes = plot.new_figure(1, 2, width=10.4, height=4.6)
    plot.masked_image(image, weights, axes[0, 0])
    if arguments.mask is None:
        axes[0, 0].set_title(f"{1 - weights.mean():.0%} missing")
    plot.unmasked_radial(
        spectra.naive,
        spectra.unmasked,
        spectra.true,
        axes[0, 1],
    )
    axes[0, 1].set_title(f"slope {spectra.fit.slope:.2f} ± {spectra.fit.stderr:.2f} under the mask")
    if arguments.unmask and arguments.mask is not None:
        figure.supxlabel(textwrap.fill(spectra.deviation(), 120), fontsize="small")
    plot.save(figure, arguments.out)


def _write(spectra: MaskedSpectra, path: str, arguments: argparse.Namespace) -> None:
    columns = {
        "frequency": spectra.naive.frequency,
        "count": spectra.naive.count,
        "naive": spectra.naive.power,
    }
    if spectra.unmasked is not None:
        columns |= {"unmasked": spectra.unmasked.power, "stderr": spectra.unmasked.stderr}
    if spectra.true is not None:
        columns["true"] = spectra.true.power
    told = {"path": path, **_units_of(spectra.naive)}
    columns |= {name: np.full(len(spectra.naive.power), value) for name, value in told.items()}
    write_columns(arguments.out, columns)


def _size(pixels: FloatArray) -> str:
    return " x ".join(map(str, pixels.shape))
