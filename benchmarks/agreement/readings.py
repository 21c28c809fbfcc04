"""What each decoder makes of each file, in processes that may be lost."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.agreement.decoders import asked
from benchmarks.agreement.headers import format_of
from benchmarks.agreement.rules import Moments, Samples, moments, pixels
from spectral_mae.batch.chunks import WorkerLost
from spectral_mae.batch.workers.processes import WorkerPool
from spectral_mae.images.decoding import one_line
from spectral_mae.images.image import read_image
from spectral_mae.images.limits import time_limit as watch
from spectral_mae.images.samples import ImageRefused

OURS = "spectral_mae"
BLOCK = 100  # files that are waiting for their decoders at one time


@dataclass(frozen=True)
class Reading:
    """One file by one decoder.

    Attributes
    ----------
    decoder : str
    moments : Moments or None
        If it was read.
    said : str
        Why it was not read, else our notes, or the kind of its samples.
    stored : str
        How they lie in the file, where that is known.
    failed : bool
        Whether the decoder was ended by the file, or failed in a way that it does not document.
    """

    decoder: str
    moments: Moments | None
    said: str = ""
    stored: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Readings:
    """One file by this package and by all that know its format."""

    path: Path
    format: str
    ours: Reading
    others: tuple[Reading, ...]


def readings(
    paths: Sequence[Path], *, jobs: int, time_limit: float, max_memory: int
) -> Iterator[Readings]:
    """Each file by each decoder, in the order of ``paths``; no file ends the run."""
    with WorkerPool(jobs, max_memory=max_memory) as pool:
        for begin in range(0, len(paths), BLOCK):
            pending: list[tuple[Path, str, dict[str, Future[Reading]]]] = []
            for path in paths[begin : begin + BLOCK]:
                kind = format_of(_first_bytes(path), path.name)
                names = (OURS, *(decoder.name for decoder in asked(kind)))
                futures = {n: pool.submit(reading, path, kind, n, time_limit) for n in names}
                pending.append((path, kind, futures))
            for path, kind, futures in pending:
                ours, *others = (_result(name, future) for name, future in futures.items())
                yield Readings(path, kind, ours, tuple(others))


def reading(path: Path, kind: str, name: str, time_limit: float) -> Reading:
    """One file by one decoder; for a process that can be spared."""
    _silence()
    with watch.current().limited(time_limit):
        return read_by_us(path) if name == OURS else read_by(name, path, kind)


def read_by_us(path: Path) -> Reading:
    """The file as the package reads it, in gray and in colour."""
    try:
        gray = read_image(path)
        found = moments(gray.pixels)
        color = moments(read_image(path, color=True).pixels).color
    except ImageRefused as refusal:
        return Reading(OURS, None, str(refusal))
    except Exception as error:  # noqa: BLE001 - the fault that is looked for
        return Reading(OURS, None, _told(error), failed=True)
    return Reading(OURS, replace(found, color=color), "; ".join(gray.notes))


def read_by(name: str, path: Path, kind: str) -> Reading:
    """The file as another decoder reads it, and as the rules bring it to [0, 1]."""
    try:
        decoder = next(decoder for decoder in asked(kind) if decoder.name == name)
        samples = decoder.decode(path.read_bytes())
        return Reading(name, moments(pixels(samples)), kind_of(samples), samples.stored)
    except Exception as error:  # noqa: BLE001 - damaged files can raise anything in a decoder
        return Reading(name, None, _told(error))


def kind_of(samples: Samples) -> str:
    """Depth, colour and opacity in a few words."""
    values = samples.values
    integers = values.dtype.kind in "iu"
    channels = 1 if values.ndim == 2 else values.shape[-1]
    parts = (
        f"{samples.bits}-bit" if integers else str(values.dtype),
        "signed" if values.dtype.kind == "i" else "",
        samples.color,
        f"{channels} channels" if channels > 1 else "",
        f"{samples.alpha} alpha" if samples.alpha else "",
        "white is zero" if samples.white_is_zero else "",
    )
    return " ".join(part for part in parts if part)


def _result(name: str, future: Future[Reading]) -> Reading:
    try:
        return future.result()
    except WorkerLost as loss:
        return Reading(name, None, loss.reason, failed=True)
    except Exception as error:  # noqa: BLE001 - a row, whatever happened
        return Reading(name, None, _told(error), failed=True)


def _told(error: Exception) -> str:
    """In one line; decoders quote bytes of the file, which would not be text in a table."""
    text = f"{type(error).__name__}: {one_line(str(error))}"
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError:
        return b""


def _silence() -> None:
    """Decoders in C write to standard error whatever Python does."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
