"""Images in arrays: npy and npz files, and the binary batches of CIFAR-10 and CIFAR-100.

No pickle is ever read: not in arrays of objects, and not the version of CIFAR "for Python".
"""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from spectral_mae.images.references import ImageReference, Place, Samples, ZipMember, open_place

CIFAR_10, CIFAR_100 = 3073, 3074  # bytes of a record: labels, then 3 planes of 32 × 32
_CHANNELS = (1, 3, 4)
_PICKLED_BATCHES = frozenset(
    {"test_batch", "batches.meta", *(f"data_batch_{i}" for i in range(1, 6))}
)


def list_npy(path: Path, title: str, stamp: str) -> list[ImageReference]:
    """List the images in an npy file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    title : str
        Its name for messages and tables.
    stamp : str
        Text that changes when the file does.

    Returns
    -------
    list of ImageReference
        One for each image.

    Raises
    ------
    ValueError
        If it is no array, or not one of images.
    """
    found = _array(Place(str(path)), title, stamp)
    if isinstance(found, str):
        raise ValueError(f"{title!r} {found}")  # noqa: TRY004 - of the file, not of an argument
    return found


def store(array: NDArray[Any], path: Path, title: str) -> list[ImageReference]:
    """Write an array to an npy file, and list its images.

    Raises
    ------
    ValueError
        If it is not one of images.
    """
    whole = np.ascontiguousarray(array)
    np.save(path, whole, allow_pickle=False)
    return list_npy(path, title, f"{zlib.crc32(whole.data):08x}")


def list_npz(path: Path, title: str) -> tuple[list[ImageReference], int]:
    """List the images in the arrays of an npz file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    title : str
        Its name for messages and tables.

    Returns
    -------
    references : list of ImageReference
        One for each image.
    n_others : int
        Number of arrays that hold no images.

    Raises
    ------
    ValueError
        If it is no file of arrays, or none holds images.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{title!r} cannot be read as an npz file: {error}") from error
    references: list[ImageReference] = []
    others: list[str] = []
    for member in members:
        place = ZipMember.of(member)
        key = member.filename.removesuffix(".npy")
        stamp = f"{member.file_size}:{member.CRC:08x}"
        found = _array(Place(str(path), member=place), f"{title}/{key}", stamp)
        if isinstance(found, str):
            others.append(f"{key!r} {found}")
        else:
            references += found
    if not references:
        raise ValueError(f"{title!r} holds no images: {'; '.join(others) or 'it is empty'}")
    return references, len(others)


def list_cifar(path: Path, title: str, stamp: str) -> list[ImageReference]:
    """List the images in a binary batch of CIFAR-10 or CIFAR-100.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    title : str
        Its name for messages and tables.
    stamp : str
        Text that changes when the file does.

    Returns
    -------
    list of ImageReference
        One for each image.

    Raises
    ------
    ValueError
        If the length of the file is that of neither.
    """
    size = path.stat().st_size
    if not is_cifar(size):
        raise ValueError(
            f"{title!r} is no binary batch of CIFAR: {size} bytes are a multiple of neither "
            f"{CIFAR_10} nor {CIFAR_100}"
        )
    return list(cifar_records(Place(str(path)), title, stamp, size))


def is_cifar(size: int) -> bool:
    """Whether the size of a file is that of a binary batch of CIFAR-10 or CIFAR-100.

    Parameters
    ----------
    size : int
        Bytes of the file.

    Returns
    -------
    bool
        True if it may be a batch.
    """
    return size > 0 and (size % CIFAR_10 == 0 or size % CIFAR_100 == 0)


def cifar_records(
    place: Place, title: str, stamp: str, size: int, first: int = 0
) -> Iterator[ImageReference]:
    """The records of a batch that begins at byte ``first``."""
    both = size % CIFAR_10 == 0 and size % CIFAR_100 == 0
    hundred = PurePosixPath(title).name in ("train.bin", "test.bin") if both else size % CIFAR_10
    record = CIFAR_100 if hundred else CIFAR_10
    samples = Samples("|u1", (3, 32, 32), planar=True)
    for number in range(size // record):
        offset = first + (number + 1) * record - samples.size
        yield ImageReference(f"{title}[{number}]", place, offset, samples.size, samples, stamp)


def looks_pickled(name: str) -> bool:
    """Whether a file name is that of a pickle, or of a batch of CIFAR "for Python".

    Parameters
    ----------
    name : str
        Name of the file.

    Returns
    -------
    bool
        True if the file should not be opened.
    """
    path = PurePosixPath(name)
    batches = any(part.endswith(("-py", "-python")) for part in path.parts[:-1])
    return batches or path.name in _PICKLED_BATCHES or path.suffix in (".pkl", ".pickle")


def pickled(title: str, name: str) -> str:
    """Return the message for a pickle, with what to use in its place.

    Parameters
    ----------
    title : str
        The file, for the message.
    name : str
        Name of the file.

    Returns
    -------
    str
        A sentence.
    """
    return (
        f"{title!r} holds pickles ({name}), which are never read; of CIFAR take the binary "
        "version: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz, as it is"
    )


def _array(place: Place, title: str, stamp: str) -> list[ImageReference] | str:
    """References to the images of an array, or why there is none."""
    try:
        with open_place(place) as stream:
            shape, fortran, dtype = _header(stream)
            first = stream.tell()
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return f"is no array: {' '.join(str(error).split())}"
    if dtype.kind not in "fbu" or dtype.itemsize > (2 if dtype.kind == "u" else 8):
        pickles = " (pickles are never read)" if dtype.hasobject else ""
        return f"holds {dtype}{pickles}; images are bool, uint8, uint16 or floating point"
    if fortran and len(shape) > 1:
        return "is in Fortran order; save np.ascontiguousarray of it"
    one = shape[-1:] != () and shape[-1] in _CHANNELS
    n_axes = len(shape) - one
    if n_axes not in (2, 3) or min(shape) == 0:
        return (
            f"of {shape=} holds no images; images are (n, H, W), (n, H, W, channels) or one "
            "(H, W) or (H, W, channels), with 1, 3 or 4 channels"
        )
    samples = Samples(dtype.str, shape if n_axes == 2 else shape[1:])
    if n_axes == 2:
        return [ImageReference(title, place, first, samples.size, samples, stamp)]
    return [
        ImageReference(
            f"{title}[{number}]", place, first + number * samples.size, samples.size, samples, stamp
        )
        for number in range(shape[0])
    ]


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        version = npy.read_magic(stream)
        if version == (1, 0):
            return npy.read_array_header_1_0(stream)
        if version == (2, 0):
            return npy.read_array_header_2_0(stream)
        raise ValueError(f"version {version} of the npy format is not handled")
