"""Gaussian random fields of known power spectrum, for tests and for teaching."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
import scipy.fft

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.spectrum import Spectrum

__all__ = ["gaussian_fields", "power_law"]


def power_law(
    shape: _checks.PerAxis, slope: float, *, variance: float = 1.0, outer: float | None = None
) -> Spectrum:
    """The power spectrum S ∝ f^slope, with nothing at zero frequency.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis.
    slope : float
        Exponent of the frequency; about −2 for photographs.
    variance : float
        Sum over all frequencies: the variance of a field's pixels. Above 0.
    outer : float or None
        Frequency in cycles/pixel below which the spectrum is flat, as it has to be for fields that
        are cut from much larger ones; None lets it rise to the lowest frequency.

    Returns
    -------
    Spectrum
        The power law, in scaling "density".

    Raises
    ------
    ValueError
        If the powers overflow, or the shape has no frequency but zero.

    Examples
    --------
    >>> spectrum = power_law((64, 64), -2.0)
    >>> round(spectrum.total, 9), round(spectrum.radial().fit_slope().slope, 1)
    (1.0, -2.0)
    """
    sizes = _checks.grid_shape(shape)
    variance = _checks.positive_number("variance", variance)
    slope = _checks.real_number("slope", slope)
    if outer is not None:
        outer = _checks.positive_number("outer", outer)
    ones = (1.0,) * len(sizes)
    radius = frequencies.radial_frequency(sizes, ones)
    lowest = radius.ravel()[1:].min(initial=1.0) if outer is None else outer
    with np.errstate(over="ignore"):
        power = np.maximum(radius, lowest) ** slope
    power.flat[0] = 0.0
    if not np.isfinite(power).all():
        raise ValueError(f"{slope=} with {outer=} makes powers that no float holds")
    whole = float(np.sum(power * frequencies.hermitian_weights(sizes)))
    if whole == 0:
        raise ValueError(f"{shape=} has no frequency but zero")
    power *= variance * prod(sizes) / whole
    return Spectrum(power, sizes, "density", ones, 1.0 / prod(sizes))


def gaussian_fields(
    spectrum: Spectrum, n: int, *, shape: _checks.PerAxis | None = None, rng: Seed = None
) -> FloatArray:
    """Draw Gaussian fields with a given power spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        Of any scaling; its zero frequency is the variance of the fields' means.
    n : int
        Number of fields.
    shape : int or tuple of int, or None
        Cut fields of this shape from periodic fields of the spectrum's shape. Where that is at
        least twice as long, opposite borders of a cut field are independent of the periodicity.
        None returns the periodic fields.
    rng : int, numpy.random.Generator or None
        Seed or generator. Equal seeds give equal fields.

    Returns
    -------
    ndarray of float64, shape (n, *shape)
        The fields.

    Raises
    ------
    ValueError
        If the spectrum has negative power, or the shape is larger than its own.

    Examples
    --------
    >>> fields = gaussian_fields(power_law((64, 64), -2.0), 200, rng=0)
    >>> fields.shape, bool(np.isclose(fields.var(), 1.0, atol=0.1))
    ((200, 64, 64), True)
    """
    _checks.needed("spectrum", spectrum, Spectrum, "psd(image) or power_law(shape, slope) make one")
    n = _checks.positive_int("n", n)
    whole = spectrum.shape
    cut = whole if shape is None else _checks.per_axis("shape", shape, len(whole))
    if any(small > large for small, large in zip(cut, whole, strict=True)):
        raise ValueError(f"{shape=} is larger than the spectrum's, {whole}")
    inside = tuple(slice(size) for size in cut)
    fields = np.empty((n, *cut))
    for field, drawn in zip(fields, each_field(spectrum, n, rng), strict=True):
        field[...] = drawn[inside]
    return fields


def each_field(spectrum: Spectrum, n: int, rng: Seed) -> Iterator[FloatArray]:
    """Draw the periodic fields of `gaussian_fields` one at a time, in the memory of one.

    White noise is filtered with √S, so the fields are Gaussian and have the spectrum S on average.

    Parameters
    ----------
    spectrum : Spectrum
        Of any scaling.
    n : int
        Number of fields.
    rng : int, numpy.random.Generator or None
        Seed or generator.

    Yields
    ------
    ndarray of float64, shape (*spectrum.shape)
        A field.

    Raises
    ------
    ValueError
        If the spectrum has negative power.
    """
    spectrum = spectrum.numpy()
    if spectrum.power.min() < 0:
        raise ValueError(f"the spectrum has negative power, down to {spectrum.power.min():.3g}")
    amplitude = np.sqrt(spectrum.per_pixel)
    generator = generator_of(rng)
    for _ in range(n):
        waves = scipy.fft.rfftn(generator.standard_normal(spectrum.shape))
        waves *= amplitude
        yield scipy.fft.irfftn(waves, s=spectrum.shape, overwrite_x=True)
