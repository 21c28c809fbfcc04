"""Work on stacks of matrices: in batches of small ones, and in a thread pool for large ones.

One matrix per thread, with BLAS limited to one thread, is faster than BLAS's own threads, above all
on a busy machine, where these wait for each other. NumPy's linear algebra releases the interpreter
lock; SciPy's does not.
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

BATCH_BYTES = 2**19  # a few such arrays lie in the second cache of a core
TINY = 8  # size of a matrix up to which BLAS has nothing to share out
POOLED = 128  # size of a matrix from which on a thread of its own pays


def in_batches(work: Callable[[slice], Result], n: int, d: int) -> list[Result]:
    """Call a function on slices that make up ``range(n)``, for a stack of n matrices of d × d.

    Parameters
    ----------
    work : callable
        ``work(rows)`` handles the matrices of a slice.
    n : int
        Number of matrices.
    d : int
        Rows of a matrix.

    Returns
    -------
    list
        The results in the order of the slices.
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
    """Return a context with the best number of BLAS threads for ``n`` matrices of d × d.

    A single large matrix may use all threads. For several, BLAS is limited to one thread: on a busy
    machine its threads wait for each other longer than the work takes. Very small matrices are
    never shared between threads, so no limit is set.

    Parameters
    ----------
    n : int
        Number of matrices.
    d : int
        Rows of a matrix.

    Returns
    -------
    context manager
        Entering it again inside sets nothing anew.
    """
    alone = n <= 1 and d >= POOLED
    return nullcontext() if alone or d <= TINY or n == 0 else one_blas_thread()


class _BlasLimit:
    """Limit of BLAS to one thread while any thread asks for it; there is one per process."""

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
    """Return the number of cores that this process may use.

    Returns
    -------
    int
        At least 1.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this platform
        return os.cpu_count() or 1
