"""What ``analyze`` does: from parsed arguments to tables, pictures and a page."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spectral_mae.batch.analyze import report, tables
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer, BatchOptions, Outcome, linear_models
from spectral_mae.batch.analyze.page import RunResults
from spectral_mae.batch.analyze.page_numbers import Numbers
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.batch.analyze.work import SHOWN, AnalysisSums, AnalyzeWork
from spectral_mae.batch.chunks import EngineFailed
from spectral_mae.batch.errors import room_errors, usage_errors
from spectral_mae.batch.journal import Journal
from spectral_mae.batch.run import BatchRun, FailFast, chunk_size_for, ended
from spectral_mae.batch.run_folder import FOLDER, Done, RunPlace, check_folder
from spectral_mae.batch.run_identity import versions
from spectral_mae.cli.shared import (
    DEFECT,
    NOTHING,
    OK,
    SOME_FAILED,
    found_sources,
    pixels_or_native,
)
from spectral_mae.images.samples import Pixels
from spectral_mae.images.sources import FoundSources

CHUNK_PIXELS = 2**22  # of a chunk, over all patch sizes
NATIVE_CHUNK = 32
NAMED = 5  # images that a message names


def analyze(arguments: argparse.Namespace) -> int:
    """``spectral-mae analyze``.

    Exit 0, 1 (some images failed), 3 (nothing usable), 4 (a formula failed its check) or 130.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    out: Path = arguments.out
    with usage_errors():
        options = BatchOptions(
            patch_sizes=tuple(dict.fromkeys(arguments.patch_size or [16])),
            mask_ratio=arguments.mask_ratio,
            sampling=arguments.sampling,
            size=pixels_or_native(arguments.size),
            masks=arguments.masks,
            seed=arguments.seed,
            detrend=detrend(arguments.detrend),
            color=arguments.color,
            max_pixels=arguments.max_pixels,
        )
        if arguments.checks < 0:
            raise ValueError(f"--checks {arguments.checks} is negative")
        check_folder(out)
        found = found_sources(arguments.paths, out)
    try:
        run = BatchRun(
            arguments,
            place=RunPlace(
                out,
                folder=out / FOLDER,
                record=out / "run.json",
                results=[out / name for name in ("run.json", "report.html", *report.TABLES)],
            ),
            options={**dataclasses.asdict(options), "checks": arguments.checks},
            references=found.references,
        )
    except Done as done:
        print(f"page: {out / 'report.html'}\ncomplete already")
        return done.code
    with run:
        return _analyze(arguments, options, found, run, (started, clock))


def _analyze(
    arguments: argparse.Namespace,
    options: BatchOptions,
    found: FoundSources,
    run: BatchRun,
    begun: tuple[datetime, float],
) -> int:
    out: Path = arguments.out
    journal = run.journal
    if not journal.phases:
        journal.append("images.csv", tables.header(tables.COLUMNS).encode())
        journal.append("spectra.csv", tables.header(tables.SPECTRA_COLUMNS).encode())
    work = AnalyzeWork(options, arguments.checks, arguments.time_limit, run.max_memory)
    size = options.size
    wanted = NATIVE_CHUNK
    if size is not None:
        wanted = max(1, CHUNK_PIXELS // (size**2 * len(options.patch_sizes)))
    interrupt: KeyboardInterrupt | None = None
    sums: AnalysisSums | None = None
    try:
        sums = run.phase(
            "images",
            found.references,
            work,
            AnalysisSums.from_arrays,
            chunk_size=chunk_size_for(len(found.references), wanted),
        )
    except KeyboardInterrupt as error:
        interrupt = error
    except (FailFast, EngineFailed) as error:
        print(f"spectral-mae analyze: {ended(error)}", file=sys.stderr)
        return SOME_FAILED
    if sums is None:
        sums = _kept_sums(run)
    counters = journal.counters
    n_done, n_failed = int(counters.get("analysed", 0)), int(counters.get("failed", 0))
    with room_errors():
        journal.flush()
    numbers = Numbers.read(journal.table("numbers"))
    defective = _defective(journal, numbers)
    counts = {
        "found": len(found.references),
        "analysed": n_done,
        "failed": n_failed,
        "checks_failed": len(defective),
        "passed_over": found.passed_over,
    }
    started, clock = begun
    record = {
        "status": "complete" if interrupt is None else "interrupted",
        "options": {"paths": [str(p) for p in arguments.paths], **dataclasses.asdict(options)},
        "versions": versions(),
        "counts": counts,
        "started": started.isoformat(timespec="seconds"),
        "seconds_analysis": round(time.perf_counter() - clock, 3),
        "throughput": run.throughput(),
    }
    code = NOTHING if not n_done else DEFECT if defective else SOME_FAILED if n_failed else OK
    with room_errors():
        results = RunResults(
            journal.folder,
            _shown(run, found, work, n_done) if interrupt is None else run.tally.shown,
            numbers,
            sums.spectra,
            int(counters.get("done", 0)),
            n_done,
            linear_models(sums.moments, options),
            _reading_again(arguments, options, found),
        )
        for name in ("paths", *(f"spectra-{name}" for name in tables.SPECTRA)):
            journal.table(name).touch()
        if interrupt is None:
            record = run.identity.signed(record, code)
        work.forget()
        page = report.write_run(out, results, options, record, clock, run.stage)
    if not arguments.quiet:
        passed = f", {found.passed_over} other files passed over" if found.passed_over else ""
        print(f"{n_done} of {len(found.references)} images analysed, {n_failed} failed{passed}")
        if options.size is not None:
            print(f"shorter sides resized to {options.size} pixels; --size native keeps them")
    if defective:
        more = ", ..." if len(defective) > NAMED else ""
        print(
            f"{len(defective)} checks of the formulas FAILED: red on the page, and in the notes of "
            f"images.csv ({', '.join(defective[:NAMED])}{more})",
            file=sys.stderr,
        )
    print(f"page: {page}")
    if interrupt is not None:
        print("interrupted: the page shows what was done", file=sys.stderr)
        raise interrupt
    journal.remove()
    return code


def detrend(name: str) -> Any:
    """``--detrend``: None for "none"."""
    return None if name == "none" else name


def _defective(journal: Journal, numbers: Numbers) -> list[str]:
    """The images on which a formula is off by more than its bound, one for each patch size."""
    rows = tables.read_images_csv(journal.table("images.csv"))
    analysed = (row for row in rows if row["status"] == "ok")
    return [row["path"] for row, bad in zip(analysed, numbers.defective, strict=True) if bad]


def _kept_sums(run: BatchRun) -> AnalysisSums:
    """What the journal holds of a run that was interrupted."""
    total = AnalysisSums(ShapeMoments(), MeanSpectra())
    phase = run.journal.phases.get("images")
    for *_, file in phase.branches if phase is not None else ():
        total.merge(AnalysisSums.from_arrays(run.journal.arrays(file)))
    return total


def _reading_again(
    arguments: argparse.Namespace, options: BatchOptions, found: FoundSources
) -> Callable[[Outcome], Pixels | None]:
    """How pictures get the gray pixels of large images, which are not kept during the run."""
    batch = BatchAnalyzer(dataclasses.replace(options, color=False))
    batch.reader.time_limit = arguments.time_limit

    def read(outcome: Outcome) -> Pixels | None:
        named = (reference for reference in found.references if reference.title == outcome.name)
        reference = next(named, None)
        return None if reference is None else batch.read_again(reference, outcome.patch_size)

    return read


def _shown(run: BatchRun, found: FoundSources, work: AnalyzeWork, n_done: int) -> Sequence[Outcome]:
    """The first images that were analysed; again, where an earlier part of the run did it."""
    shown = run.tally.shown
    if len({outcome.name for outcome in shown}) == min(SHOWN, n_done):
        return shown
    with run.journal.table("paths").open(encoding="utf-8") as lines:
        names = [json.loads(line) for line in itertools.islice(lines, SHOWN)]
    first = [reference for reference in found.references if reference.title in names]
    return run.again(first[:SHOWN], work).shown
