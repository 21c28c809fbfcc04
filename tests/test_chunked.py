"""Arrays of Dask, Zarr, HDF5 and xarray: the numbers of the plain array, some images at a time."""

import tracemalloc
import weakref

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import _chunked
from spectral_mae._checks import is_chunked
from spectral_mae._chunked import ChunkedBatch

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((23, 12, 8))
OTHERS = RNG.standard_normal((23, 12, 8))
VISIBLE = RNG.random((23, 12, 8)) < 0.5
GRID = sm.PatchGrid((12, 8), 4)
IMAGE_BYTES = 12 * 8 * 8

CHUNKS = [(4, 12, 8), (23, 12, 8), (1, 12, 8), (23, 5, 8), (7, 6, 5), ((2, 9, 12), 12, 4)]


def periodogram(**options):
    return sm.Periodogram((12, 8), detrend="constant", window="hann", **options)


def mean(images, **options):
    found = periodogram(**options).mean(images)
    return [found.power, found.floor]


def rings(images):
    found = periodogram().radial(images, visible=VISIBLE)
    return [found.power, found.std, found.stderr]


def comparison(images, others=OTHERS):
    found = sm.compare_spectra(images, others)
    cross, table = found.spectrum(), found.radial(n_resamples=4)
    return [cross.cross, cross.error, table.gain, *table.stderr.values(), found.explained]


USES = {
    "mean": mean,
    "mean in threads": lambda images: mean(images, workers=2),
    "mean of masked images": lambda images: periodogram().mean(images, visible=VISIBLE).power,
    "power": lambda images: periodogram().power(images),
    "rings": rings,
    "condition": lambda images: periodogram().condition(images),
    "banded moments": lambda images: sm.BandMoments(GRID).update(images).stack().blocks,
    "dense moments": lambda images: sm.DenseMoments(GRID).update(images).stack().blocks,
    "stationary moments": lambda images: sm.StationaryMoments(GRID).update(images).spectra(),
    "patches": lambda images: sm.BandMoments(GRID).to_patches(images),
    "fit": lambda images: sm.LinearMAE(4, 0.5, rank=3).fit(images).loss_,
    "comparison": comparison,
    "comparison of the other": lambda images: comparison(OTHERS, images),
}

READ_IN_ORDER = ["mean", "rings", "banded moments", "stationary moments", "fit", "comparison"]


def assert_same(found, expected):
    if isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    """Pieces of five images, and sums over three of them."""
    monkeypatch.setattr(_chunked, "PIECE_BYTES", 5 * IMAGE_BYTES)
    monkeypatch.setattr("spectral_mae.spectra.periodogram.SUMMED", 3 * 12 * 5 * 8)
    monkeypatch.setattr("spectral_mae.linear.moments.accumulator.PART_BYTES", 3 * IMAGE_BYTES)
    monkeypatch.setattr("spectral_mae.cross_spectra.arrays.PIECE_BYTES", 3 * IMAGE_BYTES)


@pytest.fixture
def dask():
    """Dask arrays, computed in this thread: a fault then has one place."""
    config = pytest.importorskip("dask").config
    with config.set(scheduler="synchronous"):
        yield pytest.importorskip("dask.array")


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
@pytest.mark.parametrize("use", USES)
def test_numbers_are_those_of_the_plain_array_to_the_last_bit(use, chunks, dask):
    lazy = dask.from_array(IMAGES, chunks=chunks)
    assert_same(USES[use](lazy), USES[use](IMAGES))


@pytest.mark.parametrize("use", ["mean", "rings", "banded moments", "fit", "comparison"])
@pytest.mark.parametrize("chunks", [None, {"n": 4}, {"y": 5}])
def test_data_arrays_are_read_in_chunks(use, chunks, dask):
    xarray = pytest.importorskip("xarray")
    array = xarray.DataArray(IMAGES, dims=("n", "y", "x"))
    assert_same(USES[use](array if chunks is None else array.chunk(chunks)), USES[use](IMAGES))


@pytest.mark.parametrize("use", ["mean", "rings", "banded moments", "fit", "comparison"])
@pytest.mark.parametrize("kind", ["zarr", "h5py", "h5py in one run"])
def test_files_are_read_in_chunks(use, kind, tmp_path):
    library = pytest.importorskip(kind.split(" ", maxsplit=1)[0])
    if kind == "zarr":
        array = library.create_array(str(tmp_path / "a.zarr"), shape=IMAGES.shape, dtype=float,
                                     chunks=(9, 6, 8))  # fmt: skip
        array[:] = IMAGES
        assert_same(USES[use](array), USES[use](IMAGES))
        return
    with library.File(tmp_path / "a.h5", "w") as file:
        chunks = (4, 12, 8) if kind == "h5py" else None
        array = file.create_dataset("a", data=IMAGES, chunks=chunks)
        assert_same(USES[use](array), USES[use](IMAGES))


@pytest.mark.parametrize("channel_axis", [1, 2, -1])
def test_channels(channel_axis, dask):
    images = np.moveaxis(RNG.standard_normal((9, 12, 8, 3)), -1, channel_axis)
    lazy = dask.from_array(images, chunks=4)
    grid = sm.PatchGrid((12, 8), 4)
    for call in (
        lambda x: sm.Periodogram((12, 8), channel_axis=channel_axis).mean(x).power,
        lambda x: sm.BandMoments(grid, 3).update(x, channel_axis=channel_axis).stack().blocks,
        lambda x: sm.LinearMAE(4, 0.5).fit(x, channel_axis=channel_axis).loss_,
        lambda x: sm.compare_spectra(x, -x, channel_axis=channel_axis).spectrum().cross,
    ):
        np.testing.assert_array_equal(call(lazy), call(images))


class Tracked:
    """An array of Dask whose chunks are made one by one, and counted while they live."""

    def __init__(self, dask, chunks):
        self.made, self.alive, self.most = [], 0, 0
        self.array = dask.map_blocks(
            self.make, chunks=chunks, dtype=float, meta=np.empty((0, 0, 0))
        )

    def make(self, block_info=None):
        where = block_info[None]
        rows = tuple(slice(*ends) for ends in where["array-location"])
        block = IMAGES[rows].copy()
        self.made.append(where["chunk-location"])
        self.alive += 1
        self.most = max(self.most, self.alive)
        weakref.finalize(block, self.dropped)
        return block

    def dropped(self):
        self.alive -= 1


@pytest.mark.parametrize("use", READ_IN_ORDER)
def test_each_chunk_is_computed_once_and_few_live_at_a_time(use, dask):
    tracked = Tracked(dask, ((4,) * 5 + (3,), (12,), (8,)))
    assert_same(USES[use](tracked.array), USES[use](IMAGES))
    assert sorted(tracked.made) == [(place, 0, 0) for place in range(6)]
    assert tracked.most <= 2
    assert tracked.alive == 0


@pytest.mark.parametrize("use", READ_IN_ORDER)
def test_images_cut_into_chunks_do_not_come_together_whole(use, dask):
    """Chunks of all images, a band of rows of each: a part of one is copied, and the rest goes."""
    tracked = Tracked(dask, ((23,), (3,) * 4, (8,)))
    assert_same(USES[use](tracked.array), USES[use](IMAGES))
    assert tracked.most <= 1
    assert set(tracked.made) == {(0, place, 0) for place in range(4)}


@pytest.mark.parametrize("use", ["mean", "moments", "comparison"])
def test_memory_does_not_grow_with_the_number_of_images(use, dask, monkeypatch):
    monkeypatch.setattr(_chunked, "PIECE_BYTES", 2**18)
    monkeypatch.setattr("spectral_mae.spectra.periodogram.SUMMED", 2**18)
    monkeypatch.setattr("spectral_mae.linear.moments.accumulator.PART_BYTES", 2**18)
    monkeypatch.setattr("spectral_mae.cross_spectra.arrays.PIECE_BYTES", 2**18)
    compared = sm.SpectraComparison()
    use = {
        "mean": sm.Periodogram((64, 64)).mean,
        "moments": sm.BandMoments(sm.PatchGrid((64, 64), 4)).update,
        "comparison": lambda x: compared.update(x, x),
    }[use]
    images = dask.random.default_rng(0).standard_normal((192, 64, 64), chunks=(8, 64, 64))
    use(images[:16])  # makes plans and sums
    tracemalloc.start()
    use(images)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A few pieces of 1/4 MiB and what is made of them; all images are 6 MiB.
    assert peak < 3 * 2**20, f"{peak / 2**20:.1f} MiB"


def test_what_is_chunked(dask):
    assert is_chunked(dask.zeros((2, 3)))
    assert not is_chunked(IMAGES)
    assert not is_chunked(IMAGES.tolist())
    assert not is_chunked(np.ma.masked_array(IMAGES))


@pytest.mark.parametrize("sizes", [(2, 2, 2), (6,), (1, 5), (4, 1, 1)])
@pytest.mark.parametrize("step", [1, 2, 4, 6, 7])
def test_slices_in_any_order_are_right(sizes, step, dask):
    images = IMAGES[: sum(sizes)]
    batch = ChunkedBatch("images", dask.from_array(images, chunks=(sizes, 12, 8)), 2)
    assert len(batch) == 6
    assert batch.shape == (6, 12, 8, 1)
    for first in [*range(0, 6, step), 0, 3]:
        np.testing.assert_array_equal(
            batch[first : first + step][..., 0], images[first : first + step]
        )
    assert batch[6:9].shape == (0, 12, 8, 1)


def test_what_cannot_be_read_is_refused(dask):
    lazy = dask.from_array(IMAGES, chunks=4)
    with pytest.raises(
        ValueError, match=r"images of shape \(nan, 12, 8\) has a size.*compute_chunk"
    ):
        periodogram().mean(lazy[lazy[:, 0, 0] > 0])
    with pytest.raises(TypeError, match="dtype complex128"):
        periodogram().mean(dask.zeros((4, 12, 8), dtype=complex))
    with pytest.raises(ValueError, match=r"images of shape \(4, 8, 12\)"):
        periodogram().mean(dask.zeros((4, 8, 12)))
    with pytest.raises(ValueError, match="not finite"):
        periodogram().mean(dask.full((4, 12, 8), np.nan))
    with pytest.raises(TypeError, match="masked array"):
        periodogram().mean(dask.ma.masked_less(dask.from_array(IMAGES, chunks=4), 0))
    with pytest.raises(TypeError, match="masked array"):
        periodogram().mean(dask.ma.masked_less(dask.from_array(IMAGES, chunks=(23, 4, 4)), 0))
    with pytest.raises(ValueError, match="batch is empty"):
        periodogram().mean(dask.zeros((0, 12, 8)))
