"""``analyze`` on many images, from images to tables, pictures and a page."""

from __future__ import annotations

import dataclasses
import logging
import os
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spectral_mae._files.parquet_table import expect_parquet
from spectral_mae._parallel import cores
from spectral_mae.batch.analyze import report
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer, Outcome
from spectral_mae.batch.analyze.page import RunResults
from spectral_mae.batch.analyze.pictures import Pictures
from spectral_mae.batch.analyze.result import AnalyzeInterrupted, AnalyzeResult
from spectral_mae.batch.analyze.run_tables import RunTables
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.batch.analyze.summary.answer import NAMED, most_unusual
from spectral_mae.batch.analyze.summary.choice import Chosen, choose
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.summary.sample import SampledImage, sample
from spectral_mae.batch.analyze.work import AnalysisSums, AnalyzedChunk, AnalyzeWork
from spectral_mae.batch.chunks import Chunk
from spectral_mae.batch.errors import kept_on_disk, refused
from spectral_mae.batch.pages.drawer import Drawer, Where
from spectral_mae.batch.run import BatchRun, chunk_size_for
from spectral_mae.batch.run_folder import (
    FOLDER,
    Done,
    RunPlace,
    check_folder,
    check_resumed,
    find_some,
    place_of,
    scratch_folder,
)
from spectral_mae.batch.run_identity import fft_library, versions
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import Pixels
from spectral_mae.images.sources import FoundSources, Images, image_list
from spectral_mae.masks.mask_files import is_mask_file

CHUNK_PIXELS = 2**22  # of a chunk, over all patch sizes
NATIVE_CHUNK = 32
KEPT_NUMBERS = 2**22  # in the images that are kept until the end, so as not to read them again
FEW = 10  # images below which a process that draws beside the analysis saves no time


def analyze_images(
    images: Images,
    options: AnalyzeOptions | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    run: RunOptions | None = None,
) -> AnalyzeResult:
    """What masking patches does to the spectra of these images; ``spectral-mae analyze``.

    Each image is read, its power spectrum averaged over rings of frequency, the exact expectation
    under masking computed (Eq. 18 of the paper), and compared with masks that are drawn.

    Parameters
    ----------
    images : path, list of paths, array_like or list of array_like
        Files, folders, patterns, ``"builtin:NAME"``, archives, npy and npz files, and ``"@FILE"``
        for a list of these (docs/batches.md); or arrays (n, H, W), (n, H, W, channels), or one
        (H, W) or (H, W, channels) each, with 1, 3 or 4 channels: bool, uint8 and uint16 fill
        [0, 1], floating-point numbers keep their values.
    options : AnalyzeOptions or None
        What is done to each image; None takes the defaults.
    out : path or None
        Folder for tables, pictures and a page. None writes nothing that stays.
    run : RunOptions or None
        How the run is carried out; None takes the defaults.

    Returns
    -------
    AnalyzeResult
        An image that cannot be analysed is among its failures and does not end the run.

    Raises
    ------
    ValueError
        If no image is found, options cannot work, or ``out`` holds another run.
    OSError
        If a path stands for nothing or ``out`` cannot be written.
    RuntimeError
        If an image failed and ``run.fail_fast`` is set, or workers cannot go on. What is done is
        kept in ``out``; the same call with ``resume=True`` goes on.
    AnalyzeInterrupted
        At Ctrl-C, a ``KeyboardInterrupt``, once the page of what was done is written.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> options = sm.AnalyzeOptions(patch_sizes=(8,), size=64, n_draws=2)
    >>> result = sm.analyze_images(["builtin:camera", "builtin:cat"], options)
    >>> result.counts["analysed"], result.failures
    (2, [])
    >>> [(row["path"], row["patch_size"]) for row in result.rows]
    [('builtin:camera', 8), ('builtin:cat', 8)]
    """
    options = AnalyzeOptions() if options is None else options
    running = RunOptions() if run is None else run
    begun = datetime.now(UTC), time.perf_counter()
    given = image_list(images)
    with scratch_folder(given, out) as scratch:
        target = place_of(out, scratch, "out")
        with refused():
            if options.table_format == "parquet":
                expect_parquet("table_format='parquet'")
            check_resumed(running, out)
            check_folder(target)
            found = find_some(given, output=target, scratch=scratch)
        try:
            batch_run = _batch_run(options, running, found, target)
        except Done as done:
            counts = done.record["counts"]
            return AnalyzeResult("complete", counts, target / "report.html", True, target)
        where: Where = "here"
        if out is not None:
            where = _where_to_draw(batch_run, len(found.references))
        with batch_run, Drawer(where, batch_run.workers) as drawer:
            analysis = _Analysis(options, found, batch_run, drawer)
            if out is None:
                return analysis.in_memory()
            result = analysis.written_to(target, begun)
            batch_run.journal.remove()
            return result


def _where_to_draw(run: BatchRun, n_images: int) -> Where:
    """A thread beside workers, a process beside an analysis in this one, unless it is all alone."""
    if run.running.scheduler is not None or run.jobs > 1:
        return "thread"
    alone = run.running.jobs == 1 or cores() == 1 or n_images < FEW
    return "here" if alone else "process"


def _batch_run(
    options: AnalyzeOptions, running: RunOptions, found: FoundSources, out: Path
) -> BatchRun:
    results = [out / name for name in ("run.json", "report.html", *report.ALL_TABLES)]
    return BatchRun(
        "analyze",
        running,
        place=RunPlace(out, folder=out / FOLDER, record=results[0], results=results),
        options={**options.to_dict(), **_of_mask_file(options)},
        references=found.references,
        failures_logged=logging.DEBUG if running.quiet else logging.WARNING,
    )


def _of_mask_file(options: AnalyzeOptions) -> dict[str, int]:
    """What changes when the masks in a file do, whose name the design is."""
    for name in (options.masks.text, options.masks.text.rpartition(",")[0]):
        if is_mask_file(name):
            return {"design_checksum": zlib.crc32(Path(name).read_bytes())}
    return {}


class _Analysis:
    """A run that was begun, and the first images that were analysed."""

    def __init__(
        self, options: AnalyzeOptions, found: FoundSources, run: BatchRun, drawer: Drawer
    ) -> None:
        self.options, self.found, self.run, self.drawer = options, found, run, drawer
        self.kept: dict[str, list[Outcome]] = {}  # of images that the page may show, by their title
        self.tables = RunTables(run.journal, options.table_format)
        self.pictures = Pictures(self.tables.folder / "figures", options, drawer)
        self.work = AnalyzeWork(options, run.running.time_limit, run.max_memory)

    def in_memory(self) -> AnalyzeResult:
        """The result of all images, without pictures and page."""
        sums = self._sums_of_all()
        self.tables.flush()
        self.tables.write_derived(sums.spectra, {})
        counts = self._counts(self.tables.numbers())
        result = AnalyzeResult("complete", counts, None, False, self.tables.folder)
        return result.in_memory()

    def written_to(self, out: Path, begun: tuple[datetime, float]) -> AnalyzeResult:
        """The result, when tables, pictures and page are in ``out``.

        Raises
        ------
        AnalyzeInterrupted
            When they are, of the images that were analysed until then.
        """
        try:
            sums, interrupt = self._sums_of_all(), None
        except KeyboardInterrupt as error:
            sums, interrupt = self._checkpointed_sums(), error
            self.drawer.workers = None  # they would first finish the chunks that they are at
        with kept_on_disk():
            self.tables.flush()
        numbers = self.tables.numbers()
        counts = self._counts(numbers)
        started, clock = begun
        record: dict[str, Any] = {
            "status": "complete" if interrupt is None else "interrupted",
            "options": {"paths": list(self.found.given), **self.options.to_dict()},
            "versions": versions(),
            "fft": fft_library(),
            "counts": counts,
            "started": started.isoformat(timespec="seconds"),
            "seconds_analysis": round(time.perf_counter() - clock, 3),
            "throughput": self.run.throughput(),
        }
        with kept_on_disk():
            chosen = choose(numbers)
            rows = [one.row for one in chosen] + most_unusual(numbers)[:NAMED]
            shown = self._shown(chosen, again=interrupt is None)
            self.pictures.begin_chosen(shown, self._reading_again())
            results = RunResults(
                self.tables,
                shown,
                chosen,
                numbers,
                sums.spectra,
                int(self.run.journal.counters.get("done", 0)),
                counts["analysed"],
                sums.moments.largest(),
                self._reading_again(),
                self._sampled(numbers, rows) if interrupt is None else [],
            )
            if interrupt is None:
                record = self.run.identity.signed(record)
            self.work.forget()
            page = report.write_run(
                out, results, self.pictures, self.options, record, clock, self.run.stage
            )
        result = AnalyzeResult(record["status"], counts, page, False, out)
        if interrupt is not None:
            raise AnalyzeInterrupted(result, getattr(interrupt, "signum", None)) from interrupt
        return result

    def _sums_of_all(self) -> AnalysisSums:
        size, references = self.options.size, self.found.references
        wanted = NATIVE_CHUNK
        if size is not None:
            wanted = max(1, CHUNK_PIXELS // (size**2 * len(self.options.patch_sizes)))
        sums: AnalysisSums = self.run.phase(
            "images",
            references,
            self.work,
            AnalysisSums.from_arrays,
            chunk_size=chunk_size_for(len(references), wanted),
            take=self._take,
            ending="writing the page",
        )
        return sums

    def _take(self, result: AnalyzedChunk, n_before: int) -> None:
        self.tables.append(result.rows, n_before)
        self._keep(result.shown)
        if n_before == 0:
            self.pictures.begin(result.shown)

    def _keep(self, shown: Sequence[Outcome]) -> None:
        """Keep outcomes with their pixels as far as there is room, to read fewer of them again."""
        if not self.options.figures:
            return
        held = sum(
            o.pixels.size for kept in self.kept.values() for o in kept if o.pixels is not None
        )
        for outcome in shown:
            if outcome.pixels is None or held + outcome.pixels.size > KEPT_NUMBERS:
                continue
            held += outcome.pixels.size
            self.kept.setdefault(outcome.name, []).append(outcome)

    def _checkpointed_sums(self) -> AnalysisSums:
        """Sums of an interrupted run, read from its journal."""
        total = AnalysisSums(ShapeMoments(), MeanSpectra())
        phase = self.run.journal.phases.get("images")
        for *_, file in phase.branches if phase is not None else ():
            total.merge(AnalysisSums.from_arrays(self.run.journal.arrays(file)))
        return total

    def _counts(self, numbers: Numbers) -> dict[str, int]:
        return {
            "found": len(self.found.references),
            "analysed": self.run.tally.n_done,
            "failed": self.run.tally.n_failed,
            "checks_failed": int(numbers.defective.sum()),
            "with_missing_pixels": numbers.n_missing,
            "passed_over": self.found.passed_over,
        }

    def _shown(self, chosen: Sequence[Chosen], *, again: bool) -> Sequence[Outcome]:
        """The images that the page shows: as they were kept, or analysed once more.

        In this process if the run was stopped.
        """
        if not self.options.figures or not chosen:
            return []
        names = self.tables.names_of([one.row for one in chosen])
        n_sizes = len(self.options.patch_sizes)
        if all(len(self.kept.get(name, ())) == n_sizes for name in names):
            return [outcome for name in dict.fromkeys(names) for outcome in self.kept[name]]
        by_name = {one.title: one for one in self.found.references if one.title in names}
        found = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
        if again:
            result: AnalyzedChunk = self.run.again(found, self.work)
        else:
            result = self.work(Chunk(0, 0, tuple(found)))
        return result.shown

    def _sampled(self, numbers: Numbers, wanted: Sequence[int]) -> list[SampledImage]:
        """Images for thumbnails and models, read once more; none where no pictures are drawn."""
        if not self.options.figures:
            return []
        reader = Reader(self.options.color, self.options.max_pixels, self.run.running.time_limit)
        batch = BatchAnalyzer(self.options, reader)
        by_name = {one.title: one for one in self.found.references}
        patch_size = self.options.patch_sizes[0]

        def read(name: str) -> Pixels | None:
            for kept in self.kept.get(name, ()):
                if kept.patch_size == patch_size:
                    return kept.pixels
            return batch.read_again(by_name[name], patch_size) if name in by_name else None

        return sample(numbers, wanted, self.tables.names_of, read)

    def _reading_again(self) -> Callable[[Outcome], Pixels | None]:
        """How pictures get the gray pixels of large images, which are not kept during the run."""
        options = dataclasses.replace(self.options, color=False)
        reader = Reader(False, options.max_pixels, self.run.running.time_limit)
        batch = BatchAnalyzer(options, reader)

        def read(outcome: Outcome) -> Pixels | None:
            named = (one for one in self.found.references if one.title == outcome.name)
            reference = next(named, None)
            return None if reference is None else batch.read_again(reference, outcome.patch_size)

        return read
