"""Designs of all kinds on small grids, images of them, and explicit means over all their masks."""

import dense
import numpy as np
import pytest

import spectral_mae as sm

# Shape, patch size and channels: one, two and three axes, odd and even, gray and colour.
SHAPES = [
    ((10,), (2,), None),
    ((12,), (3,), 2),
    ((4, 6), (2, 2), None),
    ((6, 6), (3, 2), 2),
    ((2, 2, 6), (1, 1, 2), None),
]
MAKERS = {
    "fixed": lambda g: sm.designs.fixed(g, 0.5),
    "bernoulli": lambda g: sm.designs.bernoulli(g, 0.6),
    "block": lambda g: sm.designs.block(g, small_block(g)),
    "block kept": lambda g: sm.designs.block(g, small_block(g), keep=True),
    "block unrolled": lambda g: sm.designs.block(g, small_block(g), rolled=False),
    "cutouts": lambda g: sm.designs.cutouts(g, small_block(g), 2),
    "drop_block": lambda g: sm.designs.drop_block(g, small_block(g), 0.5),
    "grid of fixed phase": lambda g: sm.designs.grid(
        g, small_cells(g), 0.5, sampling="bernoulli", phase="fixed"
    ),
    "stratified": lambda g: sm.designs.stratified(g, cells(g), 1),
    "stripes": lambda g: sm.designs.stripes(g, (0.4,) * g.ndim, sampling="bernoulli"),
    "tube": lambda g: sm.designs.tube(
        sm.designs.bernoulli(line_of(g), 0.5), -1, g.shape[-1], g.patch_size[-1]
    ),
    "given": lambda g: sm.designs.from_masks(
        g, np.random.default_rng(3).random((6, g.n_patches)) < 0.6, np.arange(1, 7)
    ),
}
NOT_UNIFORM = [name for name in MAKERS if name not in ("fixed", "bernoulli")]
EVERY_SHAPE = pytest.mark.parametrize(("shape", "patch", "channels"), SHAPES)
EVERY_DESIGN = pytest.mark.parametrize("name", MAKERS)
PLACES_DIFFER = pytest.mark.parametrize("name", ["block unrolled", "given"])


def small_block(grid):
    """Two patches along the longest axis, one along the others."""
    longest = int(np.argmax(grid.counts))
    return tuple(2 if axis == longest else 1 for axis in range(grid.ndim))


def cells(grid):
    """Cells of two patches along even axes, of all patches along odd ones."""
    return tuple(n if n % 2 else 2 for n in grid.counts)


def small_cells(grid):
    """Cells of two patches along even axes, of one along odd ones."""
    return tuple(1 + (n % 2 == 0) for n in grid.counts)


def line_of(grid):
    """The grid without the last axis."""
    if grid.ndim == 1:
        pytest.skip("a tube needs two axes")
    return sm.PatchGrid(grid.shape[:-1], grid.patch_size[:-1])


def design_of(name, shape, patch):
    return MAKERS[name](sm.PatchGrid(shape, patch))


def images_of(shape, channels, n=120, seed=0):
    """Well-conditioned images, correlated and not the same under any shift."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape)) * (channels or 1)
    mixing = np.eye(size) + 0.5 * np.random.default_rng(9).standard_normal((size, size)) / size**0.5
    scale = np.linspace(1.0, 2.0, size)
    images = 0.3 + rng.standard_normal((n, size)) @ mixing * scale
    return images.reshape((n, *shape) if channels is None else (n, *shape, channels))


def axis_of(channels):
    return None if channels is None else -1


def rows_of(design, channels):
    """Every mask as factors of a flattened image, (n, D), and their probabilities."""
    patterns, weights = design.enumerate()
    visible = design.grid.expand(patterns).reshape(len(patterns), -1)
    return np.repeat(visible, channels or 1, axis=1).astype(float), weights


def moments_of(design, second, channels):
    """E[x̃ xᵀ] and E[x̃ x̃ᵀ] as means over all masks, one after the other."""
    cross, spoiled = np.zeros_like(second), np.zeros_like(second)
    for row, weight in zip(*rows_of(design, channels), strict=True):
        cross += weight * row[:, np.newaxis] * second
        spoiled += weight * row[:, np.newaxis] * second * row
    return cross, spoiled


def commuting(matrix, shape, patch, channels):
    """The part of a (D, D) matrix that commutes with cyclic shifts by whole patches."""
    index = np.arange(len(matrix)).reshape(1, *shape, channels or 1)
    orders = dense.rolls(index, len(shape), patch).reshape(-1, len(matrix))
    return np.mean([matrix[np.ix_(order, order)] for order in orders], axis=0)


def best_map(cross, spoiled, rank=None):
    """W, the eigenvalues of cross' Q⁻¹ cross, descending, and how much W explains."""
    full = np.linalg.pinv(spoiled, rcond=1e-13, hermitian=True) @ cross
    values, vectors = np.linalg.eigh(cross.T @ full)
    values, vectors = values[::-1], vectors[:, ::-1]
    top = vectors[:, : rank or len(cross)]
    return full @ top @ top.T, values, float(values[: top.shape[1]].sum())


def enumerated_loss(images, mean, weights, design, channels):
    """Mean over images and all masks of the squared error of x̂ = mean + ((x−mean)⊙s) W."""
    flat = (images - mean).reshape(len(images), -1)
    total = 0.0
    for row, weight in zip(*rows_of(design, channels), strict=True):
        total += weight * np.sum(((flat * row) @ weights - flat) ** 2)
    return total / len(images)
