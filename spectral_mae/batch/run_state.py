"""What came of the images of a run so far: how many were done, which failed and why."""

from __future__ import annotations

import json
import time

from spectral_mae.batch.chunks import Chunk, ChunkResult
from spectral_mae.batch.journal import Journal
from spectral_mae.batch.progress import LOGGER


class Tally:
    """What came of the images so far; the counters are those of the run's journal.

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
    """

    def __init__(self, journal: Journal, level: int) -> None:
        self.journal = journal
        self.failed: list[tuple[str, str]] = []
        self.enlarged: dict[str, None] = {}
        self._level = level
        self._known: set[tuple[str, str]] = set()
        self._start = time.monotonic()
        self._before = 0.0

    @property
    def n_done(self) -> int:
        """How many images could be used."""
        return int(self.journal.counters.get("analysed", 0))

    @property
    def n_failed(self) -> int:
        """How many images could not be used, or not in every respect."""
        return int(self.journal.counters.get("failed", 0))

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
