"""The only image that a path stands for, where it is not an image file on this machine."""

from __future__ import annotations

from pathlib import Path

from spectral_mae.images.containers.container import Container, Entry
from spectral_mae.images.containers.kinds import (
    KINDS,
    Kind,
    is_paged,
    kind_of,
    kind_of_folder,
    open_container,
)
from spectral_mae.images.containers.remote import local_copy, read_remote, remote_stamp
from spectral_mae.images.containers.selector import is_remote, split_selector
from spectral_mae.images.decoding import Decoded, byte_limit, decode_bytes
from spectral_mae.images.samples import ImageRefused

_NAMED = 3


def container_kind(path: str, selector: str | None) -> Kind | None:
    """The format of a file or folder, if it holds several images of which some are chosen.

    Parameters
    ----------
    path : str
        A path or URL.
    selector : str or None
        What stood behind it; pages of a TIFF are looked at only where some are chosen.

    Returns
    -------
    Kind or None
        None for all other files.
    """
    kind = kind_of(path)
    if kind is None and selector is not None and is_paged(path):
        return KINDS["TIFF"]
    if kind is None and not is_remote(path) and Path(path).is_dir():
        return kind_of_folder(Path(path))
    return kind


def decode_single(
    given: str, max_pixels: int, *, color: bool, channel: int | None
) -> Decoded | None:
    """Decode the only image of a path that is a URL, has a selector, or holds several images.

    Parameters
    ----------
    given : str
        A path, with or without ``::`` and a selector, or a URL.
    max_pixels : int
        Larger images are refused.
    color, channel : optional
        As in `spectral_mae.read_image`.

    Returns
    -------
    Decoded or None
        None for an image file on this machine.

    Raises
    ------
    ImageRefused
        If it holds no image, or several of which none is chosen.
    """
    path, selector = split_selector(given)
    kind = container_kind(path, selector)
    remote = is_remote(path)
    if kind is None and selector is not None:
        raise ImageRefused(f"there is nothing to choose in it with ::{selector}")
    try:
        if kind is None:
            if not remote:
                return None
            data = read_remote(path, byte_limit(max_pixels))
            return decode_bytes(data, max_pixels, color=color, channel=channel)
        if remote and kind.name != "Zarr":
            path = str(local_copy(path, remote_stamp(path)))
        container = open_container(kind.name, path)
    except FileNotFoundError:
        raise ImageRefused("no such file") from None
    try:
        entry = _only(container, selector)
        return container.read(entry, max_pixels, color=color, channel=channel)
    finally:
        container.close()


def _only(container: Container, selector: str | None) -> Entry:
    try:
        entries = container.find(selector).entries
    except ImageRefused:
        raise
    except ValueError as error:
        raise ImageRefused(str(error)) from error
    if len(entries) > 1:
        shown = ", ".join(f"::{entry.label}" for entry in entries[:_NAMED])
        raise ImageRefused(f"holds {len(entries)} images; choose one: {shown}, ...")
    return entries[0]
