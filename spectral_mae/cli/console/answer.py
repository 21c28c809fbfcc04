"""What a command has found: an exit code, sentences for people, and the same as data."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spectral_mae._version import __version__

OK, SOME_FAILED, USAGE, NOTHING, DEFECT, INTERRUPTED = 0, 1, 2, 3, 4, 130


@dataclass(frozen=True)
class Answer:
    """How a command ended, and what it found.

    Attributes
    ----------
    code : int
        Exit code.
    lines : iterable of str
        The results in sentences, for standard output.
    found : mapping
        The results as data, for ``--json``.
    """

    code: int
    lines: Iterable[str] = ()
    found: Mapping[str, Any] = field(default_factory=dict)

    def print(self, arguments: argparse.Namespace) -> None:
        """Print the results on standard output, in sentences or as one JSON document.

        Whoever reads them may stop, as ``head`` does.
        """
        lines = [document(arguments.command, self)] if arguments.json else self.lines
        try:
            for line in lines:
                print(line)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left is for nobody, and Python would complain of it at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """The exit code after an interruption: 128 and the number of the signal.

    Examples
    --------
    >>> exit_code(KeyboardInterrupt())
    130
    """
    number = getattr(interrupt, "signum", None)  # of a run that can be resumed
    return INTERRUPTED if number is None else 128 + int(number)


def document(command: str, answer: Answer) -> str:
    """Return the JSON document of a command.

    Examples
    --------
    >>> print(document("psd", Answer(0, found={"slope": math.nan, "files": [Path("a.csv")]})))
    {"command": "psd", "version": "...", "exit_code": 0, "slope": null, "files": ["a.csv"]}
    """
    about = {"command": command, "version": __version__, "exit_code": answer.code}
    return json.dumps({**about, **plain(answer.found)}, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value in types that JSON knows; numbers that are not finite become None.

    Raises
    ------
    TypeError
        If there is no such value.

    Examples
    --------
    >>> plain({"a": (1, math.inf), "b": Path("x/y")})
    {'a': [1, None], 'b': 'x/y'}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy
        return plain(value.tolist())
    raise TypeError(f"JSON has no value for {value!r}")


def failures(found: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Images that failed, as data.

    Examples
    --------
    >>> failures([("a.png", "is empty")])
    [{'path': 'a.png', 'error': 'is empty'}]
    """
    return [{"path": path, "error": error} for path, error in found]


def written(folder: Path | None, names: Iterable[str]) -> list[str]:
    """Paths of the files that are there, of those that a command writes into a folder."""
    if folder is None:
        return []
    return [str(folder / name) for name in names if (folder / name).exists()]
