"""References to the images that a named file is or holds."""

from __future__ import annotations

import zlib
from pathlib import Path

from spectral_mae.images import archives, arrays
from spectral_mae.images.archives import Listing
from spectral_mae.images.containers.kinds import Kind, open_container
from spectral_mae.images.containers.selector import MARK, Selector, positions
from spectral_mae.images.containers.single import container_kind
from spectral_mae.images.references import ImageReference, Place


def contents(path: str, title: str, selector: str | None, stamp: str) -> Listing:
    """List the images that a named file is or holds.

    Parameters
    ----------
    path : str
        The file; a Zarr store may be a folder or a URL.
    title : str
        Its name for messages and tables.
    selector : str or None
        What chooses images in it.
    stamp : str
        Text that changes when the file does.

    Returns
    -------
    Listing
        References to the images.

    Raises
    ------
    ValueError
        If it cannot be read, or holds no such image.
    """
    kind = container_kind(path, selector)
    if kind is not None:
        try:
            return contained(kind, path, title, selector, stamp)
        except ValueError as error:
            raise ValueError(f"{title!r} {error}") from error
    file = Path(path)
    if archives.archive_ending(file):
        listing = archives.list_archive(file, title)
        return listing if selector is None else _with_extension(listing, title, selector)
    suffix = file.suffix.lower()
    listing = Listing()
    if suffix == ".npz":
        listing.references, listing.passed_over = arrays.list_npz(file, title)
    elif suffix in (".npy", ".bin") and file.is_file():
        read = arrays.list_npy if suffix == ".npy" else arrays.list_cifar
        listing.references = read(file, title, stamp)
    elif selector is not None:
        raise ValueError(f"{title!r} is one image: there is nothing to choose with ::{selector}")
    elif arrays.looks_pickled(file.name):
        raise ValueError(arrays.pickled(title, file.name))
    else:
        listing.references = [ImageReference(title, Place(path), stamp=stamp)]
    if selector is not None:
        try:
            listing.references = _of_arrays(listing.references, title, selector)
        except ValueError as error:
            raise ValueError(f"{title!r} {error}") from error
    return listing


def contained(kind: Kind, path: str, title: str, selector: str | None, stamp: str) -> Listing:
    """List the images of a file of several.

    Parameters
    ----------
    kind : Kind
        Its format.
    path, title, selector, stamp : optional
        As of `contents`.

    Returns
    -------
    Listing
        References to the images.

    Raises
    ------
    ValueError
        If it holds no such image. The message begins with a verb, whose subject is the file.
    """
    container = open_container(kind.name, path)
    try:
        found = container.find(selector)
    finally:
        container.close()
    references = [
        ImageReference(
            f"{title}{MARK}{entry.label}" if entry.label else title,
            Place(path),
            stamp=stamp,
            entry=entry,
        )
        for entry in found.entries
    ]
    return Listing(references, found.passed_over)


def folder_stamp(path: Path) -> str:
    """Text that changes when a file in a folder does.

    Parameters
    ----------
    path : pathlib.Path
        The folder.

    Returns
    -------
    str
        From the names, sizes and times of all files.
    """
    total = 0
    for file in sorted(path.rglob("*")):
        status = file.stat()
        total = zlib.crc32(f"{file}:{status.st_size}:{status.st_mtime_ns}".encode(), total)
    return f"{total:08x}"


def _with_extension(listing: Listing, title: str, selector: str) -> Listing:
    """The members whose names end so after their first dot, which is how WebDataset calls them."""
    wanted = {f".{one.strip().lower().lstrip('.')}" for one in selector.split(";")}
    references = [
        one for one in listing.references if one.refusal or _extension(one.title) in wanted
    ]
    if not any(not one.refusal for one in references):
        there = sorted({_extension(one.title).lstrip(".") for one in listing.references})
        raise ValueError(f"{title!r} holds no {selector}; its images are {', '.join(there)}")
    others = len(listing.references) - len(references)
    return Listing(references, listing.passed_over + others, listing.pickles)


def _extension(title: str) -> str:
    """What follows the key of a sample: of ``x/0001.seg.png`` it is ``.seg.png``."""
    name = title.rpartition("/")[2]
    return name[name.find(".") :].lower() if "." in name else ""


def _of_arrays(references: list[ImageReference], title: str, selector: str) -> list[ImageReference]:
    """Images of an npz, npy or CIFAR file, by the name of the array and their number in it."""
    names = list(dict.fromkeys(_array_name(one, title) for one in references))
    chosen = Selector.parse(selector, names.__contains__)
    chosen.check_options("every")
    if chosen.name and chosen.name not in names:
        raise ValueError(f"holds no images in {chosen.name!r}; it holds {', '.join(names)}")
    found = [one for one in references if chosen.name in ("", _array_name(one, title))]
    if len(chosen.index) > 1:
        raise ValueError(f"needs one number between brackets, not {len(chosen.index)}")
    if chosen.index:
        found = [found[at] for at in positions(chosen.index[0], len(found), "images")]
    return chosen.thinned(found)


def _array_name(reference: ImageReference, title: str) -> str:
    return reference.title.removeprefix(title).lstrip("/").partition("[")[0]
