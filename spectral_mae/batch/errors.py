"""Errors that end a run over many images, and their messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RunRefused(ValueError):  # noqa: N818 - a verdict on what was asked
    """The arguments of a run, or what lies where it is to write, cannot work."""


class ImagesRefused(RunRefused):
    """The images cannot give what was asked of them, however often it is tried."""


class NothingUsable(ImagesRefused):
    """No image of a run could be used."""


class FailFast(RuntimeError):  # noqa: N818 - what was asked for
    """An image failed, and ``fail_fast`` ends the run there; it can be resumed."""


def in_words(error: Exception) -> str:
    """An error without its number, and with the file first."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror[:1].lower()}{error.strerror[1:]}"
    return str(error)


@contextmanager
def refused(kind: type[RunRefused] = RunRefused) -> Iterator[None]:
    """Make a ``ValueError`` the refusal of a run."""
    try:
        yield
    except RunRefused:
        raise
    except ValueError as error:
        raise kind(str(error)) from error


@contextmanager
def kept_on_disk() -> Iterator[None]:
    """Say of an ``OSError`` in writing that the run can go on once its cause is mended."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"cannot write: {in_words(error)}; what is done is kept: mend that, then resume=True "
            "goes on"
        ) from error
