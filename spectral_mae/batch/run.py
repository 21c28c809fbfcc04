"""A run over many images: checked, worked on in chunks, journalled, resumed."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from spectral_mae._files.output_files import check_distinct
from spectral_mae.batch.chunks import Chunk, ChunkResult, chunked, in_order
from spectral_mae.batch.errors import FailFast, ImagesRefused, in_words, kept_on_disk, refused
from spectral_mae.batch.executors import Crew, chosen_jobs, crew, memory_limit
from spectral_mae.batch.journal import Journal, Phase
from spectral_mae.batch.merge_tree import Branch, MergeTree
from spectral_mae.batch.progress import LOGGER, Progress, logging_to
from spectral_mae.batch.run_folder import RunPlace
from spectral_mae.batch.run_identity import RunIdentity
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.batch.run_state import Tally
from spectral_mae.batch.signals import Interrupts
from spectral_mae.batch.workers.processes import WorkerPool
from spectral_mae.images.references import ImageReference

SUM_BYTES = 2**29  # for the partial sums of a run
PARTS = 16  # chunks that a short list is cut into at least
LARGEST = 1024

Result = TypeVar("Result", bound=ChunkResult)


class BatchRun:
    """A pass, or several, over many images, for one command.

    Parameters
    ----------
    command : str
        By which the run is known again.
    running : RunOptions
    place : RunPlace
    options : mapping
        All that results depend on.
    references : sequence of ImageReference
        All images of the run.
    failures_logged : int
        The level at which failures are logged.

    Raises
    ------
    RunRefused
        If the run cannot go on, or not begin where another has left something.
    Done
        If it is to go on and is complete.
    """

    def __init__(
        self,
        command: str,
        running: RunOptions,
        *,
        place: RunPlace,
        options: Mapping[str, Any],
        references: Sequence[ImageReference],
        failures_logged: int = logging.WARNING,
    ) -> None:
        self.running = running
        self.journal = Journal(place.folder)
        self.identity = RunIdentity(command, options, references)
        self.tally = Tally(self.journal, failures_logged)
        self._open = ExitStack()
        self._interrupts = Interrupts(self._heard)
        self._ending = ""  # what is still done when the run is asked to end
        self._crew: Crew | None = None
        self._log_file = None if running.log_file is None else Path(running.log_file)
        with refused():
            self.jobs = chosen_jobs(running.jobs, len(references))
            self._memory = memory_limit(running.memory_limit, self.jobs)
            read = (reference.place.path for reference in references)
            check_distinct([*place.results, self._log_file], read)
            self._going_on = place.goes_on(
                self.identity,
                begun=self.journal.exists,
                resume=running.resume,
                overwrite=running.overwrite,
            )

    def __enter__(self) -> Self:
        """Open the journal and call the workers."""
        level = logging.WARNING if self.running.quiet else logging.INFO
        try:
            self._open_log(level)
            with refused():
                scheduler = self.running.scheduler
                self._crew = self._open.enter_context(crew(self.jobs, scheduler, self._memory))
                self.jobs = self._crew.jobs
            self._open_journal()
            self._open.enter_context(self._interrupts)
        except BaseException:
            self.journal.close()
            self._open.close()
            raise
        self.tally.go_on()
        LOGGER.debug("%s", json.dumps(self.identity.header))
        if self._going_on:
            done = int(self.journal.counters.get("done", 0))
            LOGGER.info("resumed: %d images are done already", done)
        return self

    def _open_log(self, level: int) -> None:
        try:
            if self._log_file is not None:
                self._log_file.parent.mkdir(parents=True, exist_ok=True)
            self._open.enter_context(logging_to(self._log_file, level))
        except OSError as error:
            raise OSError(f"cannot write: {in_words(error)}") from error

    def _open_journal(self) -> None:
        open_ = self.journal.resume if self._going_on else self.journal.begin
        with kept_on_disk():
            open_(self.identity.header, self.identity.inputs())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers; an unfinished run can be resumed, unless its images are refused."""
        if error is not None:
            LOGGER.debug("ended by %s: %s", type(error).__name__, error)
        self._open.__exit__(kind, error, trace)
        if isinstance(error, ImagesRefused):
            self.abandon()
        else:
            self.journal.close()

    @property
    def max_memory(self) -> int | None:
        """Bytes that an image may take; None where the workers of a cluster have other limits."""
        running = self.running
        elsewhere = running.scheduler is not None and running.memory_limit is None
        return None if elsewhere else self._memory

    @property
    def workers(self) -> Executor | None:
        """Processes of this machine that work for the run, while it goes on; None without any."""
        executor = None if self._crew is None else self._crew.executor
        return executor if isinstance(executor, WorkerPool) else None

    def phase(
        self,
        name: str,
        references: Sequence[ImageReference],
        work: Callable[[Chunk], Result],
        restore: Callable[[Mapping[str, Any]], Any],
        *,
        chunk_size: int,
        sum_bytes: int = 0,
        take: Callable[[Result, int], None] = lambda *_: None,
        ending: str = "",
    ) -> Any:
        """Process images chunk by chunk, and return the sum of the results; None of no images.

        Parameters
        ----------
        name : str
            Name of this pass over the images, by which a resumed run finds it.
        references : sequence of ImageReference
            The images.
        work : callable
            Takes a chunk and returns its result.
        restore : callable
            Makes a sum from its arrays.
        chunk_size : int
            Number of images in a chunk.
        sum_bytes : int
            What a partial sum takes, so that not too many are kept.
        take : callable
            Given the result of each chunk, and how many images were done before it, to keep what
            is neither a sum nor a failure.
        ending : str
            What is still done when the run is interrupted.
        """
        state = self.journal.phases.get(name, Phase())
        branches = tuple(
            Branch(level, first, last, restore(self.journal.arrays(file)))
            for level, first, last, file in state.branches
        )
        levels = max(1, min(62, SUM_BYTES // max(1, sum_bytes)))
        tree = MergeTree(levels, branches)
        begun = min(len(references), state.chunks * chunk_size)
        if begun == len(references):
            return tree.result()
        self._ending = ending
        chunks = chunked(references, chunk_size, state.chunks)
        with Progress(len(references), begun, quiet=self.running.quiet) as progress, kept_on_disk():
            self._go(name, self._in_order(chunks, work), tree, progress, take)
        self._ending = ""  # not after an interrupt, of which another thread is about to tell
        return tree.result()

    def again(
        self, references: Sequence[ImageReference], work: Callable[[Chunk], Result]
    ) -> Result:
        """Work on some images once more, for what was not kept of them."""
        ((_, result),) = self._in_order(iter([Chunk(0, 0, tuple(references))]), work)
        return result

    def once_more(
        self,
        references: Sequence[ImageReference],
        work: Callable[[Chunk], Result],
        *,
        chunk_size: int,
    ) -> Iterator[tuple[Chunk, Result]]:
        """Work on images once more, chunk by chunk in their order; nothing of it is journalled.

        Parameters
        ----------
        references : sequence of ImageReference
            The images.
        work : callable
            Takes a chunk and returns its result.
        chunk_size : int
            Number of images in a chunk.

        Yields
        ------
        chunk, result
            As soon as a chunk is done and all before it were.
        """
        yield from self._in_order(chunked(references, chunk_size, 0), work)

    def keep(self, name: str, line: str) -> None:
        """Keep a line of a table on disk, so that a resumed run need not make it again."""
        with self._interrupts.held(), kept_on_disk():
            n_lines = self.journal.phases.get(name, Phase()).chunks + 1
            self.journal.append(name, f"{line}\n".encode())
            self.journal.counters["elapsed"] = self.tally.elapsed()
            self.journal.checkpoint(name, n_lines, ())

    def kept(self, name: str) -> list[str]:
        """The lines of a table that were kept so far."""
        if name not in self.journal.phases:
            return []
        self.journal.flush()
        return self.journal.table(name).read_text(encoding="utf-8").splitlines()

    def stage(self, doing: str, total: int) -> Progress:
        """A bar of its own for what is done when the images are."""
        return Progress(total, quiet=self.running.quiet, doing=doing)

    def throughput(self) -> dict[str, Any]:
        """Rate, workers, and the share of their time that reading took."""
        return {
            "jobs": self.jobs,
            "scheduler": self.running.scheduler,
            **self.tally.rates(),
        }

    def _heard(self) -> None:
        """Say at once that the run will end."""
        ending = f", {self._ending}" if self._ending else ""
        LOGGER.warning("stopping%s … (Ctrl-C again ends at once)", ending)

    def abandon(self) -> None:
        """Remove the journal, and the folder around it if that is empty."""
        self.journal.remove()
        try:
            self.journal.folder.parent.rmdir()
        except OSError:
            return

    def _go(
        self,
        name: str,
        results: Iterator[tuple[Chunk, Result]],
        tree: MergeTree[Any],
        progress: Progress,
        take: Callable[[Result, int], None],
    ) -> None:
        last, done = time.monotonic(), self.journal.phases.get(name, Phase()).chunks
        whole = True  # whether tables and sums have seen the same chunks
        try:
            for chunk, result in results:
                with self._interrupts.held():
                    whole = False
                    take(result, self.tally.n_done)
                    self.tally.take(chunk, result)
                    tree.push(result.sums)
                    done, whole = chunk.index + 1, True
                    if time.monotonic() - last >= self.running.checkpoint:
                        self._checkpoint(name, done, tree)
                        last = time.monotonic()
                progress.add(len(chunk.items))
                self._fail_fast(result)
        except BaseException as error:
            if whole and not isinstance(error, OSError):  # after which only the last one counts
                with self._interrupts.held():
                    self._checkpoint(name, done, tree)
            raise
        with self._interrupts.held():
            self._checkpoint(name, done, tree)

    def _fail_fast(self, result: ChunkResult) -> None:
        if self.running.fail_fast and result.failed:
            title, reason = result.failed[0]
            raise FailFast(f"{title}: {reason}")

    def _in_order(
        self, chunks: Iterator[Chunk], work: Callable[[Chunk], Result]
    ) -> Iterator[tuple[Chunk, Result]]:
        if self._crew is None:
            raise RuntimeError("the run has not begun")
        return in_order(
            chunks,
            work,
            self._crew.executor,
            ahead=self._crew.ahead,
            on_loss=lambda reason: LOGGER.warning("a worker is lost and replaced: %s", reason),
        )

    def _checkpoint(self, name: str, done: int, tree: MergeTree[Any]) -> None:
        self.journal.counters["elapsed"] = self.tally.elapsed()
        known = self.journal.has
        self.journal.checkpoint(
            name,
            done,
            (
                (b.level, b.first, b.last, None)
                if known(name, b.level, b.first, b.last)
                else (b.level, b.first, b.last, b.part.to_arrays())
                for b in tree.branches
            ),
        )
        LOGGER.debug("checkpoint: %d chunks of %s", done, name)


def chunk_size_for(n_images: int, wanted: int, sum_bytes: int = 0) -> int:
    """Images of a chunk: as many as are wanted, fewer where there are few.

    Where sums are large there are not many, because each chunk has one.

    It depends on the list of images and the options alone, so that results do too.
    """
    parts = max(2, min(PARTS, SUM_BYTES // max(1, 2 * sum_bytes)))
    return max(1, min(wanted, LARGEST, -(-n_images // parts)))
