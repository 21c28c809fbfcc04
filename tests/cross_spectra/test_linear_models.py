"""Linear models on stationary images: what comparisons measure is what the closed form says."""

import itertools

import laws
import numpy as np
import pytest

from spectral_mae import LinearMAE, PatchGrid, compare_spectra
from spectral_mae.spectra.frequencies import half_from_full


def all_shifts(image):
    """All cyclic shifts of an image: their second moment is exactly stationary."""
    axes = tuple(range(image.ndim))
    shifts = itertools.product(*(range(n) for n in image.shape))
    return np.array([np.roll(image, shift, axes) for shift in shifts])


def all_masks(grid, kept):
    """All patterns that keep so many patches, by pixel."""
    for chosen in itertools.combinations(range(grid.n_patches), kept):
        pattern = np.zeros(grid.n_patches, bool)
        pattern[list(chosen)] = True
        yield np.kron(pattern.reshape(grid.counts), np.ones(grid.patch_size)).astype(bool)


@pytest.mark.parametrize(
    ("shape", "patch_size", "kept"), [((12,), 3, 2), ((10,), 2, 1), ((4, 6), 2, 3), ((4, 4), 2, 1)]
)
def test_coherence_is_passed_over_reconstructed(shape, patch_size, kept):
    """γ² = passed/reconstructed, and gain, error and explained are those of the model."""
    grid = PatchGrid(shape, patch_size)
    image = laws.field(shape).cumsum(axis=-1)
    images = all_shifts(image - image.mean())
    model = LinearMAE(patch_size, 1 - kept / grid.n_patches, center=False).fit(images)
    masks = list(all_masks(grid, kept))
    outputs = np.concatenate([model.reconstruct(images, visible) for visible in masks])
    found = compare_spectra(np.tile(images, (len(masks), *[1] * len(shape))), outputs).spectrum()
    response = model.frequency_response()
    some = half_from_full(response.original) > 1e-9 * response.original.max()

    def at(full):
        return half_from_full(full)[some]

    coherence = at(response.passed) / at(response.reconstructed)
    laws.assert_close(found.coherence[some], coherence, 1e-10)
    assert coherence.min() < 0.95
    laws.assert_close(found.gain[some], at(response.gain), 1e-10)
    laws.assert_close(found.error[some], at(response.error), 1e-10)
    laws.assert_close(found.explained[some], at(response.explained), 1e-10)
    laws.assert_close(found.power_b[some], at(response.reconstructed), 1e-10)


def test_explained_of_hidden_pixels_is_the_loss_of_the_hidden_target():
    """Over all masks the squared error of hidden pixels is the closed-form loss."""
    grid = PatchGrid((12,), 3)
    image = laws.field((12,)).cumsum()
    images = all_shifts(image - image.mean())
    model = LinearMAE(3, 0.5, target="hidden", center=False).fit(images)
    masks = np.array(list(all_masks(grid, 2)))
    outputs = np.concatenate([model.reconstruct(images, visible) for visible in masks])
    seen = np.repeat(masks, len(images), axis=0)
    found = compare_spectra(np.tile(images, (len(masks), 1)), outputs, visible=seen)
    assert found.explained == pytest.approx(1 - model.loss_ / model.trace_, rel=1e-10)
