"""What came of the images of a run so far: counted, put into tables, failed, shown."""

from __future__ import annotations

import json
import time

from spectral_mae.batch.analyze.outcomes import Outcome
from spectral_mae.batch.analyze.work import SHOWN, renumbered
from spectral_mae.batch.chunks import Chunk
from spectral_mae.batch.journal import Journal
from spectral_mae.batch.moments_work import ChunkResult
from spectral_mae.batch.progress import LOGGER


class Tally:
    """What came of the images so far; tables and counters are those of the run's journal.

    Parameters
    ----------
    journal : Journal
    level : int
        At which failures are logged.

    Attributes
    ----------
    failed : list of (title, reason)
    enlarged : dict
        Titles of images that were smaller than what was asked for.
    shown : list of Outcome
        Of the first images that this process has analysed.
    """

    def __init__(self, journal: Journal, level: int) -> None:
        self.journal = journal
        self.failed: list[tuple[str, str]] = []
        self.enlarged: dict[str, None] = {}
        self.shown: list[Outcome] = []
        self._level = level
        self._known: set[tuple[str, str]] = set()
        self._start = time.monotonic()
        self._before = 0.0

    def go_on(self) -> None:
        """Go on from what the journal says, now that it is open."""
        self._before = self.journal.counters.get("elapsed", 0.0)
        path = self.journal.table("failed")
        if path.exists():
            with path.open(encoding="utf-8") as file:
                self.failed = [(title, reason) for title, reason in map(json.loads, file)]
        self._known = set(self.failed)
        path = self.journal.table("enlarged")
        if path.exists():
            with path.open(encoding="utf-8") as file:
                self.enlarged = dict.fromkeys(map(json.loads, file))

    def take(self, chunk: Chunk, result: ChunkResult) -> None:
        """Add what became of a chunk, but for its sums."""
        counters = self.journal.counters
        analysed = int(counters.get("analysed", 0))
        for name, data in result.rows.items():
            self.journal.append(
                name, renumbered(data, analysed) if name == "spectra-image" else data
            )
        for title, reason in result.failed:
            if (title, reason) in self._known:  # images held out may be read several times
                continue
            self._known.add((title, reason))
            self.journal.append("failed", json.dumps([title, reason]).encode() + b"\n")
            self.failed.append((title, reason))
            LOGGER.log(self._level, "failed: %s: %s", title, reason)
        for title in result.enlarged:
            if title not in self.enlarged:
                self.enlarged[title] = None
                self.journal.append("enlarged", json.dumps(title).encode() + b"\n")
                LOGGER.debug("enlarged: %s", title)
        if len({outcome.name for outcome in self.shown}) == analysed < SHOWN:
            names = list(dict.fromkeys(o.name for o in result.shown))[: SHOWN - analysed]
            self.shown += [o for o in result.shown if o.name in names]
        for name, value in (
            ("done", len(chunk.items)),
            ("analysed", result.n_done),
            ("failed", result.n_failed),
            ("seconds", result.seconds),
            ("reading", result.reading),
        ):
            counters[name] = counters.get(name, 0) + value

    def elapsed(self) -> float:
        """Seconds that the run has taken, with its earlier parts."""
        return self._before + time.monotonic() - self._start

    def rates(self) -> dict[str, float]:
        """How fast it went, and the share of the workers' time that reading took."""
        counters, elapsed = self.journal.counters, self.elapsed()
        reading = counters.get("reading", 0.0) / max(counters.get("seconds", 0.0), 1e-9)
        return {
            "images_per_second": round(counters.get("done", 0) / max(elapsed, 1e-9), 3),
            "seconds_elapsed": round(elapsed, 3),
            "share_reading": round(reading, 4),
        }
