"""Where the time of ``spectral-mae analyze`` goes: processor time by stage, parts taken off."""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.contest import cores

# What is timed: module, attribute, stage. What one calls of another is taken off its own time.
STAGES = (
    ("images.reader", "Reader.read", "decoding"),
    ("images.cropping", "resize_and_crop", "decoding"),
    ("spectra.fft", "RealFFT.each_chunk", "transforms and powers"),
    ("masked_spectra.patch_sums.patch_power", "PatchPower._whole", "transforms and powers"),
    ("masks.pulse_mask", "PulseMask._transform", "transforms and powers"),
    ("masked_spectra.convolution", "direct_dft", "direct sums of Eq. 18"),
    ("masked_spectra.convolution", "circular_convolution", "direct sums of Eq. 18"),
    ("masks.pulse_mask", "PulseMask.__init__", "masks in pixels"),
    ("batch.analyze.outcomes", "with_slopes", "slopes"),
    ("batch.analyze.records.analyzer", "MaskingAnalyzer.measure", "the rest of the analysis"),
    ("batch.analyze.shape_moments", "ShapeMoments.update", "mean spectra and moments"),
    ("batch.analyze.mean_spectra", "MeanSpectra.update", "mean spectra and moments"),
    ("batch.analyze.models.pictures", "fitted_models", "linear models"),
    ("batch.analyze.work", "rows_of", "tables"),
    ("batch.analyze.pictures", "Pictures.all", "drawing"),
    ("batch.analyze.report", "render", "page"),
)
SHARES = {
    "decode": ("decoding",),
    "analyse": (
        "transforms and powers",
        "direct sums of Eq. 18",
        "masks in pixels",
        "slopes",
        "the rest of the analysis",
        "mean spectra and moments",
    ),
    "write": ("linear models", "tables", "drawing", "page"),
}
REST = "all else: start, search, journal, files"


class Stopwatch:
    """Processor time of each thread by stage; the innermost stage counts."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._own = threading.local()
        self._lock = threading.Lock()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        stack = self._own.__dict__.setdefault("stack", [])
        now = time.thread_time()
        if stack:
            self._add(stack[-1], now - self._own.since)
        stack.append(name)
        self._own.since = now
        try:
            yield
        finally:
            now = time.thread_time()
            self._add(stack.pop(), now - self._own.since)
            self._own.since = now

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def work(*args: Any, **options: Any) -> Any:
            with self.stage(name):
                result = function(*args, **options)
                return list(result) if isinstance(result, Iterator) else result

        return work

    def _add(self, name: str, seconds: float) -> None:
        with self._lock:
            self.seconds[name] += seconds


def profile(paths: Sequence[Path], options: Sequence[str] = ()) -> dict[str, float]:
    """Seconds of one ``spectral-mae analyze`` by stage, longest first."""
    import importlib

    from spectral_mae.cli import main

    watch = Stopwatch()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for module, attribute, stage in STAGES:
            owner = importlib.import_module(f"spectral_mae.{module}")
            *outer, name = attribute.split(".")
            for part in outer:
                owner = getattr(owner, part)
            function = getattr(owner, name)
            stack.enter_context(mock.patch.object(owner, name, watch.timed(stage, function)))
        stack.enter_context(cores(1))
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        start = time.process_time()
        out = str(Path(folder) / "report")
        arguments = ["analyze", *map(str, paths), "--out", out, "--jobs", "1", "--quiet"]
        code = main.main([*arguments, *options])
        total = time.process_time() - start
    if code:
        raise SystemExit(f"spectral-mae analyze ended with {code}")
    found = dict(watch.seconds.most_common())
    return {**found, REST: total - sum(found.values())}


def shares(seconds: dict[str, float]) -> dict[str, float]:
    """Decode, analyse, write: their shares of the whole."""
    total = sum(seconds.values())
    return {
        name: sum(seconds.get(stage, 0.0) for stage in stages) / total
        for name, stages in SHARES.items()
    }
