"""Ratios measured side by side, as a table.

    python -m benchmarks [NAME ...] [--write] [--images FOLDER ...]

Without names all are measured (some minutes), but for ``stages``, which needs ``--images`` or takes
the photographs inside scikit-image. ``--write`` puts the tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.contest import TINY, Contest, Row, Size, run
from benchmarks.libraries import libraries
from benchmarks.solves import dense, rates
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
    "dense": dense,
}
STAGES = "stages"
SCRIPTS = {
    "agreement": "whether other decoders read the same pixels from any folder",
    "batches": "a batch with several jobs against the decoder alone",
    "broken_images": "how damaged files are refused",
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


def main(arguments: Sequence[str] | None = None, page: Path = table.PAGE) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join([*CONTESTS, STAGES]))
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--write", action="store_true", help="write the tables into the docs")
    parser.add_argument("--tiny", action="store_true", help="tiny problems: does it run?")
    parser.add_argument("--images", nargs="+", type=Path, default=[], metavar="PATH")
    parser.add_argument("--first", type=int, default=200, help="images of each folder, by name")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(listing()))
        return 0
    unknown = set(options.names) - {*CONTESTS, STAGES}
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; --list says what there is")
    names = options.names or [*CONTESTS, STAGES]
    size = TINY if options.tiny else Size()
    ratios = [name for name in CONTESTS if name in names]
    if options.write and ratios and ratios != list(CONTESTS):
        parser.error("--write needs all the ratios: they are one table")
    print(table.machine())
    if ratios:
        rows, notes = measure(ratios, size)
        text = table.table(rows, notes)
        print(text)
        if options.write:
            table.write("ratios", f"*{table.machine()}.*\n\n{text}", page)
    if STAGES in names:
        text = stages(options.images, options.first)
        print(text)
        if options.write:
            table.write("stages", f"*{table.machine()}.*\n\n{text}", page)
    return 0


def measure(names: Iterable[str], size: Size) -> tuple[list[Row], dict[str, str]]:
    """Rows of the table, and a note for each contest that has one."""
    rows: list[Row] = []
    notes: dict[str, str] = {}
    for name in names:
        for contest in CONTESTS[name](size):
            found, _ = run(contest, size.seconds)
            rows.extend(found)
            notes[contest.title] = contest.note
            for row in found:
                middle = table.number(row.median)
                print(f"{row.title}: {row.what}: {middle}", file=sys.stderr)
    return rows, notes


def stages(images: Sequence[Path], first: int) -> str:
    """The profile of ``analyze`` as tables."""
    paths = list(chosen_images(images, first))
    seconds = profile(paths)
    n = len(paths)
    if not paths:
        from spectral_mae.images.files import builtin_images

        n = len(builtin_images())
    parts = ", ".join(f"{name} {share:.0%}" for name, share in shares(seconds).items())
    kind = "photographs" if paths else "photographs inside scikit-image"
    return f"`spectral-mae analyze` on {n} {kind}: {parts}.\n\n{table.stage_table(seconds, n)}"


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
