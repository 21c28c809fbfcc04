"""References to images: small, picklable, and sufficient to read the image.

An image may be a file of its own, a member of an archive, some bytes of an array, or an entry of a
file of several images. Nothing is unpacked: members are read where they lie, and only as many bytes
of them as were listed.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Self, cast

import numpy as np

from spectral_mae.images.containers.container import Container, Entry
from spectral_mae.images.containers.kinds import open_container
from spectral_mae.images.containers.remote import read_remote
from spectral_mae.images.containers.selector import is_remote
from spectral_mae.images.decoding import Decoded, byte_limit, decode, one_line
from spectral_mae.images.image import LoadedImage, loaded, read_bytes
from spectral_mae.images.samples import ImageRefused, Raster, check_size

Coding = Literal["", "gz", "bz2", "xz"]
_OPENERS: dict[str, Callable[..., object]] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
_LOCAL_HEADER = struct.Struct("<4s22xHH")
KEPT_OPEN = 8


@dataclass(frozen=True, slots=True)
class ZipMember:
    """Where a member of a zip archive lies, as the archive's directory says."""

    name: str
    header: int
    method: int
    compressed: int
    size: int
    crc: int

    @classmethod
    def of(cls, info: zipfile.ZipInfo) -> Self:
        """Of an entry of the archive's directory."""
        return cls(
            info.filename,
            info.header_offset,
            info.compress_type,
            info.compress_size,
            info.file_size,
            info.CRC,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A stream of bytes: a file, what a compressed file expands to, or a member of a zip."""

    path: str
    coding: Coding = ""
    member: ZipMember | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """Bytes that are pixels already.

    Attributes
    ----------
    dtype : str
        As NumPy writes it: bool, uint8, uint16 or floating point.
    shape : tuple of int
        (H, W) or (H, W, channels); with ``planar`` (channels, H, W).
    planar : bool
    """

    dtype: str
    shape: tuple[int, ...]
    planar: bool = False

    @property
    def size(self) -> int:
        """Number of bytes of an image."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize

    def pixels(self, data: bytes, max_pixels: int, *, color: bool) -> LoadedImage:
        """Convert bytes to an image; integers are scaled to the range from 0 to 1.

        Parameters
        ----------
        data : bytes
            The samples in the order of ``shape``.
        max_pixels : int
            Larger images are refused.
        color : bool
            Keep colours.

        Returns
        -------
        LoadedImage
            Floating-point samples keep their values.
        """
        samples = np.frombuffer(data, self.dtype).reshape(self.shape)
        if self.planar:
            samples = np.moveaxis(samples, 0, -1)
        height, width = samples.shape[:2]
        check_size(height, width, max_pixels)
        notes: list[str] = []
        kind = Raster.floats if samples.dtype.kind == "f" else Raster.integers
        raster = kind(
            samples, alpha="straight" if self.shape[0 if self.planar else -1] == 4 else None
        )
        return loaded(Decoded(raster.pixels(notes, color=color), notes))


@dataclass(frozen=True, slots=True)
class ImageReference:
    """One image: where it is and what it is called.

    Attributes
    ----------
    title : str
        What tables and messages call it: a path, or ``ARCHIVE/MEMBER``, or ``ARRAY[INDEX]``.
    place : Place
    offset, size : int
        Its bytes there; a size of −1 means all.
    samples : Samples or None
        What its bytes are; None for a file in an image format.
    stamp : str
        Changes when the image does: size and time of a file, checksum in an archive.
    refusal : str
        Why it cannot be read, where listing it has told already.
    entry : Entry or None
        Which image of a file of several.
    """

    title: str
    place: Place
    offset: int = 0
    size: int = -1
    samples: Samples | None = None
    stamp: str = ""
    refusal: str = ""
    entry: Entry | None = None

    @property
    def name(self) -> str:
        """Last part of the title, as the name of a file."""
        return Path(self.title).name

    @property
    def is_file(self) -> bool:
        """Whether the image is a whole file in an image format."""
        plain = not self.place.coding and self.place.member is None and self.entry is None
        return plain and self.size < 0 and self.samples is None

    @property
    def is_numbered(self) -> bool:
        """Whether it is one of the images of an array, page or film, which have no names."""
        return self.samples is not None or (self.entry is not None and bool(self.entry.label))

    def fetch(self, files: OpenFiles, max_pixels: int) -> bytes:
        """Read the bytes of the image; none for what `decode` opens by itself.

        Parameters
        ----------
        files : OpenFiles
            Archives that are open.
        max_pixels : int
            Larger images are refused.

        Returns
        -------
        bytes
            Its contents.

        Raises
        ------
        ImageRefused
            If they cannot be read.
        """
        if self.refusal:
            raise ImageRefused(self.refusal)
        if self.entry is not None:
            return b""
        if self.is_file:
            remote = is_remote(self.place.path)
            return read_remote(self.place.path, byte_limit(max_pixels)) if remote else b""
        member = self.place.member
        size = member.size if member is not None and self.size < 0 else self.size
        if size > byte_limit(max_pixels):
            raise ImageRefused(
                f"too large: it expands to {size} bytes, and images of --max-pixels {max_pixels} "
                f"need {byte_limit(max_pixels)} at most"
            )
        try:
            with files.reading(self.place, keep=self.samples is not None) as stream:
                if self.offset or stream.tell():
                    stream.seek(self.offset)
                data = stream.read(size)
        except FileNotFoundError:
            raise ImageRefused("its archive is gone") from None
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ImageRefused(f"cannot be read: {one_line(reason)}") from error
        except _DAMAGE as error:
            raise ImageRefused(f"damaged in its archive: {one_line(str(error))}") from error
        if len(data) < size:
            raise ImageRefused(f"its archive ends too early: {len(data)} of {size} bytes")
        return data

    def decode(self, data: bytes, files: OpenFiles, max_pixels: int, *, color: bool) -> LoadedImage:
        """Convert the bytes of `fetch` to pixels.

        Parameters
        ----------
        data : bytes
            As `fetch` returned them.
        files : OpenFiles
            Files of several images that are open.
        max_pixels : int
            Larger images are refused.
        color : bool
            Keep colours.

        Returns
        -------
        LoadedImage
            The pixels.

        Raises
        ------
        ImageRefused
            If it is no image, or none that can be used.
        """
        if self.entry is not None:
            with files.container(self.entry.kind, self.place.path) as container:
                return loaded(container.read(self.entry, max_pixels, color=color, channel=None))
        if self.is_file and not is_remote(self.place.path):
            return loaded(decode(Path(self.place.path), max_pixels, color=color))
        if self.samples is not None:
            return self.samples.pixels(data, max_pixels, color=color)
        return read_bytes(data, color=color, max_pixels=max_pixels)


class OpenFiles:
    """Archives and arrays that stay open while their images are read, for one thread.

    A compressed archive is a stream: reading its members in order reads it once.
    """

    def __init__(self) -> None:
        self._open: dict[Place, BinaryIO] = {}
        self._containers: dict[tuple[str, str], Container] = {}

    @contextmanager
    def reading(self, place: Place, *, keep: bool) -> Iterator[BinaryIO]:
        """Open the stream of bytes of a place.

        Parameters
        ----------
        place : Place
            A file or a member of an archive.
        keep : bool
            Keep a member of a zip open for the next image.

        Yields
        ------
        binary file object
            The stream.
        """
        try:
            if place.member is None or keep:
                yield self._kept(place)
            else:
                yield _member_stream(self._kept(Place(place.path)), place.member)
        except BaseException:
            self.close()  # of what has failed the position is unknown
            raise

    @contextmanager
    def container(self, kind: str, path: str) -> Iterator[Container]:
        """Open a file of several images, or take it from those that are open.

        Parameters
        ----------
        kind : str
            Name of its format.
        path : str
            The file.

        Yields
        ------
        Container
            The open file.
        """
        key = (kind, path)
        try:
            container = self._containers.pop(key, None)
            if container is None:
                container = open_container(kind, path)
            self._containers[key] = container
            while len(self._containers) > KEPT_OPEN:
                self._containers.pop(next(iter(self._containers))).close()
            yield container
        except FileNotFoundError:
            raise ImageRefused("its file is gone") from None
        except ImageRefused:
            raise
        except BaseException:
            self.close()  # what has failed, or was stopped, may be at any position
            raise

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].close()
        while self._containers:
            self._containers.popitem()[1].close()

    def __del__(self) -> None:
        self.close()

    def _kept(self, place: Place) -> BinaryIO:
        stream = self._open.pop(place, None)
        if stream is None:
            stream = open_place(place)
        self._open[place] = stream  # the last used stands last
        while len(self._open) > KEPT_OPEN:
            self._open.pop(next(iter(self._open))).close()
        return stream


def open_place(place: Place) -> BinaryIO:
    """Open a new stream of the bytes of a place.

    Parameters
    ----------
    place : Place
        A file or a member of an archive.

    Returns
    -------
    binary file object
        The caller closes it.
    """
    if place.coding:
        return cast(BinaryIO, _OPENERS[place.coding](place.path, "rb"))
    file = Path(place.path).open("rb")  # noqa: SIM115 - closed by OpenFiles
    return file if place.member is None else _member_stream(file, place.member, owned=True)


def _member_stream(file: BinaryIO, member: ZipMember, *, owned: bool = False) -> BinaryIO:
    """The bytes of a member, without reading the archive's directory again.

    zipfile checks the length and the checksum against what the directory says of it.
    """
    file.seek(member.header)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
        raise zipfile.BadZipFile("no member where the directory says")
    _, name, extra = _LOCAL_HEADER.unpack(header)
    file.seek(member.header + _LOCAL_HEADER.size + name + extra)
    info = zipfile.ZipInfo(member.name)
    info.compress_type, info.compress_size = member.method, member.compressed
    info.file_size, info.CRC = member.size, member.crc
    return cast(BinaryIO, zipfile.ZipExtFile(file, "r", info, close_fileobj=owned))  # type: ignore[call-overload]
