"""Checks on the files that a command is about to write, so that none is lost."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from spectral_mae._files.made_here import made_here


def check_distinct(outputs: Sequence[Path | None], inputs: Iterable[str | Path]) -> None:
    """Raise ``ValueError`` where an output is an input, or two outputs are one file.

    Parameters
    ----------
    outputs : sequence of Path or None
        None stands for an output that was not asked for.
    inputs : iterable of path
        Files that are read.

    Raises
    ------
    ValueError
        Also if two names lead to the same file.
    """
    names = [path for path in outputs if path is not None]
    for one, other in itertools.combinations(names, 2):
        if os.path.realpath(one) == os.path.realpath(other) or _same(one, other):
            raise ValueError(f"{other} would be written twice: give two names")
    there = {number: path for path in names if (number := _number(path)) is not None}
    if not there:
        return
    for path in dict.fromkeys(map(str, inputs)):
        if (number := _number(path)) in there:
            raise ValueError(f"{there[number]} would be written over {path}, which is read")


def check_replaced(outputs: Sequence[Path | None], *, overwrite: bool) -> None:
    """Raise ``ValueError`` if an existing file would be lost that this package has not made.

    Parameters
    ----------
    outputs : sequence of pathlib.Path or None
        Files that will be written; None stands for no file.
    overwrite : bool
        Whether the user has asked to replace files.

    Raises
    ------
    ValueError
        If a file exists, was not made by this package, and ``overwrite`` is False.
    """
    if overwrite:
        return
    for path in outputs:
        if path is not None and path.is_file() and not made_here(path):
            raise ValueError(
                f"{path} is there and was not made by this command: give another name, or "
                "--overwrite to replace it"
            )


def _same(one: Path, other: Path) -> bool:
    number = _number(one)
    return number is not None and number == _number(other)


def _number(path: str | Path) -> tuple[int, int] | None:
    """Device and inode of a file, which all its names share; None where it does not exist."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
