"""Results as text, and into the page between markers."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path

from benchmarks.contest import Row

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
PACKAGES = ("numpy", "scipy", "pyfftw", "ducc0", "Pillow", "matplotlib", "powerbox", "xrft")
HEADER = ("", "median", "quartiles", "asked", "")


def table(rows: Iterable[Row], notes: Mapping[str, str]) -> str:
    """Ratios as a Markdown table; contests are its sections."""
    lines = [_line(HEADER), "|---|---|---|---|---|"]
    for title, group in groupby(rows, key=lambda row: row.title):
        found = list(group)
        threads = "" if found[0].threads == 1 else f", {found[0].threads} threads"
        note = f": {notes[title]}" if notes.get(title) else ""
        lines.append(_line((f"**{title}**{threads}{note}", "", "", "", "")))
        for row in found:
            low, middle, high = (number(value) for value in row.quartiles)
            verdict = {None: "", True: "met", False: "**missed**"}[row.met]
            lines.append(_line((row.what, middle, f"{low} to {high}", row.bar, verdict)))
    return "\n".join(lines)


def stage_table(seconds: Mapping[str, float], images: int) -> str:
    """Stages of a batch: milliseconds an image, and shares."""
    total = sum(seconds.values())
    lines = [_line(("stage", "ms an image", "share")), "|---|---|---|"]
    for name, value in sorted(seconds.items(), key=lambda item: -item[1]):
        lines.append(_line((name, f"{value / images * 1e3:.2f}", f"{value / total:.1%}")))
    lines.append(_line(("in all", f"{total / images * 1e3:.2f}", "100%")))
    return "\n".join(lines)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells as a Markdown table."""
    return "\n".join([_line(header), "|" + "---|" * len(header), *map(_line, rows)])


def number(value: float) -> str:
    """Three digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Processor, cores, system and versions, in one line."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between the markers of ``name``.

    Raises
    ------
    ValueError
        If the page has no such markers.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before = page.read_text("utf-8")
    if before.count(begin) != 1 or before.count(end) != 1:
        raise ValueError(f"{page} has not one pair of markers {begin.strip()!r} and {end!r}")
    head, rest = before.split(begin)
    tail = rest.split(end)[1]
    page.write_text(f"{head}{begin}{text}\n{end}{tail}", "utf-8")


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
