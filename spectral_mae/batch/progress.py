"""What a run says while it goes on: lines on stderr, a log file, progress."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

LOGGER = logging.getLogger("spectral_mae")
EVERY = 5.0  # seconds between lines of progress where there is no terminal


class _Lines(logging.Handler):
    """Plain lines on stderr, above the bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def logging_to(file: Path | None, level: int) -> Iterator[None]:
    """Write what is logged from ``level`` on to stderr, and all of it to a file.

    Inside of another such block stderr has what that one asked for.
    """
    inside = any(isinstance(handler, _Lines) for handler in LOGGER.handlers)
    handlers: list[logging.Handler] = [] if inside else [_Lines(level)]
    if file is not None:
        handlers.append(logging.FileHandler(file, encoding="utf-8"))
        handlers[-1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = LOGGER.level, LOGGER.propagate
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    for handler in handlers:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.level, LOGGER.propagate = before
        for handler in handlers:
            LOGGER.removeHandler(handler)
            handler.close()


class Progress:
    """How many images (or other steps) are done, at which rate, and how long the rest may take.

    A bar on a terminal, else a line now and then and at the end.

    Parameters
    ----------
    total, done : int
    quiet : bool
        Say nothing.
    doing : str
        What is done, where that is not to go through the images.
    """

    def __init__(self, total: int, done: int = 0, *, quiet: bool, doing: str = "") -> None:
        self.total, self.done, self.quiet, self.doing = total, done, quiet, doing
        self._begun, self._said, self._start = done, time.monotonic(), time.monotonic()
        self._bar: Any = None
        if not quiet and sys.stderr.isatty():
            unit = "step" if doing else "image"
            self._bar = tqdm(
                total=total, initial=done, unit=unit, desc=doing or None, dynamic_ncols=True
            )
        elif doing and not quiet:
            LOGGER.info("%s", doing)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, n: int) -> None:
        """So many images more are done."""
        self.done += n
        if self._bar is not None:
            self._bar.update(n)
            return
        now = time.monotonic()
        if self.quiet or (self.done < self.total and now - self._said < EVERY):
            return
        self._said = now
        if self.doing:
            if self.done < self.total:
                LOGGER.info("%s: %d/%d", self.doing, self.done, self.total)
            return
        rate = (self.done - self._begun) / max(now - self._start, 1e-9)
        left = "" if self.done >= self.total else f", {_span((self.total - self.done) / rate)} left"
        LOGGER.info("%d/%d images, %.3g/s%s", self.done, self.total, rate, left)


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def enlarged_note(n_images: int, size: int | str) -> str:
    """The note on images that were enlarged to the size that was asked for."""
    return f"note: {enlarged(n_images, size)}"


def enlarged(n_images: int, size: int | str) -> str:
    """What is said of images that were enlarged to the size that was asked for."""
    which = "1 image was" if n_images == 1 else f"{n_images} images were"
    return f"{which} enlarged to {size}x{size}: the highest frequencies are interpolated"
