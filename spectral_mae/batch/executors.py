"""Who does the work: this process, processes of its own, or a Dask cluster."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectral_mae import extras
from spectral_mae._parallel import cores
from spectral_mae.batch.chunks import InProcess
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.workers.processes import WorkerPool

FEW = 100  # images below which starting processes does not pay
CONNECT = 5  # seconds for a scheduler to answer
LEAST_MEMORY = 2**30
CONTAINER_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


@dataclass(frozen=True)
class Crew:
    """An executor, and how many chunks it may be given ahead of the first that is not done."""

    executor: Executor
    jobs: int
    ahead: int


def chosen_jobs(jobs: int | None, n_images: int) -> int:
    """The number of processes; by default one for few images, else one for each core."""
    if jobs is None:
        return 1 if n_images < FEW else cores()
    return jobs


def memory_limit(mebibytes: int | None, jobs: int) -> int:
    """Bytes that a worker, and an image, may take: what was asked, or a share of the machine's."""
    if mebibytes is not None:
        return mebibytes * 2**20
    return max(LEAST_MEMORY, machine_memory() // (jobs + 1))


def machine_memory() -> int:
    """Bytes of the machine, or of the container that this process is held in."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):  # not on this platform
        found = [8 * 2**30]
    for name in CONTAINER_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            found.append(int(Path(name).read_text("ascii")))
    return min(found)


@contextmanager
def crew(jobs: int, scheduler: str | None, max_memory: int) -> Iterator[Crew]:
    """Those who work, for the time of the block.

    Raises
    ------
    ValueError
        If there is no such scheduler, or Dask is not installed.
    """
    if scheduler is not None:
        with _cluster(scheduler) as client:
            threads = sum(client.nthreads().values())
            LOGGER.debug("%d threads of Dask workers at %s", threads, scheduler)
            yield Crew(client.get_executor(pure=False), threads, 2 * threads + 2)
        return
    if jobs == 1:
        yield Crew(InProcess(), 1, 1)
        return
    n = min(jobs, cores())
    if n < jobs:
        LOGGER.warning("%d jobs on %d cores: %d workers", jobs, n, n)
    with WorkerPool(n, max_memory=max_memory) as pool:
        yield Crew(pool, n, 3 * n)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Any]:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise ValueError(extras.missing("scheduler", "Dask", "dask")) from None
    nobody = (
        f"no Dask scheduler answers at {scheduler!r}: start one with 'dask scheduler', workers "
        "with 'dask worker ADDRESS', and give the ADDRESS that the scheduler prints"
    )
    if ":" not in scheduler:  # Dask would try such a name for a long time
        raise ValueError(nobody)
    try:
        client = distributed.Client(scheduler, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(nobody) from error
    try:
        if not client.nthreads():
            raise ValueError(
                f"the Dask scheduler at {scheduler!r} has no workers: start some with "
                f"'dask worker {scheduler}'"
            )
        yield client
    finally:
        client.close()
