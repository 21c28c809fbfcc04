"""The Fourier bases of bands against explicit DFT matrices, and S̃ against its two definitions."""

import itertools

import dense
import laws
import numpy as np
import pytest

from spectral_mae import PatchGrid
from spectral_mae.linear.moments.blocks import BandTransform, PixelTransform
from spectral_mae.linear.moments.polyphase import (
    Polyphase,
    pixels_of,
    row_major,
    smooth_over_patches,
    whole_of,
)

GRIDS = pytest.mark.parametrize(
    ("shape", "patch"),
    [*laws.GRIDS, ((9,), (3,)), ((7,), (7,)), ((4, 6), (4, 6)), ((5, 3), (1, 1))],
)
CHANNELS = pytest.mark.parametrize("channels", [1, 2])


def every_band(grid):
    return np.indices(grid.counts).reshape(grid.ndim, -1).T


def unitary(grid, q):
    """U_q, row by frequency k = q + j·counts, column by pixel r of a patch."""
    within = np.indices(grid.patch_size).reshape(grid.ndim, -1).T
    k = q + within * np.array(grid.counts)
    return np.exp(-2j * np.pi * (k / np.array(grid.shape)) @ within.T) / np.sqrt(len(within))


def complex_noise(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def spectra(shape, channels, seed=0):
    """Cross spectra of some real image: Hermitian, positive, and conjugate at −k."""
    image = np.random.default_rng(seed).standard_normal((*shape, channels, 3))
    transform = np.fft.fftn(image, axes=tuple(range(len(shape))))
    return np.einsum("...cn,...en->...ce", transform, transform.conj())


def of_spectra(full, shape, channels):
    """The real (D, D) matrix that has these spectra on its Fourier diagonal and nothing off it."""
    size = int(np.prod(shape))
    middle = np.zeros((size, channels, size, channels), dtype=complex)
    middle[np.arange(size), :, np.arange(size)] = full.reshape(size, channels, channels)
    basis = dense.fourier(shape, channels)
    matrix = basis.conj().T @ middle.reshape(size * channels, -1) @ basis
    np.testing.assert_allclose(matrix.imag, 0, atol=1e-9 * np.abs(matrix).max())
    return matrix.real


@GRIDS
@CHANNELS
def test_diagonal_and_circulant_by_definition(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    q = every_band(grid)
    basis = Polyphase(grid, channels, q)
    d = grid.patch_pixels * channels
    rng = np.random.default_rng(0)
    blocks = complex_noise(rng, len(q), d, d)
    given = blocks.copy()
    found = basis.diagonal(blocks)
    np.testing.assert_array_equal(blocks, given)
    diagonal = complex_noise(rng, len(q), grid.patch_pixels, channels, channels)
    built = basis.circulant(diagonal)
    for band in range(len(q)):
        turn = np.kron(unitary(grid, q[band]), np.eye(channels))
        np.testing.assert_allclose(turn @ turn.conj().T, np.eye(d), atol=1e-12)
        turned = (turn @ blocks[band] @ turn.conj().T).reshape(
            -1, channels, d // channels, channels
        )
        for j in range(d // channels):
            np.testing.assert_allclose(found[band, j], turned[j, :, j], atol=1e-11)
        middle = np.zeros_like(turned)
        for j in range(d // channels):
            middle[j, :, j] = diagonal[band, j]
        expected = turn.conj().T @ middle.reshape(d, d) @ turn
        np.testing.assert_allclose(built[band], expected, atol=1e-11)


@GRIDS
@CHANNELS
def test_circulant_undoes_diagonal(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    q = every_band(grid)
    basis = Polyphase(grid, channels, q)
    rng = np.random.default_rng(1)
    diagonal = complex_noise(rng, len(q), grid.patch_pixels, channels, channels)
    np.testing.assert_allclose(basis.diagonal(basis.circulant(diagonal)), diagonal, atol=1e-12)
    ones = np.broadcast_to(np.eye(channels), diagonal.shape)
    identity = np.eye(grid.patch_pixels * channels)
    np.testing.assert_allclose(basis.circulant(ones) - identity, 0, atol=1e-13)


@GRIDS
def test_frequencies_of_bands_stand_where_they_belong(shape, patch):
    grid = PatchGrid(shape, patch)
    transform = BandTransform(grid)
    full = np.arange(np.prod(shape)).reshape(shape)
    within = np.indices(patch).reshape(len(shape), -1).T
    expected = [
        [full[tuple((q + j * np.array(grid.counts)) % shape)] for j in within]
        for q in transform.frequencies
    ]
    np.testing.assert_array_equal(transform.basis.gather(full), expected)
    np.testing.assert_array_equal(transform.basis.gather(full, slice(0, 1)), expected[:1])


@GRIDS
@CHANNELS
def test_scatter_undoes_gather_for_spectra_of_real_images(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    for transform in (BandTransform(grid, channels), PixelTransform(grid, channels)):
        full = spectra(shape, channels)
        np.testing.assert_allclose(
            transform.basis.scatter(transform.basis.gather(full)), full, rtol=1e-12, atol=1e-10
        )


@GRIDS
@CHANNELS
def test_bands_of_an_equivariant_map_show_its_fourier_diagonal(shape, patch, channels):
    """A map of patches by B(a−b) has the bands Σ_a B(a) e^(−2πi q·a), whatever B is."""
    grid = PatchGrid(shape, patch)
    d = grid.patch_pixels * channels
    places = every_band(grid)
    kernel = np.random.default_rng(2).standard_normal((grid.n_patches, d, d))
    matrix = np.zeros((grid.n_patches, d, grid.n_patches, d))
    for (i, a), (j, b) in itertools.product(enumerate(places), repeat=2):
        step = np.ravel_multi_index(tuple((a - b) % grid.counts), grid.counts)
        matrix[i, :, j] = kernel[step]
    back = np.argsort(dense.patch_order(shape, patch, channels))
    matrix = matrix.reshape(back.size, back.size)[np.ix_(back, back)]
    transform = BandTransform(grid, channels)
    waves = np.exp(-2j * np.pi * (transform.frequencies / np.array(grid.counts)) @ places.T)
    blocks = np.tensordot(waves, kernel, 1)
    rows = [slice(i, i + 2) for i in range(0, len(blocks), 2)]
    diagonal = np.concatenate([transform.fourier_diagonal(blocks[r], r) for r in rows])
    expected = dense.by_frequency(matrix, shape, channels)
    np.testing.assert_allclose(transform.basis.scatter(diagonal), expected, atol=1e-10)
    averaged = dense.pixel_average(matrix, shape, channels)
    circulant = np.concatenate([transform.circulant(diagonal[r], r) for r in rows])
    for q, block in zip(transform.frequencies, circulant, strict=True):
        found = dense.band(averaged, shape, patch, channels, q)
        np.testing.assert_allclose(block, found, atol=1e-10)


@GRIDS
@CHANNELS
def test_a_whole_matrix_shows_its_fourier_diagonal(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    transform = PixelTransform(grid, channels)
    size = int(np.prod(shape)) * channels
    matrix = np.random.default_rng(3).standard_normal((size, size))
    order = dense.patch_order(shape, patch, channels)
    blocks = matrix[np.ix_(order, order)][np.newaxis]
    diagonal = transform.fourier_diagonal(blocks)
    expected = dense.by_frequency(matrix, shape, channels)
    np.testing.assert_allclose(transform.basis.scatter(diagonal), expected, atol=1e-10)
    averaged = dense.pixel_average(matrix, shape, channels)
    found = transform.circulant(diagonal)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found[0], averaged[np.ix_(order, order)], atol=1e-10)


@GRIDS
@CHANNELS
def test_smoothing_is_what_patches_at_all_offsets_leave(shape, patch, channels):
    """The mean of Blkdiag_p(S) over the offsets, and (L/D²)·S ⊛ Π|R|² with R by sums."""
    grid = PatchGrid(shape, patch)
    full = spectra(shape, channels)
    given = full.copy()
    found = smooth_over_patches(full, grid)
    np.testing.assert_array_equal(full, given)
    second = of_spectra(full, shape, channels)
    offsets = list(itertools.product(*map(range, patch)))
    chance = np.mean([dense.same_patch(shape, patch, channels, o) for o in offsets], axis=0)
    scale = np.abs(full).max()
    expected = dense.by_frequency(second * chance, shape, channels)
    np.testing.assert_allclose(found, expected, atol=1e-11 * scale)
    pulse = np.ones(())
    for n, p in zip(shape, patch, strict=True):
        pulse = np.multiply.outer(pulse, np.abs(laws.pulse_dft(n, p).astype(complex)) ** 2)
    for c, e in itertools.product(range(channels), repeat=2):
        convolved = laws.circular_convolution(full[..., c, e], pulse)
        convolved *= grid.n_patches / np.prod(shape) ** 2
        np.testing.assert_allclose(found[..., c, e], convolved, atol=1e-11 * scale)


@GRIDS
def test_smoothing_keeps_flat_spectra_and_the_sum(shape, patch):
    grid = PatchGrid(shape, patch)
    np.testing.assert_allclose(smooth_over_patches(np.full(shape, 3.0), grid), 3.0, atol=1e-12)
    full = spectra(shape, 1)[..., 0, 0].real
    assert smooth_over_patches(full, grid).sum().real == pytest.approx(full.sum(), rel=1e-12)


@GRIDS
@CHANNELS
def test_row_major_places_every_number(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    image = np.random.default_rng(4).standard_normal((*shape, channels))
    in_patches = grid.to_patches(image, channel_axis=-1).ravel()
    np.testing.assert_array_equal(in_patches[row_major(grid, channels)], image.ravel())


def test_the_two_extreme_grids():
    grid = PatchGrid((6, 9), (2, 3))
    assert pixels_of(grid).patch_size == (1, 1)
    assert whole_of(grid).n_patches == 1
    assert pixels_of(grid).shape == whole_of(grid).shape == (6, 9)
