"""A hundred thousand images, one in fifty broken: every good one counted, every bad one explained.

    python -m benchmarks.broken_images [--n 100000] [--share 0.02] [--jobs 2] [--folder DIR]

The images are made on the spot: one zip archive, in which broken files of all kinds of
`tests/support/broken.py` are spread among good JPEGs. The command runs as its user would run it.
"""

from __future__ import annotations

import argparse
import collections
import csv
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

TESTS = Path(__file__).parents[1] / "tests" / "support"


def kinds() -> ModuleType:
    spec = importlib.util.spec_from_file_location("broken", TESTS / "broken.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(TESTS / "broken.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        return check(Path(folder), arguments)


def check(folder: Path, arguments: argparse.Namespace) -> int:
    broken = kinds()
    archive, out = folder / "images.zip", folder / "out"
    bad = set(broken.write_archive(archive, arguments.n, arguments.share))
    print(f"{arguments.n} entries, {len(bad)} broken of {len(broken.KINDS)} kinds")
    command = [sys.executable, "-m", "spectral_mae", "analyze", str(archive), "--out", str(out)]
    options = [
        "--size",
        "32",
        "--patch-size",
        "8",
        "--masks",
        "2",
        "--checks",
        "0",
        "--quiet",
        "--jobs",
    ]
    start = time.perf_counter()
    code = subprocess.run([*command, *options, str(arguments.jobs)], check=False).returncode
    seconds = time.perf_counter() - start
    reasons: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    good = explained = wrong = 0
    with (out / "images.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = Path(row["path"]).name
            if row["status"] == "ok" and name not in bad:
                good += 1
            elif row["status"] == "failed" and name in bad and row["error"]:
                explained += 1
                kind = name.partition("-")[2].rpartition(".")[0]
                reasons[kind][re.sub(r"\d+", "N", row["error"])] += 1
            else:
                wrong += 1
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    print(f"exit {code}, {seconds:.0f} s, {record['throughput']}")
    print(f"{good} good ones counted, {explained} bad ones explained, {wrong} wrong")
    print(f"counts in run.json: {record['counts']}")
    print()
    print("| kind | times | what is said of it (first) |")
    print("|---|---|---|")
    for kind, said in reasons.items():
        print(f"| {kind} | {said.total()} | {said.most_common(1)[0][0]} |")
    right = (code, good, explained, wrong) == (1, arguments.n - len(bad), len(bad), 0)
    print("all right" if right else "NOT RIGHT")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
