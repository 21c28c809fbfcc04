"""The parser of the command: numbers in a row, paths anywhere, and what was meant by a typo."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, takewhile
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

_NUMBERS = re.compile(r"[+-]?[\d.,]*\d[\d.,]*(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SHORT_AND_LONG = re.compile(r"^  (-\w)\b[^,\n]*, (--[\w-]+)", re.MULTILINE)  # in the help
_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_CHOICE = re.compile(r"invalid choice: '(?P<given>.*?)' \(choose from (?P<choices>.*)\)", re.DOTALL)


class HelpFormatter(argparse.HelpFormatter):
    """Fills the lines of a text, but for those that are indented, such as examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        filled = []
        for indented, lines in groupby(text.splitlines(), lambda line: line.startswith(" ")):
            if indented:
                filled += [indent + line for line in lines]
            else:
                fill = super()._fill_text
                filled += [fill(line, width, indent) for line in lines]
        return "\n".join(filled)


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose errors say what may have been meant.

    Parameters
    ----------
    several : sequence of str
        Options that take several numbers, as in ``--patch-size 8 16``. What follows the numbers
        is no longer theirs, so that paths may stand there.
    examples : mapping of str to str
        Arguments of the command that may be typed, and what they do. They end the help.
    exits : mapping of int to str
        Exit codes and their meanings, which the help lists too.
    out_or_json : bool
        Whether ``--out`` may be left out with ``--json``, and only then.

    Attributes
    ----------
    examples : mapping of str to str
    """

    def __init__(
        self,
        *arguments: object,
        several: Sequence[str] = (),
        examples: Mapping[str, str] = MappingProxyType({}),
        exits: Mapping[int, str] = MappingProxyType({}),
        out_or_json: bool = False,
        **options: object,
    ) -> None:
        options.setdefault("formatter_class", HelpFormatter)
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self._several = several
        self._out_or_json = out_or_json
        self.examples = examples
        shown = [
            f"  {self.prog.split()[0]} {typed}\n      {told}" for typed, told in examples.items()
        ]
        codes = [f"  {code:<3} {meaning}" for code, meaning in exits.items()]
        parts = [("examples:", shown), ("exit codes:", codes)]
        self.epilog = "\n\n".join("\n".join([head, *lines]) for head, lines in parts if lines)

    def error(self, message: str) -> NoReturn:
        """Print usage and message, with what is near to the choice that was made; exit 2."""
        found = _CHOICE.search(message)
        if found:
            choices = re.findall(r"[\w.-]+", found["choices"])
            message += did_you_mean(found["given"], choices)
        super().error(message)

    def parse_anywhere(self, argv: Sequence[str]) -> argparse.Namespace:
        """Arguments with their paths before, between and behind the options."""
        known = options_of(self)
        unknown = [token for token in _options(argv) if not _is_known(token, known)]
        if unknown:
            # Before argparse speaks of what is missing, which may be what was misspelled.
            self.error("; ".join(f"no option {t}{did_you_mean(t, known)}" for t in unknown))
        joined = self._joined(argv, known)
        arguments, left = self.parse_known_args(joined)
        if left:  # paths on both sides of an option
            arguments, left = self.parse_known_intermixed_args(joined)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        if self._out_or_json and arguments.out is None and not arguments.json:
            self.error("the following arguments are required: -o/--out (or --json)")
        return arguments

    def _joined(self, argv: Sequence[str], known: Iterable[str]) -> list[str]:
        """``--patch-size 8 16 photo.png`` as ``--patch-size=8,16 photo.png``."""
        joined: list[str] = []
        left = list(argv)
        while left:
            token = left.pop(0)
            if token == "--":
                return [*joined, token, *left]
            meant = [option for option in known if token in _beginnings(option)]
            several = token in self._several or (len(meant) == 1 and meant[0] in self._several)
            numbers = list(takewhile(_NUMBERS.fullmatch, left)) if meant else []
            if several and numbers:
                token = f"{token}={','.join(number.strip(',') for number in numbers)}"
                left = left[len(numbers) :]
            elif len(numbers) > 1 and not Path(numbers[1]).exists():
                self.error(f"{token} takes one number, and {numbers[1]!r} is a second")
            joined.append(token)
        return joined


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """What is near to it, as the end of a message; empty if nothing is.

    Examples
    --------
    >>> did_you_mean("anlayse", ["analyze", "psd", "verify"])
    "; did you mean 'analyze'?"
    >>> did_you_mean("--help-me", ["--size"])
    ''
    """
    from difflib import get_close_matches

    by_letters = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(given.lower(), by_letters, n=2, cutoff=0.6)
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(by_letters[name]) for name in near) + "?"


def parse(
    parser: argparse.ArgumentParser, commands: Mapping[str, Parser], argv: Sequence[str]
) -> argparse.Namespace:
    """The arguments of the command that is named first."""
    name, *rest = argv
    if name in commands:
        arguments = commands[name].parse_anywhere(rest)
        arguments.command = name
        return arguments
    if name in ("-h", "--help", "--version"):
        return parser.parse_args([name])
    if name.startswith("-"):
        near = did_you_mean(name, options_of(parser))
        parser.error(f"no option {name}{near} (a COMMAND comes first)")
    near = did_you_mean(name, commands)
    return parser.error(f"no command {name!r}{near} (there are {', '.join(commands)})")


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """The names of the options that a parser knows."""
    usage = _COLOUR.sub("", parser.format_usage())  # in which -h stands for -h and --help
    both = _SHORT_AND_LONG.findall(_COLOUR.sub("", parser.format_help()))
    return {*_OPTION.findall(usage), *(long for _, long in both)}


def _options(argv: Sequence[str]) -> list[str]:
    """The tokens that argparse takes for options, without their values."""
    options = []
    for token in argv:
        if token == "--":
            break
        if re.match(r"--?[^\W\d]", token):
            options.append(token.partition("=")[0])
    return options


def _is_known(token: str, known: set[str]) -> bool:
    """Whether argparse can tell the option, from its beginning where that is enough."""
    return token.startswith("-h") or any(token in _beginnings(option) for option in known)


def _beginnings(option: str) -> set[str]:
    """The option, and what argparse accepts for it."""
    if not option.startswith("--"):
        return {option}
    return {option[:n] for n in range(3, len(option) + 1)}
