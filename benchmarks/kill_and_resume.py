"""Kills a run at random moments and resumes it: are the tables those of a quiet run?

    python -m benchmarks.kill_and_resume [--kills 20] [--n 400] [--jobs 2] [--seed 0]

Victims are the run itself (SIGKILL, SIGINT, SIGTERM) and single workers (SIGKILL). A run that was
ended is resumed and killed again, until it is complete; then the next begins, until all kills are
spent. Needs /proc.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.broken_images import kinds

TABLES = ("images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv")
RUN_SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


def start(archive: Path, out: Path, jobs: int, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "spectral_mae", "analyze", str(archive), "--out", str(out)]
    options = [
        "--size",
        "64",
        "--patch-size",
        "8",
        "--masks",
        "64",
        "--masks-for",
        "all",
        "--checkpoint",
        "0.1",
        "--quiet",
        "--jobs",
    ]
    return subprocess.Popen(
        [*command, *options, str(jobs), *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def workers(pid: int) -> list[int]:
    """Children of the fork server, which is a child of the run."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    children = {one for one, parent in parents.items() if parent == pid}
    return [one for one, parent in parents.items() if parent in children]


def differing(out: Path, quiet: Path) -> list[str]:
    return [name for name in TABLES if (out / name).read_bytes() != (quiet / name).read_bytes()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive, quiet = folder / "images.zip", folder / "quiet"
        kinds().write_archive(archive, arguments.n, 0.05)
        begun = time.monotonic()
        code = start(archive, quiet, 1).wait()
        longest = time.monotonic() - begun
        print(f"quiet run with one job: exit {code}, {longest:.1f} s")
        kills, number, wrong = 0, 0, 0
        while kills < arguments.kills:
            number += 1
            out, ends, more = folder / f"run-{number}", [], []
            while True:
                run = start(archive, out, arguments.jobs, *more)
                until = time.monotonic() + draw.uniform(0.5, longest)
                spared = kills >= arguments.kills
                while run.poll() is None and (spared or time.monotonic() < until):
                    time.sleep(0.01)
                if run.poll() is not None:
                    break
                targets = workers(run.pid)
                kills += 1
                if targets and draw.random() < 0.4:
                    os.kill(draw.choice(targets), signal.SIGKILL)
                    ends.append("worker SIGKILL")
                    run.wait()
                    break
                how = draw.choice(RUN_SIGNALS)
                run.send_signal(how)
                ends.append(f"run {how.name} (exit {run.wait()})")
                more = ["--resume"]
            different = differing(out, quiet)
            good = run.returncode == code and not different
            wrong += not good
            said = "equal tables" if good else f"exit {run.returncode}, DIFFERENT {different}"
            print(f"run {number}: {', '.join(ends) or 'not killed'}: {said}", flush=True)
    print(f"{kills} kills, {number} runs, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
