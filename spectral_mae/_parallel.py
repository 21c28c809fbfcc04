"""Work on stacks of matrices: in batches where they are small, in a thread pool where not.

One matrix per thread with BLAS held to one thread beats BLAS's own threads, and on a busy machine
saves the case where those wait for each other. NumPy's linear algebra lets go of the interpreter;
SciPy's does not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

from threadpoolctl import threadpool_limits

Result = TypeVar("Result")

BATCH_BYTES = 2 * 2**20
TINY = 8  # size of a matrix up to which BLAS has nothing to share out
POOLED = 128  # size of a matrix from which on a thread of its own pays


def in_batches(work: Callable[[slice], Result], n: int, d: int) -> list[Result]:
    """Call ``work(rows)`` on slices that make up ``range(n)``, for matrices of d × d.

    The results come in order, whatever thread made them.
    """
    size = max(1, BATCH_BYTES // (16 * d * d)) if d < POOLED else 1
    batches = [slice(first, min(first + size, n)) for first in range(0, n, size)]
    workers = min(cores(), len(batches))
    with blas_for(n, d):
        if d < POOLED or workers <= 1:
            return [work(rows) for rows in batches]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(work, batches))


def blas_for(n: int, d: int) -> AbstractContextManager[None]:
    """BLAS as it should be for ``n`` matrices of d × d; around several calls it is set once.

    A single large matrix may have all threads. On a busy machine BLAS's threads wait for each
    other longer than small matrices take; and tiny ones it does not share out at all.
    """
    alone = n <= 1 and d >= POOLED
    return nullcontext() if alone or d <= TINY or n == 0 else one_blas_thread()


class _BlasLimit:
    """BLAS held to one thread while anyone needs it: the limit is one for the whole process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._limits: threadpool_limits | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            self._users += 1
            if self._limits is None:
                self._limits = threadpool_limits(limits=1, user_api="blas")
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0 and self._limits is not None:
                    self._limits.restore_original_limits()
                    self._limits = None


one_blas_thread = _BlasLimit()


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1
