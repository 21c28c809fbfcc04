"""Images from many files, in batches of one shape each, for fitting models."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae.images.cropping import crop_to_multiple, resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.reader import Reader, title_of
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused

BATCH_BYTES = 32 * 2**20
Source = TypeVar("Source")


@dataclass(frozen=True)
class StreamOptions:
    """How files become images.

    Attributes
    ----------
    size : int or None
        Side of the square images; None keeps the pixels of each file.
    crops : int
        0: the shorter side is resized to ``size`` and the middle cropped. Else so many random
        crops of the pixels as they are.
    color : bool
    max_pixels : int
        Larger files are refused.
    rng : int
        Seed of the crops, at least 0. What is cropped from a file depends on it and on the name of
        the file only, so that a run can be resumed: a generator is refused.
    multiple : int
        Without a size, the middle is cropped to a multiple of so many pixels along each axis.
    """

    size: int | None = 224
    crops: int = 0
    color: bool = False
    max_pixels: int = 50_000_000
    rng: int = 0
    multiple: int = 1

    def __post_init__(self) -> None:
        if self.size is not None:
            _checks.positive_int("size", self.size)
        elif self.crops:
            raise ValueError(f"crops={self.crops} with size=None: crops need a size")
        _checks.positive_int("max_pixels", self.max_pixels)
        _checks.positive_int("multiple", self.multiple)
        if self.crops < 0:
            raise ValueError(f"crops={self.crops} is negative")
        _checks.run_seed(self.rng)


class ImageStream:
    """Reads files one after the other; says what it read and what it could not.

    Parameters
    ----------
    options : StreamOptions
    reader : Reader or None
        None makes one of the options.

    Attributes
    ----------
    failed : dict
        Why, by name.
    enlarged : list of str
        Images that were smaller than ``size``.
    n_files, n_images : int
        What was read so far.
    """

    def __init__(self, options: StreamOptions, reader: Reader | None = None) -> None:
        self.options = options
        self.reader = Reader(options.color, options.max_pixels) if reader is None else reader
        self.failed: dict[str, str] = {}
        self.enlarged: list[str] = []
        self.n_files = self.n_images = 0

    def batches(self, paths: Iterable[Path | ImageReference]) -> Iterator[NDArray[np.float64]]:
        """Read files and yield their images in batches of some tens of megabytes.

        Parameters
        ----------
        paths : iterable of pathlib.Path or ImageReference
            The files.

        Yields
        ------
        ndarray of float64, shape (n, height, width) or (n, height, width, 3)
            Images of one shape; samples of integer files are from 0 to 1. Where files keep their
            pixels, each shape has batches of its own.
        """
        waiting: dict[tuple[int, ...], list[NDArray[np.float64]]] = {}
        for path in paths:
            try:
                read = self._read(path)
            except (ImageRefused, MemoryError) as refusal:
                self.failed[title_of(path)] = str(refusal) or "not enough memory"
                continue
            self.n_files += 1
            alike = waiting.setdefault(read[0].shape, [])
            alike += read
            limit = max(1, BATCH_BYTES // read[0].nbytes)
            while len(alike) >= limit:
                yield self._counted(alike[:limit])
                del alike[:limit]
        for alike in waiting.values():
            if alike:
                yield self._counted(alike)

    def _counted(self, batch: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        self.n_images += len(batch)
        return np.stack(batch)

    def _read(self, path: Path | ImageReference) -> list[NDArray[np.float64]]:
        options = self.options
        image = self.reader.read(path)
        if options.size is None:
            return [crop_to_multiple(image, options.multiple).pixels]
        if not options.crops:
            if min(image.source_shape) < options.size:
                self.enlarged.append(title_of(path))
            return [resize_and_crop(image, options.size).pixels]
        return _random_crops(image, path, options.size, options)


def split_held_out(
    paths: Sequence[Source], share: float, rng: int
) -> tuple[list[Source], list[Source]]:
    """Split files at random into training and held-out files.

    Parameters
    ----------
    paths : sequence of pathlib.Path or ImageReference
        The files.
    share : float
        Fraction that is held out, from 0 to 1.
    rng : int
        Seed of the draw, at least 0.

    Returns
    -------
    training, held_out : list
        The files of each part.

    Raises
    ------
    ValueError
        If either part would be empty, unless ``share`` is 0.
    """
    if not 0 <= share < 1:
        raise ValueError(f"holdout={share} is not at least 0 and below 1")
    n = round(share * len(paths))
    if share > 0 and not 1 <= n <= len(paths) - 1:
        raise ValueError(
            f"holdout={share} of {len(paths)} images holds {n} out; give more images, or holdout 0"
        )
    order = np.random.default_rng(rng).permutation(len(paths))
    held_out = set(order[:n].tolist())
    return (
        [path for i, path in enumerate(paths) if i not in held_out],
        [path for i, path in enumerate(paths) if i in held_out],
    )


def _random_crops(
    image: LoadedImage, path: Path | ImageReference, size: int, options: StreamOptions
) -> list[NDArray[np.float64]]:
    height, width = image.pixels.shape[:2]
    if min(height, width) < size:
        raise ImageRefused(f"too small for crops of {size}x{size}: {height}x{width}")
    rng = np.random.default_rng([options.rng, zlib.crc32(path.name.encode())])
    top = rng.integers(0, height - size + 1, options.crops)
    left = rng.integers(0, width - size + 1, options.crops)
    return [
        image.pixels[row : row + size, column : column + size].copy()
        for row, column in zip(top.tolist(), left.tolist(), strict=True)
    ]
