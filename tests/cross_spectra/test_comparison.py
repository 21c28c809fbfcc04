"""Many pairs: sums over batches, parts and shapes, hidden pixels, and error bars over images."""

import json
import pickle

import laws
import numpy as np
import pytest
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

from spectral_mae import SpectraComparison, compare_spectra, cross_spectrum, psd

CURVES = ("gain", "coherence", "frc", "error", "explained")
BATCHES = [((9,), None), ((12,), -1), ((8, 6), None), ((5, 8), 1), ((7, 7), -1), ((3, 4, 5), -1)]


def batch(n, shape, channel_axis=None, seed=0):
    """Originals and reconstructions, with three channels where there is an axis for them."""
    shape = [n, *shape]
    if channel_axis is not None:
        shape.insert(len(shape) if channel_axis == -1 else channel_axis, 3)
    a, noise = np.random.default_rng(seed).standard_normal((2, *shape))
    return a + 1.0, 0.5 * a + 0.3 * noise


def assert_equal(one, other, tolerance=1e-12):
    """All numbers of two comparisons are equal, their error bars too."""
    mine, theirs = one.radial(), other.radial()
    for name in CURVES:
        np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=tolerance)
        np.testing.assert_allclose(mine.stderr[name], theirs.stderr[name], rtol=tolerance)
    np.testing.assert_array_equal(mine.count, theirs.count)
    assert one.summary() == pytest.approx(other.summary(), rel=tolerance)


@pytest.mark.parametrize(("shape", "channel_axis"), BATCHES)
def test_means_are_those_of_the_pairs(shape, channel_axis):
    a, b = batch(5, shape, channel_axis)
    axis = None if channel_axis is None else channel_axis if channel_axis < 0 else channel_axis - 1
    found = compare_spectra(a, b, channel_axis=channel_axis, ndim=len(shape))
    axes = {"channel_axis": axis, "ndim": len(shape)}
    pairs = [cross_spectrum(x, y, **axes) for x, y in zip(a, b, strict=True)]
    spectrum, rings = found.spectrum(), found.radial()
    assert spectrum.averages == rings.averages == found.n_pairs == 5
    for name in ("cross", "power_a", "power_b", "error"):
        truth = np.mean([getattr(pair, name) for pair in pairs], axis=0)
        laws.assert_close(getattr(spectrum, name), truth, 1e-13)
        truth = np.mean([getattr(pair.radial(), name) for pair in pairs], axis=0)
        laws.assert_close(getattr(rings, name), truth, 1e-13)
    again = spectrum.radial()
    for name in CURVES:
        laws.assert_close(getattr(rings, name), getattr(again, name), 1e-12)


def test_coherence_over_segments_is_that_of_scipy():
    a, noise = np.random.default_rng(0).standard_normal((2, 2000))
    b = np.convolve(a, [0.5, 0.3, -0.2], mode="same") + 0.5 * noise
    options = {"fs": 10.0, "window": "hann", "detrend": "constant"}
    _, truth = scipy.signal.coherence(a, b, nperseg=128, noverlap=96, **options)
    segments = (sliding_window_view(x, 128)[::32] for x in (a, b))
    found = compare_spectra(*segments, **options).spectrum()
    laws.assert_close(found.coherence, truth, 1e-13)
    _, cross = scipy.signal.csd(a, b, nperseg=128, noverlap=96, return_onesided=False, **options)
    laws.assert_close(found.full(), cross, 1e-13)


@pytest.mark.parametrize(("shape", "channel_axis"), BATCHES)
@pytest.mark.parametrize("masked", [False, True])
def test_parts_merged_equal_one_pass(shape, channel_axis, masked):
    a, b = batch(11, shape, channel_axis)
    visible = np.random.default_rng(1).random((11, *shape)) < 0.5 if masked else None
    axes = {"channel_axis": channel_axis, "ndim": len(shape)}
    whole = compare_spectra(a, b, visible=visible, **axes)
    parts = [SpectraComparison(**axes) for _ in range(3)]
    for i, (first, last) in enumerate([(0, 3), (3, 4), (4, 9), (9, 11)]):
        rows = slice(first, last)
        part = None if visible is None else visible[rows]
        parts[min(i, 2)].update(a[rows], b[rows], visible=part)
    first, *others = parts
    for other in others:
        first.merge(pickle.loads(pickle.dumps(other)))
    assert first.n_pairs == 11
    assert_equal(first, whole)
    laws.assert_close(first.spectrum().cross, whole.spectrum().cross, 1e-13)
    np.testing.assert_array_equal(first.explained_by_image, whole.explained_by_image)
    empty = SpectraComparison(**axes)
    assert_equal(empty.merge(whole), whole)


def test_large_batches_are_worked_on_in_blocks(monkeypatch):
    a, b = batch(7, (8, 6))
    whole = compare_spectra(a, b)
    monkeypatch.setattr("spectral_mae.cross_spectra.pairs.BLOCK_BYTES", 2 * 8 * 48)
    monkeypatch.setattr("spectral_mae.cross_spectra.arrays.PIECE_BYTES", 3 * 8 * 48)
    assert_equal(compare_spectra(a, b), whole)


class Watched:
    """An array that is no NumPy array and counts what is read of it."""

    def __init__(self, array):
        self.array, self.shape, self.read = array, array.shape, []

    def __getitem__(self, rows):
        self.read.append((rows.start, rows.stop))
        return self.array[rows]


def test_arrays_tensors_and_lists_give_equal_numbers():
    a, b = batch(6, (8, 6), -1)
    whole = compare_spectra(a, b, channel_axis=-1)
    assert_equal(compare_spectra(a.tolist(), list(b), channel_axis=-1), whole)
    lazy = Watched(a)
    assert_equal(compare_spectra(lazy, b, channel_axis=-1), whole)
    assert lazy.read == [(0, 6)]
    single = compare_spectra(a.astype(np.float32), b.astype(np.float32), channel_axis=-1)
    assert_equal(single, whole, 1e-4)


def test_tensors_of_torch_give_equal_numbers():
    torch = pytest.importorskip("torch")
    a, b = batch(6, (8, 6), 1)
    visible = np.random.default_rng(1).random((8, 6)) < 0.5
    whole = compare_spectra(a, b, visible=visible, channel_axis=1)
    tensors = (torch.from_numpy(x) for x in (a, b, visible))
    first, second, mask = tensors
    assert_equal(compare_spectra(first, second, visible=mask, channel_axis=1), whole)
    with pytest.raises(TypeError, match=r"reconstructions is .* requires_grad.* tensor.detach\(\)"):
        compare_spectra(first, second.requires_grad_(), channel_axis=1)


def test_dask_arrays_give_equal_numbers_and_compute_each_chunk_once(monkeypatch):
    dask = pytest.importorskip("dask.array")
    monkeypatch.setattr("spectral_mae.cross_spectra.arrays.PIECE_BYTES", 8 * 48)
    a, b = batch(10, (8, 6))
    computed = []

    def noted(block, block_info=None):
        computed.append(block_info[0]["chunk-location"][0])
        return block

    lazy = dask.from_array(a, chunks=(4, 8, 6)).map_blocks(noted, dtype=float, meta=np.empty(0))
    found = compare_spectra(lazy, dask.from_array(b, chunks=(3, 4, 3)))
    assert_equal(found, compare_spectra(a, b))
    assert sorted(computed) == [0, 1, 2]


@pytest.mark.parametrize(("shape", "channel_axis"), BATCHES)
@pytest.mark.parametrize("options", [{}, {"window": "hann"}])
def test_error_of_hidden_pixels(shape, channel_axis, options):
    """The power of (b − a)·hidden, over the (windowed) fraction of hidden pixels."""
    a, b = batch(4, shape, channel_axis)
    visible = np.random.default_rng(2).random((4, *shape)) < 0.6
    last = [x if channel_axis is None else np.moveaxis(x, channel_axis, -1) for x in (a, b)]
    x, y = (one[..., np.newaxis] if channel_axis is None else one for one in last)
    axes = {"channel_axis": channel_axis, "ndim": len(shape), **options}
    found = compare_spectra(a, b, visible=visible, **axes)
    window = np.ones(shape)
    if options:
        window = scipy.signal.get_window("hann", shape[0])
        for n in shape[1:]:
            window = np.multiply.outer(window, scipy.signal.get_window("hann", n))
    error, squares, apart = 0.0, 0.0, 0.0
    for one, other, seen in zip(x, y, visible, strict=True):
        hidden = ~seen
        difference = (other - one) * hidden[..., np.newaxis]
        scale = np.sum(window**2) / np.sum(window[hidden] ** 2)
        error = (
            error + scale * psd(difference, channel_axis=-1, ndim=len(shape), **options).power / 4
        )
        squares += np.sum((other - one)[hidden] ** 2)
        apart += np.sum((one - one.mean(tuple(range(len(shape)))))[hidden] ** 2)
    laws.assert_close(found.spectrum().error, error, 1e-12)
    everywhere = compare_spectra(a, b, **axes)
    laws.assert_close(found.radial().gain, everywhere.radial().gain, 1e-13)
    assert found.explained == pytest.approx(1 - squares / apart, rel=1e-12)
    n = np.sum(~visible) * x.shape[-1]
    assert found.mean_squared_error == pytest.approx(squares / n, rel=1e-12)
    assert found.hidden_only
    assert not everywhere.hidden_only
    assert "of hidden pixels" in repr(found)


def test_hidden_error_of_white_noise_is_that_of_each_pixel():
    """White error on a part of the pixels has the density of white error on all of them."""
    a, noise = np.random.default_rng(0).standard_normal((2, 200, 16, 16))
    visible = np.random.default_rng(1).random((200, 16, 16)) < 0.75
    rings = compare_spectra(a, a + 2 * noise, visible=visible).radial()
    scores = (rings.error - 4) / rings.stderr["error"]
    assert np.abs(scores).max() < 4


def test_one_mask_that_all_share():
    a, b = batch(5, (8, 6))
    visible = np.random.default_rng(2).random((8, 6)) < 0.6
    several = np.broadcast_to(visible, (5, 8, 6))
    shared = compare_spectra(a, b, visible=visible)
    assert_equal(shared, compare_spectra(a, b, visible=several.astype(int)))


def test_images_of_several_shapes_share_rings():
    edges = [0.05, 0.15, 0.3, 0.5]
    shapes = (8, 12), (12, 8), (9, 9), (4, 4)  # the last has no frequency in the first ring
    comparison, rows = SpectraComparison(bins=edges), []
    for seed, shape in enumerate(shapes):
        a, b = batch(3, shape, seed=seed)
        comparison.update(a, b)
        for x, y in zip(a, b, strict=True):
            rings = cross_spectrum(x, y).radial(edges)
            first = 3 - len(rings.count)
            row = np.zeros((4, 3))
            powers = rings.power_a, rings.cross.real, rings.error, np.ones_like(rings.power_a)
            row[:, first:] = rings.count * np.stack(powers)
            rows.append(row)
    assert comparison.shapes == shapes
    assert "12 pairs of 4 shapes" in repr(comparison)
    a, cross, error, count = np.sum(rows, axis=0)
    found = comparison.radial()
    np.testing.assert_allclose(found.edges, np.stack([edges[:-1], edges[1:]], axis=1))
    laws.assert_close(found.gain, cross / a, 1e-13)
    laws.assert_close(found.explained, 1 - error / a, 1e-13)
    laws.assert_close(found.power_a, a / count, 1e-13)
    laws.assert_close(found.count * found.averages, count, 1e-13)
    comparison.update(*batch(2, (8, 12), seed=9))  # the first shape again
    alone = [
        compare_spectra(*batch(3, shape, seed=i), bins=edges) for i, shape in enumerate(shapes)
    ]
    alone.append(compare_spectra(*batch(2, (8, 12), seed=9), bins=edges))
    for name in ("explained_by_image", "log_spectral_distances", "mean_squared_error_by_image"):
        truth = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_allclose(getattr(comparison, name), truth, rtol=1e-12)
    with pytest.raises(ValueError, match="images of 4 shapes"):
        comparison.spectrum()
    with pytest.raises(ValueError, match=r"bins=\[...\]"):
        SpectraComparison().update(*batch(2, (8, 8))).update(*batch(2, (8, 6)))


def test_memory_of_many_shapes_is_given_back():
    """Plans of a few shapes are kept, and of each image its rings alone."""
    comparison = SpectraComparison(bins=[0.1, 0.3, 0.5])
    parts = []
    for size in range(40, 60):
        parts.append(compare_spectra(*batch(2, (size, 48), seed=size), bins=[0.1, 0.3, 0.5]))
        comparison.update(*batch(2, (size, 48), seed=size))
    first, *others = parts
    for other in others:
        first.merge(other)
    assert_equal(first, comparison)
    assert len(pickle.dumps(comparison)) < 40_000  # one half-plane alone has as many bytes
    assert list(comparison._plans) == [(size, 48) for size in range(56, 60)]


def test_bands_are_made_of_whole_rings():
    a, b = batch(6, (32, 32))
    comparison = compare_spectra(a, b)
    rings, octaves = comparison.radial(), comparison.octaves()
    np.testing.assert_allclose(octaves.frequency[0], rings.frequency[0])  # alone below 1/16
    edges = [0, 1 / 16, 1 / 8, 1 / 4, 1 / 2]
    for i, low in enumerate(edges[:-1]):
        high = edges[i + 1] if i < 3 else 1
        inside = (rings.frequency >= low) & (rings.frequency < high)
        weight = rings.count[inside]
        assert octaves.count[i] == weight.sum()
        gain = weight @ rings.cross.real[inside] / (weight @ rings.power_a[inside])
        assert octaves.gain[i] == pytest.approx(gain, rel=1e-12)
        frequency = weight @ rings.frequency[inside] / weight.sum()
        assert octaves.frequency[i] == pytest.approx(frequency, rel=1e-12)
        where = np.flatnonzero(inside)
        assert octaves.edges[i, 0] == rings.edges[where[0], 0]
        assert octaves.edges[i, 1] == rings.edges[where[-1], 1]
    one = comparison.bands([0.0, 0.5])
    assert one.count.tolist() == [rings.count.sum()]
    with pytest.raises(ValueError, match="do not rise"):
        comparison.bands([0.5, 0.1])
    with pytest.raises(ValueError, match="no ring lies between"):
        comparison.bands([0.7, 0.8])


def test_bootstrap_intervals_cover_the_truth():
    """Of pairs of white noise, 95 % intervals hold the true gain, coherence and so on as often."""
    truth = {"gain": 0.5, "coherence": 0.5, "frc": 0.5**0.5, "error": 0.5, "explained": 0.5}
    inside = {name: [] for name in truth}
    explained = []
    for seed in range(150):
        a, noise = np.random.default_rng(seed).standard_normal((2, 40, 12, 12))
        comparison = compare_spectra(a, 0.5 * (a + noise), bins=3)
        rings = comparison.radial(n_resamples=200)
        for name, value in truth.items():
            off = np.abs(getattr(rings, name) - value)
            inside[name].extend(off <= 1.96 * rings.stderr[name])
        summary = comparison.summary(n_resamples=200)
        # About its own mean an image of n pixels of noise has the variance 1 − 1/n.
        off = summary["explained"] - (1 - 0.5 / (1 - 1 / 144))
        explained.append(abs(off) <= 1.96 * summary["explained_stderr"])
    for name, hits in inside.items():
        assert 0.91 < np.mean(hits) < 0.98, name
    assert 0.88 < np.mean(explained) < 0.99


def test_equal_seeds_give_equal_errors():
    comparison = compare_spectra(*batch(8, (8, 8)))
    first, again, other = (comparison.radial(rng=rng) for rng in (1, 1, 2))
    np.testing.assert_array_equal(first.stderr["gain"], again.stderr["gain"])
    assert (first.stderr["gain"] != other.stderr["gain"]).all()
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(
        first.stderr["gain"], comparison.radial(rng=generator).stderr["gain"]
    )
    with pytest.raises(ValueError, match="n_resamples=1: a spread needs at least 2"):
        comparison.radial(n_resamples=1)


def test_resamples_in_parts_are_those_of_one_draw(monkeypatch):
    comparison = compare_spectra(*batch(8, (8, 8)))
    whole = comparison.radial(n_resamples=50).stderr["frc"]
    monkeypatch.setattr("spectral_mae.cross_spectra.resampling.DRAWN", 8 * 7)
    np.testing.assert_allclose(comparison.radial(n_resamples=50).stderr["frc"], whole, rtol=1e-12)


def test_one_pair_has_no_error_bars_over_images():
    found = compare_spectra(*batch(1, (8, 8)))
    assert np.isnan(found.radial().stderr["gain"]).all()
    assert np.isnan(found.summary()["explained_stderr"])
    with pytest.raises(ValueError, match="one pair"):
        _ = found.spectrum().coherence


def test_a_batch_is_added_whole_or_not_at_all():
    a, b = batch(6, (8, 8))
    comparison = compare_spectra(a, b)
    before = comparison.to_dict()
    spoiled = b.copy()
    spoiled[5, 0, 0] = np.nan
    with pytest.raises(ValueError, match="reconstructions holds 1 values that are not finite"):
        comparison.update(Chunked(a), spoiled)
    assert comparison.to_dict() == before


class Chunked(Watched):
    """Read two images at a time."""

    @property
    def chunks(self):
        return ((2, 2, 2), (8,), (8,))


def test_refusals():
    a, b = batch(4, (8, 6))
    full = np.ones((8, 6), bool)
    half = np.tile([True, False], (8, 3))
    refused = [
        (lambda: compare_spectra(a, b[:3]), r"originals of shape \(4, 8, 6\) and .* differ"),
        (lambda: compare_spectra(a[:0], b[:0]), "hold no images"),
        (lambda: compare_spectra(a[0, 0, 0], b[0, 0, 0]), "hold no images"),
        (lambda: compare_spectra(a[0, 0], b[0, 0]), "axes"),
        (lambda: compare_spectra(a[..., None], b[..., None]), "channel_axis"),
        (lambda: compare_spectra(a, b, channel_axis=0), "axis 0 of a batch holds the images"),
        (lambda: compare_spectra(a, b, channel_axis=7), "channel_axis=7 is not an axis"),
        (lambda: compare_spectra(a, b, channel_axis=-3), "channel_axis=-3 is not an axis"),
        (lambda: compare_spectra(a, b, visible=full), "visible hides nothing of 4 of 4 images"),
        (lambda: compare_spectra(a, b, visible=half.T), r"visible of shape \(6, 8\) is neither"),
        (lambda: compare_spectra(a, b, visible=0.5 * half), "a mask is bool"),
        (lambda: compare_spectra(a, b, scaling="power"), "scaling='power' is not one of"),
        (lambda: compare_spectra(a, b).update(a, b, visible=half), "some batches have visible="),
        (lambda: compare_spectra(a, b).merge(compare_spectra(a, b, fs=2.0)), "differ in fs"),
        (lambda: compare_spectra(a, b).merge(compare_spectra(a, b, visible=half)), "some batches"),
        (lambda: SpectraComparison().radial(), "no pair of images was given"),
        (lambda: SpectraComparison().summary(), "no pair of images was given"),
    ]
    for call, message in refused:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="other=3 is not a SpectraComparison"):
        SpectraComparison().merge(3)
    assert repr(SpectraComparison()) == "SpectraComparison(0 pairs)"


def test_windows_given_as_arrays_are_compared_when_parts_are_merged():
    a, b = batch(4, (8, 6))
    window = np.random.default_rng(0).random((8, 6))
    one = compare_spectra(a, b, window=window)
    assert one.merge(compare_spectra(a, b, window=window.copy())).n_pairs == 8
    with pytest.raises(ValueError, match="differ in window"):
        one.merge(compare_spectra(a, b, window=window[::-1]))


def test_constant_images_have_nothing_to_explain():
    ones = np.ones((3, 8, 8))
    found = compare_spectra(ones, ones)
    assert np.isnan(found.explained)
    assert np.isnan(found.radial().explained).all()
    assert found.mean_squared_error == 0


def test_tables(tmp_path):
    comparison = compare_spectra(*batch(5, (16, 16)))
    comparison.to_csv(tmp_path / "rings.csv")
    text = (tmp_path / "rings.csv").read_text().splitlines()
    assert len(text) == 1 + len(comparison.radial().frequency)
    plain = json.loads(json.dumps(comparison.to_dict()))
    assert plain["summary"]["pairs"] == 5
    assert plain["shapes"] == [[16, 16]]
    assert plain["rings"]["gain"] == comparison.radial().gain.tolist()
