"""Samples of a TIFF page as they are stored: its strips or tiles put together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from mmap import mmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.tiff import codecs
from spectral_mae.images.tiff.logluv import decode_sgilog
from spectral_mae.images.tiff.packing import unpack
from spectral_mae.images.tiff.storage import YCBCR, Predictor, Storage

if TYPE_CHECKING:
    from tifffile import TiffPage

Samples = NDArray[Any]

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_BATCH = 2**20  # bytes that are expanded at once


@dataclass(frozen=True, slots=True)
class _Block:
    """A strip or tile: its number in the file, its first pixel, the size that is stored of it."""

    number: int
    top: int
    left: int
    rows: int
    columns: int


def read_samples(page: TiffPage, storage: Storage, data: bytes | mmap, notes: list[str]) -> Samples:
    """Samples of a page, of shape (H, W, channels).

    Parameters
    ----------
    page : tifffile.TiffPage
        The page.
    storage : Storage
        How it stores its samples.
    data : bytes or mmap
        The whole file.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    ndarray, shape (H, W, channels)
        The samples as they are stored.

    Raises
    ------
    ImageRefused
        If the strips hold less than they should, or are compressed in a way not read here.
    """
    strips = _Strips(page, storage, data)
    samples = strips.put_together()
    if strips.missing:
        notes.append(f"{strips.missing} of its strips or tiles are not stored: read as 0")
    if strips.short:
        notes.append(f"{strips.short} of its strips are longer than the file says")
    return samples


class _Strips:
    """The strips or tiles of a page."""

    def __init__(self, page: TiffPage, storage: Storage, data: bytes | mmap) -> None:
        self._page = page
        self._storage = storage
        self._data = memoryview(data)
        self._channels = 1 if storage.planar else storage.channels  # of a strip
        self.missing = 0
        self.short = 0

    def put_together(self) -> Samples:
        storage = self._storage
        shape = (storage.height, storage.width)
        if not storage.planar:
            return self._plane(0, shape, storage.block)
        whole = np.empty((*shape, storage.channels), storage.dtype)
        down, across = storage.subsampling
        for index in range(storage.channels):
            if index == 0 or (down, across) == (1, 1):
                whole[..., index : index + 1] = self._plane(index, shape, storage.block)
                continue
            # planes of chroma are smaller, and so are their strips
            smaller = (math.ceil(shape[0] / down), math.ceil(shape[1] / across))
            block = (math.ceil(storage.block[0] / down), math.ceil(storage.block[1] / across))
            chroma = self._plane(index, smaller, block).repeat(down, 0).repeat(across, 1)
            whole[..., index : index + 1] = chroma[: shape[0], : shape[1]]
        return whole

    def _plane(self, index: int, shape: tuple[int, int], block: tuple[int, int]) -> Samples:
        """All channels, or one that is stored apart, of shape (rows, columns, channels)."""
        height, width = shape
        blocks = self._blocks(index * self._storage.plane, shape, block)
        if len(blocks) == 1:  # without a copy
            return _cut(self._decoded(blocks)[0], height, width)
        whole = np.empty((height, width, self._channels), self._storage.dtype)
        for batch in self._batches(blocks):
            for at, samples in zip(batch, self._decoded(batch), strict=True):
                rows, columns = min(at.rows, height - at.top), min(at.columns, width - at.left)
                target = whole[at.top : at.top + rows, at.left : at.left + columns]
                target[...] = _cut(samples, rows, columns)
        return whole

    def _blocks(self, first: int, shape: tuple[int, int], block: tuple[int, int]) -> list[_Block]:
        (height, width), (rows, columns) = shape, block
        listed = min(len(self._page.dataoffsets), len(self._page.databytecounts))
        needed = first + math.ceil(height / rows) * math.ceil(width / columns)
        if listed < needed:
            raise ImageRefused(
                f"damaged TIFF: it lists {listed} strips or tiles, {needed} are needed"
            )
        corners = product(range(0, height, rows), range(0, width, columns))
        whole = self._page.is_tiled  # tiles are, at the border too
        return [
            _Block(first + i, top, left, rows if whole else min(rows, height - top), columns)
            for i, (top, left) in enumerate(corners)
        ]

    def _batches(self, blocks: list[_Block]) -> Iterator[list[_Block]]:
        """Runs of blocks of one size that are stored, and single ones that are not."""
        batch: list[_Block] = []
        size = 0
        for block in blocks:
            alike = not batch or (block.rows == batch[0].rows and self._is_stored(batch[0]))
            if batch and (size >= _BATCH or not alike or not self._is_stored(block)):
                yield batch
                batch, size = [], 0
            batch.append(block)
            size += block.rows * self._row_bytes(block)
        yield batch

    def _is_stored(self, block: _Block) -> bool:
        page = self._page
        return bool(page.dataoffsets[block.number] and page.databytecounts[block.number])

    def _stored(self, block: _Block) -> memoryview:
        start, count = (
            int(values[block.number])
            for values in (self._page.dataoffsets, self._page.databytecounts)
        )
        if self._storage.compression == codecs.NONE:
            # Many writers get this length wrong, and it says nothing that is not known.
            size = self._stored_rows(block) * self._row_bytes(block)
            self.short += count < size
            count = size
        elif not {279, 325}.intersection(self._page.tags.keys()):
            count = len(self._data) - start  # no lengths in the file: a strip ends when it is full
        strip = self._data[start : start + count]
        if len(strip) < count or not strip:
            raise ImageRefused(
                f"damaged TIFF: a strip or tile ends {count - len(strip)} bytes after the file"
            )
        if self._storage.fill_order == 2 and codecs.is_byte_codec(self._storage.compression):
            return memoryview(bytes(strip).translate(_REVERSED))
        return strip

    def _decoded(self, blocks: list[_Block]) -> list[Samples]:
        storage = self._storage
        if not self._is_stored(blocks[0]):
            self.missing += 1
            if self._page.nodata:
                raise ImageRefused(
                    f"parts of it are not stored, only their no-data value {self._page.nodata:g}"
                )
            at = blocks[0]
            return [np.zeros((at.rows, at.columns, self._channels), storage.dtype)]
        strips = [self._stored(block) for block in blocks]
        if codecs.is_byte_codec(storage.compression):
            by_pixel = storage.compression in codecs.FAX | {codecs.THUNDERSCAN}
            columns = blocks[0].columns if by_pixel else self._row_bytes(blocks[0])
            shape = (self._stored_rows(blocks[0]), columns)
            packed = codecs.expand(strips, storage.compression, shape, storage.t4_options)
            return [self._unpacked(rows, blocks[0].columns) for rows in packed]
        return [self._stream(strip, block) for strip, block in zip(strips, blocks, strict=True)]

    @property
    def _mixed(self) -> bool:
        """Whether luma and chroma of some pixels are stored together, less of chroma."""
        storage = self._storage
        return (
            storage.subsampling != (1, 1)
            and not storage.planar
            and codecs.is_byte_codec(storage.compression)
        )

    def _stored_rows(self, block: _Block) -> int:
        return math.ceil(block.rows / self._storage.subsampling[0]) if self._mixed else block.rows

    def _row_bytes(self, block: _Block) -> int:
        storage = self._storage
        if self._mixed:
            down, across = storage.subsampling
            n_samples = math.ceil(block.columns / across) * (down * across + 2)
        else:
            n_samples = block.columns * self._channels
        return math.ceil(n_samples * storage.bits / 8)

    def _unpacked(self, rows: NDArray[np.uint8], columns: int) -> Samples:
        storage = self._storage
        predictor = storage.predictor
        if storage.compression in codecs.FAX | {codecs.NONE, codecs.THUNDERSCAN}:
            predictor = Predictor.NONE  # as in libtiff, whatever the tag says
        if not self._mixed:
            return unpack(rows, columns, self._channels, storage, predictor)
        if predictor != Predictor.NONE:
            raise ImageRefused("TIFF of subsampled YCbCr with a predictor: not read here")
        down, across = storage.subsampling
        units = unpack(
            rows, math.ceil(columns / across), down * across + 2, storage, Predictor.NONE
        )
        n_down, n_across, _ = units.shape
        luma = units[..., :-2].reshape(n_down, n_across, down, across).swapaxes(1, 2)
        chroma = units[..., -2:].repeat(down, 0).repeat(across, 1)
        return np.concatenate([luma.reshape(*chroma.shape[:2], 1), chroma], axis=-1)

    def _stream(self, strip: memoryview, block: _Block) -> Samples:
        storage = self._storage
        if storage.compression == codecs.SGI_LOG:
            return decode_sgilog(strip, block.rows, block.columns, self._channels)
        by_pillow = storage.bits == 8 and codecs.is_image_codec(storage.compression)
        if by_pillow and self._channels in (1, 3, 4):
            ycbcr = self._page.photometric == YCBCR
            samples: Samples = codecs.decode_stream(
                strip,
                storage.compression,
                self._page.jpegtables,
                ycbcr=ycbcr,
                block=storage.block,
            )
            if samples.shape[-1] == 3 and self._channels == 4:  # WebP leaves out what is opaque
                samples = np.pad(samples, ((0, 0), (0, 0), (0, 1)), constant_values=255)
        else:
            samples = codecs.decode_by_tifffile(self._page, strip, block.number)
        if samples.ndim != 3 or samples.shape[-1] != self._channels:
            raise ImageRefused(
                f"damaged TIFF: a strip or tile of shape {samples.shape} "
                f"where {self._channels} channels are needed"
            )
        if samples.dtype.kind == "i":
            samples = samples.view(f"u{samples.itemsize}") & (2**storage.bits - 1)
        if samples.dtype.kind != storage.dtype.kind or samples.itemsize > storage.dtype.itemsize:
            raise ImageRefused(
                f"damaged TIFF: a strip or tile of {samples.dtype} where {storage.dtype} is needed"
            )
        narrow = storage.bits < 8 * samples.itemsize and not storage.floating
        if narrow and (highest := int(samples.max())) >= 2**storage.bits:
            raise ImageRefused(f"damaged TIFF: a sample of {highest} in {storage.bits} bits")
        return samples


def _cut(samples: Samples, rows: int, columns: int) -> Samples:
    if samples.shape[0] < rows or samples.shape[1] < columns:
        raise ImageRefused(
            f"damaged TIFF: a strip or tile of {samples.shape[0]}x{samples.shape[1]} pixels, "
            f"{rows}x{columns} are needed"
        )
    return samples[:rows, :columns]
