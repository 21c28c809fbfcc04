"""Find the images of a run: files, folders, patterns, lists, archives and arrays."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae.images import archives, arrays, files
from spectral_mae.images.containers.contents import contained, contents, folder_stamp
from spectral_mae.images.containers.kinds import kind_of
from spectral_mae.images.containers.remote import local_copy, remote_files, remote_stamp
from spectral_mae.images.containers.selector import braces_expanded, is_remote, split_selector
from spectral_mae.images.containers.single import container_kind
from spectral_mae.images.files import BUILTIN, AnyPath
from spectral_mae.images.formats import SUFFIXES
from spectral_mae.images.references import ImageReference, Place

LIST_MARK = "@"
STANDARD_INPUT = frozenset({"-", "@-"})
STREAMS = (("/", "dev"), ("/", "proc"))  # beginnings of the names of what a process has open


# What functions on many images take: a path, an array, or a list of these.
Images = AnyPath | ArrayLike | Sequence[AnyPath | ArrayLike]


@dataclass(frozen=True, slots=True)
class FoundSources:
    """Images that were found.

    Attributes
    ----------
    references : tuple of ImageReference
    passed_over : int
        Other files in folders, and members of archives.
    given : tuple of str
        What was asked for, in words.
    """

    references: tuple[ImageReference, ...]
    passed_over: int
    given: tuple[str, ...]

    def drawn(self, n: int, rng: int) -> FoundSources:
        """Return so many of the images, drawn at random, in their order.

        Parameters
        ----------
        n : int
            Images, at least 1; all where there are no more.
        rng : int
            Seed of the draw.

        Returns
        -------
        FoundSources
            Of the same sources.
        """
        if n >= len(self.references):
            return self
        chosen = np.sort(np.random.default_rng(rng).permutation(len(self.references))[:n])
        return replace(self, references=tuple(self.references[i] for i in chosen.tolist()))


def image_list(images: Images) -> list[AnyPath | ArrayLike]:
    """A list of paths and arrays, of which one may have come alone.

    Examples
    --------
    >>> image_list("photo.png"), image_list(["a.png", "b.png"])
    (['photo.png'], ['a.png', 'b.png'])
    """
    if isinstance(images, str | os.PathLike) or not isinstance(images, Iterable):
        return [images]
    return [images] if hasattr(images, "__array__") else list(images)


def find_sources(
    paths: Sequence[AnyPath | ArrayLike],
    *,
    output: AnyPath | None = None,
    scratch: AnyPath | None = None,
) -> FoundSources:
    """List the images that files, folders, patterns, lists, archives and arrays stand for.

    Parameters
    ----------
    paths : sequence of path
        Files, taken whatever their name; folders, searched to their depths for the endings in
        ``SUFFIXES``, each folder's files before its subfolders, sorted, without hidden names and
        without following links to folders; patterns with ``*``, ``?``, ``[...]`` and ``**``, whose
        matches are treated as if they had been given; ``builtin:NAME`` for one of
        `builtin_images` and ``builtin:`` for all. By name or pattern also zip and tar archives
        (images by name), npy and npz files, and CIFAR's binary batches (``.bin``); ``@FILE`` is a
        list of any of these, one a line or each ended by a NUL character, from the folder of the
        list. A file met twice keeps its first place.
        ``-`` and ``@-`` are the list on standard input: from the working directory, as are lists
        that come through a pipe. Folders are searched for image files,
        and for files of FITS, NIfTI and MRC.
        Files of many images and URLs are read too; ``::`` and a selector behind a path choose
        images inside, such as ``scan.h5::/raw[3]``.
        Also arrays (n, H, W), (n, H, W, channels), or of one image, as in npy files; their
        images are called ``images[INDEX]``, or ``images[i][INDEX]`` where several were given.
    output : path or None
        Where the run writes: what lies there is no input.
    scratch : path or None
        A folder for the pixels of arrays, which references read there.

    Raises
    ------
    FileNotFoundError
        If one of ``paths`` stands for nothing.
    ValueError
        If one cannot be read as what its name says, or is the output.

    Examples
    --------
    >>> found = find_sources(["builtin:cat", "builtin:moon", "builtin:cat"])
    >>> [reference.title for reference in found.references]
    ['builtin:cat', 'builtin:moon']
    """
    if isinstance(paths, str | os.PathLike):
        raise TypeError(f"paths={os.fspath(paths)!r} is one path; give a list of paths")
    search = _Search(None if output is None else os.path.realpath(output))
    words = []
    for number, given in enumerate(paths):
        if isinstance(given, str | os.PathLike):
            search.take(os.fspath(given))
            words.append(str(given))
            continue
        if scratch is None:
            raise TypeError(f"{_checks.brief(given)} is no path")
        title = "images" if len(paths) == 1 else f"images[{number}]"
        array = _checks.plain_array(title, given)
        search.references += arrays.store(array, Path(scratch, f"{number}.npy"), title)
        words.append(f"{title} of shape {array.shape}")
    return FoundSources(tuple(search.references), search.passed_over, tuple(words))


class _Search:
    """What was found so far; a file met twice keeps its first place."""

    def __init__(self, output: str | None) -> None:
        self.output = output
        self.references: list[ImageReference] = []
        self._taken: set[tuple[str, str | None]] = set()
        self._others: set[str] = set()
        self._real_folders: dict[str, str] = {}
        self._members = 0
        self._input_read = False
        self._builtin = {
            str(path): f"{BUILTIN}{name}" for name, path in files.builtin_images().items()
        }

    @property
    def passed_over(self) -> int:
        taken = {path for path, _ in self._taken}
        return len(self._others - taken) + self._members

    def take(self, given: str, *, listed: bool = False) -> None:
        """Add the images for one path, which may have a selector behind it."""
        if not listed and given in STANDARD_INPUT:
            self._take_input()
            return
        if given.startswith(LIST_MARK) and not listed and not Path(given).exists():
            path = Path(given.removeprefix(LIST_MARK))
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                raise FileNotFoundError(f"there is no list {str(path)!r}") from None
            self._take_list(data, str(path), Path() if _is_stream(path) else path.parent)
            return
        named, selector = split_selector(given)
        for one in braces_expanded(named):
            if is_remote(one):
                self._take_remote(one, selector)
                continue
            for path in files.expand(one):
                if path.is_dir() and container_kind(str(path), selector) is None:
                    self._take_folder(path, selector)
                else:
                    self._take_named(path, selector)

    def _take_input(self) -> None:
        if self._input_read:
            raise ValueError("standard input is a list that can be read only once")
        self._input_read = True
        data = b"" if sys.stdin is None else sys.stdin.buffer.read()
        if not data.strip(b"\0\r\n\t "):
            raise ValueError("no path on standard input: pipe a list into it, one path a line")
        self._take_list(data, "standard input", Path())

    def _take_list(self, data: bytes, name: str, folder: Path) -> None:
        """Add the images for the lines of a list, relative to a folder."""
        for number, line in enumerate(_lines(data), 1):
            if not line.strip():
                continue
            plain = line.startswith((BUILTIN, LIST_MARK)) or Path(line).is_absolute()
            given = line if plain or is_remote(line) else str(folder / line)
            try:
                self.take(given, listed=True)
            except (OSError, ValueError) as error:
                raise type(error)(f"{name}, line {number}: {error}") from error

    def _take_folder(self, folder: Path, selector: str | None) -> None:
        if os.path.realpath(folder) == self.output:
            raise ValueError(
                f"{str(folder)!r} is the output too; give another folder, lest pictures of results "
                "become input"
            )
        if selector is not None:
            raise ValueError(
                f"{str(folder)!r} is a folder: ::{selector} chooses in files; give a pattern such "
                f"as {folder / '*.fits'}::{selector}"
            )
        try:
            for file in files.walk(folder):
                self._take_found(file)
        except PermissionError as error:
            raise PermissionError(
                f"cannot search {error.filename!r}: permission denied; allow it, or leave that "
                "folder out"
            ) from error

    def _take_found(self, path: Path) -> None:
        """Add a file that a folder holds, if it is an image file or holds images alone."""
        real = self._real(path)
        if self.output is not None and f"{real}{os.sep}".startswith(f"{self.output}{os.sep}"):
            return
        kind = kind_of(path.name)
        searched = kind.in_folders if kind is not None else path.suffix.lower() in SUFFIXES
        if not searched:
            self._others.add(real)
        elif self._is_new(real, None):
            title = self._builtin.get(str(path)) or files.plain_name(path)
            stamp = file_stamp(path)
            if kind is None:
                self.references.append(ImageReference(title, Place(str(path)), stamp=stamp))
                return
            try:
                self.references += contained(kind, str(path), title, None, stamp).references
            except (OSError, ValueError) as error:  # one file of many must not end the search
                refusal = ImageReference(title, Place(str(path)), stamp=stamp, refusal=str(error))
                self.references.append(refusal)

    def _real(self, path: Path) -> str:
        """The path without links; folders, which hold many files, are looked up once."""
        folder, name = os.path.split(path)
        if path.is_symlink():
            return os.path.realpath(path)
        if folder not in self._real_folders:
            self._real_folders[folder] = os.path.realpath(folder)
        return f"{self._real_folders[folder]}{os.sep}{name}"

    def _take_named(self, path: Path, selector: str | None) -> None:
        """Add what a file that was named is or holds."""
        real = os.path.realpath(path)
        if self.output is not None and Path(real).is_relative_to(self.output):
            raise ValueError(f"{str(path)!r} lies in the output; give another folder")
        if self._is_new(real, selector):
            title = self._builtin.get(str(path)) or files.plain_name(path)
            stamp = folder_stamp(path) if path.is_dir() else file_stamp(path)
            self._add(contents(str(path), title, selector, stamp))

    def _take_remote(self, url: str, selector: str | None) -> None:
        """Add the images for a URL, a pattern or a folder of URLs."""
        for one in remote_files(url):
            kind = container_kind(one, selector)
            several = kind is not None or archives.archive_ending(Path(one))
            held = one.lower().endswith((".npy", ".npz", ".bin"))
            if one != url and not several and not held and Path(one).suffix.lower() not in SUFFIXES:
                self._others.add(one)
                continue
            if not self._is_new(one, selector):
                continue
            if kind is not None and kind.name == "Zarr":  # which reads URLs itself
                self._add(contents(one, one, selector, ""))
                continue
            stamp = remote_stamp(one)
            if several or held:
                self._add(contents(str(local_copy(one, stamp)), one, selector, stamp))
            elif selector is not None:
                raise ValueError(f"{one!r} is one image: there is nothing to choose in it")
            else:
                self.references.append(ImageReference(one, Place(one), stamp=stamp))

    def _add(self, listing: archives.Listing) -> None:
        self.references += listing.references
        self._members += listing.passed_over

    def _is_new(self, path: str, selector: str | None) -> bool:
        """Whether a file was not met before with this selector."""
        key = (path, selector)
        if key in self._taken:
            return False
        self._taken.add(key)
        return True


def _is_stream(path: Path) -> bool:
    """Whether a list comes from a pipe or the terminal, so that it lies in no folder."""
    return path.parts[:2] in STREAMS or not path.is_file()


def _lines(data: bytes) -> list[str]:
    """The paths of a list: between NUL characters where there are any, else one a line.

    Lines end as in files of Unix or of Windows, not where Unicode has line separators, which
    names of files may hold.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # of PowerShell
        text = data.decode("utf-16")
    else:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    if "\0" in text:
        return text.split("\0")
    return [line.removesuffix("\r") for line in text.split("\n")]


def file_stamp(path: Path) -> str:
    """Return text that changes when a file does; one text for all files that do not exist.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        From its size and time.
    """
    try:
        status = path.stat()
    except OSError:
        return "absent"
    return f"{status.st_size}:{status.st_mtime_ns}"
