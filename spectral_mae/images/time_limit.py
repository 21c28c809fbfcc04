"""Who watches while an image is decoded: the time it may take, and where a process stands.

A decoder is code of others on bytes of others: it may loop for ever. In a process that can be
spared the kernel ends the process (`DeadlyWatch`), whatever the decoder does. In one that cannot,
an alarm interrupts Python (`AlarmWatch`), as soon as Python has its turn.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Protocol


class TimeUp(BaseException):
    """An image took too long."""


class Watch(Protocol):
    """What is told of every image."""

    def begin(self, position: int) -> None:
        """The image at a position of a chunk is next."""

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """Hold what is done inside to a time."""


class AlarmWatch:
    """Interrupts the main thread with `TimeUp`; other threads go unwatched."""

    def begin(self, position: int) -> None:
        """Nobody asks."""

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise `TimeUp` when the time is over."""
        alarms = hasattr(signal, "setitimer")
        if not alarms or threading.current_thread() is not threading.main_thread():
            yield
            return

        def over(number: int, frame: FrameType | None) -> None:
            raise TimeUp

        before = signal.signal(signal.SIGALRM, over)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class DeadlyWatch:
    """Ends the process by SIGALRM when the time is over; tells where it stands before that."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.begin = tell
        self._alarms = hasattr(signal, "setitimer")
        if self._alarms:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """End the process when the time is over."""
        if self._alarms:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            if self._alarms:
                signal.setitimer(signal.ITIMER_REAL, 0)


_CURRENT: ContextVar[Watch | None] = ContextVar("watch", default=None)


def current() -> Watch:
    """The watch of this thread."""
    return _CURRENT.get() or AlarmWatch()


def watched_by(watch: Watch) -> None:
    """Put a watch on all that this thread does from now on."""
    _CURRENT.set(watch)


def took_too_long(seconds: float) -> str:
    """What is said of an image."""
    return f"decoding it took longer than {seconds:g} seconds (--time-limit)"
