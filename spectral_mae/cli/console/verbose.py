"""``--verbose``: what a command does, on standard error."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from spectral_mae.batch.progress import LOGGER, logging_to
from spectral_mae.batch.run_identity import fft_library, versions


@contextmanager
def told(arguments: argparse.Namespace) -> Iterator[None]:
    """Log all that is done in the block, from versions and options to the time it took."""
    with logging_to(None, logging.DEBUG):
        LOGGER.debug("versions: %s", ", ".join(f"{k} {v}" for k, v in versions().items()))
        LOGGER.debug("FFT: %s", fft_library())
        hidden = ("command", "typed", "json", "quiet", "verbose")
        given = {k: v for k, v in vars(arguments).items() if k not in hidden and v is not None}
        LOGGER.debug("options: %s", ", ".join(f"{k}={v!s}" for k, v in given.items()))
        start = time.perf_counter()
        yield
        LOGGER.debug("done in %.2f s", time.perf_counter() - start)
