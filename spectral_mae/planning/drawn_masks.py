"""Explained power of hidden pixels under masks drawn from any design.

The map that is best on hidden pixels alone has a closed form in bands for uniform designs only: it
needs to know which pairs of patches are kept while a third is hidden. For all designs there is the
best map on all pixels. It differs on hidden pixels mainly by its scale, because it is also made for
the masks under which its output patch is visible. So each principal component of a patch is
multiplied by one gain, the one of least error on hidden pixels, found with masks drawn from the
design on Gaussian images of the same second moment. Under uniform designs the result comes within
about 0.01 of the closed form (a test holds this).

Masks that are drawn anew for each image are then put on images held out, and the error is counted
on hidden pixels alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae._parallel import one_blas_thread
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.gaussian_draws import GaussianDraws
from spectral_mae.planning.octave_power import OctavePower
from spectral_mae.spectra.octaves import OCTAVES

N_GAUSSIAN = 128  # images for the gains
N_DRAWS = 4  # masks of each image
PART = 64  # images at once


def drawn_errors(
    model: LinearMAE,
    patches: FloatArray,
    gaussian: GaussianDraws,
    rng: np.random.Generator,
    groups: int | None = None,
) -> ErrorSums:
    """Return what a model leaves of the power of hidden pixels, under masks that are drawn.

    Parameters
    ----------
    model : LinearMAE
        Fitted in bands with ``target="all"``, under any design.
    patches : ndarray, shape (n, n_patches, patch_dim)
        Images about the mean of the model, in patch order.
    gaussian : GaussianDraws
        Draws images like those of the fit.
    rng : numpy.random.Generator
        Source of masks and Gaussian images.
    groups : int or None
        As in `ErrorSums.by_octave`.

    Returns
    -------
    ErrorSums
        Errors and powers of images that are zero on visible pixels, in all and by octave.
    """
    components = np.linalg.eigh(model.moments_.stack().local)[1]
    power_of = OctavePower(model.moments_.grid, model.moments_.channels)
    error = np.zeros((len(patches), len(OCTAVES)))
    power = np.zeros_like(error)
    with one_blas_thread():
        gains = _gains(model, components, gaussian, rng)
        for rows, seen, output, hidden in _masked(model, patches, N_DRAWS, rng):
            scaled = (flat(output) @ components * gains) @ components.T
            power[rows] += power_of(seen * hidden) / N_DRAWS
            error[rows] += power_of((seen - scaled.reshape(seen.shape)) * hidden) / N_DRAWS
    return ErrorSums.by_octave(error, power, groups)


def flat(patches: FloatArray) -> FloatArray:
    """Return the patches of all images as rows of one matrix.

    Parameters
    ----------
    patches : ndarray, shape (n, n_patches, patch_dim)
        Images cut into patches.

    Returns
    -------
    ndarray, shape (n · n_patches, patch_dim)
        The same numbers.
    """
    return patches.reshape(-1, patches.shape[-1])


def _gains(
    model: LinearMAE,
    components: FloatArray,
    gaussian: GaussianDraws,
    rng: np.random.Generator,
) -> FloatArray:
    """The gain of each component with the least error on hidden pixels."""
    cross, own = np.zeros(len(components)), np.zeros(len(components))
    for _, seen, output, hidden in _masked(model, gaussian(N_GAUSSIAN, rng), 1, rng):
        where = hidden[..., 0]
        wanted, found = seen[where] @ components, output[where] @ components
        cross += np.sum(wanted * found, axis=0)
        own += np.sum(found**2, axis=0)
    floor = len(own) * np.finfo(np.float64).eps * float(own.max(initial=0.0))
    return np.divide(cross, own, out=np.zeros_like(own), where=own > floor)


def _masked(
    model: LinearMAE, patches: FloatArray, n_draws: int, rng: np.random.Generator
) -> Iterator[tuple[slice, FloatArray, FloatArray, BoolArray]]:
    """Parts of the images, what the model makes of them, and where they were hidden."""
    moments, design = model.moments_, model.design_
    for first in range(0, len(patches), PART):
        rows = slice(first, first + PART)
        part = patches[rows]
        for _ in range(n_draws):
            kept = design.sample_kept(len(part), rng)[:, :, np.newaxis]
            output = moments.transform.apply(model.solution_.weights, part * kept)
            yield rows, part, output, ~kept
