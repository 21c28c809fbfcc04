"""Pictures drawn while other work is done: in a process of their own, or in a thread."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any, BinaryIO, Literal, Self

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

    def made(self) -> bool:
        """Whether the call was made elsewhere, once who claimed it is ready."""
        return self._future.result()[0]

    def result(self) -> Any:
        """What the function returned elsewhere, or returns here."""
        done, value = self._future.result() if self._future.done() else (False, None)
        return value if done else self.function(*self.args)


Where = Literal["process", "thread", "here"]


class Drawer:
    """Makes calls one after the other beside other work, from the first of them on.

    Nothing depends on it but time: where the process cannot start, dies, or a call fails there,
    the call is made here when its result is asked for.

    Parameters
    ----------
    where : {"process", "thread", "here"}
        In another process, which first has to load all that it needs; in a thread, where this
        process has little to do meanwhile, and no more than one of them draws; or not before the
        results are asked for.
    workers : Executor or None
        Processes that have nothing to do once the results are asked for, beside a thread.

    Examples
    --------
    >>> with Drawer("here") as drawer:
    ...     calls = [drawer.start(pow, 2, n) for n in range(3)]
    ...     drawer.results(calls)
    [1, 2, 4]
    """

    def __init__(self, where: Where, workers: Executor | None = None) -> None:
        self.workers = workers
        self.where: Where = where if _can_start() or where != "process" else "here"
        if self.where != "process":
            discard_prepared()
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._given: dict[Call, Future[Any]] = {}  # calls that workers make
        self._keeper: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """End the process, whatever it does; a thread ends after the call that it is making."""
        self._over = True
        self._calls.put(None)
        if self._process is not None:
            self._process.kill()
        if self._keeper is not None:
            self._keeper.join()

    def start(self, function: Callable[..., Any], *args: Any) -> Call:
        """Have a function called that can be pickled, with its arguments and its result."""
        call = Call(function, args)
        if self.where != "here":
            self._calls.put(call)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, daemon=True)
                self._keeper.start()
        return call

    def results(self, calls: Sequence[Call], each: Callable[[], None] = lambda: None) -> list[Any]:
        """Results of calls, in their order.

        While another process makes the first of them, this one makes the last, or workers do.

        Parameters
        ----------
        calls : sequence of Call
            As `start` returned them.
        each : callable
            Called after each of them.
        """
        found: dict[int, Any] = {}
        self.give_out(calls)
        given = {number: call for number, call in enumerate(calls) if call in self._given}
        if self.where != "thread":
            for number in reversed(range(len(calls))):
                if calls[number].claimed():
                    found[number] = calls[number].function(*calls[number].args)
                    each()
        for number, call in reversed(given.items()):
            future = self._given[call]
            error = future.exception()  # what fails there is called here, and met
            found[number] = call.function(*call.args) if error is not None else future.result()
            each()
        rest = [number for number in range(len(calls)) if number not in found]
        for number in rest:
            if calls[number].made():
                each()
        for number in rest:
            found[number] = calls[number].result()
        return [found[number] for number in range(len(calls))]

    def give_out(self, calls: Sequence[Call]) -> None:
        """Have workers make calls, the last first: the thread has begun with the first.

        For when they have nothing else to do, before the results are asked for.

        Parameters
        ----------
        calls : sequence of Call
            As `start` returned them.
        """
        if self.where != "thread" or self.workers is None:
            return
        for call in reversed(calls):
            if call.claimed():
                self._given[call] = self.workers.submit(call.function, *call.args)

    def _keep(self) -> None:
        """Send calls to the process and hear what they return, until it is lost."""
        while (call := self._calls.get()) is not None:
            if not call.claimed():
                continue
            done, value = False, None
            if self._over:
                call.settle(False)
                continue
            with contextlib.suppress(Exception):  # who asks makes the call, and meets it there
                if self.where == "thread":
                    done, value = True, call.function(*call.args)
                else:
                    done, value = self._made_beside(call)
            call.settle(done, value)
        if self._process is not None:
            _close(self._process)

    def _made_beside(self, call: Call) -> tuple[bool, Any]:
        if self._process is None and not self._over:
            self._process = _taken_over() or _new_process()
        process = self._process
        if process is None or self._over:
            return False, None
        _send(process.stdin, (call.function, call.args))
        if process.stdout is None:
            return False, None
        answer: tuple[bool, Any] = pickle.load(process.stdout)
        return answer


_prepared: list[subprocess.Popen[bytes]] = []  # for the next `Drawer`; one at most


def prepare_process(module: str) -> None:
    """Start the process of the next `Drawer`, which meanwhile loads a module.

    For who knows that there will be one, and has to load much before it can begin. Who prepares
    also has to discard (`discard_prepared`) what nobody has taken over.
    """
    if not _can_start() or _prepared:
        return
    with contextlib.suppress(OSError):  # the drawer tries once more
        process = _new_process()
        _prepared.append(process)
        _send(process.stdin, (_load, (module,)))


def discard_prepared() -> None:
    """End the process that was prepared, if there is one that no `Drawer` has taken over."""
    while _prepared:
        process = _prepared.pop()
        process.kill()
        _close(process)


def _taken_over() -> subprocess.Popen[bytes] | None:
    """The process that was prepared, once it has loaded its module; None if there is none."""
    if not _prepared:
        return None
    process = _prepared.pop()
    try:
        if process.stdout is not None:
            pickle.load(process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError):
        process.kill()
        _close(process)
        return None
    return process


def _load(module: str) -> None:
    importlib.import_module(module)


def _can_start() -> bool:
    """Whether there is an interpreter that can be started."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def _new_process() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for this process
    )
    _send(process.stdin, sys.path)
    return process


def _close(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes of a process that ends, and wait for it."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()


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
