"""Measured ratios of each version as JSON, and a table of what changed between two of them.

A file holds the machine, the size of the problems, and of every ratio the value of each round, so
that a change can be told from noise. The bounds of a ratio are two of its values, between which the
median of more rounds would lie with a probability of 95 % (of fewer than six values the smallest
and the largest), widened to the medians of all repeats. Where the bounds of two versions overlap,
no change was seen.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, Self

from benchmarks.contest import Row, Size
from benchmarks.table import machine, markdown, number
from spectral_mae import __version__

FOLDER = Path(__file__).parent / "history"


@dataclass(frozen=True)
class Entry:
    """A ratio that was measured.

    Attributes
    ----------
    title, what, bar, threads : optional
        As in `Row`.
    data : str
        What it was measured on.
    note : str
        Of its contest.
    repeats : list of list of float
        The ratio in each round, for each repeat.
    """

    title: str
    what: str
    bar: str
    threads: int
    data: str
    note: str
    repeats: list[list[float]]

    @property
    def median(self) -> float:
        """The median over the rounds of all repeats."""
        return median(chain.from_iterable(self.repeats))

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which the ratio lies, as far as rounds and repeats tell."""
        values = sorted(chain.from_iterable(self.repeats))
        skipped = _skipped(len(values))
        middles = [median(rounds) for rounds in self.repeats]
        low, high = values[skipped], values[len(values) - 1 - skipped]
        return min(low, *middles), max(high, *middles)

    @property
    def row(self) -> Row:
        """The row of the table of its version."""
        values = tuple(chain.from_iterable(self.repeats))
        return Row.of(self.title, self.what, values, self.bar, self.threads)

    @property
    def more_is_better(self) -> bool:
        """Whether a larger ratio is better: as the bar says, or where it is no time."""
        return self.bar.startswith("≥") if self.bar else "time" not in self.what


def _skipped(n: int) -> int:
    """How many of n values lie outside of bounds of their median, at each end.

    Of values at random so many or fewer lie below the median with a probability of 2.5 % at most.
    """
    below, skipped = 0.0, 0
    while below + math.comb(n, skipped) / 2**n <= 0.025:
        below += math.comb(n, skipped) / 2**n
        skipped += 1
    return max(0, skipped - 1)


@dataclass
class Record:
    """What was measured of a version on a machine.

    Attributes
    ----------
    version, machine : str
    size : dict
        Of the problems (`Size`).
    entries : dict
        Lists of `Entry`, by the name of the benchmark.
    stages : dict
        ``data``, and ``milliseconds`` of an image by the name of the stage, once it is measured.
    """

    version: str = __version__
    machine: str = field(default_factory=machine)
    size: dict[str, Any] = field(default_factory=dict)
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    stages: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, folder: Path = FOLDER) -> Self:
        """That of a version, or in a file.

        Raises
        ------
        FileNotFoundError
            If there is none; the message lists those that there are.
        """
        path = Path(name) if name.endswith(".json") else folder / f"{name}.json"
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            there = ", ".join(sorted(one.stem for one in folder.glob("*.json"))) or "none"
            raise FileNotFoundError(f"no measurements in {path}; versions: {there}") from None
        entries = {name: [Entry(**one) for one in group] for name, group in found["ratios"].items()}
        return cls(found["version"], found["machine"], found["size"], entries, found["stages"])

    def write(self, folder: Path = FOLDER) -> Path:
        """Write it into the folder, and return the file."""
        record = {
            "version": self.version,
            "machine": self.machine,
            "size": self.size,
            "stages": self.stages,
            "ratios": {
                name: [dataclasses.asdict(one) for one in group]
                for name, group in self.entries.items()
            },
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.version}.json"
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path

    def rows(self, names: Iterable[str]) -> list[Row]:
        """Rows of the table, in the order of the names."""
        return [one.row for name in names for one in self.entries.get(name, [])]

    @property
    def notes(self) -> dict[str, str]:
        """Notes by the title of a contest."""
        return {one.title: one.note for group in self.entries.values() for one in group}


def record_of(size: Size, folder: Path, *, resume: bool) -> Record:
    """A record of this version to go on with, or an empty one.

    Raises
    ------
    ValueError
        If another machine, or other sizes, are to be gone on with.
    """
    sizes = json.loads(json.dumps(dataclasses.asdict(size)))
    new = Record(size=sizes)
    if not resume or not (folder / f"{new.version}.json").exists():
        return new
    old = Record.read(new.version, folder)
    for name in ("machine", "size"):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            raise ValueError(f"cannot resume: the {name} was {was} and is {now}")
    return old


def comparison(before: Record, after: Record) -> str:
    """What changed from one record to another, as text with tables."""
    lines = [f"{before.version}: {before.machine}"]
    if after.machine == before.machine:
        lines.append(f"{after.version}: the same machine")
    else:
        lines.append(f"{after.version}: {after.machine}")
        lines.append("The machines or the packages differ: so may ratios, whatever the versions.")
    if before.size != after.size:
        lines.append("The sizes of the problems differ.")
    header = ("", before.version, after.version, "change", "")
    lines += ["", markdown(header, _compared(before, after))]
    if before.stages and after.stages:
        lines += ["", _stages(before, after)]
    return "\n".join(lines)


def _compared(before: Record, after: Record) -> Iterator[Sequence[str]]:
    old, new = ({(e.title, e.what): e for e in chain(*r.entries.values())} for r in (before, after))
    title = ""
    for key in dict.fromkeys([*old, *new]):
        if key[0] != title:
            title = key[0]
            yield f"**{title}**", "", "", "", ""
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            yield key[1], _bounded(was), _bounded(now), "", ""
            continue
        change = now.median / was.median if was.median else math.inf
        (low, high), (new_low, new_high) = was.bounds, now.bounds
        seen = new_low > high or new_high < low
        better = "better" if (change > 1) == now.more_is_better else "**worse**"
        verdict = better if seen else "within noise"
        yield key[1], _bounded(was), _bounded(now), f"{change - 1:+.1%}", verdict


def _bounded(entry: Entry | None) -> str:
    if entry is None:
        return "not measured"
    low, high = entry.bounds
    return f"{number(entry.median)} ({number(low)} to {number(high)})"


def _stages(before: Record, after: Record) -> str:
    old: Mapping[str, float] = before.stages["milliseconds"]
    new: Mapping[str, float] = after.stages["milliseconds"]
    names = dict.fromkeys([*old, *new])
    rows = [(name, *(_number(one.get(name)) for one in (old, new))) for name in names]
    rows.append(("in all", number(sum(old.values())), number(sum(new.values()))))
    data = dict.fromkeys([before.stages["data"], after.stages["data"]])
    header = ("milliseconds an image, measured once", before.version, after.version)
    return f"{'; '.join(data)}\n\n{markdown(header, rows)}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else number(value)
