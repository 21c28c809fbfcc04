"""One image through a linear model, and what its patches' borders look like afterwards."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae._results.pictured import PicturedInPanels
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.model import LinearModel
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.sampling import Seed
from spectral_mae.spectra.periodogram import psd
from spectral_mae.spectra.rings import RadialSpectrum

PART = 32  # patches that are sent through a model at once


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction(PicturedInPanels):
    """What a model made of one image.

    Attributes
    ----------
    grid : PatchGrid
        Shape and patches of the image.
    original : ndarray, shape (*shape[, channels])
        The image.
    corrupted : ndarray, shape (*shape[, channels])
        What the model saw; hidden pixels hold the fitted mean.
    output : ndarray, shape (*shape[, channels])
        What the model made of it.
    mean : ndarray, shape (*shape[, channels])
        The fitted mean.
    visible : ndarray of bool, shape (*shape), or None
        True where a pixel was kept; None where nothing was hidden.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).random((50, 8, 8)).cumsum(axis=1)
    >>> found = sm.reconstruct_image(sm.LinearMAE(4, 0.5).fit(images), images[0], rng=0)
    >>> bool((found.filled == images[0])[found.visible].all()), 0 < found.explained < 1
    (True, True)
    >>> list(found.spectra())
    ['original', 'corrupted', 'reconstruction', 'error']
    >>> ax = found.plot()  # the image, its input, its output, the error and the spectra
    """

    _drawn_by = "reconstruction"
    _panels = (2, 3)

    grid: PatchGrid
    original: FloatArray
    corrupted: FloatArray
    output: FloatArray
    mean: FloatArray
    visible: BoolArray | None

    def __repr__(self) -> str:
        return f"Reconstruction(shape={self.grid.shape}, explained={self.explained:.4g})"

    @property
    def filled(self) -> FloatArray:
        """The output, with visible pixels put back."""
        if self.visible is None:
            return self.output
        seen = self.visible.reshape(*self.visible.shape, *self._channel_axes)
        return np.where(seen, self.original, self.output)

    @property
    def explained(self) -> float:
        """1 − squared error over squared distance from the mean, on what was hidden (or all)."""
        scored = np.ones(self.grid.shape, bool) if self.visible is None else ~self.visible
        error = np.sum((self.output - self.original)[scored] ** 2)
        power = np.sum((self.original - self.mean)[scored] ** 2)
        return float(1 - error / power) if power > 0 else math.nan

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio of `filled` in decibels, for pixels from 0 to 1."""
        error = float(np.mean((self.filled - self.original) ** 2))
        return -10 * math.log10(error) if error > 0 else math.inf

    def spectra(self) -> dict[str, RadialSpectrum]:
        """Return the radial spectra about the mean of the image and of what became of it.

        Returns
        -------
        dict of str to RadialSpectrum
            Spectra of the ``original``, the ``corrupted`` image (masked or noisy), the
            ``reconstruction`` and its ``error``; channels averaged.
        """
        channel_axis = -1 if self._channel_axes else None
        pictures = {
            "original": self.original - self.mean,
            "corrupted": self.corrupted - self.mean,
            "reconstruction": self.output - self.mean,
            "error": self.output - self.original,
        }
        return {
            name: psd(picture, channel_axis=channel_axis, ndim=self.grid.ndim).radial()
            for name, picture in pictures.items()
        }

    @property
    def _channel_axes(self) -> tuple[int, ...]:
        return (1,) * (self.original.ndim - self.grid.ndim)

    def _has_picture(self) -> bool:
        return self.grid.ndim == 2

    def _key_numbers(self) -> dict[str, str]:
        hidden = {} if self.visible is None else {"hidden": f"{1 - self.visible.mean():.1%}"}
        scored = "all pixels" if self.visible is None else "hidden pixels"
        return {
            "pixels": " × ".join(map(str, self.grid.shape)),
            **hidden,
            f"explained of {scored}": f"{self.explained:.1%}",
            "PSNR": f"{self.psnr:.1f} dB",
        }


def reconstruct_image(
    model: LinearModel,
    image: FloatArray,
    *,
    visible: ArrayLike | None = None,
    design: MaskDesign | None = None,
    rng: Seed = None,
) -> Reconstruction:
    """Corrupt an image as the model expects it, and map it by the model.

    Parameters
    ----------
    model : LinearMAE, LinearDAE or LinearAE
        Model that is fitted to images of this shape.
    image : ndarray, shape (*shape[, channels])
        The image, channels last. The output is compared with its hidden pixels, so they must be
        finite too; ``model.reconstruct`` takes images whose hidden pixels are not known.
    visible : ndarray of bool, shape (*shape), or None
        The mask, for a masked autoencoder, True where a pixel is kept; None draws one.
    design : MaskDesign or None
        Design of the mask that is drawn; None takes that of the model.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed or generator of the mask or the noise.

    Returns
    -------
    Reconstruction
        The image, what the model saw of it, and the output.

    Raises
    ------
    ValueError
        If the image, the mask or the design does not fit the fitted images, both of the latter are
        given, or a model has no masks.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((50, 8, 8)).cumsum(axis=1)
    >>> model = LinearMAE(4, 0.5).fit(images)
    >>> bool((reconstruct_image(model, images[0], rng=0).visible.mean() == 0.5))
    True
    """
    _checks.needed(
        "model", model, LinearModel, "LinearMAE(patch_size, mask_ratio).fit(images) is one"
    )
    _checks.expect_known("image", image, visible)
    model = model.numpy()
    pixels = _checks.real_array("image", image).astype(np.float64)
    mean, grid = model.mean_, model.moments_.grid
    if isinstance(model, LinearMAE):
        if visible is not None and design is not None:
            raise ValueError(f"visible and {design=} are given: one of them says the mask")
        if visible is None:
            masking = model.masking(grid)
            if design is not None:
                masking = dataclasses.replace(masking, design=_of(grid, design))
            mask = masking.masks(1, rng)[0]
        else:
            mask = _checks.bool_mask("visible", visible).copy()  # the result keeps it
        output = model.reconstruct(pixels[np.newaxis], mask)[0]
        seen = mask.reshape(*mask.shape, *(1,) * (pixels.ndim - grid.ndim))
        return Reconstruction(grid, pixels, np.where(seen, pixels, mean), output, mean, mask)
    if visible is not None or design is not None:
        name = "visible" if design is None else "design"
        raise ValueError(f"{name} is for masked autoencoders, not for {model!r}")
    corrupted = model.corrupt(pixels[np.newaxis], rng=rng)[0]
    output = model.reconstruct(corrupted[np.newaxis])[0]
    return Reconstruction(grid, pixels, corrupted, output, mean, None)


def border_gradient_ratio(image: FloatArray, grid: PatchGrid) -> float:
    """Return the root mean square step across patch borders over that inside patches.

    Steps are differences of neighbouring pixels along each axis; 1 means that borders do not show.

    Parameters
    ----------
    image : ndarray, shape (*shape[, channels])
        The image, channels last.
    grid : PatchGrid
        Shape and patches of the image.

    Returns
    -------
    float
        The ratio; NaN where there are no steps across borders or inside patches, or all of the
        latter are zero.

    Raises
    ------
    ValueError
        If the image does not fit the grid, or holds NaN or infinity.

    Examples
    --------
    >>> border_gradient_ratio(np.array([0.0, 1.0, 4.0, 5.0]), PatchGrid(4, 2))
    3.0
    """
    expect_grid(grid)
    image = _checks.squarable("image", _checks.real_array("image", image))
    if image.shape[: grid.ndim] != grid.shape or image.ndim > grid.ndim + 1:
        raise ValueError(f"image of shape {image.shape} does not fit {grid!r}")
    return _ratio([np.diff(image, axis=axis) ** 2 for axis in range(grid.ndim)], grid)


def expected_border_gradient_ratio(
    model: LinearMAE, image: FloatArray, *, design: MaskDesign | None = None
) -> float:
    """Return `border_gradient_ratio` of the model's output, expected over all masks of this image.

    The ratio of the root mean squares over masks and pixels, exact: with x_b the centred image
    restricted to patch b and Δ a step, E(ΔxW)² = π₂(ΔxW)² + (π₁−π₂)Σ_b(Δx_bW)². For designs that
    are not uniform it is Σ_r(Δ(v_r x)W)², with Π = Σ_r v_r v_rᵀ and v_r constant inside patches.

    Parameters
    ----------
    model : LinearMAE
        Model that is fitted to images of this shape.
    image : ndarray, shape (*shape[, channels])
        The image, channels last.
    design : MaskDesign or None
        Distribution of the masks; None takes that of the model.

    Returns
    -------
    float
        The ratio; NaN as in `border_gradient_ratio`.

    Raises
    ------
    TypeError
        If the model is no `LinearMAE`.
    ValueError
        If the model's patch grid lies at a random offset, or the image or the design does not fit.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((50, 8, 8)).cumsum(axis=1)
    >>> model = LinearMAE(4, 0.5).fit(images)
    >>> expected_border_gradient_ratio(model, images[0]) > 1  # steps are larger where patches meet
    True
    """
    if not isinstance(model, LinearMAE):
        raise TypeError(f"{_checks.brief(model)} has no masks to expect anything over")
    if model.random_offset:
        raise ValueError(f"{model!r}: patches at a random offset have no borders of their own")
    model = model.numpy()
    mean, grid = model.mean_, model.moments_.grid
    pixels = _checks.real_array("image", image).astype(np.float64)
    if pixels.shape != mean.shape:
        raise ValueError(f"image of shape {pixels.shape} is not one of {mean.shape}")
    design = model.design_ if design is None else _of(grid, design)
    axes = range(grid.ndim)
    each = (*grid.shape, *(1,) * (pixels.ndim - grid.ndim))

    def steps(factors: FloatArray) -> list[FloatArray]:
        """Steps of the output along each axis, where patches are multiplied by these factors."""
        seen = mean + (pixels - mean) * grid.expand(factors).reshape(-1, *each)
        output = model.reconstruct(seen) - mean
        return [np.diff(output, axis=axis + 1) for axis in axes]

    power = [np.zeros_like(np.diff(pixels, axis=axis)) for axis in axes]
    for vectors in _factors(design):
        for axis, step in zip(axes, steps(vectors), strict=True):
            power[axis] += np.sum(step**2, axis=0)
    means = steps(design.inclusion.reshape(1, -1))
    bases = [np.diff(mean, axis=axis) for axis in axes]
    squares = [
        base**2 + 2 * base * step[0] + total
        for base, step, total in zip(bases, means, power, strict=True)
    ]
    return _ratio(squares, grid)


def _of(grid: PatchGrid, design: MaskDesign) -> MaskDesign:
    """A design that has to be of the patches of a model."""
    return design_on(grid, None, design=design)


def _factors(design: MaskDesign) -> Iterator[FloatArray]:
    """Vectors v_r with Π = Σ_r v_r v_rᵀ, a part of them at a time."""
    if design.uniform is None:
        vectors = design.factor()
        yield from (vectors[first : first + PART] for first in range(0, len(vectors), PART))
        return
    (pi1, pi2), n = design.uniform, design.n_patches
    yield np.full((1, n), math.sqrt(pi2))
    for first in range(0, n, PART):
        yield math.sqrt(pi1 - pi2) * np.eye(min(PART, n - first), n, first)


def _ratio(squares: list[FloatArray], grid: PatchGrid) -> float:
    """Root of the mean over steps across borders over the mean over the others."""
    across, inside = [], []
    for axis, (square, p) in enumerate(zip(squares, grid.patch_size, strict=True)):
        on_border = np.arange(1, square.shape[axis] + 1) % p == 0
        across.append(np.compress(on_border, square, axis=axis).ravel())
        inside.append(np.compress(~on_border, square, axis=axis).ravel())
    steps = np.concatenate(across), np.concatenate(inside)
    if not all(s.size for s in steps) or steps[1].mean() == 0:
        return math.nan
    return math.sqrt(steps[0].mean() / steps[1].mean())
