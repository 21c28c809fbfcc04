"""Dense brute force: second moments, corruptions, maps and Fourier bases as explicit matrices.

Images are flattened in row-major order, channels last, so a matrix has D = pixels × channels rows.
Maps act on rows, x̂ = x̃ W. Expectations over masks are sums over all of them.
"""

from __future__ import annotations

import itertools
import math

import laws
import numpy as np

Shape = tuple[int, ...]


def photographs(n: int, shape: Shape, channels: int | None = None, seed: int = 0) -> np.ndarray:
    """Images with a mean and correlated pixels and channels, not the same under any shift."""
    rng = np.random.default_rng(seed)
    size = math.prod(shape) * (channels or 1)
    mixing = np.random.default_rng(99).standard_normal((size, size))
    mixing = mixing * np.geomspace(1, 0.2, size)
    images = 0.5 + rng.standard_normal((n, size)) @ mixing
    return images.reshape((n, *shape) if channels is None else (n, *shape, channels))


def rolls(images: np.ndarray, ndim: int, step: Shape | None = None) -> np.ndarray:
    """The images under all cyclic shifts that are multiples of ``step`` (of one pixel)."""
    shape = images.shape[1 : ndim + 1]
    ranges = (range(0, n, s) for n, s in zip(shape, step or (1,) * ndim, strict=True))
    axes = tuple(range(1, ndim + 1))
    return np.concatenate([np.roll(images, shift, axes) for shift in itertools.product(*ranges)])


def second_moment(images: np.ndarray, mean: np.ndarray | float = 0.0) -> np.ndarray:
    """E[(x−mean)(x−mean)ᵀ]."""
    rows = (images - mean).reshape(len(images), -1)
    return rows.T @ rows / len(rows)


def moments(
    images: np.ndarray, patch: Shape, covariance: str, *, center: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """S about the mean, and the mean, of the images under the shifts that a covariance ignores."""
    step = {"dense": images.shape[1 : len(patch) + 1], "banded": patch, "stationary": None}
    shifted = rolls(images, len(patch), step[covariance])
    mean = shifted.mean(axis=0) if center else np.zeros(images.shape[1:])
    return second_moment(shifted, mean), mean


def pixel_average(matrix: np.ndarray, shape: Shape, channels: int) -> np.ndarray:
    """The mean of a matrix over all cyclic shifts of its pixels."""
    index = np.arange(len(matrix)).reshape(1, *shape, channels)
    orders = rolls(index, len(shape)).reshape(-1, len(matrix))
    return np.mean([matrix[np.ix_(order, order)] for order in orders], axis=0)


def patch_number(shape: Shape, patch: Shape, offset: Shape | None = None) -> np.ndarray:
    """Which patch of a grid at an offset every pixel is in, flattened."""
    counts = tuple(n // p for n, p in zip(shape, patch, strict=True))
    numbers = np.arange(math.prod(counts)).reshape(counts)
    numbers = np.kron(numbers, np.ones(patch, dtype=int))
    return np.roll(numbers, offset or (0,) * len(shape), tuple(range(len(shape)))).ravel()


def same_patch(shape: Shape, patch: Shape, channels: int, offset: Shape | None = None):
    """True where two numbers of an image are in one patch, (D, D)."""
    number = np.repeat(patch_number(shape, patch, offset), channels)
    return number[:, np.newaxis] == number


def masks(
    shape: Shape, patch: Shape, ratio: float, sampling: str, *, random_offset: bool = False
) -> list[tuple[np.ndarray, float]]:
    """Every mask in pixels with its probability; at every offset of the patch grid, if asked."""
    counts = tuple(n // p for n, p in zip(shape, patch, strict=True))
    offsets = list(itertools.product(*map(range, patch))) if random_offset else [(0,) * len(shape)]
    axes = tuple(range(len(shape)))
    return [
        (
            np.roll(np.kron(np.reshape(bits, counts), np.ones(patch)), offset, axes),
            float(probability) / len(offsets),
        )
        for bits, probability in laws.every_subset(math.prod(counts), ratio, sampling)
        for offset in offsets
    ]


def corrupted(
    second: np.ndarray, drawn: list[tuple[np.ndarray, float]], channels: int
) -> tuple[float, np.ndarray]:
    """μ and Q of masking: means over all masks of the mask, and of what it leaves of S."""
    rows = np.array([np.repeat(mask.ravel(), channels) for mask, _ in drawn])
    probability = np.array([p for _, p in drawn])
    seen = probability @ rows
    np.testing.assert_allclose(seen, seen[0], atol=1e-12)
    return float(seen[0]), second * ((rows * probability[:, np.newaxis]).T @ rows)


def best_map(
    second: np.ndarray, mu: float, spoiled: np.ndarray, rank: int | None = None
) -> tuple[np.ndarray, float, np.ndarray]:
    """W, its loss and all eigenvalues of μ²SQ⁻¹S, descending (Theorem 1)."""
    full = mu * np.linalg.pinv(spoiled, rcond=1e-11, hermitian=True) @ second
    product = mu * second @ full
    values, vectors = np.linalg.eigh((product + product.T) / 2)
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = len(second) if rank is None else rank
    top = vectors[:, :rank]
    return full @ top @ top.T, float(np.trace(second) - values[:rank].sum()), values


def best_hidden_map(
    second: np.ndarray, drawn: list[tuple[np.ndarray, float]], number: np.ndarray, channels: int
) -> tuple[np.ndarray, float]:
    """W and the loss on hidden pixels: one regression per output patch, over masks that hide it."""
    number = np.repeat(number, channels)
    weights, loss = np.zeros_like(second), 0.0
    for patch in range(number.max() + 1):
        own = number == patch
        rows = [(np.repeat(mask.ravel(), channels), p) for mask, p in drawn]
        rows = [(row, p) for row, p in rows if not row[own].any()]
        chance = sum(p for _, p in rows)
        pairs = sum(p * np.outer(row, row) for row, p in rows) / chance
        seen = np.diag(pairs)[:, np.newaxis]
        cross = (seen * second)[:, own]
        weights[:, own] = np.linalg.pinv(second * pairs, rcond=1e-11, hermitian=True) @ cross
        explained = np.trace(weights[:, own].T @ cross)
        loss += chance * (np.trace(second[np.ix_(own, own)]) - explained)
    return weights, float(loss)


def fourier(shape: Shape, channels: int = 1) -> np.ndarray:
    """The unitary DFT of flattened images, row by frequency: a (D, D) matrix."""
    size = math.prod(shape)
    waves = laws.dft(np.eye(size).reshape(size, *shape), len(shape)).reshape(size, size).T
    return np.kron(waves / math.sqrt(size), np.eye(channels)).astype(complex)


def by_frequency(matrix: np.ndarray, shape: Shape, channels: int = 1) -> np.ndarray:
    """The diagonal blocks of F M Fᴴ, shape (*shape, channels, channels)."""
    basis = fourier(shape, channels)
    size = math.prod(shape)
    turned = (basis @ matrix @ basis.conj().T).reshape(size, channels, size, channels)
    return turned[np.arange(size), :, np.arange(size)].reshape(*shape, channels, channels)


def patch_order(shape: Shape, patch: Shape, channels: int) -> np.ndarray:
    """Places in a flattened image of its numbers in patch order: by patch, pixel, channel."""
    place = np.repeat(patch_number(shape, patch), channels)
    return np.argsort(place, kind="stable")


def band(matrix: np.ndarray, shape: Shape, patch: Shape, channels: int, q: np.ndarray):
    """Band q of a (D, D) matrix: E[x̂_q x̂_qᴴ]/L, with x̂_q the DFT over the patch index."""
    counts = tuple(n // p for n, p in zip(shape, patch, strict=True))
    index = np.indices(counts).reshape(len(counts), -1)
    wave = np.exp(-2j * np.pi * (np.asarray(q) / np.array(counts)) @ index)
    order = patch_order(shape, patch, channels)
    read = np.kron(wave, np.eye(len(order) // len(wave)))
    return read @ matrix[np.ix_(order, order)] @ read.conj().T / len(wave)
