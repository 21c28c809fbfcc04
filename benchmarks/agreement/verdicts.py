"""Who is right about a file: the verdicts, and tables of them."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.agreement.headers import OTHER
from benchmarks.agreement.readings import Reading, Readings
from benchmarks.table import markdown
from spectral_mae.images.files import plain_name

TOLERANCE = 1e-3
TOLERANCES = {"DDS": 1 / 255}  # its block compressions leave the rounding to the decoder
AGREES = "agrees"
DIFFERS = "differs from all others"
SPLIT = "others disagree with each other"
EXPLAINED = "differs and is explained"
FAILED = "ended or failed"
REFUSED = "refused and read by another"
ALONE = "could not be compared"
NOBODY = "read by nobody"
NO_IMAGE = "no image"
WRONG = (DIFFERS, SPLIT, FAILED)  # what has to be explained
LISTED = (DIFFERS, SPLIT, FAILED, EXPLAINED, REFUSED, ALONE)
# Disagreements that were looked into: the SHA-256 of the file, its name, and who is wrong and why.
EXPLANATIONS = Path(__file__).with_name("explained.csv")
COLUMNS = (
    "path", "format", "verdict", "kind", "stored", "decoder", "distance", "mean", "deviation",
    "mean_theirs", "deviation_theirs", "said", "others",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What is said of a file, by whom else, and how far apart mean or deviation are."""

    readings: Readings
    word: str
    by: Reading | None = None
    distance: float = 0.0
    reason: str = ""

    @property
    def kind(self) -> str:
        """The format, and what its samples are."""
        return f"{self.readings.format} {self.by.said}" if self.by else self.readings.format

    @property
    def said(self) -> str:
        """What the package said, or why the others are wrong."""
        return self.reason or self.readings.ours.said

    @property
    def row(self) -> tuple[str, ...]:
        """Under `COLUMNS`."""
        by = self.by or Reading("", None)
        others = "; ".join(f"{other.decoder}: {_short(other)}" for other in self.readings.others)
        return (
            plain_name(self.readings.path), self.readings.format, self.word, by.said, by.stored,
            by.decoder, f"{self.distance:.2g}", *_two(self.readings.ours), *_two(by), self.said,
            others,
        )  # fmt: skip


def judge(found: Readings, explanations: Mapping[str, str] | None = None) -> Verdict:
    """The verdict on one file: it is compared with the most trusted decoder that reads it."""
    ours = found.ours
    if ours.failed:
        return Verdict(found, FAILED)
    read = [other for other in found.others if other.moments]
    if ours.moments is None:
        if read:
            return Verdict(found, REFUSED, read[0])
        return Verdict(found, NO_IMAGE if found.format == OTHER else NOBODY)
    if not read or found.format == OTHER:
        return Verdict(found, ALONE)
    distances = [ours.moments.distance(other.moments) for other in read if other.moments]
    tolerance = TOLERANCES.get(found.format, TOLERANCE)
    if distances[0] <= tolerance:
        return Verdict(found, AGREES, read[0], distances[0])
    if explanations and (reason := explanations.get(_digest(found.path))):
        return Verdict(found, EXPLAINED, read[0], distances[0], reason)
    word = SPLIT if min(distances) <= tolerance else DIFFERS
    return Verdict(found, word, read[0], distances[0])


def known_explanations(path: Path = EXPLANATIONS) -> dict[str, str]:
    """Reasons by the digest of the file."""
    with path.open(newline="", encoding="utf-8") as file:
        return {row["sha256"]: row["reason"] for row in csv.DictReader(file)}


def report(verdicts: Sequence[Verdict], examples: int = 3) -> str:
    """Counts, then each group of files about which something has to be said."""
    counts = Counter(verdict.word for verdict in verdicts)
    order = (AGREES, *LISTED, NOBODY, NO_IMAGE)
    rows = [(word, str(counts[word])) for word in order if counts[word]]
    parts = [markdown(("verdict", "files"), rows)]
    for word in LISTED:
        groups: defaultdict[tuple[str, str], list[Verdict]] = defaultdict(list)
        for verdict in verdicts:
            if verdict.word == word:
                groups[verdict.kind, _without_numbers(verdict.said)].append(verdict)
        if groups:
            parts.append(f"## {word}\n\n{_group_table(groups, examples)}")
    return "\n\n".join(parts)


def write_rows(path: Path, verdicts: Iterable[Verdict]) -> None:
    """One row a file, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *(verdict.row for verdict in verdicts)])


def _group_table(groups: Mapping[tuple[str, str], Sequence[Verdict]], examples: int) -> str:
    rows = []
    for (kind, said), group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        shown = "<br>".join(_example(verdict) for verdict in group[:examples])
        cells = (kind, str(len(group)), said, shown)
        rows.append([cell.replace("|", "\\|") for cell in cells])
    return markdown(("kind", "files", "said", "examples"), rows)


def _example(verdict: Verdict) -> str:
    ours = verdict.readings.ours
    path = f"`{plain_name(verdict.readings.path)}`"
    if ours.moments is None or verdict.by is None:
        return path
    others = ", ".join(f"{other.decoder} {_short(other)}" for other in verdict.readings.others)
    return f"{path}: {_short(ours)}; {others}"


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "N", text)


def _short(reading: Reading) -> str:
    return " ± ".join(_two(reading)) if reading.moments else reading.said[:80]


def _two(reading: Reading) -> tuple[str, str]:
    if reading.moments is None:
        return "", ""
    mean, deviation = reading.moments.gray
    return f"{mean:.5f}", f"{deviation:.5f}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
