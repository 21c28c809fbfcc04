"""Break one line of the package after the other, and see whether the tests of its room notice.

    python -m benchmarks.broken_lines [--all] [--room NAME ...] [--tree FOLDER]

For each entry of `LINES` the package, the tests and their configuration are copied, one line of
the copy is replaced, and the tests of that room run there until one fails. A line is *caught* if a
test fails that passes on the unbroken line. ``--all`` includes the tests marked slow; ``--tree``
takes package and tests from another checkout. The exit status is the number of lines that were
not caught.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("spectral_mae", "tests", "benchmarks", "pyproject.toml", "conftest.py")
FAILED = 1  # pytest's exit status where tests ran and some failed


class Line(NamedTuple):
    """A line of ``spectral_mae`` and what stands in its place when it is broken.

    ``near`` names the tests that are tried first, where they are not named after the file.
    """

    file: str
    old: str
    new: str
    near: str = ""

    @property
    def room(self) -> str:
        """The folder of the file, which is that of its tests too."""
        return self.file.split("/")[0]

    def tests(self, tree: Path) -> list[str]:
        """The tests nearest to its file, where there are some, and then all of its room."""
        file = Path(self.file)
        own = f"tests/{file.parent}/test_{self.near or file.stem}.py"
        return [*([own] if (tree / own).exists() else []), f"tests/{self.room}"]


LINES = (
    # Half-planes: Nyquist of even sizes, mirror images, the range of rings, edges that are met.
    Line(
        "spectra/frequencies.py", "if shape[-1] % 2 == 0:", "if shape[-1] % 4 == 0:", near="annulus"
    ),
    Line(
        "spectra/frequencies.py",
        "np.roll(np.flip(tail, axis), 1, axis)",
        "np.flip(tail, axis)",
        near="spectrum",
    ),
    Line("spectra/frequencies.py", "return min(fs) / 2", "return max(fs) / 2", near="sectors"),
    Line(
        "spectra/frequencies.py",
        "return radius <= frequency * (1 + CLOSE)",
        "return radius <= frequency * (1 - CLOSE)",
        near="annulus",
    ),
    # Bins: independent frequencies, deviations that cancel, weights of shared frequencies.
    Line("spectra/bins/binning.py", "independent = self.counts / 2", "independent = self.counts"),
    Line("spectra/bins/binning.py", "std / np.sqrt(independent - 1)", "std / np.sqrt(independent)"),
    Line("spectra/bins/binning.py", "CANCELS = 1e-5", "CANCELS = 0.0"),
    Line("spectra/bins/binning.py", "% len(columns)] / 4)", "% len(columns)] / 2)", near="sectors"),
    # Rings and slopes: the width of rings, the bias of logarithms, degrees of freedom.
    Line(
        "spectra/rings.py",
        "self.log_spread = deviation**2",
        "self.log_spread = deviation",
        near="slope",
    ),
    Line("spectra/slope.py", "np.log(effective) + widened / 2", "np.log(effective) + widened"),
    Line("spectra/slope.py", "sum(axis=1) - (len(x) - 2)", "sum(axis=1) - len(x)"),
    # Pixels before the transform: slope of a line, buffers of short batches, noise bandwidth.
    Line("spectra/conditioning.py", "np.mean(centred**2))", "np.sum(centred**2))"),
    Line("spectra/conditioning.py", "space.real[len(planes) :] = 0", "pass"),
    Line("spectra/conditioning.py", "amplitude**2 / (size * squares)", "1.0 / size"),
    # Spectra: the mean over channels, the rounding floor.
    Line(
        "spectra/periodogram.py",
        "power *= self.norm / batch.shape[-1]",
        "power *= self.norm",
        near="spectrum",
    ),
    Line(
        "spectra/periodogram.py",
        "detrend is None else size",
        "detrend is None else 0",
        near="spectrum",
    ),
    # Masks: pairs without replacement, what stays visible when a patch is hidden, the phase of a
    # pulse.
    Line("masks/patches.py", "(kept - 1) / (n_patches - 1)", "(kept - 1) / n_patches"),
    Line("masks/designs/uniform.py", "kept / (n - 1)", "kept / n", near="moments"),
    Line("masks/pulses.py", "k * (patch_size - 1)) * ratio", "k * patch_size) * ratio"),
    # Masked spectra: leaked power at frequencies other than zero, sums against means.
    Line(
        "masked_spectra/components.py",
        "return _Parts(pi1, pi2, self.patches",
        "return _Parts(pi1, pi1, self.patches",
        near="expectation",
    ),
    Line("masked_spectra/coupling.py", "weights.shape) / weights.size)", "weights.shape) / 1.0)"),
    # Linear models: what is lost of hidden patches.
    Line(
        "linear/problems/hidden_target.py",
        "trace = (1.0 - pi1) * stack.trace\n",
        "trace = pi1 * stack.trace\n",
    ),
    # Images: luma, the middle of an odd margin; batch: which of two sums comes first.
    Line("images/samples.py", "+ 0.114 * (blue - green)", "+ 0.144 * (blue - green)"),
    Line("images/cropping.py", "shape[0] - height) // 2", "shape[0] - height + 1) // 2"),
    Line("batch/merge_tree.py", "left.part.merge(branch.part)", "branch.part.merge(left.part)"),
)


def copy_tree(tree: Path, target: Path) -> None:
    """Copy what the tests of a room need, without what Python left there."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in COPIED:
        source = tree / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy2(source, target / name)


def first_failure(copy: Path, *arguments: str) -> str | None:
    """Run pytest in a copy of the tree until a test fails.

    Returns
    -------
    str or None
        The name of the test that failed; None if all passed.

    Raises
    ------
    RuntimeError
        If the tests did not run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    found = subprocess.run(
        [*command, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode not in (0, FAILED):
        raise RuntimeError(found.stdout[-2000:] + found.stderr[-2000:])
    failed = [row for row in found.stdout.splitlines() if row.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0].split(" ", 1)[1] if found.returncode else None


def caught_by(line: Line, copy: Path, marks: Sequence[str], failing: set[str]) -> str | None:
    """Name of the first test that fails because a line is broken, or None.

    Parameters
    ----------
    line : Line
    copy : Path
        The tree, which is as it was afterwards.
    marks : sequence of str
        Arguments of pytest that choose tests.
    failing : set of str
        Tests that fail in the unbroken tree too, or not again; more that turn out to are added.

    Raises
    ------
    ValueError
        If the line does not stand in its file exactly once.
    """
    file = copy / "spectral_mae" / line.file
    text = file.read_text("utf-8")
    if text.count(line.old) != 1:
        raise ValueError(f"{line.file} holds {text.count(line.old)} times {line.old!r}")
    while True:
        file.write_text(text.replace(line.old, line.new), "utf-8")
        left_out = [f"--deselect={name}" for name in sorted(failing)]
        found = None
        for tests in line.tests(copy):
            found = found or first_failure(copy, *marks, *left_out, tests)
        # A test that waits for threads may fail once on a busy machine.
        again = found is not None and first_failure(copy, *marks, found) is not None
        file.write_text(text, "utf-8")
        if found is None or (again and first_failure(copy, *marks, found) is None):
            return found
        failing.add(found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.broken_lines", description=__doc__)
    parser.add_argument("--all", action="store_true", help="with the tests marked slow")
    parser.add_argument("--room", nargs="+", default=[], help="only lines of these rooms")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout to break")
    options = parser.parse_args(arguments)
    chosen = [line for line in LINES if not options.room or line.room in options.room]
    missed, failing = 0, set[str]()
    with tempfile.TemporaryDirectory() as folder:
        copy_tree(options.tree, Path(folder))
        for line in chosen:
            test = caught_by(line, Path(folder), ["-m", ""] if options.all else [], failing)
            missed += test is None
            verdict = f"caught by {test}" if test else "NOT CAUGHT"
            print(f"{line.file}: {line.old.strip()!r}: {verdict}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} are caught")
    if failing:
        print(
            "failed in the unbroken tree too, or not again, and left out:",
            *sorted(failing),
            sep="\n  ",
        )
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
