"""Files of patterns and folders, and the photographs inside scikit-image's wheel."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

AnyPath = str | os.PathLike[str]
BUILTIN = "builtin:"

# fmt: off
_BUILTIN_FILES = {
    "astronaut": "astronaut.png", "brick": "brick.png", "camera": "camera.png",
    "cat": "chelsea.png", "coffee": "coffee.png", "coins": "coins.png", "grass": "grass.png",
    "gravel": "gravel.png", "hubble_deep_field": "hubble_deep_field.jpg", "ihc": "ihc.png",
    "moon": "moon.png", "motorcycle": "motorcycle_left.png", "page": "page.png",
    "retina": "retina.jpg", "rocket": "rocket.jpg",
}
# fmt: on


def builtin_images() -> dict[str, Path]:
    """Return the photographs inside scikit-image's wheel; nothing is downloaded.

    Returns
    -------
    dict of str to pathlib.Path
        The files by name.

    Examples
    --------
    >>> sorted(builtin_images())[:4]
    ['astronaut', 'brick', 'camera', 'cat']
    """
    # find_spec only locates scikit-image: importing it, or its data module, costs far more
    spec = importlib.util.find_spec("skimage")
    folders = (spec.submodule_search_locations if spec else None) or []
    files = ((n, Path(at, "data", file)) for at in folders for n, file in _BUILTIN_FILES.items())
    return {name: file for name, file in files if file.is_file()}


def image_path(path: AnyPath) -> Path:
    """Return the file for a path or ``builtin:NAME``.

    Parameters
    ----------
    path : str or path-like
        A path, or ``builtin:`` and a name of `builtin_images`.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no built-in image of that name.
    """
    given = os.fspath(path)
    return _builtin(given.removeprefix(BUILTIN)) if given.startswith(BUILTIN) else Path(given)


def display_name(path: Path) -> str:
    """Return the name of an image for messages and tables.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    str
        ``builtin:NAME`` for a built-in image, else the path, in characters that UTF-8 can encode.

    Examples
    --------
    >>> display_name(builtin_images()["camera"]), display_name(Path("photos", "a.png"))
    ('builtin:camera', 'photos/a.png')
    """
    for name, file in builtin_images().items():
        if path == file:
            return f"{BUILTIN}{name}"
    return plain_name(path)


def plain_name(path: Path) -> str:
    """Return a path in characters that UTF-8 can encode.

    Parameters
    ----------
    path : pathlib.Path
        Any path.

    Returns
    -------
    str
        Other bytes are replaced.
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def expand(given: str) -> list[Path]:
    """Return the files and folders for one path, pattern or built-in name.

    Parameters
    ----------
    given : str
        As a user wrote it.

    Returns
    -------
    list of pathlib.Path
        One for a path; for a pattern all matches.
    """
    if given == BUILTIN:
        return list(builtin_images().values())
    if given.startswith(BUILTIN):
        return [_builtin(given.removeprefix(BUILTIN))]
    path = Path(given)
    found = [path] if given and path.exists() else sorted(_matches(path))
    if not found:
        raise FileNotFoundError(f"no file, folder or pattern finds {given!r}")
    return found


def _matches(path: Path) -> Iterator[Path]:
    wild = [bool(set(part) & set("*?[")) for part in path.parts]
    if not any(wild):
        return
    base, pattern = Path(*path.parts[: wild.index(True)]), path.parts[wild.index(True) :]
    # what ** ends on depends on the Python version; to search whole folders does not
    folders_only = pattern[-1] == "**"
    pattern = pattern[:-1] if folders_only else pattern
    for match in base.glob(str(Path(*pattern))) if pattern else [base]:
        hidden = any(part.startswith(".") for part in match.relative_to(base).parts)
        if not hidden and (match.is_dir() or not folders_only):
            yield match


def _builtin(name: str) -> Path:
    images = builtin_images()
    if name not in images:
        raise FileNotFoundError(f"no built-in image {name!r}; there are {', '.join(images)}")
    return images[name]


def walk(folder: Path) -> Iterator[Path]:
    """Find all files below a folder, sorted, without hidden names and links to folders.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.

    Yields
    ------
    pathlib.Path
        A file.
    """
    for at, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(at, name) for name in sorted(files) if not name.startswith("."))


def _raise(error: OSError) -> NoReturn:
    raise error  # os.walk would leave out a folder it may not open, and nobody would know
