"""Files to batches of images of one shape: what is read, what is refused, who is held out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.images import reader
from spectral_mae.images import stream as streams
from spectral_mae.images.stream import ImageStream, StreamOptions, split_held_out


def write(path, shape, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def files(tmp_path):
    """Gray and colour, of several shapes; all at least 20 pixels high and wide."""
    shapes = [(20, 20), (24, 36), (40, 22, 3), (31, 29)]
    return [write(tmp_path / f"{i}.png", shape, i) for i, shape in enumerate(shapes)]


def all_of(stream, paths):
    return np.concatenate(list(stream.batches(paths)))


@pytest.mark.parametrize("color", [False, True])
def test_images_are_resized_to_one_shape(files, color):
    stream = ImageStream(StreamOptions(16, color=color))
    images = all_of(stream, files)
    expected = [sm.resize_and_crop(sm.read_image(file, color=color), 16).pixels for file in files]
    np.testing.assert_array_equal(images, expected)
    assert images.dtype == np.float64
    assert (stream.n_files, stream.n_images, stream.failed) == (4, 4, {})


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("crops", [1, 5])
def test_crops_are_parts_of_the_pixels_as_they_are(files, color, crops):
    stream = ImageStream(StreamOptions(8, crops, color))
    images = all_of(stream, files)
    assert images.shape == (4 * crops, 8, 8, 3) if color else (4 * crops, 8, 8)
    for number, crop in enumerate(images):
        whole = sm.read_image(files[number // crops], color=color).pixels
        windows = np.lib.stride_tricks.sliding_window_view(whole, (8, 8), axis=(0, 1))
        target = crop if not color else np.moveaxis(crop, -1, 0)
        found = (windows == target).all(axis=tuple(range(2, windows.ndim)))
        assert found.any()
    assert (stream.n_files, stream.n_images) == (4, 4 * crops)


def corners(file, crops, size=8, **options):
    """Where the crops of a file of distinct pixels lie."""
    pixels = sm.read_image(file).pixels
    found = all_of(ImageStream(StreamOptions(size, crops, **options)), [file])
    return [tuple(int(i[0]) for i in np.nonzero(pixels == crop[0, 0])) for crop in found]


def ramp(path, height, width):
    """Every pixel another value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.arange(height * width, dtype=np.float32).reshape(height, width)
    Image.fromarray(pixels).save(path)
    return path


def test_crops_reach_every_place_and_none_outside(tmp_path):
    places = corners(ramp(tmp_path / "a.tif", 11, 9), 400)
    assert set(places) == {(row, column) for row in range(4) for column in range(2)}
    assert corners(ramp(tmp_path / "b.tif", 8, 8), 3) == [(0, 0)] * 3


def test_crops_depend_on_the_name_and_the_seed_alone(tmp_path):
    here, there, other = (
        ramp(tmp_path / name, 40, 40) for name in ("a/x.tif", "b/c/x.tif", "a/y.tif")
    )
    first = corners(here, 6)
    assert corners(there, 6) == first
    assert corners(other, 6) != first
    assert corners(here, 6, rng=1) != first
    assert len(set(first)) > 1
    alone = all_of(ImageStream(StreamOptions(8, 6)), [here])
    after = all_of(ImageStream(StreamOptions(8, 6)), [other, here])
    np.testing.assert_array_equal(after[6:], alone)


def test_what_cannot_be_read_is_recorded_and_passed_over(tmp_path, files):
    bad = tmp_path / "bad.png"
    bad.write_bytes(files[1].read_bytes()[:150])
    small = write(tmp_path / "small.png", (30, 7))
    stream = ImageStream(StreamOptions(20, 1))
    images = all_of(stream, [files[0], bad, small, files[1]])
    assert len(images) == stream.n_files == stream.n_images == 2
    assert list(stream.failed) == [str(bad), str(small)]
    assert stream.failed[str(bad)]
    assert stream.failed[str(small)] == "too small for crops of 20x20: 30x7"
    resized = ImageStream(StreamOptions(20))
    assert len(all_of(resized, [small])) == 1
    assert resized.failed == {}


def test_too_many_pixels_are_refused(files):
    stream = ImageStream(StreamOptions(16, max_pixels=24 * 36))
    assert len(all_of(stream, files)) == 2
    assert list(stream.failed) == [str(files[2]), str(files[3])]


def test_memory_that_is_not_there_is_a_failure_of_the_file(files, monkeypatch):
    sound = reader.read_file

    def exhausted(path, **options):
        if path == files[1]:
            raise MemoryError
        return sound(path, **options)

    monkeypatch.setattr(reader, "read_file", exhausted)
    stream = ImageStream(StreamOptions(16))
    assert len(all_of(stream, files)) == 3
    assert stream.failed == {str(files[1]): "not enough memory"}


@pytest.mark.parametrize(("crops", "color"), [(0, False), (3, False), (3, True), (7, True)])
def test_batches_are_no_larger_than_the_bound(files, crops, color, monkeypatch):
    whole = all_of(ImageStream(StreamOptions(8, crops, color)), files)
    one = 8 * 8 * 8 * (3 if color else 1)
    for room in (1, one, 2 * one + 1, 5 * one, 1000 * one):
        monkeypatch.setattr(streams, "BATCH_BYTES", room)
        stream = ImageStream(StreamOptions(8, crops, color))
        seen = []
        for batch in stream.batches(files):
            assert batch.nbytes <= max(room, one)
            seen.append(batch)
            assert stream.n_images == sum(map(len, seen))
        np.testing.assert_array_equal(np.concatenate(seen), whole)
        assert all(len(batch) == max(1, room // one) for batch in seen[:-1])


def test_files_are_read_as_batches_are_asked_for(files, monkeypatch):
    monkeypatch.setattr(streams, "BATCH_BYTES", 2 * 8 * 16 * 16)
    stream = ImageStream(StreamOptions(16))
    next(stream.batches(files))
    assert stream.n_files == 2
    assert list(ImageStream(StreamOptions(16)).batches([])) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0"),
        ({"max_pixels": 0}, "max_pixels=0"),
        ({"crops": -1}, "crops=-1 is negative"),
        ({"rng": -1}, "rng=-1 is not at least 0"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        StreamOptions(**options)


PATHS = [Path(f"{i}.png") for i in range(10)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_file_is_in_one_part_and_in_order(share, seed):
    fitted, held_out = split_held_out(PATHS, share, seed)
    assert len(held_out) == round(share * 10)
    assert sorted(fitted + held_out) == PATHS
    assert fitted == sorted(fitted)
    assert held_out == sorted(held_out)
    assert split_held_out(PATHS, share, seed) == (fitted, held_out)


def test_who_is_held_out_is_drawn():
    drawn = [tuple(split_held_out(PATHS, 0.3, seed)[1]) for seed in range(200)]
    assert len(set(drawn)) > 60
    counts = [sum(path in one for one in drawn) for path in PATHS]
    assert min(counts) > 30
    assert max(counts) < 90


@pytest.mark.parametrize(
    ("n", "share", "message"),
    [
        (10, 1.0, "holdout=1.0 is not at least 0 and below 1"),
        (10, -0.1, "holdout=-0.1 is not"),
        (10, float("nan"), "holdout=nan is not"),
        (10, 0.01, "holdout=0.01 of 10 images holds 0 out"),
        (2, 0.9, "holdout=0.9 of 2 images holds 2 out; give more images, or holdout 0"),
        (1, 0.2, "holdout=0.2 of 1 images holds 0 out"),
    ],
)
def test_splits_that_leave_a_part_empty_are_refused(n, share, message):
    with pytest.raises(ValueError, match=message):
        split_held_out(PATHS[:n], share, 0)


def test_one_image_is_enough_without_holdout():
    assert split_held_out(PATHS[:1], 0.0, 0) == (PATHS[:1], [])
