"""Quotients of spectra, and batches of radial spectra as sequences."""

import csv

import numpy as np
import pytest

import spectral_mae as sm

IMAGES = np.random.default_rng(0).standard_normal((5, 12, 16))
BATCH = sm.Periodogram((12, 16)).radial(IMAGES)
FLAT = np.full((12, 16), 0.1)


def test_a_batch_is_a_sequence_of_spectra():
    assert len(BATCH) == 5
    for image, one in zip(IMAGES, BATCH, strict=True):
        alone = sm.psd(image).radial()
        np.testing.assert_allclose(one.power, alone.power, rtol=1e-12)
        np.testing.assert_allclose(one.stderr, alone.stderr, rtol=1e-9)
    np.testing.assert_array_equal(BATCH[-1].power, BATCH.power[4])
    np.testing.assert_array_equal(BATCH[1:3].std, BATCH.std[1:3])
    np.testing.assert_array_equal(BATCH[[4, 0]].power, BATCH.power[[4, 0]])
    np.testing.assert_array_equal(BATCH[np.arange(5) > 2].power, BATCH.power[3:])


def test_one_spectrum_is_no_sequence():
    one = BATCH[0]
    assert one
    for wrong in (len, list, lambda x: x[0], lambda x: x.mean()):
        with pytest.raises(TypeError, match="one spectrum, not a batch"):
            wrong(one)
    with pytest.raises(IndexError):
        BATCH[5]
    for index in ((0, 1), None):
        with pytest.raises(TypeError, match="index"):
            BATCH[index]


def test_the_mean_of_a_batch_has_errors_over_its_spectra():
    mean = BATCH.mean()
    np.testing.assert_allclose(mean.power, sm.Periodogram((12, 16)).mean(IMAGES).radial().power)
    np.testing.assert_allclose(mean.std, BATCH.power.std(axis=0, ddof=1))
    np.testing.assert_allclose(mean.stderr, mean.std / np.sqrt(5))
    assert mean.averages == 5
    np.testing.assert_array_equal(BATCH[:1].mean().std, BATCH.std[0])
    with pytest.raises(ValueError, match="empty"):
        BATCH[:0].mean()


def test_ratios_of_radial_spectra():
    one = BATCH[0]
    ratio = BATCH / one
    np.testing.assert_array_equal(ratio.ratio, BATCH.power / one.power)
    np.testing.assert_array_equal((one / BATCH).ratio, one.power / BATCH.power)
    np.testing.assert_array_equal((BATCH / BATCH).ratio, 1.0)
    assert ratio.scaling == "ratio"
    relative = np.hypot(BATCH.stderr / BATCH.power, one.stderr / one.power)
    np.testing.assert_allclose(ratio.stderr, relative * ratio.ratio)
    with pytest.raises(TypeError, match="unsupported"):
        one / 2


def test_standard_errors_of_ratios_are_calibrated():
    rng = np.random.default_rng(1)
    power = sm.Periodogram((16, 16)).radial(rng.standard_normal((400, 16, 16)), bins=[0.2, 0.5])
    ratio = power[:200] / power[200:]
    assert np.std(ratio.ratio) == pytest.approx(np.mean(ratio.stderr), rel=0.15)


def test_ratios_of_spectra_and_their_rings():
    a, b = sm.psd(IMAGES[0]), sm.psd(2 * IMAGES[1])
    ratio = a / b
    np.testing.assert_array_equal(ratio.ratio, a.power / b.power)
    np.testing.assert_array_equal(ratio.radial(3).ratio, a.radial(3).power / b.radial(3).power)
    assert ratio.shape == (12, 16)
    assert ratio.to_dict()["ratio"] == ratio.ratio.tolist()
    signal = sm.psd(IMAGES[0, 0]) / sm.psd(IMAGES[0, 1])
    assert signal.radial().ratio.shape == (8,)


def test_over_nothing_there_is_no_ratio():
    ratio = sm.psd(IMAGES[0]) / sm.psd(FLAT)
    assert np.isnan(ratio.ratio.ravel()[1:]).all()
    assert np.isnan(ratio.radial().ratio).all()
    assert np.isnan(ratio.radial().stderr).all()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda x: sm.psd(x[:, :8]), r"\(12, 16\) over one of shape \(12, 8\)"),
        (lambda x: sm.psd(x, scaling="energy"), "'density' over scaling 'energy'"),
        (lambda x: sm.psd(x, fs=2.0), r"fs=\(1.0, 1.0\) over fs=\(2.0, 2.0\)"),
    ],
)
def test_unlike_spectra_have_no_ratio(other, message):
    with pytest.raises(ValueError, match=message):
        sm.psd(IMAGES[0]) / other(IMAGES[0])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (sm.psd(IMAGES[0]).radial(3), "6 rings over 3 rings"),
        (sm.psd(IMAGES[0]).radial(6), "ring 4 is from 0.375 to 0.458333 over 0.34375 to"),
        (sm.psd(IMAGES[0], scaling="energy").radial(), "'density' over scaling 'energy'"),
        (BATCH[:2], "a batch of 5 over a batch of 2"),
    ],
)
def test_unlike_rings_have_no_ratio(other, message):
    with pytest.raises(ValueError, match=message):
        BATCH / other


def test_unlike_units_have_no_ratio():
    a, b = (sm.psd(IMAGES[0], unit=sm.Labels(("mm", "mm"), values=v)).radial() for v in "KV")
    with pytest.raises(ValueError, match="values 'K' over values 'V'"):
        a / b


def test_tables_of_ratios(tmp_path):
    ratio = BATCH / BATCH[0]
    ratio.to_csv(tmp_path / "ratio.csv")
    with (tmp_path / "ratio.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == ratio.ratio.size
    assert [float(row["ratio"]) for row in rows] == ratio.ratio.ravel().tolist()
