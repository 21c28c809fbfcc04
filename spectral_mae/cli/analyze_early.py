"""``spectral-mae analyze`` begins: processes that work beside it start before all else is loaded.

To load NumPy, SciPy and matplotlib takes a second, in each process.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_mae.batch.pages.drawer import discard_prepared, prepare_process
from spectral_mae.batch.workers.server import start_server

if TYPE_CHECKING:
    from spectral_mae.cli.console.answer import Answer

PICTURES = "spectral_mae.batch.analyze.pictures"
MANY = 100  # files in a folder, from which on there are workers


def analyze(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae analyze``; see `spectral_mae.cli.analyze`."""
    if _will_have_workers(arguments):
        start_server([PICTURES] if _will_draw(arguments) else [])
    elif _may_draw_beside(arguments):
        prepare_process(PICTURES)
    try:
        from spectral_mae.cli.analyze import analyze as command

        return command(arguments)
    finally:
        discard_prepared()


def _will_draw(arguments: argparse.Namespace) -> bool:
    return bool(arguments.out) and not arguments.no_figures


def _will_have_workers(arguments: argparse.Namespace) -> bool:
    """Whether processes will analyse: if so many are asked for, or there are many files."""
    if arguments.scheduler is not None:
        return False
    if arguments.jobs is not None:
        return bool(arguments.jobs > 1)
    return (os.cpu_count() or 1) > 1 and any(map(_holds_many, arguments.paths))


def _holds_many(path: str) -> bool:
    try:
        with os.scandir(path) as files:
            return sum(1 for _, _ in zip(files, range(MANY), strict=False)) == MANY
    except (OSError, ValueError):  # no folder
        return False


def _may_draw_beside(arguments: argparse.Namespace) -> bool:
    """Whether a page may be drawn beside the analysis: where more than one file is given."""
    chosen = arguments.jobs is not None or arguments.scheduler is not None
    one = len(arguments.paths) == 1 and Path(arguments.paths[0]).is_file()
    return _will_draw(arguments) and not (chosen or one)
