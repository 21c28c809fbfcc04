"""Arrays by name in npz files, without pickles, whose large arrays can be mapped into memory.

An npz file is a zip archive with an npy file for each array. Nothing in it is compressed, so an
array is a range of bytes of the file. The ranges begin at multiples of 64 bytes, as linear algebra
wants its matrices.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import _checks

ALIGNED = 64  # bytes; the header of an npy file fills as many
MAPPED = 2**20  # bytes from which on an array is mapped rather than read
CHUNK = 2**20
# Of a zip archive: the fixed part of a local header, where its lengths of name and extra field
# stand, what the sizes of 64 bits add to the extra field, and the mark of a field of padding.
HEADER = 30
LENGTHS = slice(26, 30)
LONG_SIZES = 20
PADDING = 0xD935


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Any]) -> None:
    """Write named arrays to an npz file of exactly this name.

    Parameters
    ----------
    path : str or path-like
        File to write.
    arrays : mapping of str to array_like
        The arrays; none may hold objects.
    """
    with Path(_checks.path("path", path)).open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            info = zipfile.ZipInfo(f"{name}.npy")
            info.external_attr = 0o600 << 16
            filled = file.tell() + HEADER + len(info.filename.encode()) + LONG_SIZES + 4
            n = -filled % ALIGNED
            info.extra = struct.pack("<HH", PADDING, n) + bytes(n)
            with archive.open(info, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def arrays_below(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with ``prefix``, by what follows it.

    Examples
    --------
    >>> arrays_below("a/", {"a/x": np.array(1), "b/x": np.array(2)})
    {'x': array(1)}
    """
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def read_arrays(path: str | os.PathLike[str], *, mapped: bool = False) -> dict[str, NDArray[Any]]:
    """Read an npz file; nothing in it is executed.

    Parameters
    ----------
    path : str or path-like
        File to read.
    mapped : bool
        Map arrays of 1 MiB and more into memory, so that the parts that are used are read when they
        are. Their checksums are looked at before. What is written to them stays in memory. The file
        must stay as it is while they are used: it may be removed or replaced by another, where
        the operating system allows that, but not written over.

    Returns
    -------
    dict of str to ndarray
        The arrays by name.

    Raises
    ------
    ValueError
        If it is not a file of arrays, or is cut short or damaged.
    """
    path = _checks.path("path", path)
    try:
        # Opened here, for NumPy does not close a file that is no zip archive.
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            found = dict.fromkeys(file.files)
            if mapped:
                found |= _large(path, file.zip)
            return {name: file[name] if a is None else a for name, a in found.items()}
    except (AttributeError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
        # What NumPy says of pickles is an advice to trust the file.
        reason = "no npz file, or one with objects" if "pickle" in str(error) else str(error)
        if "context manager" in reason:
            reason = "an npy file, which holds one array; arrays by name are in npz files"
        if "not a zip file" in reason:  # it begins like one, or NumPy would not have tried
            reason = "its end is missing, as of a file that was cut short"
        raise ValueError(f"{path!r} is not a file of arrays: {reason}") from error


def _large(path: str, archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    """The large arrays of an archive that are not compressed, as maps of the file."""
    return {
        info.filename.removesuffix(".npy"): _map(path, archive, info)
        for info in archive.infolist()
        if info.filename.endswith(".npy")
        and info.compress_type == zipfile.ZIP_STORED
        and info.file_size >= MAPPED
    }


def _map(path: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:
            raise ValueError(f"{info.filename} is of the unknown npy version {version}")
        shape, fortran_order, dtype = read(member)
        before = member.tell()
        while member.read(CHUNK):  # at the end the checksum is compared
            pass
    if dtype.hasobject:
        raise ValueError("pickled objects")
    n_bytes = math.prod(shape) * dtype.itemsize
    if info.file_size - before != n_bytes:
        raise ValueError(
            f"{info.filename} holds {info.file_size - before} bytes, and an array of {n_bytes}"
        )
    with Path(path).open("rb") as file:
        file.seek(info.header_offset)
        lengths = struct.unpack("<HH", file.read(HEADER)[LENGTHS])
    offset = info.header_offset + HEADER + sum(lengths) + before
    return np.memmap(path, dtype, "c", offset, shape, "F" if fortran_order else "C")
