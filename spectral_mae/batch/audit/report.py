"""The files of an audit: tables, pictures and the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from spectral_mae._files.atomic_file import publish, write_whole
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae._version import __version__
from spectral_mae.batch.audit.pictures import draw_pictures
from spectral_mae.batch.columns.comparison import audit
from spectral_mae.batch.pages.page import render_page

if TYPE_CHECKING:
    from spectral_mae.nonlinear.auditing.result import AuditResult

PAGE, RECORD = "report.html", "audit.json"
TABLES = ("octaves.csv", "responses.csv", "tokens.csv")
FILES = (PAGE, RECORD, *TABLES, COLUMNS_JSON)


def write_report(out: Path, result: AuditResult, about: Mapping[str, Any]) -> Path:
    """Write tables, pictures and the page of an audit.

    Parameters
    ----------
    out : Path
        Folder to write; made if it is not there. Pictures of an earlier audit in it are replaced.
    result : AuditResult
        What was found.
    about : mapping
        What the page and ``audit.json`` say of the run: ``model``, ``images``, ``failed``.

    Returns
    -------
    Path
        The page.
    """
    stale = _earlier_files(out)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".audit-", dir=out) as scratch:
        figures = Path(scratch) / "figures"
        figures.mkdir()
        pictures = list(draw_pictures(figures, result))
        page = render_page(
            "spectral_mae.batch.audit",
            "audit.html",
            figures,
            pictures,
            result=result,
            about=about,
            summary=result.summary(),
            rows=result.rows(),
            version=__version__,
        )
        drawn = [name for picture in pictures for name in picture.files]
        for name in drawn:
            publish(figures / name, out / "figures" / name)
    files = ["octaves.csv", "responses.csv", *(f"figures/{name}" for name in drawn)]
    result.to_csv(out / "octaves.csv")
    write_rows(out / "responses.csv", _response_rows(result))
    if result.tokens is not None:
        result.tokens.to_csv(out / "tokens.csv")
        files.append("tokens.csv")
    write_column_notes(out, audit(None if result.tokens is None else result.tokens.layers))
    files.append(COLUMNS_JSON)
    write_whole(out / PAGE, page)
    record = {
        "version": __version__,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        **about,
        "summary": result.summary(),
        **result.to_dict(),
        "files": [*files, PAGE],
    }
    write_whole(out / RECORD, json.dumps(record, indent=2) + "\n")
    for name in stale - set(files):
        (out / name).unlink(missing_ok=True)
    return out / PAGE


def _response_rows(result: AuditResult) -> list[dict[str, Any]]:
    """A row for each model and ring of frequency."""
    rows = []
    for name, response in result.responses.items():
        columns = response.radial().to_dict()
        for values in zip(*columns.values(), strict=True):
            rows.append({"model": name, **dict(zip(columns, values, strict=True))})
    return rows


def _earlier_files(out: Path) -> set[str]:
    """Pictures and tables that the record of an earlier audit in this folder lists as its own."""
    try:
        listed = json.loads((out / RECORD).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    figures = {name for name in listed if isinstance(name, str) and name.startswith("figures/")}
    plain = {name for name in figures if Path(name).name == name.removeprefix("figures/")}
    return {name for name in plain if name.endswith((".png", ".svg"))} | (
        set(TABLES) & set(map(str, listed))
    )
