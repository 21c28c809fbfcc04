"""The page of a run: pictures, tables and what the numbers mean, in one file that opens offline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from spectral_mae._files.atomic_file import publish, write_whole
from spectral_mae._files.column_notes import COLUMNS_JSON
from spectral_mae.batch.analyze.options import AnalyzeOptions, TableFormat
from spectral_mae.batch.analyze.page import RunResults, render
from spectral_mae.batch.analyze.pictures import Pictures
from spectral_mae.batch.columns import analysis as columns


def tables_of(table_format: TableFormat) -> list[str]:
    """The tables of a run, and the file that says what their columns are."""
    return [*columns.tables(table_format), COLUMNS_JSON]


ALL_TABLES = list(dict.fromkeys([*tables_of("csv"), *tables_of("parquet")]))


class Stage(Protocol):
    """Is told how far a stage of the work has come."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: Any) -> None: ...

    def add(self, n: int) -> None:
        """So many steps more are done."""


def write_run(
    out: Path,
    results: RunResults,
    pictures: Pictures,
    options: AnalyzeOptions,
    run: Mapping[str, Any],
    clock: float,
    stage: Callable[[str, int], Stage],
) -> Path:
    """Write tables, pictures, page and ``run.json`` into the folder ``out``.

    Everything is made beside and renamed when it is whole; ``run.json`` comes last.

    Parameters
    ----------
    out : Path
        Made if it is not there. Pictures and tables of an earlier run in it are removed.
    results : RunResults
        Tables and sums of the run.
    pictures : Pictures
        Those of the run, of which some may have been begun.
    options : AnalyzeOptions
        What was computed of each image.
    run : mapping
        Contents of ``run.json``; the seconds and the names of the files are added.
    clock : float
        ``time.perf_counter()`` when the run began.
    stage : callable
        Given what is done next and its number of steps.

    Returns
    -------
    Path
        Of the page.
    """
    made = results.tables.folder
    figures = made / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    with stage("drawing pictures", pictures.n_steps(results)) as drawn:
        shown = pictures.all(results, lambda: drawn.add(1))
    files = [
        *tables_of(options.table_format),
        "report.html",
        *(f"figures/{name}" for picture in shown for name in picture.files),
    ]
    with stage("writing tables", 3 + len(files)) as written:
        results.tables.write_derived(results.spectra, pictures.explained)
        written.add(2)
        page = render(figures, shown, results, options, run, pictures.explained)
        (made / "report.html").write_text(page, encoding="utf-8")
        written.add(1)
        (out / "figures").mkdir(parents=True, exist_ok=True)
        stale = set(_earlier_files(out)) - {out / name for name in files}
        growing = run["status"] != "complete"
        for name in files:
            publish(made / name, out / name, copied=growing)
            written.add(1)
    record = {**run, "seconds": round(time.perf_counter() - clock, 3), "files": files}
    write_whole(out / "run.json", json.dumps(record, indent=2) + "\n")
    for path in stale:
        path.unlink(missing_ok=True)
    return out / "report.html"


def _earlier_files(out: Path) -> Iterator[Path]:
    """Tables and pictures that the run.json of an earlier run in this folder lists as its own."""
    try:
        listed = json.loads((out / "run.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for name in listed:
        if name in ALL_TABLES:
            yield out / name
        elif (
            isinstance(name, str)
            and name.startswith("figures/")
            and name.endswith((".png", ".svg"))
        ):
            yield out / "figures" / Path(name).name
