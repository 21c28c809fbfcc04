"""``psd`` of an image under a mask, or with missing pixels."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.cli.console.answer import OK, Answer
from spectral_mae.cli.console.messages import note
from spectral_mae.cli.errors import output_errors, usage_errors
from spectral_mae.cli.psd.tables import masked_data, units_of, write_masked
from spectral_mae.images.image import LoadedImage, read_file, with_missing
from spectral_mae.images.samples import ImageRefused
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra

NEARLY = 0.1  # as far from black or white as JPEG takes the pixels of a mask


SOFT, NO_MASK = 0.05, 0.5  # shares of gray pixels: tapered on purpose; no mask but a picture


def masked_spectrum(arguments: argparse.Namespace, image: LoadedImage, path: str) -> Answer:
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
        if arguments.out is not None:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            if arguments.out.suffix.lower() == ".csv":
                write_masked(arguments.out, spectra, path)
            else:
                _draw(spectra, image.pixels, weights, arguments)
    notes = [*image.notes, *soft]
    if not arguments.quiet:
        for one in notes:
            note(one)
    return Answer(
        OK,
        _told(spectra, float(1 - weights.mean()), arguments),
        {
            "path": path,
            "shape": image.pixels.shape,
            "hidden": float(1 - weights.mean()),
            "slope": spectra.fit.slope,
            "slope_stderr": spectra.fit.stderr,
            "spectra": masked_data(spectra, path),
            "units": {k.removesuffix("_unit"): v for k, v in units_of(spectra.naive).items()},
            "scaling": spectra.naive.scaling,
            "files": [] if arguments.out is None else [arguments.out],
            "notes": notes,
            "failures": [],
        },
    )


def _told(spectra: MaskedSpectra, hidden: float, arguments: argparse.Namespace) -> Iterator[str]:
    fit = spectra.fit
    gone = "missing" if arguments.mask is None else "hidden"
    yield f"{hidden:.1%} of the pixels {gone}"
    yield (
        f"slope {fit.slope:.3f} ± {fit.stderr:.3f} (power law fitted under the mask up to 0.5 "
        "cycles/pixel, most to the highest frequencies; a line through the rings of a photograph, "
        "which is no power law, differs)"
    )
    if arguments.mask is None:
        yield "the spectrum is unmasked: estimated from the pairs of pixels that are there"
    elif arguments.unmask:
        yield spectra.deviation()
    if arguments.out is not None:
        yield f"written to {arguments.out}"


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
        axes[0, 0].set_title(f"{1 - weights.mean():.0%} missing", fontsize="medium")
    plot.unmasked_radial(
        spectra.naive,
        spectra.unmasked,
        spectra.true,
        axes[0, 1],
    )
    slope = f"slope {spectra.fit.slope:.2f} ± {spectra.fit.stderr:.2f} under the mask"
    axes[0, 1].set_title(slope.replace("-", "−"), fontsize="medium")
    if arguments.unmask and arguments.mask is not None:
        figure.supxlabel(textwrap.fill(spectra.deviation(), 120), fontsize="small")
    plot.save(figure, arguments.out)


def _size(pixels: FloatArray) -> str:
    return " x ".join(map(str, pixels.shape))
