"""``spectral-mae analyze`` begins: the process that draws is started before all else is loaded.

To load NumPy, SciPy and matplotlib takes a second, in either process.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from spectral_mae.batch.pages.drawer import discard_prepared, prepare_process

if TYPE_CHECKING:
    from spectral_mae.cli.console.answer import Answer

PICTURES = "spectral_mae.batch.analyze.pictures"


def analyze(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae analyze``; see `spectral_mae.cli.analyze`."""
    if _may_draw_beside(arguments):
        prepare_process(PICTURES)
    try:
        from spectral_mae.cli.analyze import analyze as command

        return command(arguments)
    finally:
        discard_prepared()


def _may_draw_beside(arguments: argparse.Namespace) -> bool:
    """Whether a page may be drawn beside the analysis: where more than one file is given."""
    chosen = arguments.jobs is not None or arguments.scheduler is not None
    one = len(arguments.paths) == 1 and Path(arguments.paths[0]).is_file()
    return bool(arguments.out) and not (chosen or one or arguments.no_figures)
