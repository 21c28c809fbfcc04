"""Explained power of hidden pixels, image by image, exact over all masks of a uniform design.

For the map W of a hidden target (no weights on the own patch), and π₁', π₂' the probabilities that
other patches are kept while the output patch is hidden, the expected squared error of an image x at
frequency k, as if every patch were hidden, is

    |X − π₁'Y|² + (π₂' − π₁'²)|Y|² + (π₁' − π₂') Σ_b |x_b W_b|²

with Y the DFT of xW, and W_b the rows of W that patch b meets. As W commutes with shifts by
patches, the last sum over an octave is Σ_b x_bᵀ K x_b, with one matrix K for all patches:
K = (1/L) Σ_q conj(W_q) F W_qᵀ, with F what is in the octave.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae._parallel import BATCH_BYTES, POOLED, cores, in_batches, one_blas_thread
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import DenseMoments
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.octave_power import OctavePower
from spectral_mae.spectra.octaves import OCTAVES

PART = 64  # images at once
PART_BLOCKS = 16


def exact_errors(model: LinearMAE, patches: FloatArray, groups: int | None = None) -> ErrorSums:
    """Return what a model leaves of the power of hidden pixels, over all masks.

    Parameters
    ----------
    model : LinearMAE
        Fitted in bands with ``target="hidden"``, under a uniform design.
    patches : ndarray, shape (n, n_patches, patch_dim)
        Images about the mean of the model, in patch order.
    groups : int or None
        As in `ErrorSums.by_octave`.

    Returns
    -------
    ErrorSums
        Errors and powers in all and by octave. Their ratio in all is that of `LinearMAE.score`.

    Raises
    ------
    ValueError
        If the model is of another kind.
    """
    given = model.design_.uniform_given_hidden
    moments = model.moments_
    if given is None or model.target != "hidden" or isinstance(moments, DenseMoments):
        raise ValueError(f"{model!r} has no hidden target in bands under a uniform design")
    pi1, pi2 = given
    power_of = OctavePower(moments.grid, moments.channels)
    noise = noise_matrices(model, power_of)
    error, power = np.empty((len(patches), len(OCTAVES))), np.empty((len(patches), len(OCTAVES)))

    def work(rows: slice) -> None:
        part = patches[rows]
        output = moments.transform.apply(model.solution_.weights, part)
        found = power_of(part - pi1 * output) + (pi2 - pi1**2) * power_of(output)
        flat = part.reshape(-1, part.shape[-1])
        for octave, matrix in enumerate(noise):
            if matrix is not None:
                random = np.einsum("ij,ij->i", flat @ matrix, flat).reshape(part.shape[:2])
                found[:, octave] += (pi1 - pi2) * random.sum(axis=1)
        error[rows], power[rows] = found, power_of(part)

    with one_blas_thread():
        for first in range(0, len(patches), PART):
            work(slice(first, first + PART))
    return ErrorSums.by_octave(error, power, groups)


def exact_errors_of_moments(model: LinearMAE) -> ErrorSums:
    """Return the same for the images that the moments of the model stand for.

    Parameters
    ----------
    model : LinearMAE
        Fitted in bands with ``target="hidden"``, under a uniform design.

    Returns
    -------
    ErrorSums
        As of one image: the standard errors are NaN.
    """
    response = model.frequency_response()
    power_of = OctavePower(model.moments_.grid, model.moments_.channels)
    octave = power_of.of_frequencies().ravel()
    sums = np.zeros((2, len(OCTAVES)))
    for found, values in zip(sums, (response.error, response.original), strict=True):
        np.add.at(found, octave, values.ravel())
    return ErrorSums.by_octave(sums[:1], sums[1:])


def noise_matrices(model: LinearMAE, power_of: OctavePower) -> list[FloatArray | None]:
    """Return K of each octave; None where the grid has no frequency.

    Parameters
    ----------
    model : LinearMAE
        Fitted in bands.
    power_of : OctavePower
        Octaves on the grid of the model.

    Returns
    -------
    list of ndarray, shape (d, d), or None
        Real symmetric matrices.
    """
    transform, weights = model.moments_.transform, model.solution_.weights
    octaves = transform.basis.gather(power_of.of_frequencies())
    times = transform.multiplicity / transform.norm
    d = weights.shape[-1]

    def work(rows: slice, first: int) -> FloatArray:
        rows = slice(first + rows.start, first + rows.stop)
        found = np.zeros((len(OCTAVES), d, d))
        rows_of = transform.basis.rows_by_frequency(weights[rows].conj(), rows)
        for weight, octave, matrix in zip(times[rows], octaves[rows], rows_of, strict=True):
            for one in np.unique(octave):
                inside = matrix[:, octave == one].reshape(d, -1)
                # The real part of conj(A) Aᵀ, in a quarter of its time.
                parts = np.concatenate([inside.real, inside.imag], axis=1)
                found[one] += weight * (parts @ parts.T)
        return found

    total = np.zeros((len(OCTAVES), d, d))
    # A few blocks at a time: their products together take more than the weights. In their order,
    # so that every run has the same bits, also where large blocks are as many as there are threads.
    step = cores() if d >= POOLED else max(PART_BLOCKS, BATCH_BYTES // (16 * d * d))
    for first in range(0, len(weights), step):
        n = min(step, len(weights) - first)
        for part in in_batches(partial(work, first=first), n, d):
            total += part
    filled = set(np.unique(octaves).tolist())
    return [total[one] if one in filled else None for one in range(len(OCTAVES))]
