"""The process that starts workers: it loads what they need once, and they are copies of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence

# A module that cannot be imported is skipped: pyFFTW may be missing.
PRELOADED = ["spectral_mae.batch.analyze.work", "spectral_mae.spectra.backends.fftw"]


def start_server(also: Sequence[str] = ()) -> None:
    """Start it before this process has loaded anything heavy itself.

    For who knows that there will be workers; else it is started with the first of them. On
    platforms that have no such process nothing happens.

    Parameters
    ----------
    also : sequence of str
        Modules that it loads beside those that all workers need.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from multiprocessing import forkserver

    forkserver.set_forkserver_preload([*PRELOADED, *also])
    forkserver.ensure_running()
