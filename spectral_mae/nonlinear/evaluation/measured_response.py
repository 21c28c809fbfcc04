"""The frequency response of any model, measured on images and drawn masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, Sampling
from spectral_mae.linear.frequency_response import FrequencyResponse
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid, kept_patches
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import real_numbers
from spectral_mae.nonlinear.evaluation.maps import Filler
from spectral_mae.nonlinear.evaluation.response_sums import ResponseSums, checked_images, like
from spectral_mae.nonlinear.model import Target


def measured_response(
    fill: Filler,
    images: FloatArray,
    grid: PatchGrid | None = None,
    mask_ratio: float | None = None,
    *,
    mean: FloatArray | None = None,
    n_draws: int = 4,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    target: Target = "all",
    rng: Seed = None,
) -> FrequencyResponse:
    """The frequency response of any model, measured on images and drawn masks.

    It has the attributes of `LinearMAE.frequency_response`. With X an image and X̂ its
    reconstruction at a frequency, both about the mean: the gain is the projection E[X̂X*]/E|X|²;
    ``passed`` is the power predicted by it; ``noise`` is the variance over masks; ``aliased`` is
    the rest of the power, which comes from other frequencies, linearly or not. ``error`` and
    ``original`` are means of |X̂−X|² and |X|².

    For a linear model, ``error``, ``reconstructed`` and ``noise`` estimate those of its closed form
    (on all pixels), and gain and ``passed`` do where the images are stationary.

    Parameters
    ----------
    fill : callable
        Takes images and kept patches; `filler` makes one from a model.
    images : ndarray, shape (n, H, W[, channels])
        Many more than channels: with few images the projection overestimates the gain.
    grid : PatchGrid or None
        Grid of the images; None with ``design=``.
    mask_ratio : float or None
        Fraction of patches hidden, between 0 and 1; None with ``design=``.
    mean : ndarray, shape (H, W[, channels]), or None
        What is subtracted; None uses the mean of the images.
    n_draws : int
        Masks drawn for each image, at least 2.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    design : MaskDesign or None
        Distribution of the masks, in the place of grid, mask ratio and sampling.
    target : {"all", "hidden"}
        For "hidden" each reconstruction is combined from two, under masks that keep no patch in
        common, so that every pixel comes from a mask that hides it. This needs fixed sampling and a
        mask ratio of at least ½, and is not there for ``design=``.
    rng : int, numpy.random.Generator or None
        Seed or generator of the masks.

    Returns
    -------
    FrequencyResponse
        The measured response.

    Raises
    ------
    TypeError
        If neither a design nor a grid and a mask ratio are given.
    ValueError
        If there are fewer than two draws, or no two such masks; if images or reconstructions do
        not fit the grid and each other, or are not finite.

    Examples
    --------
    >>> def gray(images, kept):  # a model that sees no structure at all
    ...     return np.full_like(images, images.mean())
    >>> images = np.random.default_rng(0).standard_normal((20, 8, 8))
    >>> response = measured_response(gray, images, PatchGrid((8, 8), 4), 0.5, rng=0)
    >>> response.shape, bool(np.allclose(response.passed, 0))
    ((8, 8), True)
    """
    _checks.choice("target", target, Target)
    _checks.integer("n_draws", n_draws, least=2, why="noise over masks needs at least two")
    masks = design_on(grid, mask_ratio, sampling=sampling, design=design)
    grid, generator = masks.grid, generator_of(rng)
    images = checked_images("images", images, grid)
    centre = images.mean(0) if mean is None else real_numbers("mean", mean)
    if centre.shape != images.shape[1:]:
        raise ValueError(f"mean of shape {centre.shape}, images of {images.shape}")
    if target == "hidden":
        if mask_ratio is None or sampling != "fixed":
            raise ValueError(
                f"target='hidden' needs fixed sampling, not {sampling=} with {design=}: two masks "
                "that keep no patch in common stand for any two of this design alone"
            )
        outputs: Iterable[FloatArray] = _hidden_outputs(
            fill, images, grid, mask_ratio, n_draws, generator
        )
    else:
        kept = (masks.sample_kept(len(images), generator) for _ in range(n_draws))
        outputs = (fill(images, one) for one in kept)
    return response_of(images - centre, (like(images, out) - centre for out in outputs), grid)


def response_of(
    truth: FloatArray, outputs: Iterable[FloatArray], grid: PatchGrid
) -> FrequencyResponse:
    """The response from images about their mean and reconstructions under several masks.

    Parameters
    ----------
    truth : ndarray, shape (n, H, W[, channels])
        Images about their mean.
    outputs : iterable of ndarray, each of the shape of ``truth``
        Reconstructions about the mean, one array for each draw of masks.
    grid : PatchGrid
        Grid of the images.

    Returns
    -------
    FrequencyResponse
        The response.

    Raises
    ------
    ValueError
        If there are fewer than two reconstructions, shapes differ, or a number is not finite.

    Examples
    --------
    >>> truth = np.random.default_rng(0).standard_normal((20, 8, 8))
    >>> response = response_of(truth, [0.5 * truth, 0.5 * truth], PatchGrid((8, 8), 4))
    >>> bool(np.allclose(response.gain, 0.5)), bool(np.allclose(response.noise, 0))
    (True, True)
    """
    truth = checked_images("truth", truth, grid)
    channels = truth.shape[-1] if truth.ndim == grid.ndim + 2 else 1
    sums = ResponseSums(grid, channels)
    sums.add(truth, ({"": output} for output in outputs))
    return sums.responses()[""]


def disjoint_masks(
    n_patches: int, mask_ratio: float, n: int, rng: Seed = None
) -> tuple[BoolArray, BoolArray]:
    """Draw two masks for each image that keep no patch in common.

    Each of the two is distributed like any other mask. Given a patch that it hides, the patches
    that it keeps are as likely as under any mask that hides this patch.

    Parameters
    ----------
    n_patches : int
        L, the number of patches.
    mask_ratio : float
        Fraction of patches hidden, at least ½.
    n : int
        Number of pairs.
    rng : int, numpy.random.Generator or None
        Seed or generator of the masks.

    Returns
    -------
    first : ndarray of bool, shape (n, n_patches)
        True where a patch is visible.
    second : ndarray of bool, shape (n, n_patches)
        The other mask of each pair.

    Raises
    ------
    ValueError
        If two such masks do not exist.
    """
    kept = kept_patches(n_patches, mask_ratio)
    if 2 * kept > n_patches:
        raise ValueError(f"{mask_ratio=} keeps {kept} of {n_patches} patches: no two disjoint ones")
    order = generator_of(rng).permuted(
        np.broadcast_to(np.arange(n_patches), (n, n_patches)), axis=1
    )
    return order < kept, (order >= kept) & (order < 2 * kept)


def _hidden_outputs(
    fill: Filler,
    images: FloatArray,
    grid: PatchGrid,
    mask_ratio: float,
    n_draws: int,
    rng: np.random.Generator,
) -> Iterator[FloatArray]:
    for _ in range(n_draws):
        one, other = disjoint_masks(grid.n_patches, mask_ratio, len(images), rng)
        seen = grid.expand(one)
        if images.ndim > grid.ndim + 1:
            seen = seen[..., np.newaxis]
        yield np.where(seen, like(images, fill(images, other)), like(images, fill(images, one)))
