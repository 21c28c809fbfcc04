"""What can be typed after a command, read from its parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "spectral-mae"
FUNCTION = "_spectral_mae"
_PATHS = re.compile(r"FILE|DIR|PATH|IMAGE|MASK|MODEL|ORIGINALS|RECONSTRUCTIONS")
_IMAGES = re.compile(r"IMAGE|PATH$")
_END = re.compile(r";\s|\.\s(?=[A-Z])|\s\(")
WIDTH = 60  # of a description


@dataclass(frozen=True)
class Word:
    """An option, or what stands at a place without one.

    Attributes
    ----------
    names : tuple of str
        Such as ("-o", "--out"); empty for a place.
    help : str
        One line.
    value : str
        Name of its value; empty for a flag.
    choices : tuple of str
        Values that it may have, if they are a few words.
    paths, images : bool
        Whether its value is a path, and whether it may be a built-in image.
    """

    names: tuple[str, ...]
    help: str
    value: str
    choices: tuple[str, ...]
    paths: bool
    images: bool


@dataclass(frozen=True)
class Command:
    """What can be typed after a command.

    Attributes
    ----------
    help : str
        One line.
    options, places : tuple of Word
    """

    help: str
    options: tuple[Word, ...]
    places: tuple[Word, ...]


def commands_of(
    parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]
) -> dict[str, Command]:
    """What can be typed, by the names of the commands; "" is the program alone."""
    return {"": _command(parser), **{name: _command(one) for name, one in commands.items()}}


def builtin_names() -> list[str]:
    """Names of the images inside scikit-image that are there."""
    from spectral_mae.images.files import builtin_images

    return sorted(builtin_images())


def _command(parser: argparse.ArgumentParser) -> Command:
    # The list of its arguments is what argparse keeps for those who describe a parser.
    actions = [a for a in parser._actions if a.help != argparse.SUPPRESS]  # noqa: SLF001
    subparsers = argparse._SubParsersAction  # noqa: SLF001
    words = [_word(one) for one in actions if not isinstance(one, subparsers)]
    options = tuple(word for word in words if word.names)
    places = tuple(word for word in words if not word.names)
    return Command(_line(parser.description or ""), options, places)


def _word(action: argparse.Action) -> Word:
    value = ""
    if action.nargs != 0:
        metavar = action.metavar if isinstance(action.metavar, str) else None
        value = metavar or (action.dest.upper().replace("_", "-"))
    choices = tuple(map(str, action.choices or ()))
    paths = bool(value) and not choices and bool(action.type is Path or _PATHS.search(value))
    return Word(
        tuple(action.option_strings),
        _line(action.help or ""),
        value,
        choices,
        paths,
        paths and action.type is not Path and bool(_IMAGES.search(value)),
    )


def _line(text: str) -> str:
    """The beginning of a help text, as a line of at most 60 characters."""
    line = _END.split(" ".join(text.split()), maxsplit=1)[0]
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rsplit(' ', 1)[0]} …"
