"""Time limits on decoding an image, and reports of the image that a process works on.

A decoder is foreign code on foreign data: it may never return. In a worker process the kernel ends
the process (`DeadlyWatch`), whatever the decoder does. In the main process an alarm raises an
exception (`AlarmWatch`) as soon as the interpreter runs again.
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
    """Raised when decoding an image took too long."""


class Watch(Protocol):
    """Interface of what is told about every image before and while it is decoded."""

    def begin(self, position: int) -> None:
        """Report that an image is next.

        Parameters
        ----------
        position : int
            Its position in a chunk.
        """

    def limited(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the time of a ``with`` block.

        Parameters
        ----------
        seconds : float
            The limit.

        Returns
        -------
        context manager
            It ends the block, or the process, when the time is over.
        """


class AlarmWatch:
    """Time limit that raises `TimeUp` in the main thread; other threads have no limit."""

    def begin(self, position: int) -> None:
        """Do nothing: no other process waits for this report.

        Parameters
        ----------
        position : int
            Position of the next image in a chunk.
        """

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Raise `TimeUp` in a ``with`` block that takes too long.

        Parameters
        ----------
        seconds : float
            The limit.

        Yields
        ------
        None

        Raises
        ------
        TimeUp
            When the time is over.
        """
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
    """Time limit that ends the process by SIGALRM, for worker processes.

    Parameters
    ----------
    tell : callable
        ``tell(position)`` reports to the main process which image is next.
    """

    def __init__(self, tell: Callable[[int], None]) -> None:
        self.begin = tell
        self._alarms = hasattr(signal, "setitimer")
        if self._alarms:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """End the process if a ``with`` block takes too long.

        Parameters
        ----------
        seconds : float
            The limit.

        Yields
        ------
        None
        """
        if self._alarms:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            if self._alarms:
                signal.setitimer(signal.ITIMER_REAL, 0)


_CURRENT: ContextVar[Watch | None] = ContextVar("watch", default=None)


def current() -> Watch:
    """Return the watch of this thread.

    Returns
    -------
    Watch
        The one that `watched_by` has set, or an `AlarmWatch`.
    """
    return _CURRENT.get() or AlarmWatch()


def watched_by(watch: Watch) -> None:
    """Set the watch of this thread.

    Parameters
    ----------
    watch : Watch
        It is used until another one is set.
    """
    _CURRENT.set(watch)


def took_too_long(seconds: float) -> str:
    """Return the message for an image that took too long.

    Parameters
    ----------
    seconds : float
        The limit.

    Returns
    -------
    str
        A sentence that names the option.
    """
    return f"decoding it took longer than {seconds:g} seconds (--time-limit)"
