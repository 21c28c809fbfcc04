"""Leakage of given masks in octaves of frequency, with standard errors over the masks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np
import scipy.fft

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulses import dirichlet_power
from spectral_mae.spectra.frequencies import full_from_half, radial_frequency
from spectral_mae.spectra.octaves import all_octave_names, octave_edges
from spectral_mae.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class OctaveLeakage:
    """Leakage in octaves of frequency: power that masks bring there, over what they keep there.

    Attributes
    ----------
    octaves : tuple of str
        Names of the octaves, in cycles/pixel. Zero frequency is in none of them.
    ratio : ndarray, shape (n_octaves,)
        Leakage of the masks.
    stderr : ndarray, shape (n_octaves,)
        Standard errors over the masks.
    nearest : ndarray, shape (n_octaves,)
        Leakage of the nearest named design.
    uniform : ndarray, shape (n_octaves,)
        Leakage of masks that keep as many patches, each set of them equally often.
    """

    octaves: tuple[str, ...]
    ratio: FloatArray
    stderr: FloatArray
    nearest: FloatArray
    uniform: FloatArray


def octave_leakage(
    grid: PatchGrid, kept: BoolArray, reference: Spectrum, nearest: MaskDesign
) -> OctaveLeakage:
    """Return the leakage of masks in each octave.

    The power that masks bring to an octave is linear in |K(q)|², the power of the set of kept
    patches, so each mask has its own, and the mean over masks has a standard error.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    kept : ndarray of bool, shape (n, L)
        The masks, True where a patch is kept.
    reference : Spectrum
        Power spectrum of the images.
    nearest : MaskDesign
        A design to compare with.

    Returns
    -------
    OctaveLeakage
        By octave.
    """
    names, original, weights = _octave_weights(grid, reference)
    axes = tuple(range(1, grid.ndim + 1))
    masked = np.empty((len(kept), len(names)))
    chunk = max(1, 2**20 // grid.n_patches)
    for first in range(0, len(kept), chunk):
        part = kept[first : first + chunk].reshape(-1, *grid.counts).astype(float)
        power = np.abs(scipy.fft.fftn(part, axes=axes)) ** 2
        masked[first : first + chunk] = power.reshape(len(part), -1) @ weights.T
    share = kept.mean(axis=1)
    pi1 = float(share.mean())
    arrived = masked.mean(axis=0)
    ratio = arrived / (pi1**2 * original) - 1.0
    # To first order in the power of a mask and in its share of kept patches.
    each = masked / (pi1**2 * original) - np.multiply.outer(share, 2 * arrived / pi1**3 / original)
    stderr = np.array([stderr_of_mean(column) for column in each.T])
    n_kept = min(max(round(pi1 * grid.n_patches), 1), grid.n_patches - 1)
    uniform = design_on(grid, 1.0 - n_kept / grid.n_patches)
    of_designs = [
        weights
        @ (grid.n_patches * design.spectrum.ravel())
        / (float(design.inclusion.mean()) ** 2 * original)
        - 1.0
        for design in (nearest, uniform)
    ]
    return OctaveLeakage(names, ratio, stderr, *of_designs)


def _octave_weights(
    grid: PatchGrid, reference: Spectrum
) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    """Octaves, the power of the reference there, and that of a masked process by |K(q)|².

    Σ_k S ⊛ |M|²/D² over an octave is Σ_k' |M(k')|² B(k')/D², where B is the octave correlated with
    S; |M|² is |K(q)|² |R|², and repeats over the frequencies k' that are q on the patch grid.
    """
    power = full_from_half(reference.power, grid.shape).copy()
    power.flat[0] = 0.0
    transformed = scipy.fft.fftn(power)
    pulse: FloatArray = reduce(
        np.multiply.outer,
        [dirichlet_power(n, p) for n, p in zip(grid.shape, grid.patch_size, strict=True)],
    )
    radius = full_from_half(radial_frequency(grid.shape, (1.0,) * grid.ndim), grid.shape)
    radius = radius.copy()
    radius.flat[0] = -1.0  # zero frequency is in no octave
    edges = octave_edges(grid.shape)
    interleaved = [n for pair in zip(grid.patch_size, grid.counts, strict=True) for n in pair]
    repeats = tuple(range(0, 2 * grid.ndim, 2))
    names, original, weights = [], [], []
    for name, (low, high) in zip(all_octave_names(), pairwise(edges), strict=True):
        inside = (radius >= low) & (radius < high)
        if not inside.any():
            continue
        reached = scipy.fft.ifftn(scipy.fft.fftn(inside) * transformed.conj()).real
        folded = (reached * pulse).reshape(interleaved).sum(axis=repeats)
        names.append(name)
        original.append(float(power[inside].sum()))
        weights.append(folded.ravel() / math.prod(grid.shape) ** 2)
    return tuple(names), np.array(original), np.array(weights)


def stderr_of_mean(values: FloatArray) -> float:
    """Return the standard error of the mean of independent values.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Two values or more.

    Returns
    -------
    float
        Of their mean; 0 where they differ by rounding errors.
    """
    scatter = float(values.std(ddof=1))
    return (
        0.0 if scatter < 1e-12 * float(np.abs(values).max()) else scatter / math.sqrt(len(values))
    )
