"""Run steps of a check at the same time, each as soon as those that it needs have passed.

What a step prints is kept in a file and printed whole when the step ends. The first that fails ends
the check.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """Commands of bash, which run one after another until one fails."""

    name: str
    about: str
    commands: str
    needs: Sequence[str] = ()


@dataclass
class Run:
    """A step that has begun."""

    step: Step
    log: Path
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)


def begin(step: Step, log: Path, folder: Path, settings: Mapping[str, str]) -> Run:
    """Start a step in a process group of its own, by which it can be stopped."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", textwrap.dedent(step.commands)],
            cwd=folder,
            env=os.environ | settings,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Run(step, log, process)


def run(
    steps: Sequence[Step], *, folder: Path, logs: Path, at_once: int, settings: Mapping[str, str]
) -> int:
    """Run all steps; of those that are ready the first begins first.

    Parameters
    ----------
    steps : sequence of Step
        What a step needs stands before it. A need that is not among the steps counts as met.
    folder : Path
        Where the commands run.
    logs : Path
        Where the output of each step is kept, as ``NAME.txt``.
    at_once : int
        The number of steps that run at the same time.
    settings : mapping
        Environment variables, besides those of this process.

    Returns
    -------
    int
        0 if all passed; 1 as soon as one has failed, after the others were stopped.
    """
    logs.mkdir(parents=True, exist_ok=True)
    waiting, running, times = list(steps), {}, {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` stops the steps too
    try:
        while waiting or running:
            unmet = {step.name for step in steps} - times.keys()
            ready = [step for step in waiting if unmet.isdisjoint(step.needs)]
            for step in ready[: at_once - len(running)]:
                waiting.remove(step)
                begun = begin(step, logs / f"{step.name}.txt", folder, settings)
                running[begun.process.pid] = begun
                print(f".. {step.name}", flush=True)
            pid, status, usage = os.wait4(-1, 0)
            ended = running.pop(pid)
            ended.process.returncode = os.waitstatus_to_exitcode(status)
            step, seconds = ended.step, time.monotonic() - ended.began
            times[step.name] = seconds, usage.ru_utime + usage.ru_stime
            verdict = f"FAILED with {ended.process.returncode}" if status else f"{seconds:.0f} s"
            print(f"\n== {step.name}: {step.about}: {verdict}")
            print(ended.log.read_text("utf-8", errors="replace"), flush=True)
            if status:
                return 1
    finally:
        for left in running.values():
            os.killpg(left.process.pid, signal.SIGTERM)
            left.process.wait()
    print(f"{'seconds':>8} {'of a core':>10}")
    for name, (seconds, of_a_core) in times.items():
        print(f"{seconds:8.0f} {of_a_core:10.0f}  {name}")
    return 0
