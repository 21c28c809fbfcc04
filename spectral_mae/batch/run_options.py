"""How a run over many images is carried out; nothing that its results depend on."""

from __future__ import annotations

import os
from dataclasses import dataclass

from spectral_mae import _checks
from spectral_mae.images.reader import TIME_LIMIT


@dataclass(frozen=True)
class RunOptions:
    """How a run over many images is carried out. Results do not depend on it.

    Parameters
    ----------
    jobs : int or None
        Processes, at least 1. None: this process alone below 100 images, else one for each core.
        A script that uses more than one needs ``if __name__ == "__main__":`` around its calls,
        as `multiprocessing` does.
    scheduler : str or None
        Address of a Dask scheduler whose workers do the work, in place of ``jobs``.
    resume : bool
        Go on with the run that was begun in the same place.
    overwrite : bool
        Replace what another run has left there.
    fail_fast : bool
        End the run at the first image that fails.
    time_limit : float
        Seconds that decoding an image may take, above 0.
    memory_limit : int or None
        Memory that a process may take, in MiB, at least 1. None: its share of the machine's.
    checkpoint : float
        Seconds of work that may be lost when the process is killed, at least 0.
    log_file : path or None
        Where to write a log with times.
    quiet : bool
        Show no progress.
    command_line : str or None
        What was typed, for the page of the run; None from Python.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range, or two options exclude each other.

    Examples
    --------
    >>> RunOptions(jobs=2).checkpoint
    10.0
    >>> RunOptions(resume=True, overwrite=True)
    Traceback (most recent call last):
    ...
    ValueError: resume=True goes on with a run and overwrite=True begins again: give one
    """

    jobs: int | None = None
    scheduler: str | None = None
    resume: bool = False
    overwrite: bool = False
    fail_fast: bool = False
    time_limit: float = TIME_LIMIT
    memory_limit: int | None = None
    checkpoint: float = 10.0
    log_file: str | os.PathLike[str] | None = None
    quiet: bool = True
    command_line: str | None = None

    def __post_init__(self) -> None:
        for name in ("resume", "overwrite", "fail_fast", "quiet"):
            _checks.flag(name, getattr(self, name))
        if self.resume and self.overwrite:
            raise ValueError(
                "resume=True goes on with a run and overwrite=True begins again: give one"
            )
        if self.scheduler is not None and not isinstance(self.scheduler, str):
            raise TypeError(f"scheduler={_checks.brief(self.scheduler)} is not an address")
        if self.scheduler is not None and self.jobs is not None:
            raise ValueError("jobs is for this machine and scheduler for a cluster: give one")
        if self.jobs is not None:
            _checks.positive_int("jobs", self.jobs)
        if not _checks.real_number("time_limit", self.time_limit) > 0:
            raise ValueError(f"time_limit={self.time_limit} is not above 0 seconds")
        if self.memory_limit is not None and _checks.integer("memory_limit", self.memory_limit) < 1:
            raise ValueError(f"memory_limit={self.memory_limit} is not at least 1 MiB")
        if _checks.real_number("checkpoint", self.checkpoint) < 0:
            raise ValueError(f"checkpoint={self.checkpoint} is negative")
        if self.log_file is not None:
            _checks.path("log_file", self.log_file)
