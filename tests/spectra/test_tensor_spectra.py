"""Spectra of tensors equal those of NumPy arrays, stay tensors, and have the right derivatives."""

import pickle

import laws
import numpy as np
import pytest
from tensor_kinds import DTYPES, KINDS, assert_power, needs_torch, numbers, shared, strict, tracked

import spectral_mae as sm
from spectral_mae.spectra.rings import RingBins
from spectral_mae.spectra.tensors.bin_means import WIDTH, TensorBins

SHAPES = pytest.mark.parametrize(
    "shape", [(1,), (9,), (12,), (6, 8), (5, 7), (1, 6), (2, 9), (3, 4, 5)], ids=str
)
OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"window": "hann", "scaling": "spectrum"},
        {"detrend": "constant", "scaling": "energy"},
        {"detrend": "linear", "window": ("kaiser", 8.0), "fs": 2.5},
        {"detrend": "periodic"},
    ],
    ids=str,
)


def batch_of(shape, dtype, channels=0, n=4):
    rng = np.random.default_rng(3)
    trend = np.arange(shape[-1]).reshape(*shape[-1:], *[1] * bool(channels))
    return (rng.standard_normal((n, *shape, *[channels] * bool(channels))) + trend + 5).astype(
        dtype
    )


@KINDS
@DTYPES
@SHAPES
@OPTIONS
@pytest.mark.parametrize("channels", [0, 3])
def test_powers_equal_numpys(make, dtype, shape, options, channels):
    if options.get("window") == "hann" and 1 in shape:
        options = {**options, "window": "boxcar"}
    axis = 1 if channels else None
    images = batch_of(shape, dtype, channels)
    if channels:
        images = np.moveaxis(images, -1, 1)
    planned = sm.Periodogram(shape, channel_axis=axis, **options)
    truth = planned.power(images.astype(float))
    tensors = make(images)
    found, mean = planned.power(tensors), planned.mean(tensors)
    assert type(found) is type(tensors)
    assert numbers(found).dtype == dtype
    for power, one in zip(numbers(found), truth, strict=True):
        # Of one image; the largest floor of the four.
        assert_power(power, one, 4 * mean.floor, dtype)
    assert_power(numbers(mean.power), truth.mean(axis=0), mean.floor, dtype)
    assert mean.averages == 4


@KINDS
@DTYPES
@pytest.mark.parametrize("masks", ["bool", "weights", "one for all", "NumPy"])
@pytest.mark.parametrize("shape", [(12,), (5, 8), (3, 4, 5)], ids=str)
def test_masks_and_weights_multiply(make, dtype, masks, shape):
    images = batch_of(shape, dtype)
    rng = np.random.default_rng(1)
    visible = rng.random(images.shape) > 0.4
    if masks == "weights":
        visible = visible * rng.random(images.shape)
    if masks == "one for all":
        visible = visible[0]
    planned = sm.Periodogram(shape, window="hann")
    truth = planned.power(images.astype(float), visible=visible)
    given = visible if masks == "NumPy" else make(visible)
    found = planned.power(make(images), visible=given)
    floor = planned.mean(make(images)).floor
    assert_power(numbers(found), truth, 4 * floor, dtype)


@KINDS
@DTYPES
@pytest.mark.parametrize("shape", [(12,), (9,), (16, 9), (7, 30), (4, 6, 5)], ids=str)
@pytest.mark.parametrize("bins", [None, 3, (0.0, 0.1, 0.2, 0.9)], ids=str)
def test_rings_equal_numpys(make, dtype, shape, bins):
    images = batch_of(shape, dtype)
    planned = sm.Periodogram(shape, detrend="constant")
    truth = planned.radial(images.astype(float), bins)
    tensors = make(images)
    found = planned.radial(tensors, bins)
    floor = planned.mean(tensors).floor
    assert type(found.power) is type(tensors)
    assert numbers(found.power).dtype == dtype
    assert_power(numbers(found.power), truth.power, 4 * floor, dtype)
    tolerance = 1e-5 if dtype == "f4" else 1e-11
    for name in ("std", "stderr"):
        laws.assert_close(numbers(getattr(found, name)), getattr(truth, name), tolerance)
    np.testing.assert_array_equal(found.frequency, truth.frequency)
    # And from the spectrum of one image.
    one = sm.psd(tensors[0, ...], ndim=len(shape), detrend="constant").radial(bins)
    laws.assert_close(numbers(one.power), truth.power[0], tolerance)
    laws.assert_close(numbers(one.stderr), truth.stderr[0], tolerance)


@KINDS
@pytest.mark.parametrize("dtype", ["i4", "u1", "?"])
def test_whole_numbers_are_computed_in_double_precision(make, dtype):
    image = np.random.default_rng(0).integers(0, 2, (6, 8)).astype(dtype)
    found = sm.psd(make(image))
    assert numbers(found.power).dtype == np.float64
    laws.assert_close(numbers(found.power), sm.psd(image).power, 1e-13)


@KINDS
def test_conditioned_pixels_equal_numpys(make):
    images = batch_of((5, 8), "f8")
    planned = sm.Periodogram((5, 8), detrend="linear", window="hann")
    laws.assert_close(numbers(planned.condition(make(images))), planned.condition(images), 1e-13)


@pytest.mark.parametrize("n_bins", [1, 7])
@pytest.mark.parametrize("largest", [1, WIDTH, WIDTH + 1, 5 * WIDTH])
def test_bins_of_any_sizes_are_added_up(n_bins, largest):
    """Rows of the tables are full, or one entry longer or shorter."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, largest + 1, n_bins)
    sizes[0] = largest
    weight = rng.random(sizes.sum()) + 0.1
    index = rng.permutation(sizes.sum())
    power = rng.random((3, sizes.sum()))
    mean, std = TensorBins(index, weight, sizes).moments(strict(power), 1)
    ends = np.cumsum(sizes)
    for i, (end, size) in enumerate(zip(ends, sizes, strict=True)):
        mine = slice(end - size, end)
        truth = np.average(power[:, index[mine]], axis=1, weights=weight[mine])
        square = (power[:, index[mine]] - truth[:, None]) ** 2
        spread = np.sqrt(np.average(square, axis=1, weights=weight[mine]))
        np.testing.assert_allclose(numbers(mean)[:, i], truth, rtol=1e-13)
        np.testing.assert_allclose(numbers(std)[:, i], spread, rtol=1e-12, atol=1e-15)


def test_faint_rings_keep_their_digits_in_float32():
    """Their sums are their own: differences of cumulative sums would lose them."""
    shape = (64, 64)
    rings = RingBins(shape, (1.0, 1.0), None)
    steep = rings.spread(rings.frequency**-6.0)
    found = rings.average(strict(steep.astype("f4")), scaling="density")
    truth = rings.average(steep, scaling="density")
    np.testing.assert_allclose(numbers(found.power), truth.power, rtol=1e-6)
    assert truth.power.max() / truth.power.min() > 1e8


def test_spreads_of_large_powers_do_not_overflow_in_float32():
    power = np.random.default_rng(0).random((16, 9)) * 1e30
    rings = RingBins((16, 16), (1.0, 1.0), None)
    found = rings.average(strict(power.astype("f4")), scaling="energy")
    truth = rings.average(power, scaling="energy")
    np.testing.assert_allclose(numbers(found.std), truth.std, rtol=1e-5)


@KINDS
@pytest.mark.parametrize("shape", [(9,), (12,), (6, 8), (5, 7), (4, 3, 6)], ids=str)
def test_results_of_tensors_do_what_those_of_arrays_do(make, shape, tmp_path):
    image = np.random.default_rng(0).standard_normal(shape)
    spectrum = sm.psd(make(image), ndim=len(shape))
    truth = sm.psd(image, ndim=len(shape))
    laws.assert_close(numbers(spectrum.full()), truth.full(), 1e-13)
    laws.assert_close(numbers(spectrum.per_pixel), truth.per_pixel, 1e-13)
    assert spectrum.total == pytest.approx(truth.total, rel=1e-13)
    assert spectrum.numpy().numpy().power.shape == truth.power.shape
    assert repr(spectrum) == repr(truth)
    laws.assert_close(spectrum.to_dict()["power"], truth.power, 1e-13)
    rings = spectrum.radial(3)
    assert isinstance(rings.numpy().stderr, np.ndarray)
    assert repr(rings) == repr(truth.radial(3))
    assert rings.fit_slope().slope == pytest.approx(truth.radial(3).fit_slope().slope, rel=1e-9)
    laws.assert_close(rings.to_dict()["power"], truth.radial(3).power, 1e-13)
    rings.to_csv(tmp_path / "rings.csv")
    assert len((tmp_path / "rings.csv").read_text().splitlines()) == 4
    if len(shape) == 2:
        sectors, same = spectrum.sectors(2), truth.sectors(2)
        laws.assert_close(numbers(sectors.power), same.power, 1e-13)
        laws.assert_close(numbers(sectors.stderr), same.stderr, 1e-13)
        laws.assert_close(np.asarray(sectors), same.power, 1e-13)
        laws.assert_close(sectors.to_dict()["std"], same.std, 1e-13)
        sectors.to_csv(tmp_path / "sectors.csv")


@KINDS
@DTYPES
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            {(1, 2, 3): np.nan},
            r"images holds 1 values that are not finite, the first at \(1, 2, 3\)",
        ),
        ({(0, 0, 0): np.inf, (3, 4, 7): -np.inf}, r"holds 2 values .* first at \(0, 0, 0\): inf"),
    ],
    ids=["NaN", "infinity"],
)
def test_pixels_that_are_not_finite_are_named(make, dtype, spoil, message):
    images = batch_of((5, 8), dtype)
    for place, value in spoil.items():
        images[place] = value
    planned = sm.Periodogram((5, 8), dtype=dtype)
    for ask in (planned.power, planned.mean, planned.radial):
        with pytest.raises(ValueError, match=message):
            ask(make(images))
    with pytest.raises(ValueError, match="image holds 1 values that are not finite"):
        sm.psd(make(np.where(np.arange(8) == 3, np.nan, 1.0)))


@KINDS
@pytest.mark.parametrize(
    ("dtype", "factor", "word"),
    [
        ("f4", 1e25, "large"),
        ("f4", 1e-25, "small"),
        ("f8", 1e160, "large"),
        ("f8", 1e-160, "small"),
    ],
)
def test_powers_out_of_range_are_refused(make, dtype, factor, word):
    images = (np.random.default_rng(0).random((2, 6, 8)) * factor).astype(dtype)
    message = rf"too {word} for float\d\d spectra"
    with pytest.raises(ValueError, match=message):
        sm.Periodogram((6, 8)).power(make(images))
    assert not np.any(numbers(sm.Periodogram((6, 8)).power(make(0 * images))))


@KINDS
def test_what_does_not_fit_is_refused(make):
    images, planned = make(batch_of((5, 8), "f4")), sm.Periodogram((5, 8))
    with pytest.raises(ValueError, match=r"not a batch of shape=\(5, 8\)"):
        planned.power(make(batch_of((5, 7), "f4")))
    with pytest.raises(ValueError, match="has 2 axes"):
        planned.power(images[0, ...])
    with pytest.raises(TypeError, match=r"dtype .*complex64; real numbers"):
        planned.power(make(np.zeros((1, 5, 8), "c8")))
    with pytest.raises(ValueError, match=r"visible of shape \(5, 7\) is neither"):
        planned.power(images, visible=make(np.ones((5, 7), bool)))
    with pytest.raises(ValueError, match="visible holds 35 values that are not finite"):
        planned.power(images, visible=make(np.where(np.eye(5, 8), 1.0, np.nan)))
    with pytest.raises(ValueError, match="the batch is empty"):
        planned.mean(images[:0, ...])
    assert tuple(planned.power(images[:0, ...]).shape) == (0, 5, 5)
    with pytest.raises(ValueError, match="For a batch of images"):
        sm.psd(images)


@needs_torch
def test_masks_of_another_library_are_refused():
    images = batch_of((5, 8), "f4")
    for first, other in ((shared, strict), (tracked, strict), (strict, shared)):
        with pytest.raises(
            TypeError, match=r"visible is an array of .*, but images is an array of"
        ):
            sm.Periodogram((5, 8)).power(first(images), visible=other(images > 0))


@needs_torch
@OPTIONS
@pytest.mark.parametrize("shape", [(7,), (4, 3), (2, 3, 2)], ids=str)
def test_derivatives_equal_finite_differences(options, shape):
    import torch

    if options.get("window") == "hann":
        options = {**options, "window": "hamming"}  # of which no pixel is zero
    images = torch.from_numpy(batch_of(shape, "f8", n=2)).requires_grad_()
    planned = sm.Periodogram(shape, **options)
    edges = (0.0, 0.3, 5.0)

    def one(batch):
        return sm.psd(batch[0], ndim=len(shape), **options).radial(edges).power

    def ensemble(batch):
        return planned.mean(batch).power

    def spread(batch):
        rings = planned.radial(batch, edges)
        return rings.std, rings.stderr

    def whole(batch):
        return sm.psd(batch[0], ndim=len(shape), **options).full()

    for function in (planned.power, one, ensemble, spread, whole):
        assert torch.autograd.gradcheck(function, (images,), fast_mode=True)


@needs_torch
def test_derivatives_of_weights_are_not_lost():
    """The image has none: with the weights, NumPy must not read it."""
    import torch

    image, weights = (torch.from_numpy(x).abs() for x in batch_of((4, 3), "f8", n=2))
    weights.requires_grad_()
    planned = sm.Periodogram((4, 3))
    for function in (
        lambda w: sm.psd(image, visible=w).power,
        lambda w: planned.power(image[None], visible=w),
        lambda w: planned.radial(image[None], visible=w).power,
        lambda w: planned.mean(image[None], visible=w).power,
    ):
        assert torch.autograd.gradcheck(function, (weights,), fast_mode=True)


@needs_torch
def test_a_spectral_loss_is_minimised():
    """Two lines, as the guide has them: noise takes on the spectrum of an image."""
    import torch

    rng = np.random.default_rng(0)
    target = torch.from_numpy(rng.standard_normal((16, 16)).cumsum(axis=0).cumsum(axis=1))
    image = torch.from_numpy(rng.standard_normal((16, 16))).requires_grad_()
    wanted = sm.psd(target).radial().power.log()
    optimizer = torch.optim.Adam([image], lr=0.1)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((sm.psd(image).radial().power.log() - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]


@needs_torch
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_forward_derivatives_are_not_lost():
    """In NumPy's memory a dual number has no derivative: it must not be read there."""
    import torch
    from torch.autograd import forward_ad

    image, step = (torch.from_numpy(x) for x in batch_of((5, 8), "f8", n=2))
    power = sm.psd(image).power
    small = 1e-6
    truth = (sm.psd(image + small * step).power - sm.psd(image - small * step).power) / (2 * small)
    with forward_ad.dual_level():
        dual = sm.psd(forward_ad.make_dual(image, step)).power
        found = forward_ad.unpack_dual(dual)
    torch.testing.assert_close(found.tangent, truth, rtol=1e-5, atol=1e-6)
    value, tangent = torch.func.jvp(lambda x: sm.psd(x).power, (image,), (step,))
    torch.testing.assert_close(value, power)
    torch.testing.assert_close(tangent, truth, rtol=1e-5, atol=1e-6)


@needs_torch
def test_tensors_without_derivatives_have_the_bits_of_arrays():
    """NumPy reads their memory, and FFTW transforms them."""
    images = batch_of((24, 30), "f4")
    planned = sm.Periodogram((24, 30), dtype="f4", detrend="linear")
    np.testing.assert_array_equal(numbers(planned.power(shared(images))), planned.power(images))
    np.testing.assert_array_equal(
        numbers(planned.mean(shared(images)).power), planned.mean(images).power
    )


@KINDS
def test_plans_that_have_seen_tensors_are_pickled(make):
    images = batch_of((5, 8), "f8")
    planned = sm.Periodogram((5, 8), detrend="periodic", window="hann")
    truth = numbers(planned.radial(make(images)).power)
    again = pickle.loads(pickle.dumps(planned))
    np.testing.assert_array_equal(numbers(again.radial(make(images)).power), truth)


READERS = {
    "bootstrap_radial": lambda x: (
        sm.bootstrap_radial(sm.Periodogram((6, 8)).radial(x), n_resamples=4, rng=0).stderr
    ),
    "from_psd": lambda x: sm.StationaryMoments.from_psd(sm.psd(x[0, ...]), 2).spectra(),
    "add_spectrum": lambda x: (
        sm.StationaryMoments(sm.PatchGrid((6, 8), 2)).add_spectrum(sm.psd(x[0, ...]), [5.0]).mean
    ),
    "gaussian_fields": lambda x: sm.fields.gaussian_fields(sm.psd(x[0, ...]), 2, rng=0),
    "unmasked_covariance": lambda x: (
        sm.unmasked_covariance(
            sm.psd(x[0, ...]), np.ones((6, 8), bool), bins=2, n_draws=8, rng=0
        ).covariance
    ),
    "power_limits": lambda x: sm.plot.power_limits([sm.psd(x[0, ...])]),
}


@KINDS
@pytest.mark.parametrize("reader", READERS)
def test_results_that_hold_tensors_serve_what_computes_with_numpy(make, reader):
    images = batch_of((6, 8), "f8")
    np.testing.assert_allclose(READERS[reader](make(images)), READERS[reader](images), rtol=1e-9)
