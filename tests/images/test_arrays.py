"""Images in arrays and in CIFAR's batches."""

import pickle

import numpy as np
import pytest
from source_files import read, titles, write_tar

from spectral_mae.images.references import Samples
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources

RNG = np.random.default_rng(0)


# Arrays ------------------------------------------------------------------------------------------


GRAY = RNG.integers(0, 256, (3, 8, 10), np.uint8)
COLOUR = RNG.integers(0, 256, (3, 8, 10, 3), np.uint8)
STACKS = [
    (GRAY, GRAY / 255),
    (COLOUR, COLOUR / 255),
    (GRAY[..., np.newaxis], GRAY / 255),
    (GRAY > 99, (GRAY > 99).astype(float)),
    (GRAY.astype(np.uint16) * 257, GRAY / 255),
    (GRAY.astype(">u2") * 257, GRAY / 255),
    (GRAY.astype(np.float32), GRAY.astype(float)),
    (GRAY / 99.0, GRAY / 99.0),
]


@pytest.mark.parametrize(("stack", "pixels"), STACKS)
def test_arrays_hold_images(tmp_path, stack, pixels):
    np.save(tmp_path / "s.npy", stack)
    np.savez(tmp_path / "s.npz", first=stack, labels=np.arange(3), one=stack[0])
    np.savez_compressed(tmp_path / "c.npz", first=stack, one=stack[0])
    luma = pixels if pixels.ndim == 3 else pixels @ [0.299, 0.587, 0.114]
    for name, inside, others in (("s.npy", "", 0), ("s.npz", "/first", 1), ("c.npz", "/first", 0)):
        found = find_sources([tmp_path / name])
        assert titles(found, tmp_path)[:3] == [f"{name}{inside}[{i}]" for i in range(3)]
        assert found.passed_over == others
        references = found.references
        np.testing.assert_allclose(read(references[:3]), luma, atol=1e-15)
        np.testing.assert_allclose(read(references[2::-1]), luma[::-1], atol=1e-15)
        if inside:
            assert titles(found, tmp_path)[3:] == [f"{name}/one"]
            np.testing.assert_allclose(read(references[3:])[0], luma[0], atol=1e-15)


def test_colours_of_arrays_are_kept_by_option(tmp_path):
    np.save(tmp_path / "s.npy", COLOUR)
    found = find_sources([tmp_path / "s.npy"]).references
    np.testing.assert_array_equal(read(found, color=True), COLOUR / 255)
    alpha = np.concatenate([COLOUR, np.full((3, 8, 10, 1), 255, np.uint8)], axis=-1)
    np.save(tmp_path / "a.npy", alpha)
    found = find_sources([tmp_path / "a.npy"]).references
    np.testing.assert_array_equal(read(found, color=True), COLOUR / 255)


def test_numbers_that_are_none_are_refused_one_by_one(tmp_path):
    stack = GRAY.astype(float)
    stack[1, 2, 3] = np.nan
    np.save(tmp_path / "s.npy", stack)
    found = find_sources([tmp_path / "s.npy"]).references
    with pytest.raises(ImageRefused, match="1 pixel is NaN"):
        read(found[1:2])
    assert len(read([found[0], found[2]])) == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([{}], dtype=object), "pickles are never read"),
        (np.arange(5), "images are bool, uint8, uint16 or floating point"),
        (np.zeros((2, 4, 4), complex), "images are bool, uint8"),
        (np.zeros(5), r"of shape=\(5,\) holds no images"),
        (np.zeros((2, 3, 4, 5)), r"of shape=\(2, 3, 4, 5\) holds no images"),
        (np.zeros((0, 4, 4)), "holds no images"),
        (np.zeros((4, 5, 6), order="F"), "Fortran order"),
    ],
)
def test_arrays_of_no_images_are_refused(tmp_path, array, message):
    with (tmp_path / "s.npy").open("wb") as file:
        np.save(file, array)
    np.savez(tmp_path / "s.npz", x=array)
    for name in ("s.npy", "s.npz"):
        with pytest.raises(ValueError, match=message):
            find_sources([tmp_path / name])


class Trap:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_no_pickle_is_read(tmp_path):
    trace = tmp_path / "trace"
    with (tmp_path / "s.npy").open("wb") as file:
        np.save(file, np.array([Trap(trace)], dtype=object), allow_pickle=True)
    (tmp_path / "data_batch_1").write_bytes(pickle.dumps(Trap(trace)))
    np.savez(tmp_path / "s.npz", x=np.array([Trap(trace)], dtype=object))
    for name in ("s.npy", "data_batch_1", "s.npz"):
        with pytest.raises(ValueError, match="pickles"):
            find_sources([tmp_path / name])
    (tmp_path / "a.png").write_bytes(pickle.dumps(Trap(trace)))
    with pytest.raises(ImageRefused):
        read(find_sources([tmp_path / "a.png"]).references)
    assert not trace.exists()


def test_too_many_pixels_of_an_array_are_refused(tmp_path):
    np.save(tmp_path / "s.npy", GRAY)
    with pytest.raises(ImageRefused, match="too large: 8x10 is"):
        read(find_sources([tmp_path / "s.npy"]).references, max_pixels=79)


def test_a_torn_array_gives_what_is_whole(tmp_path):
    np.save(tmp_path / "s.npy", GRAY)
    (tmp_path / "s.npy").write_bytes((tmp_path / "s.npy").read_bytes()[:-50])
    found = find_sources([tmp_path / "s.npy"]).references
    assert len(read(found[:2])) == 2
    with pytest.raises(ImageRefused, match="ends too early: 30 of 80 bytes"):
        read(found[2:])


# CIFAR -------------------------------------------------------------------------------------------


PLANES = RNG.integers(0, 256, (4, 3, 32, 32), np.uint8)


def batch(labels):
    return b"".join(bytes(range(labels)) + planes.tobytes() for planes in PLANES)


@pytest.mark.parametrize(("labels", "name"), [(1, "data_batch_1.bin"), (2, "train.bin")])
def test_binary_batches_of_cifar(tmp_path, labels, name):
    (tmp_path / name).write_bytes(batch(labels))
    content = {f"cifar/{name}": batch(labels), "cifar/batches.meta.txt": b"airplane"}
    write_tar(tmp_path / "cifar-binary.tar.gz", content, "w:gz")
    expected = np.moveaxis(PLANES, 1, -1) / 255
    plain = find_sources([tmp_path / name])
    assert titles(plain, tmp_path) == [f"{name}[{i}]" for i in range(4)]
    packed = find_sources([tmp_path / "cifar-binary.tar.gz"])
    assert titles(packed, tmp_path) == [f"cifar-binary.tar.gz/cifar/{name}[{i}]" for i in range(4)]
    for found in (plain, packed):
        np.testing.assert_array_equal(read(found.references, color=True), expected)
    assert Samples("|u1", (3, 32, 32), planar=True).size == 3072


def test_the_pickled_cifar_is_refused_with_a_way_out(tmp_path):
    content = {"cifar-10-batches-py/data_batch_1": b"\x80\x02}", "cifar-10-batches-py/x": b""}
    path = write_tar(tmp_path / "cifar-10-python.tar.gz", content, "w:gz")
    with pytest.raises(ValueError, match=r"never read; .*cifar-10-binary\.tar\.gz"):
        find_sources([path])
    (tmp_path / "x.bin").write_bytes(bytes(100))
    with pytest.raises(ValueError, match=r"100 bytes are a multiple of neither 3073 nor 3074"):
        find_sources([tmp_path / "x.bin"])
