"""Probes, classifiers and CKA against definitions and laws."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae.nonlinear.evaluation.classifier import (
    Classifier,
    ClassifyConfig,
    accuracy,
    fit_classifier,
    predicted_classes,
)
from spectral_mae.nonlinear.evaluation.layer_similarity import (
    layer_similarity,
    minibatch_cka,
    unbiased_hsic,
)
from spectral_mae.nonlinear.evaluation.probe import features_of, linear_probe, pixel_features
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

torch.set_num_threads(1)


def model_of(seed=0, depth=2):
    torch.manual_seed(seed)
    config = MAEConfig((8, 8), 4, 1, width=16, heads=2, depth=depth, decoder_width=8,
                       decoder_heads=2, decoder_depth=1)  # fmt: skip
    return MaskedAutoencoder(config).eval()


def pixels_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)


def bars(n, seed=0):
    """Images of bars that lie or stand, anywhere: no single pixel tells which."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 80, (n, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(n) % 2
    for image, label in zip(pixels, labels, strict=True):
        place = rng.integers(8)
        image[(slice(None), place) if label else (place, slice(None))] += 150
    return pixels, labels


# CKA ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [4, 5, 7])
def test_hsic_is_its_definition(n):
    """Song et al.: a mean over quadruples of unlike images of products of kernels."""
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal((n, 3)), rng.standard_normal((n, 2))
    k, m = x @ x.T, y @ y.T
    terms = [
        k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q])
        for i, j, q, r in itertools.permutations(range(n), 4)
    ]
    assert unbiased_hsic(x, y) == pytest.approx(np.mean(terms), rel=1e-10)


def test_hsic_has_no_bias():
    """Of independent features its mean is zero, at the smallest size."""
    rng = np.random.default_rng(0)
    found = [
        unbiased_hsic(rng.standard_normal((4, 2)), rng.standard_normal((4, 2))) for _ in range(4000)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(4000)
    assert min(found) < 0


@pytest.mark.parametrize("n", [4, 5, 64])
def test_a_network_is_like_itself(n):
    """Also on tiny batches, where nothing is NaN."""
    model = model_of()
    found = layer_similarity(model, model, pixels_of(3 * n), batch=n)
    assert found.shape == (3, 3)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.diag(found), 1, atol=1e-12)
    assert np.abs(found).max() <= 1 + 1e-12
    other = layer_similarity(model, model_of(3, depth=1), pixels_of(3 * n), batch=n)
    assert other.shape == (3, 2)
    assert np.isfinite(other).all()


def test_rotations_and_scales_do_not_matter_and_more_does():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((50, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    found = minibatch_cka([([x], [3 * x @ rotation + 1, x[:, :1], rng.standard_normal((50, 6))])])[
        0
    ]
    assert found[0] == pytest.approx(1)
    assert 0.1 < found[1] < 0.9
    assert abs(found[2]) < 0.15


def test_the_mean_over_batches_does_not_depend_on_their_size():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4096, 4))
    y = x + rng.standard_normal((4096, 4))

    def found(batch):
        return minibatch_cka(
            [([x[i : i + batch]], [y[i : i + batch]]) for i in range(0, 4096, batch)]
        )[0, 0]

    assert found(4) == pytest.approx(found(512), abs=0.06)
    assert found(32) == pytest.approx(found(512), abs=0.02)


def test_where_cka_is_not_defined_it_is_refused():
    x = np.random.default_rng(0).standard_normal((5, 2))
    with pytest.raises(ValueError, match="3 images: the unbiased"):
        minibatch_cka([([x[:3]], [x[:3]])])
    with pytest.raises(ValueError, match="layer 1 of the second network does not vary"):
        minibatch_cka([([x], [x, np.ones((5, 2)) / 3])])
    with pytest.raises(ValueError, match="no batches"):
        minibatch_cka([])
    with pytest.raises(ValueError, match="batch=3"):
        layer_similarity(model_of(), model_of(), pixels_of(9), batch=3)
    with pytest.raises(ValueError, match="unequal numbers"):
        minibatch_cka([([x], [x[:4]])])
    tail = layer_similarity(model_of(), model_of(), pixels_of(10), batch=8)
    assert np.array_equal(tail, layer_similarity(model_of(), model_of(), pixels_of(10)[:8]))


# Probes ------------------------------------------------------------------------------------------


def clouds(n, spread, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return np.eye(3, 5)[labels] * 2 + spread * rng.standard_normal((n, 5)), labels


def test_a_probe_comes_near_the_best_classifier():
    """Of Gaussian clouds the best is linear; its accuracy is known from many draws."""
    x, labels = clouds(3000, 1.0)
    test, truth = clouds(3000, 1.0, seed=1)
    best = np.mean(np.argmax(test[:, :3], axis=1) == truth)
    found = linear_probe(x, labels, test, truth)
    assert found.accuracy == pytest.approx(best, abs=0.01)
    assert found.stderr == pytest.approx(np.sqrt(best * (1 - best) / 3000), rel=0.05)
    assert (found.n_features, found.n_train, found.n_test) == (5, 3000, 3000)


def test_the_penalty_is_chosen_without_the_test_images():
    """One that allows no weights loses, whatever the test images say."""
    x, labels = clouds(120, 0.8)
    test, truth = clouds(300, 0.8, seed=1)
    for penalties in ((1e6, 1e-2), (1e-2, 1e6)):
        found = linear_probe(x, labels, test, truth, penalties=penalties)
        other = linear_probe(x, labels, test, (truth + 1) % 3, penalties=penalties)
        assert found.penalty == other.penalty == 1e-2
        assert found.accuracy > 0.8 > other.accuracy


def test_units_of_features_do_not_matter():
    x, labels = clouds(300, 1.0)
    test, truth = clouds(300, 1.0, seed=1)
    scale = np.array([1, 1e6, 1e-6, 10, 0])
    one = linear_probe(x * (scale != 0), labels, test * (scale != 0), truth)
    other = linear_probe(x * scale + 7, labels, test * scale + 7, truth)
    assert other.accuracy == pytest.approx(one.accuracy, abs=0.01)


def test_features_are_those_of_the_model():
    model, pixels = model_of(), pixels_of(300)
    found = features_of(model, pixels)
    with torch.no_grad():
        one = model.features(torch.from_numpy(pixels[299:, :, :, 0]).float()[:, None] / 255)
    assert found.shape == (300, 16)
    np.testing.assert_allclose(found[299:], one.numpy(), atol=1e-5)
    assert np.array_equal(pixel_features(pixels)[3] * 255, pixels[3].ravel())


def test_nothing_to_tune_is_refused():
    with pytest.raises(ValueError, match="nothing to tune"):
        linear_probe(np.ones((4, 2)), np.zeros(4, int), np.ones((1, 2)), np.zeros(1, int))


def test_a_classifier_learns_what_a_linear_one_on_pixels_cannot():
    pixels, labels = bars(600)
    test, truth = bars(300, seed=1)
    linear = linear_probe(pixel_features(pixels), labels, pixel_features(test), truth)
    classifier = Classifier(model_of(), 2)
    config = ClassifyConfig(epochs=15, batch=50, rate=5e-3, flip=False)
    losses = fit_classifier(classifier, pixels, labels, config, set_units=True)
    assert losses[0] > 2 * losses[-1]
    assert linear.accuracy < 0.65
    assert accuracy(classifier, test, truth) > 0.9
    found = predicted_classes(classifier, test)
    assert found.shape == truth.shape
    assert np.mean(found == truth) == accuracy(classifier, test, truth)


def test_a_classifier_standardises_features():
    """Its scores do not change when features get other units."""
    classifier = Classifier(model_of(), 2)
    torch.nn.init.normal_(classifier.head.weight)
    images = torch.rand(20, 1, 8, 8)
    before = classifier(images)
    features = classifier.model.features
    classifier.model.features = lambda x: 1000 * features(x) + 3
    torch.testing.assert_close(classifier(images), before, rtol=0.02, atol=0.02)
