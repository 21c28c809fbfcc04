"""List the contents of zip and tar archives without unpacking them.

Of each archive only regular members count: no links, no devices, no names that would point out of
it, nothing hidden, no archives inside. What is not an image is passed over and counted.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from spectral_mae.images import arrays
from spectral_mae.images.formats import SUFFIXES
from spectral_mae.images.references import Coding, ImageReference, Place, ZipMember

TAR_CODINGS: dict[str, Coding] = {
    ".tar": "",
    ".tar.gz": "gz",
    ".tgz": "gz",
    ".tar.bz2": "bz2",
    ".tbz2": "bz2",
    ".tar.xz": "xz",
    ".txz": "xz",
}
_ENCRYPTED = 0x1


@dataclass
class Listing:
    """What a file holds: references, and how many other members it has."""

    references: list[ImageReference] = field(default_factory=list)
    passed_over: int = 0
    pickles: list[str] = field(default_factory=list)


def archive_ending(path: Path) -> str:
    """Return the ending of a file name that marks an archive.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        Empty if the file is no archive.
    """
    name = path.name.lower()
    return next((end for end in (".zip", *TAR_CODINGS) if name.endswith(end)), "")


def list_archive(path: Path, title: str) -> Listing:
    """List the images in an archive, sorted by name; in a compressed tar in stored order.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    title : str
        Its name for messages and tables.

    Returns
    -------
    Listing
        References to the images.

    Raises
    ------
    ValueError
        If it is no archive, or holds no image.
    """
    ending = archive_ending(path)
    found = (
        _list_zip(path, title) if ending == ".zip" else _list_tar(path, title, TAR_CODINGS[ending])
    )
    if not found.references:
        raise ValueError(_nothing_in(title, found))
    return found


def _list_zip(path: Path, title: str) -> Listing:
    found = Listing()
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.filename)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ValueError(f"{title!r} cannot be read as a zip archive: {error}") from error
    for member in members:
        if member.is_dir():
            continue
        kind = _kind(member.filename)
        if kind != "image":
            _pass_over(found, member.filename)
            continue
        place = ZipMember.of(member)
        encrypted = "encrypted in its archive" if member.flag_bits & _ENCRYPTED else ""
        found.references.append(
            ImageReference(
                f"{title}/{member.filename}",
                Place(str(path), member=place),
                stamp=f"{member.file_size}:{member.CRC:08x}",
                refusal=encrypted,
            )
        )
    return found


def _list_tar(path: Path, title: str, coding: Coding) -> Listing:
    found, place = Listing(), Place(str(path), coding)
    last = ""
    try:
        for member in _tar_members(path):
            last = member.name
            if member.isdir():
                continue
            kind = _kind(member.name) if member.isreg() and not member.issparse() else ""
            name = f"{title}/{member.name}"
            stamp = f"{member.size}:{int(member.mtime)}:{member.chksum}"
            if kind == "image":
                found.references.append(
                    ImageReference(name, place, member.offset_data, member.size, stamp=stamp)
                )
            elif kind == "cifar" and arrays.is_cifar(member.size):
                found.references += arrays.cifar_records(
                    place, name, stamp, member.size, first=member.offset_data
                )
            else:
                _pass_over(found, member.name)
    except (tarfile.TarError, EOFError, zlib.error, LZMAError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if not found.references:
            raise ValueError(f"{title!r} cannot be read as a tar archive: {error}") from error
        reason = f"the archive is damaged behind {last!r}: {error}"
        found.references.append(ImageReference(title, place, refusal=reason))
    if not coding:
        found.references.sort(key=lambda reference: reference.title)
    return found


def _tar_members(path: Path) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(path, "r:*", errorlevel=2) as archive:
        while (member := archive.next()) is not None:
            yield member
            archive.members = []  # type: ignore[attr-defined]  # tarfile would remember them all


def _kind(name: str) -> str:
    """``image``, ``cifar``, or nothing: what is hidden, leads out of the archive or is neither."""
    parts = PurePosixPath(name).parts
    strange = name.startswith("/") or "\\" in name or ".." in parts or "__MACOSX" in parts
    if not parts or strange or any(part.startswith(".") for part in parts):
        return ""
    suffix = PurePosixPath(name).suffix.lower()
    return "image" if suffix in SUFFIXES else "cifar" if suffix == ".bin" else ""


def _pass_over(found: Listing, name: str) -> None:
    found.passed_over += 1
    if arrays.looks_pickled(name):
        found.pickles.append(name)


def _nothing_in(title: str, found: Listing) -> str:
    if found.pickles:
        return arrays.pickled(title, found.pickles[0])
    return (
        f"{title!r} holds no images: {found.passed_over} other members, of which none has the "
        "ending of an image file (.png, .jpg, .tif and others) or is a binary batch of CIFAR"
    )
