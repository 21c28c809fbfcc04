"""SIGINT and SIGTERM: an orderly end, between two steps that belong together."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

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
    """Turns the first signal into `Interrupted`; a second one ends the process at once.

    Python runs handlers of signals between two of its own instructions. A decoder or a solver may
    keep it waiting, so a thread listens as well: it says that the signal was heard, and ends the
    process when there is a second one.

    Parameters
    ----------
    heard : callable
        Called from that thread at the first signal.
    """

    def __init__(self, heard: Callable[[], None]) -> None:
        self._announce = heard
        self._held = 0
        self._heard = False
        self._waiting: int | None = None
        self._open = ExitStack()

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._listen()
            for number in SIGNALS:
                self._open.callback(signal.signal, number, signal.signal(number, self._take))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """A context that signals do not interrupt: they are handled when it ends."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._waiting is not None and not self._held:
            number, self._waiting = self._waiting, None
            raise Interrupted(number)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """The handler of the interpreter; of all signals but the first the thread takes care."""
        if self._heard:
            return
        self._heard = True
        if self._held:
            self._waiting = number
            return
        raise Interrupted(number)

    def _listen(self) -> None:
        """Have the numbers of signals written into a socket, and a thread read them."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # as the interpreter demands of what it writes to
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._answer, args=(ours,), daemon=True)
        thread.start()
        self._open.callback(ours.close)
        self._open.callback(thread.join)
        self._open.callback(theirs.close)  # which ends the thread
        self._open.callback(signal.set_wakeup_fd, before)

    def _answer(self, numbers: socket.socket) -> None:
        heard = False
        while data := numbers.recv(1):
            if data[0] not in SIGNALS:  # alarms are of decoders
                continue
            if heard:
                os._exit(128 + data[0])
            heard = True
            self._announce()
