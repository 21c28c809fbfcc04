"""Jacobians, responses and lemmas of models: linear ones, where all is known, and transformers."""

import numpy as np
import pytest
from masking_cases import uniform_masking

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import LinearMAE, PatchGrid, designs
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masks.sampling import enumerate_kept
from spectral_mae.nonlinear.evaluation.jacobian import (
    jacobian_matrix,
    jacobian_rows,
    mean_receptive_field,
    receptive_field,
    singular_values,
)
from spectral_mae.nonlinear.evaluation.maps import (
    AboutMean,
    filler,
    from_images,
    to_images,
    with_mask,
)
from spectral_mae.nonlinear.evaluation.measured_response import (
    disjoint_masks,
    measured_response,
    response_of,
)
from spectral_mae.nonlinear.linear_autoencoder import LinearAutoencoder
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder
from spectral_mae.theory import lemma_1, lemma_4, lemma_5

torch.set_num_threads(1)

GRID = PatchGrid((4, 6), 2)


def images_of(n=60, channels=1, seed=0, shape=(4, 6)):
    fields = gaussian_fields(power_law(shape, -2.0), n * channels, rng=seed)
    images = 0.5 + 0.2 * np.moveaxis(fields.reshape(n, channels, *shape), 1, -1)
    return images[..., 0] if channels == 1 else images


def linear_model(channels=1, seed=0):
    torch.manual_seed(seed)
    model = LinearAutoencoder(GRID, channels).double()
    model.pixel_mean.copy_(torch.rand(model.pixel_mean.shape))
    return model


def transformer(channels=1, shape=(4, 6)):
    torch.manual_seed(1)
    config = MAEConfig(shape, 2, channels, width=16, heads=2, depth=2, decoder_width=16,
                       decoder_heads=2)  # fmt: skip
    return MaskedAutoencoder(config).double().eval()


def in_pixels(matrix, channels):
    """A matrix in the order of patches, in that of flattened images."""
    order = np.arange(len(matrix)).reshape(*GRID.shape, channels)
    index = GRID.to_patches(order, channel_axis=-1).ravel()
    moved = np.empty_like(matrix)
    moved[np.ix_(index, index)] = matrix
    return moved


KEPT = np.array([True, False, True, False, False, True])


# Jacobians ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kept", [None, KEPT])
def test_the_jacobian_of_a_linear_model_is_its_matrix(channels, kept):
    model = linear_model(channels)
    image = torch.rand(channels, 4, 6, dtype=torch.float64)
    found = jacobian_matrix(with_mask(model, kept), image)
    truth = in_pixels(model.weight_matrix(), channels).T
    if kept is not None:
        truth = truth * np.repeat(GRID.expand(kept).ravel(), channels)
    np.testing.assert_allclose(found, truth, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_jacobian_of_a_transformer_is_its_slope(channels):
    model = transformer(channels)
    image = torch.rand(channels, 4, 6, dtype=torch.float64)
    function = with_mask(model, KEPT)
    found = jacobian_matrix(function, image)
    rng = np.random.default_rng(0)
    for _ in range(5):
        step = rng.standard_normal((4, 6, channels))
        move = 1e-5 * torch.from_numpy(np.moveaxis(step, -1, 0).copy())
        with torch.no_grad():
            ends = [function((image + sign * move)[None])[0] for sign in (1, -1)]
        slope = np.moveaxis((ends[0] - ends[1]).numpy() / 2e-5, 0, -1).ravel()
        np.testing.assert_allclose(found @ step.ravel(), slope, atol=1e-7)
    hidden = np.repeat(~GRID.expand(KEPT).ravel(), channels)
    assert not found[:, hidden].any()
    assert np.abs(found[:, ~hidden]).min() > 0


def test_rows_are_rows_whatever_the_chunks():
    model = transformer(3)
    image = torch.rand(3, 4, 6, dtype=torch.float64)
    every = jacobian_rows(with_mask(model), image, np.arange(72))
    one = jacobian_rows(with_mask(model), image, np.array([70]))
    torch.testing.assert_close(every[70:71], one, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_field_of_a_linear_model_is_its_weights_times_inclusion(channels):
    images = images_of(channels=channels)
    closed = LinearMAE(2, 0.5, target="hidden", covariance="dense").fit(
        images, channel_axis=None if channels == 1 else -1
    )
    trained = linear_model(channels)
    weights = closed.weight_matrix()
    order = GRID.to_patches(
        np.arange(len(weights)).reshape(*GRID.shape, channels), channel_axis=-1
    ).ravel()
    trained.factors[0].data = torch.from_numpy(weights[np.ix_(order, order)])
    image = torch.rand(channels, 4, 6, dtype=torch.float64)
    pixel, patch = (2, 3), 4
    points = [
        (with_mask(trained, kept), image) for kept, _ in enumerate_kept(6, 0.5) if not kept[patch]
    ]
    found = mean_receptive_field(points, GRID, pixel, channel=channels - 1)
    truth = closed.receptive_field(pixel, channel=channels - 1)
    factor = uniform_masking(6, 0.5).mix_given_hidden.mu
    np.testing.assert_allclose(found.weights, factor * truth.weights, atol=1e-12)
    assert found.mean_distance == pytest.approx(truth.mean_distance)
    assert found.own_patch_share == pytest.approx(0, abs=1e-9)


def test_a_field_at_an_image_is_a_row():
    model = transformer(3)
    image = torch.rand(3, 4, 6, dtype=torch.float64)
    field = receptive_field(with_mask(model, KEPT), image, GRID, (1, 4), channel=2)
    row = jacobian_matrix(with_mask(model, KEPT), image).reshape(4, 6, 3, 4, 6, 3)[1, 4, 2]
    np.testing.assert_allclose(field.weights, row, atol=1e-12)
    with pytest.raises(ValueError, match="no points"):
        mean_receptive_field([], GRID, (0, 0))


def test_singular_values_are_gains():
    matrix = np.diag([3.0, -5.0, 0.0])
    assert singular_values(matrix).tolist() == [5, 3, 0]


# Responses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_images_go_to_tensors_and_back(channels):
    images = images_of(5, channels)
    tensor = from_images(images, linear_model(channels))
    assert tensor.shape == (5, channels, 4, 6)
    assert np.array_equal(to_images(tensor), images)


@pytest.mark.parametrize("channels", [1, 3])
def test_over_all_masks_the_measured_response_is_the_closed_form(channels):
    images = images_of(channels=channels)
    model = LinearMAE(2, 0.5, covariance="dense").fit(
        images, channel_axis=None if channels == 1 else -1
    )
    fill, n = filler(model), len(images)
    outputs = [
        fill(images, np.broadcast_to(kept, (n, 6))) - model.mean_
        for kept, _ in enumerate_kept(6, 0.5)
    ]
    found = response_of(images - model.mean_, outputs, GRID)
    truth = model.frequency_response()
    for name in ("original", "error", "reconstructed"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(truth, name), rtol=1e-9, atol=1e-12
        )
    assert found.error.sum() == pytest.approx(model.loss_)
    # Pairs of unlike masks: a finite set of M masks has a variance M/(M−1) times as large.
    m = len(outputs)
    np.testing.assert_allclose(found.noise * (m - 1) / m, truth.noise, rtol=1e-9, atol=1e-12)


def test_of_stationary_images_the_projection_is_the_gain():
    """All cyclic shifts of some images: their covariance is stationary, exactly."""
    some = images_of(6)
    shifts = [np.roll(some, (i, j), (1, 2)) for i in range(4) for j in range(6)]
    images = np.concatenate(shifts)
    model = LinearMAE(2, 0.5, covariance="dense").fit(images)
    outputs = [
        filler(model)(images, np.broadcast_to(kept, (len(images), 6))) - model.mean_
        for kept, _ in enumerate_kept(6, 0.5)
    ]
    found = response_of(images - model.mean_, outputs, GRID)
    truth = model.frequency_response()
    used = truth.original > 1e-12
    np.testing.assert_allclose(found.gain[used], truth.gain[used], atol=1e-9)
    np.testing.assert_allclose(found.passed, truth.passed, atol=1e-9)


def test_drawn_masks_come_near():
    images = images_of(400)
    model = LinearMAE(2, 0.5, covariance="dense").fit(images)
    found = measured_response(filler(model), images, GRID, 0.5, mean=model.mean_, n_draws=30, rng=0)
    truth = model.frequency_response()
    assert found.error.sum() == pytest.approx(model.loss_, rel=0.02)
    assert found.noise.sum() == pytest.approx(truth.noise.sum(), rel=0.03)


@pytest.mark.parametrize("rolled", [True, False])
def test_drawn_masks_of_a_design_come_near(rolled):
    images, design = images_of(400), designs.block(GRID, (1, 2), rolled=rolled)
    model = LinearMAE(design=design, covariance="dense").fit(images)
    found = measured_response(
        filler(model), images, design=design, mean=model.mean_, n_draws=30, rng=0
    )
    truth = model.frequency_response()
    assert found.error.sum() == pytest.approx(model.loss_, rel=0.03)
    assert found.noise.sum() == pytest.approx(truth.noise.sum(), rel=0.04)
    with pytest.raises(ValueError, match="needs fixed sampling"):
        measured_response(filler(model), images, design=design, target="hidden")
    with pytest.raises(TypeError, match="a mask design is needed"):
        measured_response(filler(model), images, GRID)


def test_hidden_pixels_alone_have_the_loss_of_the_hidden_target():
    images = images_of(400)
    model = LinearMAE(2, 0.5, target="hidden", covariance="dense").fit(images)
    found = measured_response(
        filler(model), images, GRID, 0.5, mean=model.mean_, n_draws=30, target="hidden", rng=0
    )
    assert found.error.sum() == pytest.approx(model.loss_ / 0.5, rel=0.02)


def test_disjoint_masks_are_drawn_like_any_other():
    one, other = disjoint_masks(6, 0.7, 20_000, rng=0)
    assert (one.sum(1) == 1).all()
    assert (other.sum(1) == 1).all()
    assert not (one & other).any()
    for mask in (one, other):
        np.testing.assert_allclose(mask.mean(0), 1 / 6, atol=4 * np.sqrt(5 / 36 / 20_000))
    with pytest.raises(ValueError, match="no two disjoint"):
        disjoint_masks(6, 0.3, 1)


def test_what_cannot_be_measured_is_refused():
    fill, images = filler(linear_model()), images_of(3)
    with pytest.raises(ValueError, match="at least two"):
        measured_response(fill, images, GRID, 0.5, n_draws=1)
    with pytest.raises(ValueError, match="needs fixed sampling"):
        measured_response(fill, images, GRID, 0.5, sampling="bernoulli", target="hidden")
    torch.manual_seed(0)
    with pytest.raises(ValueError, match="norm_target"):
        filler(MaskedAutoencoder(MAEConfig((4, 6), 2, 1, norm_target=True)))


# Lemmas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_lemmas_are_exact_for_linear_models(channels):
    model, images = linear_model(channels), images_of(4, channels)
    mean = images.mean(0)
    function = AboutMean(model, mean)
    axis = None if channels == 1 else -1
    for lemma in (lemma_4, lemma_5):
        sides = lemma(function, images - mean, 2, 0.5, jacobian=function.jacobian,
                      channel_axis=axis, rng=0)  # fmt: skip
        assert sides.error < 1e-10


@pytest.mark.parametrize("drop_empty", [False, True])
def test_lemma_5_speaks_of_a_transformer_too(drop_empty):
    model, images = transformer(), images_of(3)
    function = AboutMean(model, images.mean(0), drop_empty=drop_empty)
    centred = images - images.mean(0)
    sides = lemma_5(function, centred, 2, 0.5, jacobian=function.jacobian, rng=0)
    every = np.zeros(3)
    for kept, probability in enumerate_kept(6, 0.5):
        masked = centred * GRID.expand(kept)
        given = torch.from_numpy(np.stack([kept] * 3) if drop_empty else np.ones((3, 6), bool))
        with torch.no_grad():
            output = model(torch.from_numpy(masked + images.mean(0))[:, None], given)[:, 0]
        truth = centred - (output.numpy() - images.mean(0))
        every += probability * np.sum(truth**2, axis=(1, 2))
    assert sides.definition == pytest.approx(every.mean(), rel=1e-6)


def test_the_closed_form_is_the_lemma_of_the_map():
    """`lemma_1` of a matrix and `lemma_5` of the model that holds it."""
    model, images = linear_model(), images_of(4)
    model.pixel_mean.zero_()
    function = AboutMean(model, np.zeros((4, 6)))
    one = lemma_1(images, in_pixels(model.weight_matrix(), 1), 2, 0.5, rng=0)
    five = lemma_5(function, images, 2, 0.5, jacobian=function.jacobian, rng=0)
    assert one.formula == pytest.approx(five.formula, rel=1e-12)
