"""Pictures drawn by a process of its own, while this one does other work."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, BinaryIO, Self

# A new interpreter, and not a process of `multiprocessing`: that runs the script of the user once
# more, which would have to be written for it.
_PROGRAM = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from spectral_mae.batch.pages.drawer import serve; serve()"
)


class Call:
    """A function that is called once: by the process of a `Drawer`, or by whoever asks first."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function, self.args = function, args
        self._claim = threading.Lock()
        self._future: Future[tuple[bool, Any]] = Future()

    def claimed(self) -> bool:
        """Whether it is for the caller to make the call: True for the first who asks."""
        return self._claim.acquire(blocking=False)

    def settle(self, done: bool, value: Any = None) -> None:
        """Say whether the call was made elsewhere, and what it returned."""
        self._future.set_result((done, value))

    def result(self) -> Any:
        """What the function returns; called here if nobody has begun, or who began has failed."""
        if not self.claimed():
            done, value = self._future.result()
            if done:
                return value
        return self.function(*self.args)


class Drawer:
    """Makes calls one after the other in another process, which starts with the first of them.

    Nothing depends on it but time: where the process cannot start, dies, or a call fails there,
    the call is made here when its result is asked for.

    Parameters
    ----------
    beside : bool
        Whether there is to be a process.

    Examples
    --------
    >>> with Drawer(beside=False) as drawer:
    ...     calls = [drawer.start(pow, 2, n) for n in range(3)]
    ...     drawer.results(calls)
    [1, 2, 4]
    """

    def __init__(self, *, beside: bool) -> None:
        self._beside = beside and bool(sys.executable) and not getattr(sys, "frozen", False)
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._keeper: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End the process, whatever it does."""
        self._over = True
        self._calls.put(None)
        if self._process is not None:
            self._process.kill()
        if self._keeper is not None:
            self._keeper.join()

    def start(self, function: Callable[..., Any], *args: Any) -> Call:
        """Have a function called that can be pickled, with its arguments and its result."""
        call = Call(function, args)
        if self._beside:
            self._calls.put(call)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, daemon=True)
                self._keeper.start()
        return call

    def results(self, calls: Sequence[Call], each: Callable[[], None] = lambda: None) -> list[Any]:
        """Results of calls, in their order; this process makes the last of them meanwhile.

        Parameters
        ----------
        calls : sequence of Call
            As `start` returned them.
        each : callable
            Called after each of them.
        """
        found: dict[int, Any] = {}
        for number in reversed(range(len(calls))):
            if calls[number].claimed():
                found[number] = calls[number].function(*calls[number].args)
                each()
        for number, call in enumerate(calls):
            if number not in found:
                found[number] = call.result()
                each()
        return [found[number] for number in range(len(calls))]

    def _keep(self) -> None:
        """Send calls to the process and hear what they return, until it is lost."""
        while (call := self._calls.get()) is not None:
            if not call.claimed():
                continue
            done, value = False, None
            with contextlib.suppress(OSError, EOFError, pickle.PickleError, TypeError):
                done, value = self._made_beside(call)
            call.settle(done, value)
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            self._process.wait()

    def _made_beside(self, call: Call) -> tuple[bool, Any]:
        if self._process is None and not self._over:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for this process
            )
            _send(self._process.stdin, sys.path)
        process = self._process
        if process is None or self._over:
            return False, None
        _send(process.stdin, (call.function, call.args))
        if process.stdout is None:
            return False, None
        answer: tuple[bool, Any] = pickle.load(process.stdout)
        return answer


def _send(pipe: Any, value: Any) -> None:
    pipe.write(pickle.dumps(value, protocol=5))
    pipe.flush()


def serve() -> None:
    """Make the calls that come through standard input, until it ends."""
    results: BinaryIO = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed is no result
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, args = pickle.load(sys.stdin.buffer)
            try:
                answer = pickle.dumps((True, function(*args)), protocol=5)
            except Exception:  # noqa: BLE001 - who asked makes the call, and meets it there
                answer = pickle.dumps((False, None))
            results.write(answer)
            results.flush()
