"""How much the spectrum of one image varies from mask to mask, exactly.

With v_b the indicator that patch b is kept, Y = Σ_b v_b X_b, so |Y|⁴ is a sum over four patches,
and its mean over masks needs the probability that four given patches, or fewer where some coincide,
are all kept. Sums over *different* patches are turned into products of sums over all by Möbius
inversion on the partitions of the four places. Where that probability depends on which patches they
are, the spread is that over all masks of the design, one transform for each.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling, Scaling
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import image_and_design
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.bins.binning import unit_near
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.spectrum import Spectrum

Block = tuple[int, ...]
Partition = tuple[Block, ...]
PART_BYTES = 32 * 2**20
SEVERAL = "call this for each of them"  # what the error says when there are several images


def masked_psd_std(
    image: ArrayLike,
    patch_size: _checks.PerAxis | None = None,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    scaling: Scaling = "density",
    window: Window = None,
    detrend: DetrendOption = None,
    channel_axis: int | None = None,
) -> Spectrum:
    """Standard deviation, from mask to mask, of the power spectrum of one image under random masks.

    It is exact: where patches are chosen uniformly, the fourth moment E|Y|⁴ follows from the
    probabilities that up to four given patches are all kept. For another design it is the standard
    deviation over the list of all its masks, if there is one. `expected_masked_psd` is the mean.

    Parameters
    ----------
    image : array_like, shape (D,), (H, W) or (T, H, W), and the channels at ``channel_axis``
        Real numbers.
    patch_size : int or tuple of int or None
        Pixels of a patch along each axis. It must divide the shape of the image. A volume needs
        three numbers. None with ``design=``.
    mask_ratio : float or None
        Fraction of patches that is hidden, strictly between 0 and 1. None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently with probability 1−m.
    design : MaskDesign or None
        In place of the three: any design of `spectral_mae.designs` on a grid of the image's shape
        that is uniform or lists its masks (`MaskDesign.enumerate`).
    scaling, window, detrend, channel_axis : optional
        As in `spectral_mae.psd`.

    Returns
    -------
    Spectrum
        Its ``power`` is the standard deviation at each frequency.

    Raises
    ------
    TypeError, ValueError
        As `expected_masked_psd`, and for a design that is neither uniform nor listed.

    Examples
    --------
    >>> image = np.random.default_rng(0).standard_normal((16, 16))
    >>> std = masked_psd_std(image, 4, 0.5)
    >>> grid = PatchGrid((16, 16), 4)
    >>> from spectral_mae import sample_visible
    >>> drawn = Periodogram((16, 16)).power(
    ...     np.broadcast_to(image, (4000, 16, 16)), visible=sample_visible(grid, 0.5, 4000, rng=0)
    ... )
    >>> bool(np.allclose(drawn.std(axis=0), std.power, rtol=0.1))
    True
    >>> from spectral_mae import designs
    >>> masked_psd_std(image, design=designs.block(grid, 2)).shape
    (16, 16)
    """
    pixels = _checks.real_array("image", image).astype(np.float64, copy=False)
    pixels, design = image_and_design(
        pixels,
        patch_size,
        mask_ratio,
        sampling=sampling,
        design=design,
        channel_axis=channel_axis,
        several=SEVERAL,
    )
    grid = design.grid
    periodogram = Periodogram(
        grid.shape, window=window, detrend=detrend, scaling=scaling, channel_axis=-1, chunk=1
    )
    original = periodogram.mean(pixels[np.newaxis])
    # Fourth powers of pixels leave the range of numbers sooner than their squares.
    unit = unit_near(float(np.abs(pixels).max()))
    planes = periodogram.condition(pixels[np.newaxis])[0] / unit
    channels = [np.ascontiguousarray(planes[..., c]) for c in range(planes.shape[-1])]
    chances = [design.joint_inclusion(n) for n in range(5)]
    known = [chance for chance in chances if chance is not None]
    if len(known) == len(chances):
        variance = np.zeros_like(original.power)
        for i, first in enumerate(channels):
            for j, second in enumerate(channels[: i + 1]):
                variance += (1 if i == j else 2) * _covariance(first, second, grid, known)
    else:
        variance = _variance_over_masks(channels, design)
    scale = periodogram.norm * unit**2 / len(channels)
    power = np.sqrt(np.maximum(variance, 0.0)) * scale
    return dataclasses.replace(original, power=power)


def _variance_over_masks(channels: list[FloatArray], design: MaskDesign) -> FloatArray:
    """Variance of Σ_c |Y_c|² over all masks of a design, on the half-plane."""
    try:
        patterns, weights = design.enumerate()
    except ValueError as error:
        raise ValueError(
            "the spread from mask to mask needs the probabilities that four patches are all kept, "
            f"or all masks: {error}"
        ) from error
    patterns, weights = patterns[weights > 0], weights[weights > 0]
    fft = RealFFT(design.grid.shape)
    size, weight = max(1, PART_BYTES // (16 * channels[0].size)), 0.0
    mean = squares = np.zeros(fft.half_shape)
    for start in range(0, len(patterns), size):
        part = slice(start, start + size)
        masks = design.grid.expand(patterns[part])
        power = np.zeros((len(masks), *fft.half_shape))
        for channel in channels:
            half = fft.rfft(channel * masks)
            power += half.real**2 + half.imag**2
        # Each part about its own mean, for the difference of large sums would cancel.
        more = float(weights[part].sum())
        centre = np.tensordot(weights[part], power, 1) / more
        power -= centre
        power *= power
        gap, weight = centre - mean, weight + more
        mean = mean + gap * (more / weight)
        squares = squares + np.tensordot(weights[part], power, 1)
        squares += gap**2 * (more * (weight - more) / weight)
    return squares


def _covariance(
    first: FloatArray, second: FloatArray, grid: PatchGrid, chances: list[float]
) -> FloatArray:
    """Covariance over masks of |Y|² of two planes, on the half-plane."""
    blocks = sorted({block for partition in _partitions() for block in partition})
    sums: dict[Block, NDArray[Any]] = dict.fromkeys(blocks, np.zeros(()))
    for a, b in zip(_patch_transforms(first, grid), _patch_transforms(second, grid), strict=True):
        places = (a, a.conj(), b, b.conj())
        for block in blocks:
            product = places[block[0]]
            for place in block[1:]:
                product = product * places[place]
            sums[block] = sums[block] + product.sum(axis=0)
    fourth = _mean((0, 1, 2, 3), sums, chances)
    return (fourth - _mean((0, 1), sums, chances) * _mean((2, 3), sums, chances)).real


def _mean(places: Block, sums: dict[Block, NDArray[Any]], chances: list[float]) -> Any:
    """Mean over masks of the product of Y, or its conjugate, at some places."""
    total: Any = 0.0
    for partition in _partitions_of(places):
        weight = sum(
            chances[len(finer)] * _moebius(finer, partition)
            for finer in _partitions_of(places)
            if _refines(finer, partition)
        )
        product: Any = weight
        for block in partition:
            product = product * sums[block]
        total = total + product
    return total


def _patch_transforms(plane: FloatArray, grid: PatchGrid) -> Iterator[NDArray[Any]]:
    """X_b on the half-plane, some patches at a time, (n, *half_shape)."""
    fft = RealFFT(grid.shape)
    size = max(1, PART_BYTES // (8 * plane.size))
    edges = [*range(0, grid.n_patches, size), grid.n_patches]
    for start, stop in pairwise(edges):
        kept = np.zeros((stop - start, grid.n_patches), dtype=bool)
        kept[np.arange(stop - start), np.arange(start, stop)] = True
        yield fft.rfft(plane * grid.expand(kept))


def _partitions() -> list[Partition]:
    """Partitions of all four places, and of the two pairs."""
    return [*_partitions_of((0, 1, 2, 3)), *_partitions_of((0, 1)), *_partitions_of((2, 3))]


def _partitions_of(places: Block) -> tuple[Partition, ...]:
    """All ways to split places into blocks."""
    if not places:
        return ((),)
    first, rest = places[0], places[1:]
    found: list[Partition] = []
    for smaller in _partitions_of(rest):
        found.append(tuple(sorted([(first,), *smaller])))
        for i, block in enumerate(smaller):
            others = [*smaller[:i], *smaller[i + 1 :]]
            found.append(tuple(sorted([tuple(sorted((first, *block))), *others])))
    return tuple(found)


def _refines(finer: Partition, coarser: Partition) -> bool:
    """Whether every block of one lies in a block of the other."""
    return all(any(set(small) <= set(large) for large in coarser) for small in finer)


def _moebius(finer: Partition, coarser: Partition) -> int:
    """Möbius function of the lattice of partitions: Π (−1)^(n−1) (n−1)! over merged blocks."""
    value = 1
    for large in coarser:
        n = sum(set(small) <= set(large) for small in finer)
        value *= (-1) ** (n - 1) * math.factorial(n - 1)
    return value
