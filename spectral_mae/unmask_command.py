"""What ``psd --mask`` does: the spectrum of what a mask shows, as it is and unmasked."""

from __future__ import annotations

import argparse
import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectral_mae import images, plot
from spectral_mae._checks import FloatArray
from spectral_mae.columns import write_columns
from spectral_mae.command_line import OK, output_errors, usage_errors
from spectral_mae.grid import nyquist
from spectral_mae.images import ImageRefused, LoadedImage
from spectral_mae.masked_slope import MaskedSlopeFit, fit_masked_slope
from spectral_mae.periodogram import psd
from spectral_mae.radial import RadialSpectrum
from spectral_mae.spectrum_errors import unmasked_covariance
from spectral_mae.unmasking import unmasked_psd

DRAWS = 200  # fields behind the error band
NEARLY = 0.1  # as far from black or white as JPEG takes the pixels of a mask
SOFT, NO_MASK = 0.05, 0.5  # shares of gray pixels: tapered on purpose; no mask but a picture
ALIKE = 0.5  # holes that JPEG has roughened spread less than this share of what is visible


@dataclass(frozen=True, eq=False)
class MaskedSpectra:
    """The radial spectra of an image under a mask.

    Attributes
    ----------
    naive : RadialSpectrum
        Of the masked image about its visible mean, divided by the mean of the squared mask.
    unmasked : RadialSpectrum or None
        Lag by lag in the gradient; ``stderr`` is that of Gaussian fields with the fitted slope.
    true : RadialSpectrum or None
        Of the whole image, estimated likewise, where it holds anything under the mask.
    fit : MaskedSlopeFit
    """

    naive: RadialSpectrum
    unmasked: RadialSpectrum | None
    true: RadialSpectrum | None
    fit: MaskedSlopeFit

    @classmethod
    def of(cls, image: FloatArray, weights: FloatArray, *, unmask: bool = True) -> MaskedSpectra:
        """Of a gray image and weights of its shape; the error bars of ``unmask`` take seconds."""
        level = float(np.average(image, weights=weights))
        naive = psd(image - level, visible=weights).radial()
        share = float(np.mean(weights**2))
        naive = dataclasses.replace(
            naive, power=naive.power / share, std=naive.std / share, stderr=naive.stderr / share
        )
        options: Any = {"prewhiten": "gradient", "wrap": False}
        # As far as rings reach, so that both slopes are of the same frequencies.
        fit = fit_masked_slope(image, weights, fmax=nyquist((1.0,) * image.ndim), wrap=False)
        unmasked = None
        if unmask:
            found = unmasked_psd(image, weights, detrend="constant", **options).radial()
            errors = unmasked_covariance(fit.spectrum, weights, n_draws=DRAWS, **options)
            unmasked = dataclasses.replace(found, stderr=errors.stderr)
        true = None
        if is_whole(image, weights):
            true = unmasked_psd(image, np.ones_like(weights), **options).radial()
        return cls(naive, unmasked, true, fit)

    def deviation(self) -> str:
        """How far the unmasked spectrum is from the true one; empty where there is none."""
        if self.unmasked is None:
            return ""
        if self.true is None:
            return "the hidden pixels are (nearly) all alike, so the image is not taken for whole"
        gap = (self.unmasked.power - self.true.power) / self.unmasked.stderr
        ratio = self.unmasked.power / self.true.power
        return (
            f"unmasked over true: median {np.median(ratio):.2f}, from {ratio.min():.2f} to "
            f"{ratio.max():.2f}; {np.mean(np.abs(gap) > 2):.0%} of the rings are off by more than "
            "2 standard errors (5% would be of a stationary image)"
        )


def masked_spectrum(arguments: argparse.Namespace, image: LoadedImage) -> int:
    """``spectral-mae psd IMAGE --mask MASK``: a picture or a table."""
    with usage_errors():
        defaults = {"mask_ratio": None, "window": None, "scaling": "density", "detrend": "none"}
        for name, default in defaults.items():
            if getattr(arguments, name) != default:
                raise ValueError(f"--{name.replace('_', '-')} does not go with --mask")
        if arguments.color:
            raise ValueError("--color does not go with --mask: gray values are unmasked")
        mask = _read_mask(arguments)
        if mask.pixels.shape != image.pixels.shape:
            raise ValueError(
                f"the mask has {_size(mask.pixels)} pixels, the image {_size(image.pixels)}"
            )
        weights, soft = _weights(mask.pixels, arguments.mask)
        if not weights.any():
            raise ValueError(f"{arguments.mask}: no pixel is visible")
        spectra = MaskedSpectra.of(image.pixels, weights, unmask=arguments.unmask)
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        if arguments.out.suffix.lower() == ".csv":
            _write(spectra, arguments)
        else:
            _draw(spectra, image.pixels, weights, arguments)
    fit = spectra.fit
    for note in (*image.notes, *soft):
        print(f"note: {note}")
    print(f"{1 - weights.mean():.1%} of the pixels hidden")
    print(
        f"slope {fit.slope:.3f} ± {fit.stderr:.3f} (power law fitted under the mask up to 0.5 "
        "cycles/pixel, most to the highest frequencies; a line through the rings of a photograph, "
        "which is no power law, differs)"
    )
    if arguments.unmask:
        print(spectra.deviation())
    print(f"written to {arguments.out}")
    return OK


def _read_mask(arguments: argparse.Namespace) -> LoadedImage:
    try:
        return images.read_file(arguments.mask, max_pixels=arguments.max_pixels)
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


def is_whole(image: FloatArray, weights: FloatArray) -> bool:
    """Whether the image also holds something where it is hidden, rather than holes of one level."""
    hidden, visible = image[weights == 0], image[weights > 0]
    return hidden.size == 0 or _spread(hidden) > ALIKE * _spread(visible)


def _spread(values: FloatArray) -> float:
    return float(np.mean(np.abs(values - np.median(values))))


def _draw(
    spectra: MaskedSpectra, image: FloatArray, weights: FloatArray, arguments: argparse.Namespace
) -> None:
    figure, axes = plot.new_figure(1, 2, width=10.4, height=4.6)
    plot.masked_image(image, weights, axes[0, 0])
    plot.unmasked_radial(
        spectra.naive,
        spectra.unmasked,
        spectra.true,
        axes[0, 1],
    )
    axes[0, 1].set_title(f"slope {spectra.fit.slope:.2f} ± {spectra.fit.stderr:.2f} under the mask")
    if arguments.unmask:
        figure.supxlabel(textwrap.fill(spectra.deviation(), 120), fontsize="small")
    plot.save(figure, arguments.out)


def _write(spectra: MaskedSpectra, arguments: argparse.Namespace) -> None:
    columns = {
        "frequency": spectra.naive.frequency,
        "count": spectra.naive.count,
        "naive": spectra.naive.power,
    }
    if spectra.unmasked is not None:
        columns |= {"unmasked": spectra.unmasked.power, "stderr": spectra.unmasked.stderr}
    if spectra.true is not None:
        columns["true"] = spectra.true.power
    write_columns(arguments.out, columns)


def _size(pixels: FloatArray) -> str:
    return " x ".join(map(str, pixels.shape))
