"""One result of every kind that has frequencies, of images of any shape."""

import numpy as np

import spectral_mae as sm

KINDS = [
    "CrossSpectrum",
    "Leakage",
    "RadialCrossSpectrum",
    "RadialLeakage",
    "RadialSpectrum",
    "SectorCrossSpectrum",
    "SectorSpectrum",
    "Spectrum",
    "UnmaskedSpectrum",
]


def labelled_results(shape, unit):
    """Results by name; sectors only of images."""
    rng = np.random.default_rng(1)
    one, other = rng.standard_normal((2, *shape))
    batch, ndim = rng.standard_normal((3, *shape)), len(shape)
    options = {"fs": tuple(4.0 / (1 + axis) for axis in range(ndim)), "unit": unit}
    spectrum = sm.psd(one, ndim=ndim, **options)
    cross = sm.cross_spectrum(one, other, ndim=ndim, **options)
    visible = rng.random(shape) < 0.8
    visible.flat[0] = True
    results = {
        "psd": spectrum,
        "rings": spectrum.radial(),
        "batch": sm.Periodogram(shape, **options).radial(batch),
        "mean": sm.Periodogram(shape, **options).mean(batch),
        "welch": sm.welch(one, shape, ndim=ndim, window=None, **options),
        "cross": cross,
        "cross rings": cross.radial(),
        "unmasked": sm.unmasked_psd(one, visible, ndim=ndim, **options),
    }
    if np.prod(shape) > 2:
        compared = sm.compare_spectra(batch, batch[::-1], ndim=ndim, **options)
        patch = tuple(next(p for p in (4, 3, 5, 1) if n % p == 0) for n in shape)
        leak = sm.leakage(one, patch if ndim > 1 else patch[0], 0.5, **options)
        results |= {
            "compared": compared.spectrum(),
            "compared rings": compared.radial(n_resamples=2),
            "octaves": compared.octaves(n_resamples=2),
            "leakage": leak,
            "leakage rings": leak.radial(),
        }
        if ndim == 2:
            results |= {"sectors": spectrum.sectors(3), "cross sectors": cross.sectors(3)}
    return results
