"""Errors of usage: what the library or the file system refuses, in words for the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


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
