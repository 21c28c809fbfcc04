"""Plans of fields of known spectrum and of small grids, against fits on fresh fields."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

import spectral_mae as sm
from spectral_mae import designs, fields
from spectral_mae.planning.settings import Setting, settings_of

pytestmark = pytest.mark.slow

SPECTRUM = fields.power_law((32, 32), -2.4)
RATIOS = [0.25, 0.5, 0.75]


def stationary(spectrum):
    return sm.StationaryMoments.from_psd(spectrum, 1)


def within(found, wanted, errors, most=4.0):
    assert abs(found - wanted) <= most * np.linalg.norm(errors) + 1e-9, (found, wanted, errors)


@pytest.fixture(scope="module")
def known():
    """The plan of a known spectrum, from its moments."""
    return sm.plan(stationary(SPECTRUM), [2, 4, 8], RATIOS)


@pytest.fixture(scope="module")
def fitted():
    """The plan of fields of that spectrum, from the fields."""
    images = fields.gaussian_fields(SPECTRUM, 500, rng=0)
    return sm.plan(images, [2, 4, 8], RATIOS)


@pytest.mark.slow
def test_the_prediction_is_what_models_do_on_fresh_fields(known):
    """Of a known spectrum, against the score of the model on fresh fields."""
    fresh = fields.gaussian_fields(SPECTRUM, 600, rng=7)
    halves = np.array_split(fresh, 12)
    for one in known.settings:
        moments = stationary(SPECTRUM).with_patch_size(one.patch_size)
        model = sm.LinearMAE(
            one.patch_size, one.mask_ratio, target="hidden", covariance="stationary", center=False
        ).fit_moments(moments)
        scores = [model.score(part) for part in halves]
        stderr = np.std(scores, ddof=1) / np.sqrt(len(scores))
        within(one.explained, model.score(fresh), [stderr])


def test_a_plan_of_images_predicts_other_images_within_its_error_bars(known, fitted):
    for one, truth in zip(fitted.settings, known.settings, strict=True):
        assert one.setting == truth.setting
        assert 0 < one.stderr < 0.03
        # What is fitted to a finite number of images explains a little less than the optimum.
        within(one.explained, truth.explained, [one.stderr, 0.005])
        within(one.difficulty.mask_ratio, truth.difficulty.mask_ratio, [0.02, 0.02])


def test_octaves_sum_to_all_power(known):
    for one in known.settings:
        power, error = one.sums.power, one.sums.error
        assert power[0] == pytest.approx(power[1:].sum())
        assert error[0] == pytest.approx(error[1:].sum())
        low, high = one.sums.explained[2], one.sums.explained[5]
        assert low > high  # what is slow can be filled in


SMALL = (8, 8)
FAMILIES = [
    "fixed:M",
    "bernoulli:M",
    "block:1x2",
    "block:2x2",
    "block:2x2,keep",
    "block:3x2,unrolled",
]


@pytest.mark.parametrize("slope", [-1.5, -3.0])
def test_ranks_of_difficulty_are_those_of_exhaustive_fits(slope):
    """Against the best map of all for hidden pixels: dense, over all masks that there are."""
    spectrum = fields.power_law(SMALL, slope)
    plan = sm.plan(stationary(spectrum), [2], RATIOS, designs=FAMILIES, rng=1)
    moments = sm.DenseMoments.from_second_moment(covariance(spectrum), sm.PatchGrid(SMALL, 2))
    exhaustive, drawn = [], []
    for one in plan.settings:
        design = designs.parse(one.setting.text).on(sm.PatchGrid(SMALL, 2))
        model = sm.LinearMAE(design=design, target="hidden", covariance="dense", center=False)
        exhaustive.append(model.fit_moments(moments).solution_.explained)
        drawn.append(float(one.drawn.explained[0]))
        if one.exact is not None:
            assert one.explained == pytest.approx(exhaustive[-1], abs=1e-6)
    assert len(drawn) == 10
    assert spearmanr(drawn, exhaustive).statistic > 0.95
    assert np.abs(np.subtract(drawn, exhaustive)).max() < 0.08


def covariance(spectrum):
    """The second moment of flattened fields."""
    power = spectrum.full() if callable(spectrum.full) else spectrum.full
    lags = np.fft.ifft2(power).real
    n, m = SMALL
    place = np.indices(SMALL).reshape(2, -1)
    rows = (place[0][:, None] - place[0]) % n
    columns = (place[1][:, None] - place[1]) % m
    return lags[rows, columns]


def test_designs_are_measured_alike_and_uniform_ones_exactly_too():
    images = fields.gaussian_fields(fields.power_law((16, 16), -2.0), 300, rng=0)
    plan = sm.plan(images, [4], [0.5], designs=["fixed:M", "block:2x2"])
    uniform, block = plan.settings
    assert None not in (uniform.exact, uniform.drawn, block.drawn)
    assert block.exact is None
    assert block.hidden == 0.25
    assert uniform.explained == float(uniform.exact.explained[0])
    assert block.explained == float(block.drawn.explained[0])
    assert "(drawn)" in str(plan).splitlines()[2]


def test_tables_and_json_keep_all(fitted, tmp_path):
    again = sm.Plan.from_json(fitted.to_json())
    assert str(again) == str(fitted)
    for row, other in zip(again.table(), fitted.table(), strict=True):
        assert row == pytest.approx(other, nan_ok=True)
    json.dumps(fitted.to_dict(), allow_nan=False)
    fitted.to_csv(tmp_path / "plan.csv")
    header = (tmp_path / "plan.csv").read_text().splitlines()[0].split(",")
    assert header == list(fitted.table()[0])
    with pytest.raises(ValueError, match="no plan"):
        sm.Plan.from_json("{}")


def test_as_hard_as_is_on_the_level_of_the_reference(known):
    reference = known.as_reference("these fields", 4)
    other = sm.plan(stationary(SPECTRUM), [2, 4, 8], RATIOS, reference=reference)
    by_size = {row["patch_size"]: row for row in other.as_hard_as(4, 0.5)}
    assert by_size[4]["mask_ratio"] == pytest.approx(0.5)
    assert by_size[8]["beyond"] == "harder" or by_size[8]["mask_ratio"] < by_size[4]["mask_ratio"]
    assert by_size[2]["mask_ratio"] > by_size[4]["mask_ratio"] or by_size[2]["beyond"] == "easier"
    for one in other.settings:
        if one.patch_size == 4:
            assert one.difficulty.mask_ratio == pytest.approx(one.hidden)
    with pytest.raises(ValueError, match="not in the reference"):
        other.as_hard_as(16)
    with pytest.raises(ValueError, match="outside of the reference"):
        other.as_hard_as(4, 0.99)


def test_a_plan_is_a_reference_by_itself(fitted):
    plan = sm.plan(stationary(SPECTRUM), [2], RATIOS, reference=fitted)
    assert plan.reference.patch_size == 8  # there is no 16


def test_shapes_are_put_together():
    """Two orientations of one kind of field: what both together explain is in between."""
    spectrum = fields.power_law((16, 32), -2.2)
    wide = fields.gaussian_fields(spectrum, 120, rng=0)
    tall = 3 * fields.gaussian_fields(spectrum, 120, rng=1).swapaxes(1, 2)
    both = sm.plan([*wide, *tall], [4], [0.5])
    alone = [sm.plan(images, [4], [0.5]).settings[0].explained for images in (wide, tall)]
    assert {one.shape for one in both.measured} == {(16, 32), (32, 16)}
    one = both.settings[0]
    assert one.sums.n_images == sum(each.exact.n_images for each in both.measured)
    assert min(alone) - 0.05 < one.explained < max(alone) + 0.05


def test_odd_sizes_are_cropped_and_colours_kept():
    images = np.random.default_rng(0).random((40, 18, 21, 3)).cumsum(axis=2)
    plan = sm.plan(images, [2, 4], [0.5], color=True)
    assert {one.shape for one in plan.measured} == {(16, 20)}
    assert plan.measured[0].exact.n_images == plan.n_scored


def test_settings():
    found = settings_of([4, 8], [0.75, 0.5], ["fixed:M", "gaussian_field:M,green", "block:2x2"])
    assert len(found) == 10
    assert found[0].text == "fixed:0.5"
    assert Setting(4, "stripes:MxM", 0.5).text == "stripes:MxM"  # M is an item, not a letter
    assert found[2].text == "gaussian_field:0.5,green"
    assert Setting(8, "fixed:M", 0.9).on((16, 16)) is None  # all of four patches
    assert settings_of([4], None, [designs.block(sm.PatchGrid(16, 4), 2)])[0].text == "block:2"


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        (([], [0.5]), {}, "patch_sizes is empty"),
        (([4], []), {}, "mask_ratios is empty"),
        (([4], [1.5]), {}, "mask_ratios=1.5"),
        (([4], [0.5]), {"designs": ["fixd:M"]}, "no design 'fixd'"),
        (([4], [0.5]), {"designs": [7]}, "is no design"),
        (([5], [0.5]), {"size": 16}, "does not divide"),
        (([4], [0.5]), {"holdout": 0}, "images held out"),
        (([16], [0.5]), {}, "two patches"),
        (([4], [0.5]), {"size": "small"}, "size"),
        (([4], [0.5]), {"reference": "photographs"}, "reference"),
    ],
)
def test_what_cannot_work_is_refused(arguments, options, told):
    images = np.random.default_rng(0).random((20, 16, 16))
    with pytest.raises((ValueError, TypeError), match=told):
        sm.plan(images, *arguments, **options)


def test_moments_serve_their_own_patch_size():
    images = np.random.default_rng(0).random((30, 16, 16)).cumsum(axis=1)
    banded = [sm.BandMoments(sm.PatchGrid((16, 16), p)).update(images) for p in (2, 4)]
    plan = sm.plan(banded, None, [0.5])
    assert [one.patch_size for one in plan.settings] == [2, 4]
    model = sm.LinearMAE(4, 0.5, target="hidden").fit_moments(banded[1])
    assert plan.settings[1].explained == pytest.approx(model.solution_.explained)
    assert np.isnan(plan.settings[1].stderr)
    with pytest.raises(ValueError, match=r"no moments of patch_sizes \[8\]"):
        sm.plan(banded, [8], [0.5])


def test_what_is_as_hard_is_told_where_whole_patches_allow_it(fitted):
    """With the tokens, the cost and the ratio of one and the same mask."""
    he = fitted.transformer.cost(196, 49)
    for row in fitted.as_hard_as_he():
        n_patches = (32 // row["patch_size"]) ** 2
        visible = row["visible_tokens"]
        assert visible == round(visible)
        assert abs(visible - n_patches * (1 - row["mask_ratio"])) <= 0.5
        assert row["nearest_mask_ratio"] == pytest.approx(1 - visible / n_patches)
        cost = fitted.transformer.cost(n_patches, visible)
        assert row["relative_encoder"] == pytest.approx(cost.encoder / he.encoder)
        both = (cost.encoder + cost.decoder) / (he.encoder + he.decoder)
        assert row["relative_total"] == pytest.approx(both)


def test_a_design_of_one_setting_has_no_ratio_to_choose():
    """Its row says what the setting is as hard as, and the interval of that."""
    images = fields.gaussian_fields(fields.power_law((16, 16), -2.0), 100, rng=0)
    plan = sm.plan(images, [4], [0.5, 0.75], designs=["fixed:M", "block:2x2"])
    fixed, block = plan.as_hard_as_he()
    (one,) = plan.families[4, "block:2x2"]
    assert block["mask_ratio"] == one.hidden
    assert np.isnan(block["mask_ratio_low"])
    assert block["setting_as_hard_as"] == one.difficulty.mask_ratio
    assert block["setting_as_hard_as_high"] == one.difficulty.high
    assert block["setting_as_hard_as_low_bound"] == one.difficulty.bounds["low"]
    assert block["relative_total"] == one.relative_total
    assert np.isnan(fixed["setting_as_hard_as"])


def test_the_decoder_is_most_of_the_cost_of_small_patches(known):
    """It takes all patches, however many are hidden."""
    small, _, hidden = (one for one in known.settings if one.patch_size == 2)
    assert hidden.cost.decoder > hidden.cost.encoder
    assert hidden.cost.decoder == small.cost.decoder
    he = known.transformer.cost(196, 49)
    wanted = (hidden.cost.encoder + hidden.cost.decoder) / (he.encoder + he.decoder)
    assert hidden.relative_total == pytest.approx(wanted)
    assert hidden.relative_total > hidden.relative_encoder


def test_what_is_not_possible_is_told_with_the_reason():
    plan = sm.plan(stationary(SPECTRUM), [4, 8], designs=["fixed:0.5", "block:4x4"])
    assert len(plan.settings) == 3
    (told,) = plan.left_out
    assert told.startswith("block:4x4 with patches of 8 pixels, on images of 32 × 32: ")
    assert sm.Plan.from_json(plan.to_json()).left_out == [told]
    assert sm.plan(stationary(SPECTRUM), [4], [0.5]).left_out == []
