"""The scale of difficulty and the cost of a setting."""

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.planning.difficulty import equal_ratio, equal_ratios
from spectral_mae.planning.reference import Curve, Reference

RATIOS = np.array([0.25, 0.5, 0.75, 0.9])
EXPLAINED = np.array([0.8, 0.7, 0.5, 0.2])
CURVE = Curve(RATIOS, EXPLAINED, np.full(4, 0.03), EXPLAINED - 0.05, np.full(4, 0.03))


def test_equal_explained_power_gives_the_mask_ratio_back():
    for ratio, explained in zip(RATIOS, EXPLAINED, strict=True):
        assert equal_ratio(RATIOS, EXPLAINED, explained) == (pytest.approx(ratio), "")
    found = [equal_ratio(RATIOS, EXPLAINED, e)[0] for e in np.linspace(0.2, 0.8, 50)]
    assert np.all(np.diff(found) < 0)


def test_a_curve_that_rises_by_noise_stays_monotone():
    noisy = np.array([0.8, 0.5, 0.7, 0.2])
    assert equal_ratio(RATIOS, noisy, 0.3)[0] == pytest.approx(0.75 + 0.15 * 0.2 / 0.3)
    found = [equal_ratio(RATIOS, noisy, e)[0] for e in np.linspace(0.2, 0.8, 50)]
    assert np.all(np.diff(found) <= 0)


def draws(explained, stderr, n=20000, seed=0):
    return explained + stderr * np.random.default_rng(seed).standard_normal(n)


def test_beyond_the_ends_it_says_so():
    harder, easier = CURVE.difficulty(0.1), CURVE.difficulty(0.9)
    assert (harder.beyond, harder.text) == ("harder", ">0.90")
    assert (easier.beyond, easier.text) == ("easier", "<0.25")
    assert np.isnan(easier.low)
    near = CURVE.difficulty(0.81, draws(0.81, 0.02))
    assert near.beyond == "easier"
    assert near.bounds == {"mask_ratio": "<", "low": "<", "high": ""}
    assert near.text == f"<0.25 (<0.25–{near.high:.2f})"
    assert CURVE.difficulty(0.95, draws(0.95, 0.01)).text == "<0.25"
    assert CURVE.difficulty(0.05, draws(0.05, 0.01)).text == ">0.90"


def test_bounds_are_marked_where_the_curve_ends():
    far = CURVE.difficulty(0.05, draws(0.05, 0.01))
    assert far.bounds == {"mask_ratio": ">", "low": ">", "high": ">"}
    assert set(CURVE.difficulty(0.6, draws(0.6, 0.01)).bounds.values()) == {""}


def test_what_the_interval_holds_cannot_be_told_apart():
    one = CURVE.difficulty(0.6, draws(0.6, 0.01))
    assert one.than(one.mask_ratio) == one.than(one.high) == one.than(one.low) == ""
    assert one.than(one.high + 0.01) == "easier"
    assert one.than(one.low - 0.01) == "harder"
    assert CURVE.difficulty(0.6).than(0.3) == ""  # nothing is known of its interval


def test_errors_of_setting_and_reference_make_the_interval():
    """On a straight part of the curve it is what the errors are, divided by the slope."""
    slope, both = 0.2 / 0.25, np.hypot(0.01, 0.005)
    straight = Curve(RATIOS, EXPLAINED, np.full(4, 0.005), EXPLAINED, np.full(4, 0.005))
    wrong = np.random.default_rng(1).standard_normal(20000)
    found = straight.difficulty(0.6, draws(0.6, 0.01), wrong)
    assert found.mask_ratio == pytest.approx(0.625)
    assert found.low == pytest.approx(0.625 - 1.96 * both / slope, abs=0.002)
    assert found.high == pytest.approx(0.625 + 1.96 * both / slope, abs=0.002)
    assert found.text == f"0.62 ({found.low:.2f}–{found.high:.2f})"
    alone = straight.difficulty(0.6, np.full(20000, 0.6), wrong)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.005 / slope, rel=0.05)


def test_drawn_settings_are_compared_with_the_drawn_curve():
    assert CURVE.difficulty(0.45, drawn=True).mask_ratio == pytest.approx(0.75)
    assert CURVE.difficulty(0.45).mask_ratio > 0.75
    none = Curve(RATIOS, EXPLAINED, EXPLAINED, np.full(4, np.nan), np.full(4, np.nan))
    assert none.difficulty(0.45, drawn=True).text == "–"


def test_many_curves_at_once_are_one_after_the_other():
    rng = np.random.default_rng(0)
    curves, wanted = 0.5 + 0.3 * rng.standard_normal((200, 4)), rng.random(200)
    found = equal_ratios(RATIOS, curves, wanted)
    for curve, value, ratio in zip(curves, wanted, found, strict=True):
        falling = np.minimum.accumulate(curve)
        assert ratio == pytest.approx(np.interp(-value, -falling, RATIOS))
    assert np.isnan(equal_ratios(RATIOS, EXPLAINED[None], np.array([np.nan]))).all()


def test_the_reference_that_is_stored_is_a_falling_curve():
    reference = Reference.stored()
    curve = reference.scale
    assert reference.shape == (224, 224)
    assert reference.patch_size == 16
    assert curve.mask_ratio[0] <= 0.25
    assert curve.mask_ratio[-1] >= 0.9
    assert np.all(np.diff(curve.explained) < 0)
    assert np.all((curve.explained > 0) & (curve.explained < 1) & (curve.stderr > 0))
    assert curve.difficulty(curve.at(0.75)).mask_ratio == pytest.approx(0.75)
    again = Reference.from_dict(reference.to_dict())
    np.testing.assert_array_equal(again.scale.explained, curve.explained)


def test_costs_are_those_of_a_count_over_layers():
    sizes = sm.TransformerSizes(width=6, depth=2, decoder_width=4, decoder_depth=1)
    cost = sizes.cost(16, 4)
    n, total = 5, 16 + 1
    products = 2 * (n * 6 * 18 + n * 6 * 6 + n * 6 * 24 + n * 24 * 6)  # qkv, out, MLP
    attention = 2 * (n * n * 6 + n * n * 6)
    assert cost.attention == pytest.approx(2 * attention / 1e9)
    assert cost.encoder == pytest.approx(2 * (products + attention) / 1e9)
    decoder = 2 * (12 * total * 16) + 4 * total**2 * 4
    assert cost.decoder == pytest.approx(decoder / 1e9)
    with pytest.raises(ValueError, match="width"):
        sm.TransformerSizes(width=0)
