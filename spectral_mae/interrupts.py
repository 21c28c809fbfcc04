"""SIGINT and SIGTERM: an orderly end, between two steps that belong together."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """The run was asked to end.

    Attributes
    ----------
    signum : int
    """

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


class Interrupts:
    """Turns the first signal into `Interrupted`; a second one ends the process as ever."""

    def __init__(self) -> None:
        self._held = 0
        self._waiting: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heard) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    @contextmanager
    def held(self) -> Iterator[None]:
        """What is done inside is done whole; a signal waits until then."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._waiting is not None and not self._held:
            number, self._waiting = self._waiting, None
            raise Interrupted(number)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self._restore()
        if self._held:
            self._waiting = number
            return
        raise Interrupted(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
