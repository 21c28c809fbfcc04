"""Gradient descent arrives at the closed forms; exact losses are means over all corruptions."""

import numpy as np
import pytest
from masking_cases import uniform_masking

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import DenseMoments, LinearAE, LinearDAE, LinearMAE, PatchGrid, designs
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.linear.corruption import GaussianNoise, NoCorruption, PatchMasking
from spectral_mae.masks.sampling import enumerate_kept
from spectral_mae.nonlinear.linear_autoencoder import (
    DescentConfig,
    LinearAutoencoder,
    descend,
    exact_hidden_loss,
    exact_loss,
)

torch.set_num_threads(1)

GRID = PatchGrid((4, 6), 2)
DENSE = {"covariance": "dense"}


def images_of(n=400, seed=0, shape=(4, 6)):
    return 3.0 + gaussian_fields(power_law(shape, -2.0), n, rng=seed)


def trained(images, corruption, rank=None, seed=0, grid=GRID, channels=1, **options):
    torch.manual_seed(seed)
    model = LinearAutoencoder(grid, channels, rank).double()
    before = model.weight_matrix()
    losses = descend(
        model, images, corruption, config=DescentConfig(1500, 128, 0.01), rng=seed, **options
    )
    assert np.abs(model.weight_matrix() - before).max() > 0.1
    return model, losses


def moments_of(images, grid=GRID, channels=1):
    moments = DenseMoments(grid, channels)
    moments.update(images)
    return moments


CASES = {
    "fixed": (uniform_masking(6, 0.5), lambda k: LinearMAE(2, 0.5, rank=k, **DENSE)),
    "bernoulli": (
        uniform_masking(6, 0.5, "bernoulli"),
        lambda k: LinearMAE(2, 0.5, rank=k, sampling="bernoulli", **DENSE),
    ),
    "noise": (GaussianNoise(0.7), lambda k: LinearDAE(2, 0.7, rank=k, **DENSE)),
    "nothing": (NoCorruption(), lambda k: LinearAE(2, k, **DENSE)),
}


@pytest.mark.parametrize(
    ("name", "rank"),
    [(name, rank) for name in CASES for rank in (None, 4) if (name, rank) != ("nothing", None)],
)
def test_gradient_descent_arrives_at_the_closed_form(name, rank):
    corruption, closed_form = CASES[name]
    images = images_of()
    moments = moments_of(images)
    closed = closed_form(rank).fit_moments(moments)
    model, _ = trained(images, corruption, rank)
    found = exact_loss(model, moments, corruption)
    assert closed.loss_ * (1 - 1e-9) <= found <= closed.loss_ * 1.004
    assert np.linalg.matrix_rank(model.weight_matrix()) == (rank or 24)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_the_hidden_target_too(sampling):
    images, masks = images_of(), uniform_masking(6, 0.5, sampling)
    moments = moments_of(images)
    closed = LinearMAE(2, 0.5, sampling=sampling, target="hidden", **DENSE).fit_moments(moments)
    model, _ = trained(images, masks, hidden_only=True)
    found = exact_hidden_loss(model, moments, masks)
    assert closed.loss_ * (1 - 1e-9) <= found <= closed.loss_ * 1.004


def test_colours():
    rng = np.random.default_rng(1)
    images = images_of(200)[..., None] * [1.0, 0.5, -0.2]
    images += 0.3 * rng.standard_normal(images.shape)
    moments, masks = moments_of(images, channels=3), uniform_masking(6, 0.5)
    closed = LinearMAE(2, 0.5, **DENSE).fit_moments(moments)
    model, _ = trained(images, masks, channels=3)
    assert exact_loss(model, moments, masks) == pytest.approx(closed.loss_, rel=0.01)


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("rank", [None, 5])
def test_exact_losses_are_means_over_all_masks(sampling, rank):
    """Through the interface that all models share: images and masks in, images out."""
    images, masks = images_of(30), uniform_masking(6, 0.6, sampling)
    moments = moments_of(images)
    torch.manual_seed(0)
    model = LinearAutoencoder(GRID, rank=rank).double()
    model.pixel_mean.copy_(torch.from_numpy(GRID.to_patches(images).mean(0)))
    given = torch.from_numpy(images)[:, None]
    every = hidden = 0.0
    for kept, probability in enumerate_kept(6, 0.6, sampling=sampling):
        rows = torch.from_numpy(np.broadcast_to(kept, (30, 6)).copy())
        with torch.no_grad():
            error = (model(given, rows) - given)[:, 0].square().numpy()
            assert model.loss(given, rows, "all").item() == pytest.approx(error.mean(), rel=1e-5)
        every += probability * error.sum() / 30
        hidden += probability * error[:, ~GRID.expand(kept)].sum() / 30
    assert exact_loss(model, moments, masks) == pytest.approx(every, rel=1e-6)
    assert exact_hidden_loss(model, moments, masks) == pytest.approx(hidden, rel=1e-6)


@pytest.mark.parametrize("center", [True, False])
def test_exact_losses_are_in_pixels_about_the_mean_of_the_model(center):
    """As a training leaves a model of colours: one mean and one deviation for each channel."""
    rng = np.random.default_rng(0)
    images = (images_of(30)[..., np.newaxis] + rng.random((30, 4, 6, 2))) * [1.0, 0.2]
    torch.manual_seed(0)
    model = LinearAutoencoder(GRID, 2).double()
    means = np.array([2.5, 0.7])
    model.set_units(means, [1.5, 0.3])
    given = torch.from_numpy(np.moveaxis(images, -1, 1))
    every = hidden = 0.0
    for kept, probability in enumerate_kept(6, 0.5, sampling="fixed"):
        with torch.no_grad():
            output = model(given, torch.from_numpy(np.tile(kept, (30, 1))))
        error = (output - given).square().sum(1).numpy()
        every += probability * error.sum() / 30
        hidden += probability * error[:, ~GRID.expand(kept)].sum() / 30
    moments = DenseMoments(GRID, 2, center).update(images if center else images - means)
    masks = uniform_masking(6, 0.5)
    assert exact_loss(model, moments, masks) == pytest.approx(every, rel=1e-6)
    assert exact_hidden_loss(model, moments, masks) == pytest.approx(hidden, rel=1e-6)
    with pytest.raises(ValueError, match="1 channels are not of a model"):
        exact_loss(model, DenseMoments(GRID), masks)


def test_descent_leaves_a_model_in_the_units_of_pixels():
    """Units that a model had before would be taken off again by its output."""
    images = images_of(50)[..., np.newaxis] * [1.0, 0.2]
    masks, config = uniform_masking(6, 0.5), DescentConfig(20, 16, 0.01)
    models = [LinearAutoencoder(GRID, 2).double() for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    models[1].set_units(0.0, [3.0, 0.1])
    given = torch.from_numpy(np.moveaxis(images, -1, 1))
    for model in models:
        descend(model, images, masks, config=config, rng=0)
    with torch.no_grad():
        one, other = (model(given).numpy() for model in models)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "design",
    [
        designs.block(GRID, (1, 2)),
        designs.block(GRID, (1, 2), rolled=False),
        designs.from_masks(GRID, [[1, 0, 0, 1, 1, 0], [0, 1, 0, 0, 0, 1]], [2, 1]),
    ],
    ids=str,
)
def test_exact_losses_of_designs_are_means_over_all_masks(design):
    images, masks = images_of(30), PatchMasking(design)
    torch.manual_seed(0)
    model = LinearAutoencoder(GRID).double()
    model.pixel_mean.copy_(torch.from_numpy(GRID.to_patches(images).mean(0)))
    given = torch.from_numpy(images)[:, None]
    every = hidden = 0.0
    for kept, probability in zip(*design.enumerate(), strict=True):
        with torch.no_grad():
            output = model(given, torch.from_numpy(np.tile(kept, (30, 1))))
        error = (output - given)[:, 0].square().numpy()
        every += probability * error.sum() / 30
        hidden += probability * error[:, ~GRID.expand(kept)].sum() / 30
    moments = moments_of(images)
    assert exact_loss(model, moments, masks) == pytest.approx(every, rel=1e-6)
    assert exact_hidden_loss(model, moments, masks) == pytest.approx(hidden, rel=1e-6)


def test_equal_seeds_give_equal_weights():
    images = images_of(50)
    weights, losses = zip(
        *((m.weight_matrix(), x) for m, x in (trained(images, CASES["fixed"][0], 3, seed)
                                              for seed in (0, 0, 1))), strict=True
    )  # fmt: skip
    assert np.array_equal(weights[0], weights[1])
    assert np.array_equal(losses[0], losses[1])
    assert not np.array_equal(losses[0], losses[2])


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="rank=25 is more than the 24"):
        LinearAutoencoder(GRID, rank=25)
    with pytest.raises(ValueError, match="do not have 3 channels"):
        descend(LinearAutoencoder(GRID, 3), images_of(5), NoCorruption())
