"""Works timed side by side: alternating, in one process, ratios round by round."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

Work = Callable[[], object]


@dataclass(frozen=True)
class Size:
    """How large the problems are and how often they are timed."""

    side: int = 224
    sides: tuple[int, ...] = (224, 512)  # of masks that are transformed
    transform_sides: tuple[int, ...] = (32, 64, 128, 224, 225, 256, 512, 1024)
    patch: int = 16
    images: int = 64  # in a batch of spectra
    masks: int = 100  # of a Monte Carlo estimate
    band_images: int = 50  # in an update of moments
    shrunken: tuple[tuple[int, int], ...] = ((32, 4), (48, 16))  # sides and patches of a choice
    dense_side: int = 32  # where the dense problem still fits
    dense_patch: int = 4
    dense_images: int = 4000
    rounds: int = 15
    slow_rounds: int = 3
    seconds: float = 0.02  # a timing lasts at least so long


TINY = Size(
    side=16,
    sides=(16,),
    transform_sides=(16,),
    patch=4,
    images=3,
    masks=4,
    band_images=3,
    shrunken=((8, 4),),
    dense_side=8,
    dense_patch=4,
    dense_images=300,
    rounds=3,
    slow_rounds=2,
    seconds=0.0,
)


@dataclass(frozen=True)
class Ratio:
    """One row of the table: ``factor`` × seconds of ``above`` / seconds of ``below``.

    Attributes
    ----------
    what : str
        What the ratio says.
    above, below : str
        Names of two works.
    bar : str
        What was asked of it, such as "≥ 10"; empty if nothing was.
    factor : float
        Where the two works do not do equally much.
    """

    what: str
    above: str
    below: str
    bar: str = ""
    factor: float = 1.0


@dataclass(frozen=True)
class Contest:
    """Works and the ratios that are asked of them.

    With one thread times are processor time of the whole process, which counts hidden threads
    and leaves out what other programs take; with more they are time by the clock.
    """

    title: str
    works: Mapping[str, Work]
    ratios: Sequence[Ratio]
    threads: int = 1
    rounds: int = 15
    note: str = ""
    data: str = "random numbers of a fixed seed"


@dataclass(frozen=True)
class Row:
    """A measured ratio: its median over rounds, and quartiles; and the value of each round."""

    title: str
    what: str
    quartiles: tuple[float, float, float]
    bar: str
    threads: int
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, title: str, what: str, values: Sequence[float], bar: str, threads: int) -> Self:
        """Of the values of all rounds."""
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
        return cls(title, what, (low, middle, high), bar, threads, tuple(values))

    @property
    def median(self) -> float:
        return self.quartiles[1]

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the bar; None where there is none."""
        if not self.bar:
            return None
        sign, number = self.bar.split()
        bound = float(number)
        return self.median >= bound if sign == "≥" else self.median <= bound


def run(contest: Contest, seconds: float) -> tuple[list[Row], dict[str, float]]:
    """Rows of a contest, and the median seconds of each of its works."""
    clock = time.process_time if contest.threads == 1 else time.perf_counter
    with (
        warnings.catch_warnings(),
        threadpool_limits(limits=1, user_api="blas"),
        cores(contest.threads),
    ):
        warnings.simplefilter("ignore", FutureWarning)  # of peers about their own dependencies
        repeats = {name: _repeats(work, seconds) for name, work in contest.works.items()}
        timings: dict[str, list[float]] = {name: [] for name in contest.works}
        for _ in range(contest.rounds):
            for name, work in contest.works.items():
                start = clock()
                for _ in range(repeats[name]):
                    work()
                timings[name].append((clock() - start) / repeats[name])
    rows = []
    for ratio in contest.ratios:
        above, below = np.array(timings[ratio.above]), np.array(timings[ratio.below])
        found = ratio.factor * above / np.maximum(below, 1e-9)
        values = found.tolist()
        rows.append(Row.of(contest.title, ratio.what, values, ratio.bar, contest.threads))
    return rows, {name: float(np.median(times)) for name, times in timings.items()}


def _repeats(work: Work, seconds: float) -> int:
    """How often a work must run to last so long; the first run also makes what is made late."""
    for _ in range(2):
        start = time.perf_counter()
        work()
        lasted = time.perf_counter() - start
        if lasted > 1.0:
            return 1
    return max(1, round(seconds / max(lasted, 1e-6)))


@contextmanager
def cores(n: int) -> Iterator[None]:
    """Hold this thread, and those it starts, to ``n`` cores where the platform can."""
    try:
        before = os.sched_getaffinity(0)
    except AttributeError:
        yield
        return
    os.sched_setaffinity(0, set(sorted(before)[-n:]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
