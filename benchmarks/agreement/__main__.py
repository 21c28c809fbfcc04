"""Do other decoders read the same pixels? Any folder, each file by all that know its format.

    python -m benchmarks.agreement FOLDER... [--out DIR] [--jobs 2] [--time-limit 60]

Mean and standard deviation of gray and of each colour are compared, to 1e-3. Who is asked about a
format is in `decoders`; `rules` brings their samples to [0, 1]. The status is 1 if there is a
disagreement that `explained.csv` does not explain, or a file that ends our reader.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.agreement.decoders import DECODERS
from benchmarks.agreement.readings import readings
from benchmarks.agreement.verdicts import WRONG, judge, known_explanations, report, write_rows


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.agreement",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="FOLDER", help="or a file")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for agreement.csv and .md")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument(
        "--time-limit", type=float, default=60.0, help="seconds that a decoder may take (60)"
    )
    parser.add_argument(
        "--memory-limit", type=float, default=6.0, help="GiB that each process may take (6)"
    )
    options = parser.parse_args(arguments)
    missing = [str(path) for path in options.paths if not path.exists()]
    if missing:
        parser.error(f"no such file or folder: {', '.join(missing)}")
    paths = files_in(options.paths)
    everyone = {decoder for decoders in DECODERS.values() for decoder in decoders}
    absent = sorted({d.package for d in everyone if not d.installed})
    if absent:
        print(f"not installed, so not asked: {', '.join(absent)}", file=sys.stderr)
    explanations, verdicts = known_explanations(), []
    max_memory = int(options.memory_limit * 2**30)
    found = readings(paths, jobs=options.jobs, time_limit=options.time_limit, max_memory=max_memory)
    for number, each in enumerate(found, start=1):
        verdicts.append(judge(each, explanations))
        if number % 100 == 0:
            print(f"{number} of {len(paths)} files", file=sys.stderr)
    text = report(verdicts)
    print(text)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "agreement.md").write_text(f"{text}\n", "utf-8")
        write_rows(options.out / "agreement.csv", verdicts)
    return int(any(verdict.word in WRONG for verdict in verdicts))


def files_in(paths: Iterable[Path]) -> list[Path]:
    """Files as they are, and all files of folders, by name; no links."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file.is_file() and not file.is_symlink()]
    return found


if __name__ == "__main__":
    sys.exit(main())
