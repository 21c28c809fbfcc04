"""What the commands share: exit codes, errors of usage, progress."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from tqdm import tqdm

from spectral_mae import images
from spectral_mae.archives import archive_ending
from spectral_mae.images import FoundImages
from spectral_mae.sources import LIST_MARK, STANDARD_INPUT, FoundSources, find_sources
from spectral_mae.streams import ImageStream

LIBRARIES = ("numpy", "scipy", "pyfftw", "scikit-image", "matplotlib", "Pillow")
OK, SOME_FAILED, NOTHING, DEFECT, INTERRUPTED = 0, 1, 3, 4, 130


class UsageError(Exception):
    """The arguments cannot work; the message says why."""


def in_words(error: Exception) -> str:
    """An error without its number, and with the file first."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


@contextmanager
def usage_errors() -> Iterator[None]:
    """What the library refuses in the arguments is an error of usage."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise UsageError(in_words(error)) from error


@contextmanager
def output_errors() -> Iterator[None]:
    """What the file system refuses to write is an error of usage."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write: {in_words(error)}") from error


@contextmanager
def room_errors() -> Iterator[None]:
    """What the file system refuses to write ends the run, which can go on when it is mended."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write: {in_words(error)}; what is done is kept: mend that, then --resume goes "
            "on"
        ) from error


def versions() -> dict[str, str]:
    """Of the package and what its results depend on."""
    return {
        "spectral-mae": version("spectral-mae"),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def found_images(paths: list[str]) -> FoundImages:
    """The images that the arguments name, or all built-in ones."""
    for path in paths:
        is_list = path in STANDARD_INPUT or path.startswith(LIST_MARK)
        if (is_list or archive_ending(Path(path))) and not (is_list and Path(path).exists()):
            raise ValueError(
                f"{path!r}: lists and archives are read by analyze, fit and sweep; here give "
                "files, folders or patterns of images"
            )
    found = images.find_images(paths or ["builtin:"])
    _require_some(len(found.paths), paths, found.passed_over)
    return found


def found_sources(paths: list[str], output: Path) -> FoundSources:
    """The same with archives, arrays and lists, for runs over many images."""
    if not STANDARD_INPUT.isdisjoint(paths) and sys.stdin is not None and sys.stdin.isatty():
        print("reading paths from standard input, one a line; Ctrl-D ends it", file=sys.stderr)
    found = find_sources(paths or ["builtin:"], output=output)
    _require_some(len(found.references), paths, found.passed_over)
    return found


def _require_some(n_images: int, paths: list[str], passed_over: int) -> None:
    if n_images == 0:
        others = f"; {passed_over} other files passed over" if passed_over else ""
        raise ValueError(f"no image in {', '.join(map(repr, paths))}{others}")


def pixels_or_native(text: str) -> int | None:
    """``--size``: a number of pixels, or None for "native"."""
    if text == "native":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"--size {text!r} is neither a number of pixels nor 'native'")
    return int(text)


def progress(paths: tuple[Path, ...], *, quiet: bool) -> Iterable[Path]:
    """The paths, with a bar on a terminal and plain lines elsewhere."""
    if quiet:
        return paths
    if sys.stderr.isatty():
        return tqdm(paths, unit="image", dynamic_ncols=True)
    return _lines(paths)


def _lines(paths: tuple[Path, ...]) -> Iterator[Path]:
    for number, path in enumerate(paths, 1):
        print(f"{number}/{len(paths)} {images.display_name(path)}", file=sys.stderr, flush=True)
        yield path


def enlarged_note(n_images: int, size: int | str) -> str:
    """What is said of images that were smaller than what was asked for."""
    which = "1 image was" if n_images == 1 else f"{n_images} images were"
    return f"note: {which} enlarged to {size}x{size}: the highest frequencies are interpolated"


def report_failures(stream: ImageStream, known: Collection[str] = ()) -> None:
    """Say what could not be read, but for what is known already."""
    for name, error in stream.failed.items():
        if name not in known:
            print(f"failed: {name}: {error}", file=sys.stderr)
