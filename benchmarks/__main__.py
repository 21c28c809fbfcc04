"""Ratios measured side by side, as a table.

    python -m benchmarks [NAME ...] [--write] [--resume] [--images FOLDER ...]
    python -m benchmarks compare VERSION VERSION

Without names all are measured (some minutes); ``stages`` takes the images of ``--images``, or the
photographs inside scikit-image. ``--write`` stores what is measured, benchmark by benchmark, in
benchmarks/history/VERSION.json, and once that has all of them puts the tables into
docs/benchmarks.md. With ``--resume`` what is stored already is not measured again. ``compare``
prints what changed between two versions, and whether noise explains it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import history, table
from benchmarks.batches import jpegs
from benchmarks.contest import TINY, Contest, Size, run
from benchmarks.history import Entry, Record
from benchmarks.libraries import libraries
from benchmarks.solves import dense, rates, shrinkages
from benchmarks.spectra import designs, expected, mask_transforms, spectra, workers
from benchmarks.stages import profile, shares
from benchmarks.tensors import tensors

CONTESTS: dict[str, Callable[[Size], Iterable[Contest]]] = {
    "spectra": spectra,
    "workers": workers,
    "libraries": libraries,
    "tensors": tensors,
    "expected": expected,
    "designs": designs,
    "masks": mask_transforms,
    "rates": rates,
    "shrinkages": shrinkages,
    "dense": dense,
    "jpegs": jpegs,
}
STAGES = "stages"
SCRIPTS = {
    "agreement": "whether other decoders read the same pixels from any folder",
    "batches": "a batch with several jobs against the decoder alone",
    "broken_images": "how damaged files are refused",
    "command_floor": "what `analyze` of many JPEGs has to take at least, step by step",
    "broken_lines": "which broken lines of the package its tests catch",
    "call_paths": "how many files of the package a short call passes",
    "explorer_frames": "milliseconds a frame of the explorer in Chromium",
    "kill_and_resume": "batches that are killed and resumed",
    "ising": "Ising lattices: times of sweeps, autocorrelation",
    "linear_borders": "borders of patches in reconstructions",
    "linear_cifar": "linear models of CIFAR-10",
    "linear_interpolation": "interpolation that looks at the mask",
    "linear_photographs": "linear models of photographs, 224×224×3",
    "memory": "bytes a pixel at the peak, each function in a process of its own",
    "linear_speed": "banded against dense solves, two BLAS threads",
    "nonlinear_cifar": "a small trained MAE beside the best linear one",
    "nonlinear_labels": "what pretraining is worth, by the number of labelled images",
    "nonlinear_linear_limit": "gradient descent on linear models, and closed forms",
    "nonlinear_sweeps": "patch size, mask ratio, depths against loss, time, probes",
    "plan_evidence": "trained models beside the predictions of plans",
    "plan_reference": "the curve of photographs that plans compare with",
    "patch_range": "whether larger patches look farther",
    "tensors_gpu": "tensors on a GPU against the CPU, where there is a GPU",
    "unmasking": "how well spectra and slopes are recovered",
}


def main(
    arguments: Sequence[str] | None = None,
    page: Path = table.PAGE,
    folder: Path = history.FOLDER,
) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["compare"]:
        return compare(given[1:], folder)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*CONTESTS, STAGES]))
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--write", action="store_true", help="write the history and the docs")
    parser.add_argument("--resume", action="store_true", help="with --write: measure what is left")
    parser.add_argument("--repeats", type=int, default=1, help="measure so many times, all anew")
    parser.add_argument("--tiny", action="store_true", help="tiny problems: does it run?")
    parser.add_argument("--images", nargs="+", type=Path, default=[], metavar="PATH")
    parser.add_argument("--first", type=int, default=200, help="images of each folder, by name")
    options = parser.parse_args(given)
    if options.list:
        print("\n".join(listing()))
        return 0
    unknown = set(options.names) - {*CONTESTS, STAGES}
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; --list says what there is")
    if options.repeats < 1:
        parser.error(f"--repeats {options.repeats} is not at least 1")
    size = TINY if options.tiny else Size()
    # Of some names the others stay as they are stored; of all they are measured anew.
    resume = options.write and (options.resume or bool(options.names))
    try:
        record = history.record_of(size, folder, resume=resume)
    except ValueError as error:
        parser.error(str(error))
    names = options.names or [*CONTESTS, STAGES]
    if options.resume:
        stored = {*record.entries, *([STAGES] if record.stages else [])}
        names = [name for name in names if name not in stored]
    print(record.machine)
    for name in [*CONTESTS, STAGES]:
        if name in names:
            measure_into(record, name, size, options)
            if options.write:
                record.write(folder)
    if options.write:
        write(record, page)
    return 0


def measure_into(record: Record, name: str, size: Size, options: argparse.Namespace) -> None:
    """Measure one benchmark, and print it."""
    start = time.perf_counter()
    if name == STAGES:
        record.stages = stages(options.images, options.first)
        print(stages_text(record))
    else:
        record.entries[name] = entries(name, size, options.repeats)
        print(table.table(record.rows([name]), record.notes))
    print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


def write(record: Record, page: Path) -> None:
    """Put the tables of a record into the page, those that are whole."""
    left = [name for name in CONTESTS if name not in record.entries]
    if left:
        print(f"{page.name} is not written: not measured yet: {', '.join(left)}")
    else:
        text = table.table(record.rows(CONTESTS), record.notes)
        table.write("ratios", f"*{record.machine}.*\n\n{text}", page)
    if record.stages:
        table.write(STAGES, f"*{record.machine}.*\n\n{stages_text(record)}", page)


def compare(arguments: Sequence[str], folder: Path) -> int:
    """Print what changed between two versions."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks compare", description="Print what changed between two versions."
    )
    for name in ("before", "after"):
        parser.add_argument(name, help="a version in benchmarks/history, or a JSON file")
    options = parser.parse_args(arguments)
    try:
        records = [Record.read(name, folder) for name in (options.before, options.after)]
    except FileNotFoundError as error:
        parser.error(str(error))
    print(history.comparison(*records))
    return 0


def entries(name: str, size: Size, repeats: int = 1) -> list[Entry]:
    """All ratios of a benchmark, measured; problems are made anew for each repeat."""
    found: dict[tuple[str, str], Entry] = {}
    for _ in range(repeats):
        for contest in CONTESTS[name](size):
            for row in run(contest, size.seconds)[0]:
                key = (row.title, row.what)
                if key not in found:
                    found[key] = Entry(*key, row.bar, row.threads, contest.data, contest.note, [])
                found[key].repeats.append(list(row.values))
                print(f"{row.title}: {row.what}: {table.number(row.median)}", file=sys.stderr)
    return list(found.values())


def stages(images: Sequence[Path], first: int) -> dict[str, Any]:
    """The profile of ``analyze``: milliseconds an image by stage, and of which images."""
    paths = list(chosen_images(images, first))
    seconds = profile(paths)
    n, kind = len(paths), "photographs"
    if not paths:
        from spectral_mae.images.files import builtin_images

        n, kind = len(builtin_images()), "photographs inside scikit-image"
    of_folders = f" ({', '.join(path.name for path in images)})" if images else ""
    return {
        "data": f"{n} {kind}{of_folders}",
        "images": n,
        "milliseconds": {name: value / n * 1e3 for name, value in seconds.items()},
    }


def stages_text(record: Record) -> str:
    """The profile of ``analyze`` as a table."""
    found, n = record.stages, record.stages["images"]
    seconds = {name: value * n / 1e3 for name, value in found["milliseconds"].items()}
    parts = ", ".join(f"{name} {share:.0%}" for name, share in shares(seconds).items())
    text = table.stage_table(seconds, n)
    return f"`spectral-mae analyze` on {found['data']}: {parts}.\n\n{text}"


def chosen_images(images: Sequence[Path], first: int) -> Iterator[Path]:
    """Files as they are, and of folders the first JPEGs by name."""
    for path in images:
        yield from sorted(path.rglob("*.jpg"))[:first] if path.is_dir() else [path]


def listing() -> Iterator[str]:
    yield "ratios, run by this command:"
    for name, contests in CONTESTS.items():
        summary = (contests.__doc__ or contests.__name__.replace("_", " ")).splitlines()[0]
        yield f"  {name}: {summary}"
    yield f"  {STAGES}: processor time of `spectral-mae analyze` by stage"
    yield "scripts, each `python -m benchmarks.NAME`:"
    for name, what in SCRIPTS.items():
        yield f"  {name}: {what}"


if __name__ == "__main__":
    sys.exit(main())
