"""A run over many images: checked, worked on in chunks, journalled, resumed."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from spectral_mae._files.output_files import check_distinct
from spectral_mae.batch.chunks import Chunk, EngineFailed, chunked, in_order
from spectral_mae.batch.errors import UsageError, output_errors, room_errors, usage_errors
from spectral_mae.batch.executors import Crew, chosen_jobs, crew, memory_limit
from spectral_mae.batch.journal import Journal, JournalRefused, Phase
from spectral_mae.batch.merge_tree import Branch, MergeTree
from spectral_mae.batch.moments_work import ChunkResult
from spectral_mae.batch.progress import LOGGER, Progress, enlarged_note, logging_to
from spectral_mae.batch.run_folder import RunPlace
from spectral_mae.batch.run_identity import RunIdentity
from spectral_mae.batch.run_state import Tally
from spectral_mae.batch.signals import Interrupts
from spectral_mae.images.references import ImageReference

SUM_BYTES = 2**29  # for the partial sums of a run
PARTS = 16  # chunks that a short list is cut into at least
LARGEST = 1024


class FailFast(Exception):  # noqa: N818 - what was asked for
    """An image failed, and ``--fail-fast`` ends the run."""


class BatchRun:
    """A command at work on many images.

    Parameters
    ----------
    arguments : Namespace
    place : RunPlace
    options : mapping
        All that results depend on.
    references : sequence of ImageReference
        All images of the run.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        *,
        place: RunPlace,
        options: Mapping[str, Any],
        references: Sequence[ImageReference],
    ) -> None:
        self.arguments = arguments
        self.journal = Journal(place.folder)
        self.identity = RunIdentity(arguments.command, options, references)
        silent = arguments.quiet and arguments.command == "analyze"
        self.tally = Tally(self.journal, logging.DEBUG if silent else logging.WARNING)
        self._open = ExitStack()
        self._interrupts = Interrupts(self._heard)
        self._ending = ""  # what is still done when the run is asked to end
        self._crew: Crew | None = None
        with usage_errors():
            self.jobs = _checked_jobs(arguments, len(references))
            self._memory = memory_limit(arguments.memory_limit, self.jobs)
            read = (reference.place.path for reference in references)
            check_distinct([*place.results, arguments.log_file], read)
            self._going_on = place.goes_on(
                self.identity,
                begun=self.journal.exists,
                resume=arguments.resume,
                overwrite=arguments.overwrite,
            )

    def __enter__(self) -> Self:
        """Open the journal and call the workers."""
        arguments = self.arguments
        level = logging.WARNING if arguments.quiet else logging.INFO
        try:
            with output_errors():
                if arguments.log_file is not None:
                    arguments.log_file.parent.mkdir(parents=True, exist_ok=True)
                self._open.enter_context(logging_to(arguments.log_file, level))
            with usage_errors():
                scheduler = arguments.scheduler
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

    def _open_journal(self) -> None:
        open_ = self.journal.resume if self._going_on else self.journal.begin
        try:
            with room_errors():
                open_(self.identity.header, self.identity.inputs())
        except JournalRefused as error:
            raise UsageError(str(error)) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send the workers home; what is unfinished can be resumed unless it cannot be mended."""
        hopeless = isinstance(error, UsageError) and not isinstance(error.__cause__, OSError)
        if error is None and self.tally.enlarged:
            size = self.arguments.size
            LOGGER.warning("%s", enlarged_note(len(self.tally.enlarged), size))
        if error is not None:
            LOGGER.debug("ended by %s: %s", type(error).__name__, error)
        self._open.__exit__(kind, error, trace)
        if hopeless:
            self.abandon()
        else:
            self.journal.close()

    @property
    def max_memory(self) -> int | None:
        """Bytes that an image may take; None where the workers of a cluster have other limits."""
        elsewhere = self.arguments.scheduler is not None and self.arguments.memory_limit is None
        return None if elsewhere else self._memory

    def phase(
        self,
        name: str,
        references: Sequence[ImageReference],
        work: Callable[[Chunk], ChunkResult],
        restore: Callable[[Mapping[str, Any]], Any],
        *,
        chunk_size: int,
        sum_bytes: int = 0,
    ) -> Any:
        """Work on images chunk by chunk, and give the sum; None of no images.

        Parameters
        ----------
        name : str
        references : sequence of ImageReference
        work : callable
        restore : callable
            Sums from their arrays.
        chunk_size : int
        sum_bytes : int
            What a partial sum takes, so that not too many are kept.
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
        self._ending = "writing the page" if self.arguments.command == "analyze" else ""
        with (
            Progress(len(references), begun, quiet=self.arguments.quiet) as progress,
            room_errors(),
        ):
            self._go(name, chunked(references, chunk_size, state.chunks), work, tree, progress)
        self._ending = ""  # not after an interrupt, of which another thread is about to tell
        return tree.result()

    def again(self, references: Sequence[ImageReference], work: Any) -> ChunkResult:
        """Work on some images once more, for what was not kept of them."""
        ((_, result),) = self._in_order(iter([Chunk(0, 0, tuple(references))]), work)
        return result

    def stage(self, doing: str, total: int) -> Progress:
        """A bar of its own for what is done when the images are."""
        return Progress(total, quiet=self.arguments.quiet, doing=doing)

    def throughput(self) -> dict[str, Any]:
        """Rate, workers, and the share of their time that reading took."""
        return {
            "jobs": self.jobs,
            "scheduler": self.arguments.scheduler,
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
        chunks: Iterator[Chunk],
        work: Callable[[Chunk], ChunkResult],
        tree: MergeTree[Any],
        progress: Progress,
    ) -> None:
        last, done = time.monotonic(), self.journal.phases.get(name, Phase()).chunks
        whole = True  # whether tables and sums have seen the same chunks
        try:
            for chunk, result in self._in_order(chunks, work):
                with self._interrupts.held():
                    whole = False
                    self.tally.take(chunk, result)
                    tree.push(result.sums)
                    done, whole = chunk.index + 1, True
                    if time.monotonic() - last >= self.arguments.checkpoint:
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
        if self.arguments.fail_fast and result.failed:
            title, reason = result.failed[0]
            raise FailFast(f"{title}: {reason}")

    def _in_order(
        self, chunks: Iterator[Chunk], work: Callable[[Chunk], ChunkResult]
    ) -> Iterator[tuple[Chunk, ChunkResult]]:
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


def ended(error: FailFast | EngineFailed) -> str:
    """What is said of a run that ended early by itself."""
    how = "stopped at the first failure" if isinstance(error, FailFast) else "cannot go on"
    return f"{how}: {error}; --resume goes on from there"


def chunk_size_for(n_images: int, wanted: int, sum_bytes: int = 0) -> int:
    """Images of a chunk: as many as are wanted, fewer where there are few.

    Where sums are large there are not many, because each chunk has one.

    It depends on the list of images and the options alone, so that results do too.
    """
    parts = max(2, min(PARTS, SUM_BYTES // max(1, 2 * sum_bytes)))
    return max(1, min(wanted, LARGEST, -(-n_images // parts)))


def _checked_jobs(arguments: argparse.Namespace, n_images: int) -> int:
    """How many are to work; what cannot be meant by the options of running is refused."""
    if arguments.resume and arguments.overwrite:
        raise ValueError("--resume goes on with a run and --overwrite begins again: give one")
    if arguments.scheduler is not None and arguments.jobs is not None:
        raise ValueError("--jobs is for this machine and --scheduler for a cluster: give one")
    if not arguments.time_limit > 0:
        raise ValueError(f"--time-limit {arguments.time_limit} is not above 0 seconds")
    if arguments.checkpoint < 0:
        raise ValueError(f"--checkpoint {arguments.checkpoint} is negative")
    return chosen_jobs(arguments.jobs, n_images)
