"""Frequency responses against explicit matrices, and against reconstructions under every mask."""

import csv
import itertools
import json
from fractions import Fraction

import dense
import laws
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.frequency_response import FrequencyResponse

SHAPES = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        ((9,), (3,), None),
        ((8,), (2,), 3),
        ((4, 6), (2, 2), None),
        ((6, 3), (2, 3), None),
        ((4, 6), (2, 3), 2),
        ((4, 4), (2, 2), 3),
        ((2, 3, 4), (1, 3, 2), None),
        ((2, 4, 2), (2, 2, 1), 2),
    ],
)
DESIGNS = pytest.mark.parametrize("sampling", laws.DESIGNS)
COVARIANCES = pytest.mark.parametrize(
    ("covariance", "random_offset"),
    [("banded", False), ("dense", False), ("stationary", False), ("stationary", True)],
)
CURVES = ("original", "passed", "aliased", "noise", "error")
RATIO = 0.3  # of three patches keeps two, of four two, of six four


def axis_of(channels):
    return None if channels is None else -1


def curves(second, mu, spoiled, weights, shape, channels):
    """The diagonals of the Fourier basis that the curves are defined by."""

    def power(matrix):
        diagonal = dense.by_frequency(matrix, shape, channels)
        return np.einsum("...cc->...", diagonal).real

    own = dense.by_frequency(second, shape, channels)
    gain = mu * dense.by_frequency(weights.T, shape, channels)
    through = np.einsum("...cd,...dc->...", gain, own)
    passed = np.einsum("...cd,...de,...ce->...", gain, own, gain.conj()).real
    of_mean = mu**2 * power(weights.T @ second @ weights)
    output = power(weights.T @ spoiled @ weights)
    original = power(second)
    return {
        "gain": through / original,
        "original": original,
        "passed": passed,
        "aliased": of_mean - passed,
        "noise": output - of_mean,
        "error": original - 2 * mu * power(second @ weights) + output,
    }


def assert_response(response, expected):
    scale = expected["original"].max()
    for name in CURVES:
        np.testing.assert_allclose(getattr(response, name), expected[name], atol=1e-9 * scale)
    np.testing.assert_allclose(response.gain, expected["gain"], atol=1e-7)
    reconstructed = expected["passed"] + expected["aliased"] + expected["noise"]
    np.testing.assert_allclose(response.reconstructed, reconstructed, atol=1e-9 * scale)
    explained = 1 - expected["error"] / expected["original"]
    np.testing.assert_allclose(response.explained, explained, atol=1e-7)


@SHAPES
@DESIGNS
@COVARIANCES
def test_curves_are_diagonals_of_explicit_matrices(
    shape, patch, channels, sampling, covariance, random_offset
):
    images = dense.photographs(90, shape, channels)
    c = channels or 1
    second, _ = dense.moments(images, patch, covariance)
    drawn = dense.masks(shape, patch, RATIO, sampling, random_offset=random_offset)
    mu, spoiled = dense.corrupted(second, drawn, c)
    split = []
    for rank in [None, *range(1, 10)]:
        model = sm.LinearMAE(
            patch,
            RATIO,
            rank=rank,
            sampling=sampling,
            covariance=covariance,
            random_offset=random_offset,
        ).fit(images, channel_axis=axis_of(channels))
        response = model.frequency_response()
        weights = model.weight_matrix()
        assert_response(response, curves(second, mu, spoiled, weights, shape, c))
        assert response.error.sum() == pytest.approx(model.loss_, rel=1e-9)
        assert response.original.sum() == pytest.approx(model.trace_, rel=1e-9)
        split.append(model.solution_.split is not None)
    assert not all(split)
    counts = np.array(shape) if random_offset else np.array(shape) // patch
    assert any(split) == (covariance != "dense" and max(counts) > 2)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_curves_of_a_hidden_target(shape, patch, channels, sampling, covariance):
    """With the chances that other patches have when the one that is scored is hidden."""
    images = dense.photographs(90, shape, channels)
    c = channels or 1
    second, _ = dense.moments(images, patch, covariance)
    subsets = list(laws.every_subset(np.prod(shape) // np.prod(patch), RATIO, sampling))
    hidden = float(sum(p for bits, p in subsets if not bits[0]))
    mu = float(sum(p for bits, p in subsets if bits[1] and not bits[0])) / hidden
    both = float(sum(p for bits, p in subsets if bits[1] and bits[2] and not bits[0])) / hidden
    spoiled = second * np.where(dense.same_patch(shape, patch, c), mu, both)
    model = sm.LinearMAE(patch, RATIO, sampling=sampling, covariance=covariance, target="hidden")
    model.fit(images, channel_axis=axis_of(channels))
    response = model.frequency_response()
    assert_response(response, curves(second, mu, spoiled, model.weight_matrix(), shape, c))
    assert response.error.sum() * hidden == pytest.approx(model.loss_, rel=1e-9)
    assert response.original.sum() * hidden == pytest.approx(model.trace_, rel=1e-9)


@SHAPES
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("rank", [None, 1, 2, 3, 4])
def test_curves_of_denoising_and_of_principal_components(shape, patch, channels, covariance, rank):
    images = dense.photographs(90, shape, channels)
    second, _ = dense.moments(images, patch, covariance)
    models = [(sm.LinearDAE(patch, 0.8, rank=rank, covariance=covariance), 0.64)]
    if rank is not None:
        models.append((sm.LinearAE(patch, rank, covariance=covariance), 0.0))
    for model, noise in models:
        model.fit(images, channel_axis=axis_of(channels))
        spoiled = second + noise * np.eye(len(second))
        weights = model.weight_matrix()
        response = model.frequency_response()
        assert_response(response, curves(second, 1.0, spoiled, weights, shape, channels or 1))
        assert response.error.sum() == pytest.approx(model.loss_, abs=1e-9 * model.trace_)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("rank", [None, 1, 2])
def test_curves_are_those_of_shrunken_moments(covariance, rank):
    images = dense.photographs(6, (4, 6), 2)
    second, _ = dense.moments(images, (2, 3), covariance)
    second = 0.7 * second + 0.3 * dense.pixel_average(second, (4, 6), 2)
    drawn = dense.masks((4, 6), (2, 3), RATIO, "fixed")
    model = sm.LinearMAE((2, 3), RATIO, covariance=covariance, rank=rank, shrinkage=0.3)
    model.fit(images, channel_axis=-1)
    mu, spoiled = dense.corrupted(second, drawn, 2)
    expected = curves(second, mu, spoiled, model.weight_matrix(), (4, 6), 2)
    assert_response(model.frequency_response(), expected)


@SHAPES
@DESIGNS
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("ranks", [[None], [5, 4]])
def test_powers_are_those_of_reconstructions_under_every_mask(
    shape, patch, channels, sampling, covariance, ranks
):
    """On the images as they are: of the mean over masks, and about it.

    Stationary models have this for grids at random offsets alone, and no model for half a pair,
    which depends on where the patches lie.
    """
    images = dense.photographs(20, shape, channels)
    random_offset = covariance == "stationary"
    for rank in ranks:
        model = sm.LinearMAE(
            patch,
            RATIO,
            rank=rank,
            sampling=sampling,
            covariance=covariance,
            random_offset=random_offset,
        ).fit(images, channel_axis=axis_of(channels))
        if model.solution_.split is None:
            break
    assert model.solution_.split is None
    axes = tuple(range(1, len(shape) + 1))

    def transform(pixels):
        found = pixels.reshape(20, *shape, -1).astype(complex)
        for axis in axes:
            found = np.fft.fft(found, axis=axis)
        return found / np.sqrt(np.prod(shape))

    def power(waves):
        return np.sum(np.abs(waves) ** 2, axis=-1).mean(axis=0)

    drawn = dense.masks(shape, patch, RATIO, sampling, random_offset=random_offset)
    truth = transform(images - model.mean_)
    outputs = [(transform(model.reconstruct(images, v) - model.mean_), p) for v, p in drawn]
    mean = sum(p * output for output, p in outputs)
    response = model.frequency_response()
    scale = response.original.max()
    for found, expected in (
        (response.original, power(truth)),
        (response.passed + response.aliased, power(mean)),
        (response.noise, sum(p * power(output - mean) for output, p in outputs)),
        (response.reconstructed, sum(p * power(output) for output, p in outputs)),
        (response.error, sum(p * power(output - truth) for output, p in outputs)),
    ):
        np.testing.assert_allclose(found, expected, atol=1e-9 * scale)


@SHAPES
def test_gain_is_what_a_wave_makes_of_itself(shape, patch, channels):
    """π₁ times the part of its own frequency in what a fully visible wave becomes."""
    images = dense.photographs(90, shape, channels)
    model = sm.LinearMAE(patch, RATIO).fit(images, channel_axis=axis_of(channels))
    response = model.frequency_response()
    n_patches = np.prod(shape) // np.prod(patch)
    kept = int(n_patches * (1 - RATIO)) / n_patches
    second, _ = dense.moments(images, patch, "banded")
    own = dense.by_frequency(second, shape, channels or 1)
    matrix = model.weight_matrix()
    for k in itertools.islice(np.ndindex(*shape), 5):
        phase = sum(i * j / n for i, j, n in zip(np.indices(shape), k, shape, strict=True))
        wave = np.exp(2j * np.pi * phase)[..., np.newaxis]
        total = 0.0
        for row in range(channels or 1):
            pixels = (wave * np.eye(channels or 1)[row]).ravel() @ matrix
            back = np.mean(pixels.reshape(*shape, -1) * wave.conj(), axis=tuple(range(len(shape))))
            total += back @ own[k][row]
        np.testing.assert_allclose(response.gain[k], kept * total / np.trace(own[k]), atol=1e-8)


def test_stationary_images_pass_or_leak_but_do_not_alias_at_random_offsets():
    images = dense.photographs(30, (4, 6))
    model = sm.LinearMAE(2, 0.5, covariance="stationary", random_offset=True).fit(images)
    response = model.frequency_response()
    np.testing.assert_allclose(response.aliased, 0, atol=1e-12 * response.original.max())
    np.testing.assert_allclose(response.gain.imag, 0, atol=1e-12)
    # Wiener's filter: the error is what of the signal does not come through.
    expected = (1 - response.gain.real) * response.original
    np.testing.assert_allclose(response.error, expected, rtol=1e-8)
    np.testing.assert_allclose(response.explained, response.gain.real, atol=1e-9)


@pytest.mark.parametrize("shape", [(9,), (12,), (6, 6), (5, 8), (8, 5)])
@pytest.mark.parametrize("bins", [None, [0.0, 0.1, 0.25, 0.5]])
def test_radial_averages_are_ratios_of_sums(shape, bins):
    rng = np.random.default_rng(0)
    waves = np.fft.fftn(rng.standard_normal((6, *shape)), axes=range(1, len(shape) + 1))
    gain = waves[0]
    original, passed, aliased, noise, error = np.abs(waves[1:]) ** 2
    response = FrequencyResponse(gain, original, passed, aliased, noise, error)
    fs = (1.0,) * len(shape)
    edges = laws.default_ring_edges(shape, fs)
    if bins is not None:
        edges = [Fraction(edge).limit_denominator(100) for edge in bins]
    rings = response.radial(bins)

    def sums(full):
        return np.array([sum(v for _, v in m) for m in laws.ring_members(full, fs, edges).values()])

    members = laws.ring_members(original, fs, edges).values()
    count = np.array([len(m) for m in members])
    np.testing.assert_array_equal(rings.count, count)
    np.testing.assert_allclose(rings.frequency, [np.mean([r for r, _ in m]) for m in members])
    for name in CURVES:
        np.testing.assert_allclose(getattr(rings, name), sums(getattr(response, name)) / count)
    np.testing.assert_allclose(rings.explained, 1 - sums(error) / sums(original))
    np.testing.assert_allclose(rings.gain, sums((gain * original).real) / sums(original))
    np.testing.assert_allclose(rings.reconstructed, sums(passed + aliased + noise) / count)


def test_frequencies_are_those_of_the_fft():
    model = sm.LinearMAE((2, 3), RATIO).fit(dense.photographs(20, (4, 6)))
    response = model.frequency_response()
    assert response.shape == (4, 6)
    for axis, n in zip(response.frequencies, (4, 6), strict=True):
        np.testing.assert_array_equal(axis, np.fft.fftfreq(n))
    assert f"explained={1 - model.loss_ / model.trace_:.4g}" in repr(response)


def test_no_power_has_no_gain_and_nothing_explained():
    flat = sm.LinearMAE(2, 0.5).fit(np.full((3, 4, 4, 2), 0.25), channel_axis=-1)
    response = flat.frequency_response()
    assert np.isnan(response.gain).all()
    assert np.isnan(response.explained).all()
    assert not response.error.any()
    rings = response.radial()
    assert np.isnan(rings.gain).all()
    assert np.isnan(rings.explained).all()
    assert not rings.error.any()


def test_rings_leave_out_what_has_no_power():
    """A gain that is NaN for want of power does not spoil the ring it is in."""
    power = np.ones((4, 4))
    gain = np.full((4, 4), 0.5 + 0.1j)
    power[0, 1] = power[0, 3] = 0.0
    gain[0, 1] = gain[0, 3] = np.nan
    rings = FrequencyResponse(gain, power, power, power, power, power).radial()
    np.testing.assert_allclose(rings.gain, 0.5)
    np.testing.assert_allclose(rings.original[0], 0.75)


def test_results_are_plain_data(tmp_path):
    model = sm.LinearMAE(2, 0.5).fit(dense.photographs(20, (4, 6), 3), channel_axis=-1)
    response = model.frequency_response()
    plain = json.loads(json.dumps(response.to_dict()))
    for name in CURVES:
        np.testing.assert_array_equal(plain[name], getattr(response, name))
    np.testing.assert_array_equal(plain["gain"]["real"], response.gain.real)
    np.testing.assert_array_equal(plain["gain"]["imag"], response.gain.imag)
    rings = response.radial()
    plain = json.loads(json.dumps(rings.to_dict()))
    rings.to_csv(tmp_path / "rings.csv")
    with (tmp_path / "rings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(rings.frequency)
    names = {"frequency", "count", "gain", *CURVES, "reconstructed", "explained"}
    assert set(plain) == set(rows[0]) == names
    for name in names:
        np.testing.assert_array_equal(plain[name], getattr(rings, name))
        found = [float(row[name]) for row in rows]
        np.testing.assert_allclose(found, getattr(rings, name), rtol=1e-12)
