"""Processes that may be lost: an executor whose workers are limited, watched and replaced.

`concurrent.futures.ProcessPoolExecutor` ends for good when one of its processes dies, and cannot
say what it was doing. Here each process has a thread of its own in this one that sends it work and
hears where it stands; when it dies, what it was at is told in `WorkerLost`, and the next piece of
work starts another.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from threadpoolctl import threadpool_limits

from spectral_mae.batch.chunks import EngineFailed, WorkerLost
from spectral_mae.batch.workers.server import PRELOADED
from spectral_mae.images.limits import time_limit
from spectral_mae.spectra.fft import FFTWMissingWarning, default_backend

Task = tuple[Future[Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]
STARTS = 3  # times that a worker may fail to start
# Starting a process looks for others that have ended. Of two threads that look at the same one,
# one reads its exit status and the other finds nothing to read, which counts as status 255.
_ONE_AT_A_TIME = threading.Lock()


class WorkerPool(Executor):
    """Work in processes; see the module.

    Parameters
    ----------
    n : int
        Processes. Each has one BLAS thread.
    max_memory : int
        Bytes that each may take beyond what it has when it starts.
    """

    def __init__(self, n: int, *, max_memory: int) -> None:
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else None
        self._context = multiprocessing.get_context(method or "spawn")
        if method:
            self._context.set_forkserver_preload(PRELOADED)
        self.n = n
        self._max_memory = max_memory
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._processes: dict[int, BaseProcess] = {}
        self._keepers = [
            threading.Thread(target=self._keep, args=(number,), daemon=True) for number in range(n)
        ]
        for keeper in self._keepers:
            keeper.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called in one of the processes."""
        if self._closed:
            raise RuntimeError("the workers were stopped")
        future: Future[Any] = Future()
        self._tasks.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; with ``cancel_futures`` at once, whatever they do."""
        self._closed = True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while True:
                    task = self._tasks.get_nowait()
                    if task is not None:
                        task[0].cancel()
            with self._lock:
                for process in self._processes.values():
                    process.kill()
        for _ in self._keepers:
            self._tasks.put(None)
        if wait:
            for keeper in self._keepers:
                keeper.join()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.shutdown(cancel_futures=kind is not None)

    def _keep(self, number: int) -> None:
        """Feed one process, and replace it when it is lost."""
        worker: _Worker | None = None
        while (task := self._tasks.get()) is not None:
            future, fn, args, kwargs = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if worker is None:
                    worker = self._started(number)
                result = worker.call(fn, args, kwargs)
            except WorkerLost as loss:
                worker = None
                future.set_exception(loss)
            except BaseException as error:  # noqa: BLE001 - the future carries it
                future.set_exception(error)
            else:
                future.set_result(result)
            del future, task, fn, args, kwargs
            result = None
        if worker is not None:
            worker.close()

    def _started(self, number: int) -> _Worker:
        for _ in range(STARTS):
            if self._closed:
                raise EngineFailed("the workers were stopped")
            worker = _Worker(self._context, self._max_memory)
            with self._lock:
                self._processes[number] = worker.process
            if worker.ready() and not self._closed:
                return worker
            worker.process.kill()
        raise EngineFailed(
            "workers cannot start: a script that asks for jobs must begin with "
            "'if __name__ == \"__main__\":', and there must be memory for them"
        )


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, context: Any, max_memory: int) -> None:
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(
            target=_serve, args=(theirs, max_memory), daemon=True
        )
        with _ONE_AT_A_TIME:
            self.process.start()
        theirs.close()
        self._known: Callable[..., Any] | None = None

    def ready(self) -> bool:
        """Whether it came up."""
        try:
            return bool(self._pipe.recv() == "ready")
        except (EOFError, OSError):
            self._exit_code()
            return False

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Have it call a function, which it keeps for the next time."""
        message = pickle.dumps((None if fn is self._known else fn, args, kwargs), protocol=5)
        kind, position = "at", None
        value: Any = None
        try:
            self._pipe.send_bytes(message)
            self._known = fn
            while kind == "at":
                position = value
                kind, value = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._lost(position) from error
        if kind == "failed":
            raise value
        return value

    def _lost(self, position: int | None) -> WorkerLost:
        self._pipe.close()
        code = self._exit_code()
        if hasattr(signal, "SIGALRM") and code == -signal.SIGALRM:
            reason = "decoding it took longer than --time-limit allows; its worker was ended"
            return WorkerLost(reason, position, certain=True)
        return WorkerLost(f"its worker died ({_how(code)})", position)

    def close(self) -> None:
        """Stop the process, and wait for it."""
        self._pipe.close()
        self._exit_code()

    def _exit_code(self) -> int:
        """Exit code of the process, after it has ended."""
        wait([self.process.sentinel])
        with _ONE_AT_A_TIME:
            self.process.join()
            return self.process.exitcode or 0


def _how(code: int) -> str:
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"


def _serve(pipe: Connection, max_memory: int) -> None:
    """Main loop of a worker: run calls until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run ends its workers itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    warnings.simplefilter("ignore", FFTWMissingWarning)  # the run has said it
    default_backend()  # loads FFTW, before memory is limited
    limits = threadpool_limits(limits=1)
    _limit_memory(max_memory)
    time_limit.watched_by(time_limit.DeadlyWatch(lambda position: pipe.send(("at", position))))
    known: Callable[..., Any] | None = None
    with contextlib.suppress(EOFError, OSError), limits:
        pipe.send("ready")
        while True:
            fn, args, kwargs = pickle.loads(pipe.recv_bytes())
            known = fn or known
            pipe.send_bytes(_answer(known, args, kwargs))


def _answer(fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    try:
        return pickle.dumps(("done", fn(*args, **kwargs)), protocol=5)
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        try:
            return pickle.dumps(("failed", pickle.loads(pickle.dumps(error))), protocol=5)
        except Exception:  # noqa: BLE001 - an error that does not travel
            return pickle.dumps(("failed", RuntimeError(f"{type(error).__name__}: {error}")))


def _die_with(parent: Any) -> None:
    """End this process when the one that started it is gone, even in the middle of a decoder."""
    parent.join()
    os._exit(1)


def _limit_memory(max_memory: int) -> None:
    """Let the kernel refuse more, so that a decoder meets MemoryError and not the whole machine."""
    try:
        import resource
        from pathlib import Path

        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        now = pages * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + max_memory, hard))
    except (ImportError, OSError, ValueError):
        return  # not on this platform
