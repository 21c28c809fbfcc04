"""A run over many images: checked, worked on in chunks, journalled, resumed."""

from __future__ import annotations

import argparse
import json
import logging
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from spectral_mae import tables
from spectral_mae.batch import Outcome
from spectral_mae.batch_work import SHOWN, ChunkResult, renumbered
from spectral_mae.command_line import UsageError, output_errors, usage_errors, versions
from spectral_mae.engine import Chunk, EngineFailed, chunked, in_order
from spectral_mae.executors import Crew, chosen_jobs, crew, memory_limit
from spectral_mae.interrupts import Interrupts
from spectral_mae.journal import Journal, JournalRefused, Phase, differences
from spectral_mae.merge_tree import Branch, MergeTree
from spectral_mae.references import ImageReference
from spectral_mae.run_log import LOGGER, Progress, logging_to

FOLDER = ".run"
SUM_BYTES = 2**29  # for the partial sums of a run
PARTS = 16  # chunks that a short list is cut into at least
LARGEST = 1024


class FailFast(Exception):  # noqa: N818 - what was asked for
    """An image failed, and ``--fail-fast`` ends the run."""


class Done(Exception):  # noqa: N818 - nothing is left to do
    """The run was complete already.

    Attributes
    ----------
    code : int
        Its exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__("complete already")
        self.code = code


class BatchRun:
    """A command at work on many images.

    Parameters
    ----------
    arguments : Namespace
    folder : Path
        Where the journal goes.
    record : Path
        The file that says that a run in this place is complete.
    results : sequence of Path
        What the command writes; not written over unless that was asked for.
    options : mapping
        All that results depend on.
    references : sequence of ImageReference
        All images of the run.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        *,
        folder: Path,
        record: Path,
        results: Sequence[Path],
        options: Mapping[str, Any],
        references: Sequence[ImageReference],
    ) -> None:
        self.arguments = arguments
        self.journal = Journal(folder)
        self.record = record
        self.references = references
        self.header = {"command": arguments.command, "options": options, "versions": versions()}
        self.shown: list[Outcome] = []
        self.failed: list[tuple[str, str]] = []
        self._known: set[tuple[str, str]] = set()
        self.jobs = 1
        self._open = ExitStack()
        self._start = time.monotonic()
        self._before = 0.0
        self._interrupts = Interrupts()
        self._crew: Crew | None = None
        self._results = results
        with usage_errors():
            self._check_options()
            self._going_on = self._check_output()

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
                memory = memory_limit(arguments.memory_limit, self.jobs)
                self._crew = self._open.enter_context(crew(self.jobs, scheduler, memory))
                self.jobs = self._crew.jobs
            self._open_journal()
            self._open.enter_context(self._interrupts)
        except BaseException:
            self.journal.close()
            self._open.close()
            raise
        self._before = self.journal.counters.get("elapsed", 0.0)
        self.failed = self._failures()
        self._known = set(self.failed)
        LOGGER.debug("%s", json.dumps(self.header))
        if self._going_on:
            done = int(self.journal.counters.get("done", 0))
            LOGGER.info("resumed: %d images are done already", done)
        return self

    def _open_journal(self) -> None:
        inputs = (_described(reference) for reference in self.references)
        open_ = self.journal.resume if self._going_on else self.journal.begin
        try:
            with room_errors():
                open_(self.header, inputs)
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
        if error is not None:
            LOGGER.debug("ended by %s: %s", type(error).__name__, error)
        self._open.__exit__(kind, error, trace)
        if hopeless:
            self.abandon()
        else:
            self.journal.close()

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
        with (
            Progress(len(references), begun, quiet=self.arguments.quiet) as progress,
            room_errors(),
        ):
            self._go(name, chunked(references, chunk_size, state.chunks), work, tree, progress)
        return tree.result()

    def again(self, references: Sequence[ImageReference], work: Any) -> ChunkResult:
        """Work on some images once more, for what was not kept of them."""
        ((_, result),) = self._in_order(iter([Chunk(0, 0, tuple(references))]), work)
        return result

    def throughput(self) -> dict[str, Any]:
        """Rate, workers, and the share of their time that reading took."""
        counters = self.journal.counters
        elapsed = self._elapsed()
        return {
            "jobs": self.jobs,
            "scheduler": self.arguments.scheduler,
            "images_per_second": round(counters.get("done", 0) / max(elapsed, 1e-9), 3),
            "seconds_elapsed": round(elapsed, 3),
            "share_reading": round(
                counters.get("reading", 0.0) / max(counters.get("seconds", 0.0), 1e-9), 4
            ),
        }

    def finish(self, record: Mapping[str, Any], code: int) -> dict[str, Any]:
        """What the record of a complete run says besides, so that it is known again."""
        inputs = [_described(reference) for reference in self.references]
        return {**record, "header": _plain(self.header), "inputs": _checksum(inputs), "exit": code}

    def abandon(self) -> None:
        """Remove the journal, and the folder around it if that is empty."""
        self.journal.remove()
        try:
            self.journal.folder.parent.rmdir()
        except OSError:
            return

    @contextmanager
    def whole(self) -> Iterator[None]:
        """No signal ends what is done inside half-way."""
        with self._interrupts.held():
            yield

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
                    self._take(chunk, result)
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

    def _take(self, chunk: Chunk, result: ChunkResult) -> None:
        counters = self.journal.counters
        analysed = int(counters.get("analysed", 0))
        for name, data in result.rows.items():
            self.journal.append(
                name, renumbered(data, analysed) if name == "spectra-image" else data
            )
        for title, reason in result.failed:
            line = json.dumps([title, reason]).encode() + b"\n"
            if (title, reason) in self._known:  # images held out may be read several times
                continue
            self._known.add((title, reason))
            self.journal.append("failed", line)
            self.failed.append((title, reason))
            if not (self.arguments.quiet and self.arguments.command == "analyze"):
                LOGGER.warning("failed: %s: %s", title, reason)
            else:
                LOGGER.debug("failed: %s: %s", title, reason)
        if self._images_shown == analysed < SHOWN:
            left = SHOWN - analysed
            names = list(dict.fromkeys(o.name for o in result.shown))[:left]
            self.shown += [o for o in result.shown if o.name in names]
        for name, value in (
            ("done", len(chunk.items)),
            ("analysed", result.n_done),
            ("failed", result.n_failed),
            ("seconds", result.seconds),
            ("reading", result.reading),
        ):
            counters[name] = counters.get(name, 0) + value

    @property
    def _images_shown(self) -> int:
        return len({outcome.name for outcome in self.shown})

    def _checkpoint(self, name: str, done: int, tree: MergeTree[Any]) -> None:
        self.journal.counters["elapsed"] = self._elapsed()
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

    def _elapsed(self) -> float:
        return self._before + time.monotonic() - self._start

    def _failures(self) -> list[tuple[str, str]]:
        path = self.journal.table("failed")
        if not path.exists():
            return []
        with path.open(encoding="utf-8") as file:
            return [(title, reason) for title, reason in map(json.loads, file)]

    def _check_options(self) -> None:
        arguments = self.arguments
        if arguments.resume and arguments.overwrite:
            raise ValueError("--resume goes on with a run and --overwrite begins again: give one")
        if arguments.scheduler is not None and arguments.jobs is not None:
            raise ValueError("--jobs is for this machine and --scheduler for a cluster: give one")
        if not arguments.time_limit > 0:
            raise ValueError(f"--time-limit {arguments.time_limit} is not above 0 seconds")
        if arguments.checkpoint < 0:
            raise ValueError(f"--checkpoint {arguments.checkpoint} is negative")
        self.jobs = chosen_jobs(arguments.jobs, len(self.references))
        memory_limit(arguments.memory_limit, self.jobs)

    def _check_output(self) -> bool:
        """Whether a run is to go on."""
        out, there = self.arguments.out, [path for path in self._results if path.exists()]
        if self.journal.exists:
            if self.arguments.resume or self.arguments.overwrite:
                return bool(self.arguments.resume)
            raise ValueError(
                f"{out} holds a run that was not finished: --resume goes on with it, --overwrite "
                "begins again"
            )
        if self.arguments.resume and self.record.exists():
            self._check_complete()
        if there and not self.arguments.overwrite:
            raise ValueError(
                f"{out} holds results of another run ({there[0].name}): give another --out, or "
                "--overwrite to replace them"
            )
        return False

    def _check_complete(self) -> None:
        """Raise `Done` if the complete run that lies there is the one that was asked for.

        Raises
        ------
        ValueError
            If it is another.
        """
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if "header" not in record:
            return
        told = differences(record["header"], _plain(self.header))
        inputs = [_described(reference) for reference in self.references]
        if not told and record["inputs"] != _checksum(inputs):
            told = "the input differs"
        if told:
            raise ValueError(f"{self.arguments.out} is complete, but of another run: {told}")
        raise Done(record["exit"])


@contextmanager
def room_errors() -> Iterator[None]:
    """What the file system refuses to write ends the run, which can go on when it is mended."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"cannot write: {error}; what is done is kept: mend that, then --resume goes on"
        ) from error


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


def check_folder(out: Path) -> None:
    """Raise ``ValueError`` where the output cannot be a folder.

    Raises
    ------
    ValueError
        If it is a file, or would lie in one.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file, not a folder")
    check_place(out)


def check_place(out: Path) -> None:
    """Raise ``ValueError`` where nothing can be written.

    Raises
    ------
    ValueError
        If the output would lie in a file.
    """
    above = next((folder for folder in out.parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise ValueError(
            f"--out {out} lies in the file {above}; archives are read and never written: give a "
            "place in a folder"
        )


def table_headers() -> dict[str, bytes]:
    """The first rows of the tables of ``analyze``."""
    return {
        "images.csv": tables.header(tables.COLUMNS).encode(),
        "spectra.csv": tables.header(tables.SPECTRA_COLUMNS).encode(),
    }


def _described(reference: ImageReference) -> str:
    title = reference.title.replace("\n", "\\n").replace("\r", "\\r")
    return f"{title}\t{reference.stamp}"


def _plain(record: Any) -> Any:
    return json.loads(json.dumps(record))


def _checksum(lines: Sequence[str]) -> int:
    return zlib.crc32("\n".join(lines).encode("utf-8", "backslashreplace"))
