"""Files that fsspec reaches: over HTTP, in object stores, on Hugging Face's hub, in memory.

Image files are read when it is their turn. Archives and files of several images, which are read in
many small parts, are copied once into a folder of this machine.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spectral_mae._files.atomic_file import replacing
from spectral_mae.images.containers.container import package
from spectral_mae.images.decoding import one_line
from spectral_mae.images.samples import ImageRefused

CACHE = "SPECTRAL_MAE_CACHE"  # environment variable that names the folder of copies
_WILD = frozenset("*?[")


def remote_files(url: str) -> list[str]:
    """The files that a URL stands for: itself, what a pattern matches, or all in a folder.

    Parameters
    ----------
    url : str
        With its protocol.

    Returns
    -------
    list of str
        URLs, sorted, without hidden names.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ImageRefused
        If it cannot be reached.
    """
    with _told(url):
        system, path = _opened(url)
        # A query of HTTP is no pattern.
        if _WILD.isdisjoint(url) or (url.startswith("http") and "*" not in url):
            if url.endswith("/") or (not posixpath.splitext(url)[1] and system.isdir(path)):
                found = system.find(path)
            else:
                return [url]
        else:
            found = [one for one in system.glob(path) if system.isfile(one)]
        shown = [one for one in found if not any(part[:1] == "." for part in one.split("/"))]
        named = [system.unstrip_protocol(one) for one in shown]
    if not named:
        raise FileNotFoundError(f"no file at {url!r}")
    return sorted(named)


def remote_stamp(url: str) -> str:
    """Text that changes when a file does, as far as its server says so.

    Parameters
    ----------
    url : str
        With its protocol.

    Returns
    -------
    str
        From its size, time and tag.
    """
    with _told(url):
        system, path = _opened(url)
        told = sorted((key, str(value)) for key, value in system.info(path).items())
    return hashlib.sha1(repr(told).encode(), usedforsecurity=False).hexdigest()[:16]


def read_remote(url: str, limit: int) -> bytes:
    """Read a file.

    Parameters
    ----------
    url : str
        With its protocol.
    limit : int
        Most bytes that it may have.

    Returns
    -------
    bytes
        Its contents.

    Raises
    ------
    ImageRefused
        If it cannot be read, or is larger.
    """
    with _told(url):
        system, path = _opened(url)
        with system.open(path, "rb") as file:
            data: bytes = file.read(limit + 1)
    if len(data) > limit:
        raise ImageRefused(f"too large: more than {limit} bytes; a larger --max-pixels allows them")
    return data


def local_copy(url: str, stamp: str) -> Path:
    """Copy a file to this machine, unless that was done before.

    Parameters
    ----------
    url : str
        With its protocol.
    stamp : str
        As `remote_stamp` returns it.

    Returns
    -------
    pathlib.Path
        The copy, in the folder that the environment variable ``SPECTRAL_MAE_CACHE`` names, or in
        the user's folder of caches.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spectral-mae"
    folder = Path(os.environ.get(CACHE) or home)
    key = hashlib.sha1(f"{url}\n{stamp}".encode(), usedforsecurity=False).hexdigest()[:16]
    target = folder / key / posixpath.basename(url.partition("?")[0].rstrip("/"))
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with _told(url):
            system, path = _opened(url)
            with (
                replacing(target) as beside,
                system.open(path, "rb") as file,
                beside.open("wb") as copy,
            ):
                shutil.copyfileobj(file, copy, 2**20)
    return target


def _opened(url: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    protocol = f"{url.partition('://')[0]}://"
    fsspec = package("fsspec.core", protocol, "fsspec", "remote")
    system, path = fsspec.url_to_fs(url)
    return system, path


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Name the URL where it cannot be reached."""
    try:
        yield
    except (ImageRefused, MemoryError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"no file at {url!r}") from None
    except Exception as error:  # of each protocol's own library
        text = one_line(str(error)) or type(error).__name__
        raise ImageRefused(f"{url!r} cannot be read: {text}") from error
