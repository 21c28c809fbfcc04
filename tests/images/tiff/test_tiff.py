"""TIFFs of every type, layout and compression give the numbers that were written."""

from __future__ import annotations

import io
import itertools
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_bytes import Array, read, tiff

import spectral_mae.images.tiff.strips
from spectral_mae.images.samples import ImageRefused

tifffile = pytest.importorskip("tifffile")
RNG = np.random.default_rng(15)
TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
RGB_WEIGHTS = np.array([0.299, 0.587, 0.114])


def written(samples: Array, **options: Any) -> bytes:
    """By tifffile, which is not what reads strips here."""
    buffer = io.BytesIO()
    channels = samples.shape[0 if options.get("planarconfig") == "separate" else -1]
    colours = samples.ndim > 2 and channels == 3
    options.setdefault("photometric", "rgb" if colours else "minisblack")
    tifffile.imwrite(buffer, samples, metadata=None, **options)
    return buffer.getvalue()


def some(dtype: str, shape: tuple[int, ...]) -> Array:
    """Random samples that reach both ends of their range."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = RNG.random(shape)
    else:
        limits = np.iinfo(kind)
        values = RNG.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
        values.flat[:2] = limits.min, limits.max
    return values.astype(kind)


def scaled(samples: Array) -> Array:
    """The range of the type as [0, 1]; floating-point numbers as they are."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    lowest, highest = np.iinfo(samples.dtype).min, np.iinfo(samples.dtype).max
    return (samples.astype(np.float64) - lowest) / (float(highest) - float(lowest))


def packed(values: Array, bits: int) -> Array:
    """Rows of integers as rows of bytes, highest bit first, each row padded to a byte."""
    rows = ["".join(f"{value:0{bits}b}" for value in row) for row in values.tolist()]
    length = -(-len(rows[0]) // 8)
    return np.array(
        [list(int(row.ljust(8 * length, "0"), 2).to_bytes(length, "big")) for row in rows], np.uint8
    )


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("layout", ["gray", "contig", "planar"])
def test_every_type_in_every_layout(dtype: str, order: str, layout: str, tmp_path: Path) -> None:
    samples = some(dtype, (37, 53) if layout == "gray" else (37, 53, 3))
    stored = np.moveaxis(samples, -1, 0) if layout == "planar" else samples
    options = {"planarconfig": "separate"} if layout == "planar" else {}
    for blocks in ({}, {"rowsperstrip": 8}, {"tile": (16, 32)}):
        for compression in (None, "zlib"):
            data = written(stored, byteorder=order, compression=compression, **blocks, **options)
            image = read(data, tmp_path, color=layout != "gray")
            np.testing.assert_allclose(image.pixels, scaled(samples), rtol=0, atol=2e-16)
            assert image.notes == ()
    big = read(written(stored, bigtiff=True, byteorder=order, **options), tmp_path)
    gray = scaled(samples) if layout == "gray" else scaled(samples) @ RGB_WEIGHTS
    np.testing.assert_allclose(big.pixels, gray, rtol=0, atol=1e-15)


@pytest.mark.parametrize("compression", ["lzw", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4", "f8"])
def test_compressions_that_pillow_expands(compression: str, dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    samples = some(dtype, (45, 31, 3))
    for blocks in ({}, {"rowsperstrip": 7}, {"tile": (16, 16)}):
        data = written(samples, compression=compression, **blocks)
        image = read(data, tmp_path, color=True)
        np.testing.assert_allclose(image.pixels, scaled(samples), rtol=0, atol=2e-16)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", ["zlib", "lzw"])
def test_predictors(dtype: str, order: str, compression: str, tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    for shape, blocks in itertools.product(
        [(20, 23), (20, 23, 3)], [{}, {"rowsperstrip": 3}, {"tile": (16, 16)}]
    ):
        samples = some(dtype, shape)
        data = written(samples, byteorder=order, compression=compression, predictor=True, **blocks)
        image = read(data, tmp_path, color=len(shape) == 3)
        np.testing.assert_allclose(image.pixels, scaled(samples), rtol=0, atol=2e-16)


@pytest.mark.parametrize("bits", [*range(1, 17), 20, 24, 31, 32, 48, 63])
@pytest.mark.parametrize("fill_order", [1, 2])
def test_integers_of_any_number_of_bits(bits: int, fill_order: int, tmp_path: Path) -> None:
    values = RNG.integers(0, 2**bits, (5, 7), dtype=np.uint64)
    values[0, :2] = 0, 2**bits - 1
    rows = packed(values, bits)
    if bits == 32:
        rows = values.astype("<u4").view(np.uint8).reshape(5, -1)
    elif bits in (16, 24, 48):  # whole bytes are in the order of the file
        rows = np.flip(rows.reshape(5, 7, -1), axis=-1).reshape(5, -1)
    if fill_order == 2:
        rows = np.packbits(np.unpackbits(rows, bitorder="little"), bitorder="big").reshape(5, -1)
    image = read(tiff(rows, t256=[7], t258=[bits], t266=[fill_order]), tmp_path)
    np.testing.assert_allclose(image.pixels, values / (2.0**bits - 1), rtol=1e-15)
    signed = read(tiff(rows, t256=[7], t258=[bits], t266=[fill_order], t339=[2]), tmp_path)
    turned = values ^ np.uint64(1 << (bits - 1))  # two's complement, counted from its lowest value
    np.testing.assert_allclose(signed.pixels, turned / (2.0**bits - 1), rtol=1e-15)


def test_rows_of_14_bit_colours(tmp_path: Path) -> None:
    values = RNG.integers(0, 2**14, (6, 5, 3))
    data = tiff(
        packed(values.reshape(6, 15), 14), t256=[5], t258=[14] * 3, t262=[2], t277=[3], t339=[1] * 3
    )
    image = read(data, tmp_path, color=True)
    np.testing.assert_allclose(image.pixels, values / (2**14 - 1), rtol=1e-15)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_horizontal_predictor_counts_12_bits_modulo_4096(channels: int, tmp_path: Path) -> None:
    values = RNG.integers(0, 4096, (9, 10, channels))
    differences = np.diff(values, axis=1, prepend=0) % 4096
    rows = packed(differences.reshape(9, -1), 12)
    data = tiff(
        np.frombuffer(zlib.compress(rows.tobytes()), np.uint8)[np.newaxis],
        t256=[10], t257=[9], t258=[12] * channels, t259=[8], t262=[1 if channels == 1 else 2],
        t277=[channels], t278=[9], t317=[2], t339=[1] * channels,
    )  # fmt: skip
    image = read(data, tmp_path, color=channels == 3)
    expected = values[..., 0] if channels == 1 else values
    np.testing.assert_allclose(image.pixels, expected / 4095, rtol=1e-15)


@pytest.mark.parametrize("order", "<>")
def test_24_bit_floating_point_numbers(order: str, tmp_path: Path) -> None:
    numbers = [0x000000, 0x3F0000, 0x3E0000, 0x3F8000, 0x000001, 0xBF0000]
    expected = [0.0, 1.0, 0.5, 1.5, 2.0**-78, -1.0]  # 1, 7 and 16 bits; the exponent's bias is 63
    rows = b"".join(number.to_bytes(3, "little" if order == "<" else "big") for number in numbers)
    samples = np.frombuffer(rows, np.uint8).reshape(1, -1).astype(f"{order}u1")
    head = tiff(samples, t256=[6], t258=[24], t339=[3])
    if order == ">":  # bytes have no order that `tiff` could see
        head = tiff(samples.astype(">u2"), t256=[6], t258=[24], t339=[3], t279=[18])
        head = head.replace(samples.astype(">u2").tobytes(), rows + bytes(18))
    np.testing.assert_array_equal(read(head, tmp_path).pixels, [expected])


FAX = {"tiff_ccitt": 2, "group3": 3, "group4": 4}


@pytest.mark.parametrize("compression", FAX)
@pytest.mark.parametrize("fill_order", [1, 2])
def test_fax(compression: str, fill_order: int, tmp_path: Path) -> None:
    from PIL import Image

    bits = np.add.outer(np.arange(30), np.arange(43)) % 9 < 4
    buffer = io.BytesIO()
    Image.fromarray(bits).save(buffer, "TIFF", compression=compression, tiffinfo={278: 30})
    with tifffile.TiffFile(io.BytesIO(buffer.getvalue())) as file:
        page = file.pages[0]
        assert page.compression == FAX[compression]
        strip = buffer.getvalue()[page.dataoffsets[0] :][: page.databytecounts[0]]
        photometric = page.photometric
    stored = np.frombuffer(strip, np.uint8)
    if fill_order == 2:
        stored = np.packbits(np.unpackbits(stored, bitorder="little"), bitorder="big")
    data = tiff(
        stored[np.newaxis], t256=[43], t257=[30], t258=[1], t259=[FAX[compression]],
        t262=[photometric], t266=[fill_order], t278=[30],
    )  # fmt: skip
    np.testing.assert_array_equal(read(data, tmp_path).pixels, bits)


def test_thunderscan(tmp_path: Path) -> None:
    values = RNG.integers(0, 16, (4, 7))
    raw = (0xC0 | values).astype(np.uint8)  # its code for one sample as it is
    data = tiff(raw.reshape(1, -1), t256=[7], t257=[4], t258=[4], t259=[32809], t278=[4], t339=[1])
    np.testing.assert_allclose(read(data, tmp_path).pixels, values / 15, rtol=1e-15)


def test_an_uncompressed_strip_is_not_copied() -> None:
    data = written(some("u2", (64, 64, 3)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        storage = spectral_mae.images.tiff.storage.Storage.of(page)
        samples = spectral_mae.images.tiff.strips.read_samples(page, storage, data, [])
    assert np.shares_memory(samples, np.frombuffer(data, np.uint8))


def test_strip_lengths_of_uncompressed_files_may_be_wrong(tmp_path: Path) -> None:
    samples = some("u2", (8, 9))
    image = read(tiff(samples, t279=[10]), tmp_path)
    np.testing.assert_array_equal(image.pixels, scaled(samples))
    assert image.notes == ("1 of its strips are longer than the file says",)


def test_lengths_may_be_missing(tmp_path: Path) -> None:
    samples = some("u2", (8, 9))
    data = tiff(samples, deflate=True)
    entry = data.index(b"\x17\x01\x04\0")  # tag 279
    image = read(data[:entry] + b"\x18" + data[entry + 1 :], tmp_path)
    np.testing.assert_array_equal(image.pixels, scaled(samples))


def test_too_few_strips_are_refused_at_once(tmp_path: Path) -> None:
    data = tiff(some("u1", (8, 9)), t256=[5000], t257=[5000], t278=[1])
    with pytest.raises(
        ImageRefused, match=r"^damaged TIFF: it lists 1 strips or tiles, 5000 are needed$"
    ):
        read(data, tmp_path)


def test_parts_that_are_not_stored(tmp_path: Path) -> None:
    samples = some("u1", (8, 4))
    image = read(tiff(samples, t278=[4], t273=[8, 0], t279=[16, 0]), tmp_path)
    np.testing.assert_array_equal(image.pixels, np.vstack([scaled(samples[:4]), np.zeros((4, 4))]))
    assert image.notes == ("1 of its strips or tiles are not stored: read as 0",)


def test_pages_slices_and_reduced_copies(tmp_path: Path) -> None:
    stack = some("u2", (3, 16, 24))
    image = read(written(stack), tmp_path)
    np.testing.assert_array_equal(image.pixels, scaled(stack[0]))
    assert image.notes == ("first of 3 frames",)
    volume = written(some("u1", (4, 32, 32)), volumetric=True, tile=(2, 16, 16))
    with tifffile.TiffFile(io.BytesIO(volume)) as file:
        first = file.asarray()[0]
    image = read(volume, tmp_path)
    np.testing.assert_array_equal(image.pixels, scaled(first))
    assert image.notes == ("first of 4 slices",)
    samples = some("u1", (3, 4, 32, 32))  # channels first
    planes = written(samples, volumetric=True, tile=(2, 16, 16), planarconfig="separate")
    image = read(planes, tmp_path, color=True)
    np.testing.assert_array_equal(image.pixels, np.moveaxis(scaled(samples[:, 0]), 0, -1))
    image = read(tiff(stack[0], t254=[1]), tmp_path)
    assert image.notes == ("the first page is a reduced copy of another image",)


def test_stacks_of_imagej(tmp_path: Path) -> None:
    stack = some("u2", (5, 16, 24))
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stack, imagej=True)
    image = read(buffer.getvalue(), tmp_path)
    np.testing.assert_array_equal(image.pixels, scaled(stack[0]))
    assert image.notes == ("first of 5 frames",)


@pytest.mark.parametrize("kind", [5, 6])
def test_complex_numbers_are_refused(kind: int, tmp_path: Path) -> None:
    with pytest.raises(ImageRefused, match=r"^TIFF of complex numbers: not read here$"):
        read(tiff(some("u4", (4, 4)), t339=[kind]), tmp_path)
