"""What hidden pixels hold changes no bit of any result; NaN that is not hidden is refused."""

import dataclasses

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import _checks
from spectral_mae.linear.interpolator import Interpolator
from spectral_mae.masked_spectra.partial.comparison import MaskedSpectra

RNG = np.random.default_rng(0)
SHAPE = (12, 10)
N = 3
IMAGES = RNG.standard_normal((N, *SHAPE)).cumsum(axis=1).cumsum(axis=2) + 5
COLOURS = RNG.standard_normal((N, 3, *SHAPE)) + 5
VISIBLE = RNG.random((N, *SHAPE)) < 0.6
BORDERED = VISIBLE.copy()
BORDERED[:, [0, -1]] = BORDERED[:, :, [0, -1]] = True
WHOLE = np.ones_like(VISIBLE)
WEIGHTS = VISIBLE * RNG.random((N, *SHAPE))
# What hidden pixels have been seen to hold, one after the other.
GARBAGE = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300, -9999.0, 1e-200, 65535.0])
MAE = sm.LinearMAE((3, 5), 0.5, rank=4).fit(RNG.standard_normal((200, *SHAPE)))
COLOUR_MAE = sm.LinearMAE((3, 5), 0.5).fit(RNG.standard_normal((200, 3, *SHAPE)), channel_axis=1)


def spoiled(images, visible, seed=0):
    """Copies with garbage in hidden pixels; of colours in one channel or in all."""
    rng = np.random.default_rng(seed)
    images = images.copy()
    hidden = np.broadcast_to(visible == 0, images.shape)
    images[hidden] = rng.choice(GARBAGE, int(hidden.sum()))
    return images


def numbers(result):
    """All numbers of a result, as one list of arrays."""
    if dataclasses.is_dataclass(result):
        return [x for f in dataclasses.fields(result) for x in numbers(getattr(result, f.name))]
    if isinstance(result, dict):
        return [x for value in result.values() for x in numbers(value)]
    if isinstance(result, tuple | list):
        return [x for value in result for x in numbers(value)]
    return [] if result is None or isinstance(result, str) else [np.asarray(result)]


def periodogram(method, **options):
    def call(images, visible):
        return getattr(sm.Periodogram(SHAPE, **options), method)(images, visible=visible)

    return call


def of_one(function, **options):
    """A function of one image, on the first of the batch."""

    def call(images, visible):
        return function(images[0], visible if isinstance(visible, str) else visible[0], **options)

    return call


def psd(image, visible, **options):
    return sm.psd(image, visible=visible, **options)


def pooled(images, visible, **options):
    return sm.Unmasking(SHAPE, **options).update(images, visible).spectrum()


def slope(image, visible):
    return sm.fit_masked_slope(image, visible, n_draws=8, rng=0)


def filled(images, visible, **options):
    return Interpolator(MAE.moments_).fill(images, visible, **options)


# Functions of a batch and of masks. Weights go where they are taken.
CALLS = {
    "psd": of_one(psd),
    "psd, constant": of_one(psd, detrend="constant", window="hann"),
    "psd, linear": of_one(psd, detrend="linear"),
    "power": periodogram("power"),
    "power, constant": periodogram("power", detrend="constant"),
    "power, linear, single": periodogram("power", detrend="linear", dtype=np.float32),
    "radial": periodogram("radial", detrend="linear", window="hann"),
    "mean": periodogram("mean", detrend="constant"),
    "mean, in threads": periodogram("mean", workers=2, chunk=1),
    "condition": periodogram("condition", detrend="linear"),
    "unmasked_psd": of_one(sm.unmasked_psd),
    "unmasked_psd, gradient": of_one(sm.unmasked_psd, prewhiten="gradient", detrend="constant"),
    "unmasked_psd, borders": of_one(sm.unmasked_psd, borders="hidden", detrend="constant"),
    "Unmasking": pooled,
    "Unmasking, gradient": lambda x, v: pooled(x, v, prewhiten="gradient", wrap=False),
    "fit_masked_slope": of_one(slope),
    "MaskedSpectra": of_one(lambda x, v: MaskedSpectra.of(x, v * 1.0, unmask=False).naive),
}
OF_MASKS = {
    "psd, periodic": of_one(psd, detrend="periodic"),
    "mean, periodic": periodogram("mean", detrend="periodic"),
    "reconstruct": MAE.reconstruct,
    "reconstruct, pasted": lambda x, v: np.where(
        v[..., np.newaxis] if v.ndim > 3 else v, MAE.reconstruct(x, v, paste_visible=True), 0
    ),
    "fill": filled,
}
COLOURED = {
    "psd": of_one(psd, channel_axis=0, detrend="linear"),
    "power": periodogram("power", channel_axis=1),
    "mean": periodogram("mean", channel_axis=1, detrend="constant"),
    "unmasked_psd": of_one(sm.unmasked_psd, channel_axis=0),
    "reconstruct": lambda x, v: COLOUR_MAE.reconstruct(x, v, channel_axis=1),
    "fill": lambda x, v: Interpolator(COLOUR_MAE.moments_).fill(x, v, channel_axis=1),
}


def assert_equal_bits(found, truth):
    found, truth = numbers(found), numbers(truth)
    assert len(found) == len(truth) > 0
    for one, other in zip(found, truth, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()
        assert not np.isnan(one).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("visible", [VISIBLE, WEIGHTS], ids=["masks", "weights"])
@pytest.mark.parametrize("name", CALLS)
def test_what_hidden_pixels_hold_changes_no_bit(name, visible, seed):
    truth = CALLS[name](IMAGES, visible)
    assert_equal_bits(CALLS[name](spoiled(IMAGES, visible, seed), visible), truth)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", OF_MASKS)
def test_what_hidden_pixels_hold_changes_no_bit_under_masks(name, seed):
    visible = BORDERED if "periodic" in name else VISIBLE
    truth = OF_MASKS[name](IMAGES, visible)
    assert_equal_bits(OF_MASKS[name](spoiled(IMAGES, visible, seed), visible), truth)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", COLOURED)
def test_what_hidden_pixels_hold_in_any_channel_changes_no_bit(name):
    truth = COLOURED[name](COLOURS, VISIBLE)
    assert_equal_bits(COLOURED[name](spoiled(COLOURS, VISIBLE[:, np.newaxis]), VISIBLE), truth)
    one = COLOURS.copy()
    one[:, 1] = spoiled(one[:, 1], VISIBLE)
    assert_equal_bits(COLOURED[name](one, VISIBLE), truth)


EVERY = {**CALLS, **{name: OF_MASKS[name] for name in ("reconstruct", "fill")}}


@pytest.mark.parametrize("name", [name for name in EVERY if name != "MaskedSpectra"])
def test_finite_hides_nan_and_infinity(name):
    holes = np.where(VISIBLE, IMAGES, RNG.choice(GARBAGE[:3], IMAGES.shape))
    assert_equal_bits(EVERY[name](holes, "finite"), EVERY[name](IMAGES, VISIBLE))
    whole = EVERY[name](IMAGES, "finite")
    assert_equal_bits(whole, EVERY[name](IMAGES, np.ones(IMAGES.shape, bool)))


@pytest.mark.parametrize("name", [name for name in EVERY if name != "MaskedSpectra"])
def test_the_mask_of_a_masked_array_is_taken_and_joined_with_another(name):
    call = EVERY[name]
    shown = np.random.default_rng(5).random(IMAGES.shape) < 0.8
    masked = np.ma.masked_array(spoiled(IMAGES, shown), ~shown)
    assert_equal_bits(call(masked, VISIBLE), call(IMAGES, VISIBLE & shown))
    if "reconstruct" not in name and "fill" not in name:
        assert_equal_bits(call(masked, WEIGHTS), call(IMAGES, WEIGHTS * shown))
    alone = [None] * N if "psd" in name or "slope" in name else None
    assert_equal_bits(call(masked, alone), call(IMAGES, shown))
    assert_equal_bits(call(np.ma.masked_array(IMAGES), VISIBLE), call(IMAGES, VISIBLE))


@pytest.mark.parametrize("name", COLOURED)
def test_a_pixel_is_visible_if_all_of_its_channels_are(name):
    mask = np.zeros(COLOURS.shape, bool)
    mask[:, 0], mask[:, 2] = ~VISIBLE, np.roll(~VISIBLE, 1)
    seen = VISIBLE & np.roll(VISIBLE, 1)
    truth = COLOURED[name](COLOURS, seen)
    holes = np.where(mask, np.nan, COLOURS)
    assert_equal_bits(COLOURED[name](holes, "finite"), truth)
    assert_equal_bits(COLOURED[name](np.ma.masked_array(holes, mask), WHOLE), truth)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [name for name in EVERY if name != "MaskedSpectra"])
def test_what_is_visible_and_not_finite_is_refused_with_its_place(name, bad):
    row, column = map(int, np.argwhere(VISIBLE[0])[7])
    one = "psd" in name or "slope" in name
    holes = spoiled(IMAGES, VISIBLE)
    holes[0, row, column] = bad
    where = rf"\({row}, {column}\)" if one else rf"\(0, {row}, {column}(, 0)?\)"
    message = rf"1 values that are not finite, the first at {where}: {bad}; it is visible"
    with pytest.raises(ValueError, match=message):
        EVERY[name](holes, VISIBLE)


@pytest.mark.parametrize("method", ["power", "radial", "mean", "condition"])
@pytest.mark.parametrize("channel_axis", [1, -1, 3])
def test_the_place_of_a_bad_value_is_that_of_the_array_as_it_was_given(method, channel_axis):
    images = np.moveaxis(COLOURS, 1, channel_axis).copy()
    place = [2, 4, 7]
    place.insert(channel_axis if channel_axis > 0 else 3, 1)
    images[tuple(place)] = np.nan
    pool = sm.Periodogram(SHAPE, channel_axis=channel_axis)
    text = ", ".join(map(str, place))
    with pytest.raises(ValueError, match=rf"first at \({text}\): nan; visible=\"finite\" leaves"):
        getattr(pool, method)(images)


def test_what_cannot_be_is_refused():
    none = IMAGES.copy()
    none[1] = np.nan
    with pytest.raises(ValueError, match="images has no finite pixel in image 1"):
        sm.Periodogram(SHAPE).power(none, visible="finite")
    with pytest.raises(ValueError, match="image has no finite pixel: nothing is visible"):
        sm.psd(none[1], visible="finite")
    with pytest.raises(ValueError, match="images has no unmasked pixel in image 1"):
        sm.Periodogram(SHAPE).mean(np.ma.masked_invalid(none))
    with pytest.raises(ValueError, match="visible='nan' is not one of 'finite'"):
        sm.unmasked_psd(IMAGES[0], "nan")
    with pytest.raises(ValueError, match="compares opposite borders, of which visible hides"):
        sm.psd(IMAGES[0], visible=VISIBLE[0], detrend="periodic")
    with pytest.raises(ValueError, match=r"weights down to -0\.5.*weighted least squares"):
        sm.psd(IMAGES[0], visible=np.full(SHAPE, -0.5), detrend="linear")
    with pytest.raises(TypeError, match=r"masks would be lost: numpy\.ma\.stack"):
        sm.Periodogram(SHAPE).power([np.ma.masked_array(IMAGES[0])], visible=VISIBLE[:1])


def test_where_hidden_pixels_are_scored_they_must_be_known():
    masked = np.ma.masked_array(IMAGES, ~VISIBLE)
    for call in (
        lambda x, v: sm.compare_spectra(x, IMAGES, visible=v),
        lambda x, v: sm.compare_spectra(IMAGES, x, visible=v),
        lambda x, v: sm.reconstruct_image(MAE, x[0], visible=v if isinstance(v, str) else v[0]),
    ):
        with pytest.raises(TypeError, match="masked array: errors are measured on hidden pixels"):
            call(masked, VISIBLE)
        with pytest.raises(ValueError, match="not finite"):
            call(spoiled(IMAGES, VISIBLE), VISIBLE)
        with pytest.raises(ValueError, match="hides pixels that hold no number: errors are"):
            call(IMAGES, "finite")


def test_hidden_pixels_leave_the_range_of_single_precision_alone():
    images = np.where(VISIBLE, IMAGES, 1e300)
    single = sm.Periodogram(SHAPE, dtype=np.float32)
    assert np.isfinite(single.power(images, visible=VISIBLE)).all()
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match="pixels up to 1e\\+300 are too large for float32"),
    ):
        single.power(images)


def test_the_floor_of_rounding_is_that_of_visible_pixels():
    found = sm.psd(np.where(VISIBLE[0], IMAGES[0], 1e6), visible=VISIBLE[0])
    assert found.floor == sm.psd(IMAGES[0] * VISIBLE[0]).floor


def test_arrays_that_are_masked_have_their_own_mask():
    array, shown = _checks.masked_numbers("x", np.ma.masked_equal([1, 2, 3], 2))
    assert array.tolist() == [1, 2, 3]
    assert shown.tolist() == [True, False, True]
    assert _checks.masked_numbers("x", np.ma.masked_equal([1, 3], 2))[1] is None


@pytest.mark.parametrize("grad", [False, True], ids=["shared", "on its own"])
@pytest.mark.parametrize("detrend", [None, "constant", "linear", "periodic"])
@pytest.mark.parametrize("visible", [BORDERED, BORDERED * 0.5, "finite"], ids=["m", "w", "finite"])
def test_hidden_pixels_of_tensors_are_not_used_either(visible, detrend, grad):
    torch = pytest.importorskip("torch")
    truth = sm.Periodogram(SHAPE, detrend=detrend)
    masks = BORDERED if isinstance(visible, str) else visible
    garbage = np.nan if isinstance(visible, str) else 1e300
    holes = np.where(BORDERED, IMAGES, garbage)
    images = torch.tensor(holes, requires_grad=grad)
    given = visible if isinstance(visible, str) else torch.tensor(visible)
    for method in ("power", "radial", "mean", "condition"):
        found = getattr(truth, method)(images, visible=given)
        expected = getattr(truth, method)(IMAGES, visible=masks)
        if method in ("radial", "mean"):
            found, expected = found.power, expected.power
        np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-9, atol=1e-11)
    floors = [truth.mean(x, visible=v).floor for x, v in ((images, given), (IMAGES, masks))]
    assert floors[0] == pytest.approx(floors[1], rel=1e-12, abs=0)
    one = sm.psd(images[0], visible=given if isinstance(given, str) else given[0], detrend=detrend)
    if grad:
        one.power.sum().backward()
        slopes = images.grad.numpy()
        assert np.isfinite(slopes).all()
        assert (slopes[0][~BORDERED[0]] == 0).all()
        assert (slopes[0][BORDERED[0]] != 0).any()


@pytest.mark.parametrize("grad", [False, True], ids=["shared", "on its own"])
def test_tensors_with_bad_pixels_that_are_visible_are_refused(grad):
    torch = pytest.importorskip("torch")
    holes = np.where(VISIBLE, IMAGES, np.nan)
    row, column = map(int, np.argwhere(VISIBLE[1])[3])
    holes[1, row, column] = np.inf
    images = torch.tensor(holes, requires_grad=grad)
    with pytest.raises(ValueError, match=rf"1 values .* first at \(1, {row}, {column}\): inf"):
        sm.Periodogram(SHAPE).power(images, visible=torch.tensor(VISIBLE))
    with pytest.raises(ValueError, match="compares opposite borders"):
        sm.Periodogram(SHAPE, detrend="periodic").power(images, visible=VISIBLE)
    with pytest.raises(ValueError, match="images has no finite pixel in image 1"):
        sm.Periodogram(SHAPE).power(
            torch.tensor(
                np.where(np.arange(N)[:, None, None] == 1, np.nan, IMAGES), requires_grad=grad
            ),
            visible="finite",
        )


@pytest.mark.parametrize("detrend", [None, "linear"])
@pytest.mark.parametrize("chunk", [1, 2])
def test_hidden_pixels_of_arrays_in_chunks_are_not_used_either(chunk, detrend):
    dask_array = pytest.importorskip("dask.array")
    holes = np.where(VISIBLE, IMAGES, np.nan)
    given = dask_array.from_array(holes, chunks=(chunk, *SHAPE))
    pool = sm.Periodogram(SHAPE, detrend=detrend)
    for method in ("power", "radial", "mean", "condition"):
        for visible in (VISIBLE, "finite"):
            found = getattr(pool, method)(given, visible=visible)
            assert_equal_bits(found, getattr(pool, method)(IMAGES, visible=VISIBLE))
    holes[2] = np.nan
    with pytest.raises(ValueError, match="images has no finite pixel in image 2"):
        pool.power(dask_array.from_array(holes, chunks=(chunk, *SHAPE)), visible="finite")


def test_holes_in_labelled_arrays_are_hidden_too():
    xarray = pytest.importorskip("xarray")
    holes = np.where(VISIBLE[0], IMAGES[0], np.nan)
    coordinates = {"y": np.arange(12) * 0.5, "x": np.arange(10) * 0.5}
    given = xarray.DataArray(holes, dims=("y", "x"), coords=coordinates)
    found = sm.psd(given, visible="finite", detrend="constant")
    truth = sm.psd(IMAGES[0], visible=VISIBLE[0], detrend="constant", fs=2.0)
    np.testing.assert_array_equal(found.power, truth.power)
    mask = xarray.DataArray(VISIBLE[0].T, dims=("x", "y"))
    np.testing.assert_array_equal(
        sm.psd(given, visible=mask, detrend="constant").power, truth.power
    )


@pytest.mark.parametrize(
    ("slope", "options"), [(-1.0, {}), (-2.5, {"prewhiten": "gradient"})], ids=["flat", "steep"]
)
def test_a_known_spectrum_is_found_again_from_fields_with_holes(slope, options):
    truth = sm.fields.power_law((48, 64), slope)
    pool = sm.Unmasking((48, 64), **options)
    rng = np.random.default_rng(3)
    for field in sm.fields.gaussian_fields(truth, 80, rng=4):
        coarse = rng.random((12, 16)) < 0.3
        pool.update(np.where(np.kron(coarse, np.ones((4, 4))), np.nan, field), "finite")
    found, expected = pool.spectrum().radial(8), truth.radial(8)
    np.testing.assert_allclose(found.power, expected.power, rtol=0.08)
