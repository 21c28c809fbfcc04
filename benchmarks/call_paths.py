"""How many files of the package a call passes, and how often it goes from one to another.

    python -m benchmarks.call_paths

A hop is a call of a function in another file than the nearest function of the package that is
running. Each work is run once before it is counted, so that names that load on first use do not
count.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import spectral_mae as sm

PACKAGE = str(Path(sm.__file__).parent) + "/"
CHECKS = "_checks"  # of arguments, which are one thing in several files


@dataclass(frozen=True)
class CallPath:
    """The files that a work passes.

    Attributes
    ----------
    files : tuple of str
        In the order in which they are entered first.
    hops : Counter
        How often one file called another, by (caller, called); the caller is "" for the work.
    """

    files: tuple[str, ...]
    hops: Counter[tuple[str, str]]


def trace(work: Callable[[], object]) -> CallPath:
    """Run a work and count the calls between files of the package, in this thread."""
    work()
    hops: Counter[tuple[str, str]] = Counter()
    files: dict[str, None] = {}

    def watch(frame: FrameType, event: str, _: Any) -> None:
        here = _file(frame)
        if event == "call" and here:
            caller = frame.f_back
            while caller is not None and not _file(caller):
                caller = caller.f_back
            before = "" if caller is None else _file(caller)
            files.setdefault(here)
            if before != here:
                hops[before, here] += 1

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return CallPath(tuple(files), hops)


def _file(frame: FrameType) -> str:
    """The file of a function, below the package; empty for others. The checks count as one."""
    name = frame.f_code.co_filename
    if not name.startswith(PACKAGE):
        return ""
    below = name.removeprefix(PACKAGE)
    return CHECKS if below.startswith(f"{CHECKS}/") else below


def spectrum() -> CallPath:
    """`psd` of one image."""
    image = np.random.default_rng(0).standard_normal((32, 32))
    return trace(lambda: sm.psd(image))


def linear_model() -> CallPath:
    """`LinearMAE.fit` and `LinearMAE.score`."""
    images = np.random.default_rng(0).standard_normal((20, 32, 32)).cumsum(axis=1)
    return trace(lambda: sm.LinearMAE(8, 0.75).fit(images).score(images))


def main() -> None:
    works = {
        "psd(image)": spectrum,
        "LinearMAE(8, 0.75).fit(images).score(images)": linear_model,
    }
    for name, work in works.items():
        path = work()
        print(f"{name}: {len(path.files)} files, {path.hops.total()} hops")
        for file in path.files:
            inward = sum(n for (_, called), n in path.hops.items() if called == file)
            print(f"  {file}: entered {inward} times")


if __name__ == "__main__":
    main()
