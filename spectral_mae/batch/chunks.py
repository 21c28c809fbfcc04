"""Chunks of images through an executor: results in order, nothing lost, little in flight.

What a chunk holds depends on the list of images and the options alone, and results come in the
order of the chunks, so that no result depends on how many workers there are or which is first.
Only some chunks are in flight at a time: a million images never are a million futures.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from spectral_mae.images.references import OpenFiles

Result = TypeVar("Result")

DEATHS = 3  # workers that may die on an image before it is left out


class WorkerLost(RuntimeError):  # noqa: N818 - what happened to a worker
    """A worker died before it was done.

    Attributes
    ----------
    position : int or None
        Of the image in the chunk that it was at, if that is known.
    certain : bool
        Whether that image is to blame: its time was over.
    """

    def __init__(self, reason: str, position: int | None = None, *, certain: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.position, self.certain = reason, position, certain


class EngineFailed(RuntimeError):  # noqa: N818 - the run cannot go on
    """The executor cannot go on; what is in the journal can be resumed."""


@dataclass(frozen=True)
class Chunk:
    """Images that are worked on together.

    Attributes
    ----------
    index : int
        Of the chunk.
    first : int
        Number of its first image.
    items : tuple
        References.
    excluded : mapping
        Images that are not to be touched, by position in the chunk, and why.
    """

    index: int
    first: int
    items: tuple[Any, ...]
    excluded: Mapping[int, str] = field(default_factory=dict)


class Sums(Protocol):
    """Sums over the images of a chunk, which are added up over all chunks."""

    def merge(self, other: Self) -> Self:
        """Add the sums of the chunks that follow."""

    def to_arrays(self) -> dict[str, Any]:
        """All there is to know, as arrays by name."""


@dataclass
class ChunkResult:
    """What became of a chunk.

    Attributes
    ----------
    sums : Sums
    failed : list of (title, reason)
    n_done, n_failed : int
        Images that could be used, and those that could not, or not in every respect.
    seconds, reading : float
        Spent on the chunk, and on reading in it.
    enlarged : list of str
        Titles of images that were smaller than what was asked for.
    """

    sums: Any
    failed: list[tuple[str, str]]
    n_done: int
    n_failed: int
    seconds: float
    reading: float
    enlarged: list[str] = field(default_factory=list)


class OfThread(threading.local):
    """What a thread keeps from chunk to chunk; a copy of it in another process is empty.

    Attributes
    ----------
    files : OpenFiles
    """

    def __init__(self) -> None:
        self.files = OpenFiles()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


def chunked(items: Sequence[Any], size: int, start: int = 0) -> Iterator[Chunk]:
    """Chunks of ``size`` images, from chunk ``start`` on.

    Examples
    --------
    >>> [chunk.items for chunk in chunked("abcde", 2, start=1)]
    [('c', 'd'), ('e',)]
    """
    for index, first in enumerate(range(0, len(items), size)):
        if index >= start:
            yield Chunk(index, first, tuple(items[first : first + size]))


class InProcess(Executor):
    """Work is done by whoever submits it, at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call the function; exceptions go into the future, interrupts come through."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - futures carry them
            future.set_exception(error)
        return future


def in_order(
    chunks: Iterable[Chunk],
    work: Callable[[Chunk], Result],
    executor: Executor,
    *,
    ahead: int = 1,
    on_loss: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[Chunk, Result]]:
    """Results of the chunks, in their order.

    Parameters
    ----------
    chunks : iterable of Chunk
        Taken as there is room for them.
    work : callable
        Pure, and picklable where the executor has other processes.
    executor : concurrent.futures.Executor
        Runs ``work`` on the chunks.
    ahead : int
        Chunks that may be in flight, or done and waiting for an earlier one.
    on_loss : callable
        Told of every worker that died.

    Raises
    ------
    EngineFailed
        If the executor is broken for good.
    """
    flight = _Flight(work, executor, on_loss)
    upcoming, done = iter(chunks), False
    try:
        while True:
            while not done and flight.n < ahead:
                chunk = next(upcoming, None)
                done = chunk is None
                if chunk is not None:
                    flight.start(chunk)
            if flight.n == 0:
                return
            yield flight.next()
    finally:
        flight.cancel()


class _Flight(Generic[Result]):
    """Chunks that were submitted and not handed on."""

    def __init__(
        self,
        work: Callable[[Chunk], Result],
        executor: Executor,
        on_loss: Callable[[str], None],
    ) -> None:
        self._work, self._executor, self._on_loss = work, executor, on_loss
        self._order: list[int] = []
        self._running: dict[Future[Result], Chunk] = {}
        self._ready: dict[int, tuple[Chunk, Result]] = {}
        self._losses: dict[int, Counter[int | None]] = {}

    @property
    def n(self) -> int:
        return len(self._order)

    def start(self, chunk: Chunk) -> None:
        self._order.append(chunk.index)
        self._submit(chunk)

    def next(self) -> tuple[Chunk, Result]:
        """The result of the first chunk, once it is there."""
        first = self._order[0]
        while first not in self._ready:
            finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
            for future in finished:
                self._take(future, self._running.pop(future))
        self._order.pop(0)
        self._losses.pop(first, None)
        return self._ready.pop(first)

    def cancel(self) -> None:
        for future in self._running:
            future.cancel()

    def _submit(self, chunk: Chunk) -> None:
        try:
            self._running[self._executor.submit(self._work, chunk)] = chunk
        except BrokenExecutor as error:
            raise _broken(error) from error

    def _take(self, future: Future[Result], chunk: Chunk) -> None:
        try:
            self._ready[chunk.index] = chunk, future.result()
        except BrokenExecutor as error:
            raise _broken(error) from error
        except (Exception, CancelledError) as error:
            loss = _loss(error)
            if loss is None:
                raise
            self._on_loss(loss.reason)
            self._submit(self._retried(chunk, loss))

    def _retried(self, chunk: Chunk, loss: WorkerLost) -> Chunk:
        """The chunk again, without the image that is to blame, if one is."""
        losses = self._losses.setdefault(chunk.index, Counter())
        losses[loss.position] += 1
        if losses.total() > DEATHS * (len(chunk.items) + 1):
            raise EngineFailed(f"workers die again and again: {loss.reason}") from loss
        if loss.position is None:
            return chunk if losses[None] == 1 else self._without_culprits(chunk)
        if loss.certain or losses[loss.position] >= DEATHS:
            return replace(chunk, excluded={**chunk.excluded, loss.position: loss.reason})
        return chunk

    def _without_culprits(self, chunk: Chunk) -> Chunk:
        """Try its images one by one; those that take their worker with them are left out."""
        excluded = dict(chunk.excluded)
        for position, item in enumerate(chunk.items):
            if position in excluded:
                continue
            alone = Chunk(chunk.index, chunk.first + position, (item,))
            for attempt in (1, 2):
                try:
                    self._executor.submit(self._work, alone).result()
                    break
                except BrokenExecutor as error:
                    raise _broken(error) from error
                except (Exception, CancelledError) as error:
                    loss = _loss(error)
                    if loss is None:
                        raise
                    if attempt == 2:
                        excluded[position] = loss.reason
        return replace(chunk, excluded=excluded)


def _loss(error: BaseException) -> WorkerLost | None:
    """Whether an error says that a worker died, rather than that the work failed."""
    if isinstance(error, WorkerLost):
        return error
    # Dask's own, which may not be installed
    if isinstance(error, CancelledError) or type(error).__name__ in (
        "KilledWorker",
        "CommClosedError",
    ):
        return WorkerLost("its worker died each time it was tried")
    return None


def _broken(error: BrokenExecutor) -> EngineFailed:
    return EngineFailed(
        f"the executor lost a worker and cannot go on ({error}); the processes "
        "that a run starts by itself are replaced"
    )
