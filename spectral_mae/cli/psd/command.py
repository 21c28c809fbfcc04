"""``spectral-mae psd``: the power spectrum of an image, or of what a mask shows of one."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._checks import positive_number
from spectral_mae._files.output_files import check_distinct, check_replaced
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.cli.analyze import detrend
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures
from spectral_mae.cli.console.messages import failed, note
from spectral_mae.cli.errors import UsageError, output_errors, usage_errors
from spectral_mae.cli.psd.masked import masked_spectrum
from spectral_mae.cli.psd.sets import (
    draw_sets,
    expect_no_masks,
    names_of,
    radial_of_set,
    slopes_of,
    told_of,
)
from spectral_mae.cli.psd.tables import as_data, units_of, write_series
from spectral_mae.cli.shared import (
    SizedReader,
    found_images,
    masking,
    missing_pixels,
    pixels_or_native,
)
from spectral_mae.images.cropping import crop_to_multiple
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.masked_spectra.expectation import expected_masked_psd
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.spectrum import Spectrum

ENDINGS = (".png", ".pdf", ".svg", ".csv")
LEAKS = (
    "under a window the image's mean leaks into the lowest frequencies; --detrend constant takes "
    "it off first"
)


def power_spectrum(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae psd``: a picture or a table of one image's spectrum, or of several sets."""
    out = arguments.out
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise UsageError(f"--out {out}: the name must end in .png, .pdf, .svg or .csv")
    with usage_errors():
        found = [found_images([path]) for path in arguments.paths]
    if sum(map(len, found)) != 1:
        return _several(arguments, found)
    if arguments.band is not None:
        raise UsageError("--band needs several images: it is the spread from image to image")
    return _one_image(arguments, found[0][0])


def _several(arguments: argparse.Namespace, found: list[Sequence[ImageReference]]) -> Answer:
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
    refused: list[tuple[str, str]] = []
    with usage_errors():
        for name, references in zip(names, found, strict=True):
            batch, without = radial_of_set(references, reader, options_of, arguments.scaling)
            refused += without
            if batch is not None:
                sets[name] = batch
    if not sets:
        return Answer(NOTHING, (), {"spectra": [], "failures": failures(refused)})
    means = {name: batch.mean() for name, batch in sets.items()}
    paths = dict(zip(names, arguments.paths, strict=True))
    with _writing(arguments.out) as out, usage_errors():
        if out is None:
            pass
        elif out.suffix.lower() == ".csv":
            write_series(out, means, paths)
        else:
            draw_sets(
                out,
                sets,
                band=arguments.band or "percentile",
                paper=out.suffix.lower() in (".pdf", ".svg"),
            )
    slopes = {name: {"slopes": slopes_of(batch)} for name, batch in sets.items()}
    return Answer(
        SOME_FAILED if refused else OK,
        [*(told_of(name, batch) for name, batch in sets.items()), *_told_out(arguments.out)],
        {
            "spectra": [
                {**as_data(name, means[name], paths[name]), "n_images": len(sets[name]), **more}
                for name, more in slopes.items()
            ],
            **_about(arguments, next(iter(means.values()))),
            "failures": failures(refused),
        },
    )


@contextmanager
def _writing(out: Path | None) -> Iterator[Path | None]:
    """What the file system refuses to write is an error of usage."""
    with output_errors():
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
        yield out


def _told_out(out: Path | None) -> list[str]:
    return [] if out is None else [f"written to {out}"]


def _about(arguments: argparse.Namespace, spectrum: RadialSpectrum) -> dict[str, Any]:
    """What all spectra of an answer have in common: units, scaling, and the file."""
    units = {name.removesuffix("_unit"): unit for name, unit in units_of(spectrum).items()}
    files = [] if arguments.out is None else [arguments.out]
    return {"units": units, "scaling": spectrum.scaling, "files": files}


def options_of_image(arguments: argparse.Namespace, image: LoadedImage) -> dict[str, Any]:
    """Arguments of `psd` for one image."""
    return {
        "window": arguments.window,
        "detrend": detrend(arguments.detrend),
        "scaling": arguments.scaling,
        "channel_axis": -1 if arguments.color else None,
        **sampling_of(arguments, image),
    }


def _one_image(arguments: argparse.Namespace, reference: ImageReference) -> Answer:
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
        failed(arguments.paths[0], refusal)
        refused = failures([(reference.title, str(refusal))])
        return Answer(NOTHING, (), {"spectra": [], "failures": refused})
    if arguments.mask is not None or image.n_missing:
        return masked_spectrum(arguments, image, reference.title)
    with usage_errors():
        options = options_of_image(arguments, image)
        spectra = {"original": psd(image.pixels, **options)}
        if masked:
            design = masks.on(PatchGrid(image.pixels.shape[:2], patch_size))
            spectra["expected"] = expected_masked_psd(image.pixels, design=design, **options)
        series = {name: spectrum.radial() for name, spectrum in spectra.items()}
    with _writing(arguments.out) as out:
        if out is None:
            pass
        elif out.suffix.lower() == ".csv":
            write_series(out, series, dict.fromkeys(series, reference.title))
        else:
            _draw_psd(out, spectra, series, "masking" if masks.design is None else masks.text)
    notes = list(image.notes)
    if arguments.window is not None and arguments.detrend == "none":
        notes.append(LEAKS)
    if arguments.fs == "file":
        rows, columns = image.pixel_size or (0.0, 0.0)
        notes.append(f"pixels of {rows:.6g} x {columns:.6g} {image.pixel_unit}, rows x columns")
    _tell_notes(arguments, notes)
    told = [_slope_line(series["original"]), *_told_out(arguments.out)]
    return Answer(
        OK,
        ["; ".join(told)],
        {
            "shape": image.pixels.shape[:2],
            "spectra": [
                as_data(name, spectrum, reference.title) for name, spectrum in series.items()
            ],
            **_about(arguments, series["original"]),
            "notes": notes,
            "failures": [],
        },
    )


def _tell_notes(arguments: argparse.Namespace, notes: Sequence[str]) -> None:
    if not arguments.quiet:
        for one in notes:
            note(one)


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
    plot.radial({"original, ± standard error": series["original"]}, rings)
    if "expected" in series:
        # An exact expectation has no standard error.
        plot.radial({titles["expected"]: series["expected"]}, rings, band="none")
    # A reason why there is no slope is longer than the axes are wide.
    title = textwrap.fill(f"original: {_slope_line(series['original'])}", 52)
    rings.set_title(title.replace("slope -", "slope −"), fontsize="medium")
    plot.save(figure, path)
