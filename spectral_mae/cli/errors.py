"""Errors of usage: what the library or the file system refuses, in the words of the command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from spectral_mae.batch.errors import FailFast, NothingUsable, RunRefused, in_words

# Arguments of runs in Python, which a user of the command knows as options.
_FLAG = re.compile(r"\b(resume|overwrite)=True\b")
_VALUE = re.compile(
    r"\b(jobs|limit|time_limit|memory_limit|checkpoint|checks|masks_for|table_format|log_file|out|rng|n_draws)"
    r"=(?=\S)"
)
_OTHER = {"rng": "seed", "n_draws": "masks"}  # which have another name on the command line
_NAME = re.compile(r"\b(jobs|scheduler) (is for|and|needs)\b")


class UsageError(Exception):
    """The arguments cannot work; the message says why."""


@contextmanager
def usage_errors() -> Iterator[None]:
    """What the library refuses in the arguments is an error of usage."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise UsageError(with_options(in_words(error))) from error


@contextmanager
def run_errors() -> Iterator[None]:
    """What a run refuses, or the file system refuses to a run, is an error of usage."""
    try:
        yield
    except NothingUsable:  # which is no fault of the arguments
        raise
    except (RunRefused, OSError) as error:
        raise UsageError(with_options(in_words(error))) from error


@contextmanager
def output_errors() -> Iterator[None]:
    """What the file system refuses to write is an error of usage."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write: {in_words(error)}") from error


def with_options(message: str) -> str:
    """A message of the library with the options of the command for its arguments.

    Examples
    --------
    >>> with_options("time_limit=0 is not above 0 seconds")
    '--time-limit 0 is not above 0 seconds'
    >>> with_options("give another folder, or overwrite=True to replace them")
    'give another folder, or --overwrite to replace them'
    """
    message = _FLAG.sub(lambda found: _option(found[1]), message)
    message = _VALUE.sub(lambda found: f"{_option(found[1])} ", message)
    return _NAME.sub(lambda found: f"{_option(found[1])} {found[2]}", message)


def _option(name: str) -> str:
    return f"--{_OTHER.get(name, name).replace('_', '-')}"


def ended(error: FailFast | RuntimeError) -> str:
    """Message for a run that ended early without an interruption."""
    how = "stopped at the first failure" if isinstance(error, FailFast) else "cannot go on"
    return f"{how}: {error}; --resume goes on from there"
