"""What files of several images have in common, whatever their format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from spectral_mae.extras import missing
from spectral_mae.images.decoding import Decoded, one_line
from spectral_mae.images.samples import ImageRefused


@dataclass(frozen=True, slots=True)
class Entry:
    """An image inside a file: small, picklable, and sufficient to find it again.

    Attributes
    ----------
    kind : str
        Name of the format, as in `kinds.KINDS`.
    label : str
        The selector that chooses this image alone; empty for the only image of a file.
    name : str
        The array, column or series that holds it.
    index : tuple of int or None
        Its position along each axis of an array, None along the axes of its pixels; or the number
        of a page, row or frame.
    channel_axis : int or None
        The axis of its channels.
    channel : int or None
        The one channel to read.
    """

    kind: str
    label: str
    name: str = ""
    index: tuple[int | None, ...] = ()
    channel_axis: int | None = None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The images that a selector chooses in a file.

    Attributes
    ----------
    entries : list of Entry
        At least one.
    passed_over : int
        Arrays of the file that hold no images.
    """

    entries: list[Entry]
    passed_over: int = 0


class Container(Protocol):
    """A file of several images that is open."""

    def find(self, selector: str | None) -> Found:
        """List the images that a selector chooses; nothing is decoded.

        Parameters
        ----------
        selector : str or None
            As a user wrote it; None chooses all images of the only array of images.

        Returns
        -------
        Found
            The images.

        Raises
        ------
        ValueError
            If it chooses none, or it is not clear which; the message begins with a verb, whose
            subject is the file.
        """

    def read(self, entry: Entry, max_pixels: int, *, color: bool, channel: int | None) -> Decoded:
        """Read one image.

        Parameters
        ----------
        entry : Entry
            As `find` returned it.
        max_pixels : int
            Larger images are refused before they are read.
        color, channel : optional
            As in `spectral_mae.read_image`.

        Returns
        -------
        Decoded
            Its pixels.

        Raises
        ------
        ImageRefused
            If it cannot be read.
        """

    def close(self) -> None:
        """Close the file."""


def package(module: str, what: str, name: str, extra: str) -> Any:
    """The module of an optional package.

    Parameters
    ----------
    module : str
        Name of the module as it is imported.
    what : str
        Name of the format that needs it.
    name : str
        Name of the package as people write it.
    extra : str
        The extra that installs it.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImageRefused
        If it is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise ImageRefused(missing(f"cannot be read: {what}", name, extra)) from None


@contextmanager
def refused(what: str) -> Iterator[None]:
    """Say in plain words what a library says of a damaged file: it may raise anything.

    Parameters
    ----------
    what : str
        Name of the format.

    Yields
    ------
    None

    Raises
    ------
    ImageRefused
        For every exception in the block but a missing file and a lack of memory.
    """
    try:
        yield
    except (ImageRefused, MemoryError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        text = one_line(str(error)) or type(error).__name__
        raise ImageRefused(f"cannot be read as {what}: {text}") from error
