"""Mean spectra under any mask design equal the enumeration of all its masks."""

import itertools

import laws
import numpy as np
import pytest
from design_cases import MAKERS

import spectral_mae as sm
from spectral_mae.masked_spectra import spread
from spectral_mae.masked_spectra.patch_sums import pair_power
from spectral_mae.spectra import fft

GRIDS = [
    sm.PatchGrid(15, 3),
    sm.PatchGrid((9, 4), (3, 2)),
    sm.PatchGrid((5, 8), (5, 2)),
    sm.PatchGrid((3, 3), 1),
    sm.PatchGrid((4, 2, 4), (2, 1, 2)),
]


def corner(grid, **options):
    """Blocks that go into every grid, and leave something."""
    size = tuple(max(1, n // 2) for n in grid.counts)
    return sm.designs.block(grid, size, **options)


def made(name, grid):
    """A design on a grid, or None where it does not fit."""
    try:
        return MAKERS[name](grid)
    except (ValueError, pytest.skip.Exception):
        return None


CASES = [(name, grid) for grid in GRIDS for name in MAKERS if made(name, grid) is not None]
EVERY_DESIGN = pytest.mark.parametrize(("name", "grid"), CASES)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}, {case[1]}")
def design(request):
    return made(*request.param)


def mean_and_power(x, design):
    """E Y and E|Y|² on the whole grid, by enumeration of all masks and by sums."""
    patterns, weights = design.enumerate()
    transforms = laws.dft(x * design.grid.expand(patterns), x.ndim)
    mean = np.tensordot(weights, transforms, 1)
    power = np.tensordot(weights, np.abs(transforms) ** 2, 1)
    return mean.astype(complex), power.astype(float)


def power_of(x, design):
    """E|Y|² of one channel on the half-plane."""
    return laws.half(mean_and_power(x, design)[1])


def test_mean_mask_power_equals_the_enumeration_of_all_masks(design):
    _, truth = mean_and_power(np.ones(design.grid.shape), design)
    laws.assert_close_to_max(sm.expected_mask_power(design=design), truth, 1e-12)


def test_mean_spectrum_equals_the_enumeration_of_all_masks(design):
    x = laws.field(design.grid.shape)
    found = sm.expected_masked_psd(x, design=design, scaling="energy")
    laws.assert_close_to_max(found.power, power_of(x, design), 1e-12)
    # Each frequency alone, however much the others hold.
    np.testing.assert_allclose(found.power, power_of(x, design), rtol=1e-9)


def test_mean_spectrum_of_channels_is_the_mean_of_theirs(design):
    x = laws.field((*design.grid.shape, 3)) * [1.0, 2.0, 0.1] + [0.0, 5.0, -30.0]
    truth = np.mean([power_of(x[..., c], design) for c in range(3)], axis=0)
    for axis in (0, -1):
        options = {"scaling": "energy", "channel_axis": axis}
        found = sm.expected_masked_psd(np.moveaxis(x, -1, axis), design=design, **options)
        laws.assert_close_to_max(found.power, truth, 1e-12)


def test_leakage_is_what_is_not_kept(design):
    x = laws.field(design.grid.shape)
    kept = (1 - design.mask_ratio) ** 2 * laws.half(np.abs(laws.dft(x)) ** 2).astype(float)
    leak = sm.leakage(x, design=design)
    scale = leak.kept.power.max() / kept.max()
    laws.assert_close_to_max(leak.leaked.power / scale, power_of(x, design) - kept, 1e-11)
    laws.assert_close_to_max(leak.kept.power / scale, kept, 1e-12)
    np.testing.assert_allclose(leak.power * kept, power_of(x, design) - kept, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "grid"), [case for case in CASES if np.ptp(made(*case).inclusion) < 1e-12]
)
def test_leakage_is_the_variance_over_masks_where_patches_are_alike(name, grid):
    """Elsewhere the mean of Y holds power of other frequencies."""
    design = made(name, grid)
    x = laws.field(design.grid.shape)
    mean, power = mean_and_power(x, design)
    leak = sm.leakage(x, design=design)
    truth = laws.half(power - np.abs(mean) ** 2)
    scale = leak.kept.power.max() / (np.abs(mean) ** 2).max()
    laws.assert_close_to_max(leak.leaked.power / scale, truth, 1e-11)
    assert leak.total == pytest.approx(1 / (1 - design.mask_ratio) - 1, rel=1e-11)
    assert (leak.leaked.power >= 0).all()


def test_every_path_gives_the_same_power(design):
    """Also where images are worked on in small parts, and of uniform designs."""
    x = laws.field(design.grid.shape)
    truth = power_of(x, design)
    own = laws.half(np.abs(laws.dft(x)) ** 2).astype(float)
    paths = [pair_power.FactorPower(design)]
    if design.shift_invariant:
        paths.append(pair_power.LagPower(design))
    for power in paths:
        laws.assert_close_to_max(power(x) + power.share * own, truth, 1e-12)


def test_images_in_parts_give_the_same_power(monkeypatch, design):
    x = laws.field((*design.grid.shape, 2))
    whole = pair_power.pair_power(design)(x)
    monkeypatch.setattr(pair_power, "PART", 1)
    monkeypatch.setattr(pair_power, "STRIP", 1)
    monkeypatch.setattr(fft, "CHUNK_BYTES", 1)
    laws.assert_close_to_max(pair_power.pair_power(design)(x), whole, 1e-13)


@pytest.mark.parametrize("make", ["block", "given"])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
@pytest.mark.parametrize("detrend", [None, "linear"])
@pytest.mark.parametrize("window", [None, ("kaiser", 3.0)])
def test_every_option_of_psd_enters_in_its_order(make, scaling, detrend, window):
    for grid in (sm.PatchGrid(15, 3), sm.PatchGrid((6, 8), (3, 2))):
        design = MAKERS[make](grid)
        x = laws.field(grid.shape) + 0.2 * np.indices(grid.shape).sum(axis=0)
        options = {"scaling": scaling, "window": window, "fs": (2.0, 0.5)[: grid.ndim]}
        flat = laws.DETRENDS[detrend](x)
        patterns, weights = design.enumerate()
        masks = grid.expand(patterns)
        powers = [laws.periodogram(flat, visible=mask, **options) for mask in masks]
        truth = np.tensordot(weights, powers, 1)
        found = sm.expected_masked_psd(x, design=design, detrend=detrend, **options)
        laws.assert_close_to_max(found.power, laws.half(truth), 1e-12)
        assert found.scaling == scaling


def test_a_large_mean_costs_the_rest_no_digits():
    """The mean leaks everywhere but where every mask is zero; there the rest must be right."""
    grid = sm.PatchGrid((16, 12), (4, 3))
    for design in (corner(grid), corner(grid, keep=True), corner(grid, rolled=False)):
        x = laws.field(grid.shape) + 1e6
        centred, level = x - 1e6, np.full(grid.shape, 1e6)
        found = sm.expected_masked_psd(x, design=design, scaling="energy").power
        dark = laws.half(sm.expected_mask_power(design=design)) < 1e-20
        assert dark.sum() > 10
        truth = power_of(centred, design)
        np.testing.assert_allclose(found[dark], truth[dark], rtol=1e-5)
        assert power_of(level, design)[~dark].min() > 1e3 * truth.max()


def test_a_constant_image_has_the_power_of_the_masks(design):
    found = sm.expected_masked_psd(np.full(design.grid.shape, 3.0), design=design, scaling="energy")
    truth = 9.0 * laws.half(sm.expected_mask_power(design=design))
    laws.assert_close_to_max(found.power, truth, 1e-13)


def test_photograph_sized_grids_take_the_short_way():
    """Against half of the patch-grid waves, one transform each, with the weight ρ̂."""
    grid = sm.PatchGrid((48, 40), (4, 8))
    design = sm.designs.block(grid, (5, 2))
    x = laws.field(grid.shape) + 2.0
    power = 0.0
    for q in np.ndindex(grid.counts):
        turns = sum(
            k * axis / n for k, axis, n in zip(q, np.indices(grid.counts), grid.counts, strict=True)
        )
        wave = grid.expand(np.exp(2j * np.pi * turns).ravel())
        power = power + design.spectrum[q] / grid.n_patches * np.abs(np.fft.fftn(x * wave)) ** 2
    found = sm.expected_masked_psd(x, design=design, scaling="energy")
    laws.assert_close_to_max(found.power, laws.half(power), 1e-13)
    np.testing.assert_allclose(found.power, laws.half(power), rtol=1e-9)


def test_short_forms_give_the_bits_of_their_designs():
    image = laws.field((12, 8))
    for sampling in ("fixed", "bernoulli"):
        design = getattr(sm.designs, sampling)(sm.PatchGrid((12, 8), (3, 4)), 0.4)
        short = {"patch_size": (3, 4), "mask_ratio": 0.4, "sampling": sampling}
        for function in (sm.expected_masked_psd, sm.leakage):
            one, other = function(image, **short), function(image, design=design)
            np.testing.assert_array_equal(one.power, other.power)
        np.testing.assert_array_equal(
            sm.expected_mask_power(design.grid, 0.4, sampling=sampling),
            sm.expected_mask_power(design=design),
        )


def test_a_plan_for_a_design_also_serves_uniform_ones():
    grid = sm.PatchGrid((12, 8), (3, 4))
    block, image = corner(grid), laws.field((12, 8))
    components = sm.MaskedPeriodogram(design=block).components(image)
    plain = sm.MaskedPeriodogram(grid).components(image)
    for ask in ("expected", "leakage"):
        for given in ({"mask_ratio": 0.4}, {"design": sm.designs.bernoulli(grid, 0.4)}):
            one, other = (getattr(parts, ask)(**given).power for parts in (components, plain))
            np.testing.assert_array_equal(one, other)
        asked = getattr(components, ask)
        np.testing.assert_array_equal(asked().power, asked(design=corner(grid)).power)
    with pytest.raises(ValueError, match=r"MaskedPeriodogram\(design=design\)"):
        plain.expected(design=block)
    with pytest.raises(ValueError, match=r"MaskedPeriodogram\(design=design\)"):
        components.leakage(design=corner(grid, keep=True))
    with pytest.raises(TypeError, match="a mask design is needed"):
        plain.expected()


def test_what_a_design_says_is_not_said_twice():
    grid = sm.PatchGrid((12, 8), 4)
    design, image = corner(grid), laws.field((12, 8))
    for function in (sm.expected_masked_psd, sm.leakage):
        with pytest.raises(ValueError, match=r"patch_size=4 is given with design=<design block"):
            function(image, 4, design=design)
        with pytest.raises(ValueError, match=r"mask_ratio=0.5 and sampling='fixed' are given"):
            function(image, mask_ratio=0.5, design=design)
        with pytest.raises(ValueError, match=r"of images of \(12, 8\), not of \(8, 12\)"):
            function(image.T, design=design)
        with pytest.raises(TypeError, match="a mask design is needed"):
            function(image)
        with pytest.raises(TypeError, match=r"design='block:2x1' is not a MaskDesign"):
            function(image, design="block:2x1")
    with pytest.raises(ValueError, match=r"is of PatchGrid\(shape=\(12, 8\)"):
        sm.MaskedPeriodogram(sm.PatchGrid((8, 8), 4), design=design)
    with pytest.raises(TypeError, match="patches are needed"):
        sm.MaskedPeriodogram()


def test_leakage_below_zero_is_shown_as_it_is():
    """A design that never keeps one end is a window, and takes power from high frequencies."""
    grid = sm.PatchGrid(8, 1)
    visible = np.hanning(10)[1:-1] > np.linspace(0.05, 0.95, 10)[:, np.newaxis]
    x = np.random.default_rng(0).standard_normal(8)
    leak = sm.leakage(x, design=sm.designs.from_masks(grid, visible))
    below = leak.leaked.power < 0
    assert below.any()
    np.testing.assert_allclose(leak.power[below] * leak.kept.power[below], leak.leaked.power[below])


@pytest.mark.parametrize("keep", [False, True])
def test_nothing_leaks_to_zero_frequency_where_every_mask_shows_as_much_of_a_level(keep):
    for n in (9, 21, 28):
        for size in (1, (4, 1), n // 2):
            design = sm.designs.block(sm.PatchGrid((n, n), 1), size, keep=keep)
            assert sm.leakage(np.full((n, n), 0.7), design=design).power[0, 0] == 0.0


@pytest.mark.parametrize("channels", [None, 2])
def test_the_spread_from_mask_to_mask_is_that_over_all_masks(monkeypatch, design, channels):
    monkeypatch.setattr(spread, "PART_BYTES", 16 * 3 * np.prod(design.grid.shape))  # 3 masks
    image = laws.field(design.grid.shape if channels is None else (*design.grid.shape, channels))
    patterns, weights = design.enumerate()
    planes = image.reshape(*design.grid.shape, -1)
    power = sum(
        np.abs(laws.dft(plane * design.grid.expand(patterns), design.grid.ndim)) ** 2
        for plane in np.moveaxis(planes, -1, 0)
    )
    power /= planes.shape[-1]
    centred = power - np.tensordot(weights, power, 1)
    truth = laws.half(np.tensordot(weights, centred**2, 1)).astype(float)
    options = {"scaling": "energy", "channel_axis": None if channels is None else -1}
    found = sm.masked_psd_std(image, design=design, **options)
    assert np.abs(found.power**2 - truth).max() <= 1e-12 * float(power.max()) ** 2


def test_masks_of_no_probability_do_not_count(monkeypatch):
    monkeypatch.setattr(spread, "PART_BYTES", 1)  # a mask at a time
    grid = sm.PatchGrid(8, 2)
    visible = np.eye(4, dtype=bool)
    few = sm.designs.from_masks(grid, visible[:2], [1, 3])
    more = sm.designs.from_masks(grid, visible[[2, 0, 1, 3]], [0, 1, 3, 0])
    x = laws.field(grid.shape)
    for function in (sm.masked_psd_std, sm.expected_masked_psd):
        laws.assert_close(function(x, design=more).power, function(x, design=few).power, 1e-13)


def test_the_spread_is_refused_without_a_list_of_masks():
    design = sm.designs.drop_block(sm.PatchGrid((16, 16), 2), 2, 0.5)
    with pytest.raises(ValueError, match=r"four patches are all kept, or all masks: <design drop"):
        sm.masked_psd_std(laws.field((16, 16)), design=design)


@EVERY_DESIGN
def test_joint_probabilities_are_those_of_all_masks(name, grid):
    design = made(name, grid)
    patterns, weights = design.enumerate()
    for n in range(5):
        found = design.joint_inclusion(n)
        if found is None:
            assert name not in ("fixed", "bernoulli")
            continue
        chosen = itertools.combinations(range(design.n_patches), n)
        each = [weights @ patterns[:, list(patches)].all(axis=1) for patches in chosen]
        np.testing.assert_allclose(each, found, atol=1e-12)


def test_coupling_of_stationary_images_is_that_of_all_masks(design):
    patterns, weights = design.enumerate()
    masks = design.grid.expand(patterns).astype(float)
    axes = tuple(range(1, masks.ndim))
    seen = np.empty(design.grid.shape)
    for lag in np.ndindex(seen.shape):
        both = masks * np.roll(masks, np.negative(lag), axes)
        seen[lag] = weights @ both.mean(axis=axes)
    np.testing.assert_allclose(
        sm.ModeCoupling.random(design=design).pair_fraction, seen, atol=1e-13
    )
