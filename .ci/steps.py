"""The steps of the whole check, which ``.ci/run`` runs.

Each runs in one process and takes one core, but for the README's own commands, which come first.
The environments are made while tests run: that of the README, ``.ci/out/all`` with every extra,
``.ci/out/newest`` and ``.ci/out/oldest``.
"""

import os
import shutil
import sys
from pathlib import Path

from runner import Step, run

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / ".ci" / "out"
SETTINGS = {
    "MPLBACKEND": "Agg",
    # Pool threads times BLAS threads must not exceed the cores.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Python compiles what is imported: a small part of what is installed.
    "PIP_COMPILE": "0",
    "PYTEST_ADDOPTS": "--durations=10",
}
README, ALL, NEWEST, OLDEST = (
    f"{folder}/bin" for folder in (".venv", ".ci/out/all", ".ci/out/newest", ".ci/out/oldest")
)
# Slow tests take the longest, so they are divided; what is in none of these is "slow-others". Of
# the products of their parameters those cases are taken in which every three values meet.
SLOW = {
    "linear": ["tests/linear"],
    "spectra": ["tests/spectra", "tests/masked_spectra", "tests/theory"],
    "commands": ["tests/commands"],
    "batch": ["tests/batch", "tests/plot"],
}
IN_OTHER_STEPS = ["tests/commands/test_notebooks.py", "tests/nonlinear"]


def slow_tests() -> list[Step]:
    """Steps that run all tests marked slow once."""
    divided = [path for paths in SLOW.values() for path in paths]
    others = ["tests", *(f"--ignore={path}" for path in divided)]
    ignored = " ".join(f"--ignore={path}" for path in IN_OTHER_STEPS)
    return [
        Step(
            f"slow-{name}",
            "tests that the README's command leaves out",
            f"{README}/pytest -n 0 -m slow --strength 3 {' '.join(paths)} {ignored}",
            needs=["readme-test"],
        )
        for name, paths in {**SLOW, "others": others}.items()
    ]


STEPS = [
    Step(
        "readme-install",
        "the README's first command: install and run the main job",
        """
        python3 .ci/readme_commands.py 1 | bash -euo pipefail
        test -s spectral-mae-report/report.html
        """,
    ),
    Step(
        "packages",
        "the largest packages of the environment with all extras",
        f"""
        python3 -m venv .ci/out/all
        {ALL}/pip install --quiet torch==2.13.0 transformers==5.24.0
        """,
    ),
    Step(
        "readme-test",
        "the README's second command: install the test extra and pass the tests",
        "python3 .ci/readme_commands.py 2 | bash -euo pipefail",
        needs=["readme-install"],
    ),
    # Each that installs the working tree writes its metadata there, so one comes after another.
    Step(
        "extras",
        "the environment with all extras",
        f"""
        {ALL}/pip install --quiet build webdataset h5netcdf \\
            -e '.[dev,docs,ducc,files,xarray,pandas,browser]'
        """,
        needs=["packages", "readme-test"],
    ),
    Step(
        "wheel",
        "through the source distribution: whole, and installed alone with the oldest dependencies",
        f"""
        {ALL}/python -m build --outdir .ci/out/dist . > /dev/null
        python3 .ci/package_files.py .ci/out/dist/*.whl .ci/out/dist/*.tar.gz
        python3 -m venv .ci/out/oldest
        python3 .ci/floors.py codecs heif > .ci/out/oldest/floors.txt
        {OLDEST}/pip install --quiet --constraint .ci/out/oldest/floors.txt .ci/out/dist/*.whl
        cd .ci/out/oldest
        bin/spectral-mae --version
        bin/spectral-mae analyze --out report
        test -s report/report.html
        """,
        needs=["extras"],
    ),
    Step(
        "newest",
        "without pyFFTW, on the newest Python at hand with the newest dependencies",
        f"""
        newest_python() {{
            for version in 3.14 3.13 3.12; do
                for found in "python$version" "$HOME/.pyenv/versions/$version".*/bin/python; do
                    if "$found" -c "" 2> /dev/null; then echo "$found" && return; fi
                done
            done
            echo python3
        }}
        "$(newest_python)" -m venv .ci/out/newest
        {NEWEST}/python --version
        {NEWEST}/pip install --quiet -e '.[test]'
        {NEWEST}/pip uninstall --quiet --yes pyfftw
        {NEWEST}/spectral-mae analyze --out .ci/out/newest/report
        {NEWEST}/pytest -n 0 tests/spectra tests/masks tests/masked_spectra tests/cross_spectra \\
            tests/images tests/test_fields.py tests/test_chunked.py \\
            tests/commands/test_command.py tests/commands/test_psd_sets.py \\
            tests/commands/test_missing_pixels.py
        """,
        needs=["wheel"],
    ),
    *slow_tests(),
    Step(
        "properties",
        "more examples of Hypothesis",
        f"{README}/pytest -n 0 --hypothesis-profile full tests/arguments/test_properties_*.py",
        needs=["readme-test"],
    ),
    Step(
        "lint",
        "lint, format, types; the conda recipe, whose parser only the extra dev has",
        f"""
        {ALL}/ruff check .
        {ALL}/ruff format --check .
        {ALL}/mypy
        {ALL}/pytest -q -n 0 tests/test_packaging.py
        """,
        needs=["extras"],
    ),
    Step(
        "lessons",
        "notebooks, in kernels of their own, which wait for ever in a worker of xdist",
        f"{ALL}/pytest -n 0 -m slow tests/commands/test_notebooks.py",
        needs=["extras"],
    ),
    Step(
        "browser",
        "pages in Chromium",
        f"""
        there() {{ command -v "$1" > /dev/null; }}
        if ! there chromium && [ "$(id -u)" = 0 ] && there apt-get; then
            {{ apt-get -qq update &&
                apt-get -qq install --yes --no-install-recommends chromium chromium-driver; }} ||
                echo "Chromium could not be installed"
        fi
        if there chromium && there chromedriver; then
            {ALL}/pytest -n 0 -m browser tests
        else
            echo "skipped: this needs Debian's packages chromium and chromium-driver"
        fi
        """,
        needs=["extras"],
    ),
    Step(
        "docs",
        "the site builds without a warning; its links, search and first screen",
        f"""
        {ALL}/python docs/build.py
        {ALL}/pytest -q -n 0 -m "" tests/docs/test_site.py tests/docs/test_site_in_browser.py
        """,
        needs=["extras", "browser"],
    ),
    Step(
        "torch",
        "tests and doctests that need PyTorch, and outputs of a peer package",
        f"""
        {ALL}/pytest -n 0 -m "" --strength 2 tests/nonlinear spectral_mae/nonlinear \\
            tests/spectra/test_tensor_spectra.py tests/masked_spectra/test_tensor_patches.py \\
            tests/linear/test_tensor_models.py docs/guides/audit.md docs/guides/tensors.md \\
            docs/guides/trained.md
        """,
        needs=["extras"],
    ),
    Step(
        "packages-of-others",
        "what only some extras read or compute with: files, labels, tables, a Dask cluster, DUCC",
        f"""
        {ALL}/pytest -n 0 -m "" --strength 2 tests/images/containers tests/spectra/labels \\
            tests/batch/test_files_of_several_images.py tests/test_chunked.py \\
            tests/spectra/test_segments.py tests/spectra/test_summary.py \\
            tests/cross_spectra/test_comparison.py tests/plot/test_plot_results.py \\
            tests/arguments/test_hidden_pixels.py tests/commands/test_columns.py \\
            tests/masks/designs/test_samplers_of_others.py \\
            docs/guides/labelled.md docs/guides/files.md
        {ALL}/pytest -n 0 -m "" -k "cluster or scheduler" tests/batch/test_chunks.py \\
            tests/batch/test_run_folder.py tests/commands/test_resume.py
        {ALL}/pytest -n 0 tests/spectra/test_backends.py tests/spectra/test_fft.py -k ducc
        """,
        needs=["extras"],
    ),
    Step(
        "oldest",
        "the oldest dependencies: tests of spectra and masks",
        # Not the extra test: pip looks for ever for versions of all its packages that go with the
        # oldest NumPy.
        f"""
        {OLDEST}/pip install --quiet --constraint .ci/out/oldest/floors.txt \\
            pytest pytest-xdist hypothesis array-api-strict
        {OLDEST}/pytest -n 0 tests/spectra tests/masks
        """,
        needs=["wheel"],
    ),
    Step(
        "figures",
        "figures of the README are those that the scripts make",
        f"""
        for script in figures/*.py; do {README}/python "$script" --out .ci/out/figures; done
        for made in .ci/out/figures/*.png; do
            {README}/python .ci/same_picture.py "$made" "figures/${{made##*/}}"
        done
        """,
        needs=["readme-test"],
    ),
]


def main(names: list[str]) -> int:
    """Run the steps of these names, or all, on a tree that earlier work has left nothing in."""
    chosen = [step for step in STEPS if not names or step.name in names]
    if unknown := set(names).difference(step.name for step in STEPS):
        print(f"no such step: {', '.join(unknown)}; there are", *(step.name for step in STEPS))
        return 2
    if not names:
        for left in (".venv", "spectral-mae-report", "build", ".ci/out"):
            shutil.rmtree(ROOT / left, ignore_errors=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return run(chosen, folder=ROOT, logs=OUT / "logs", at_once=cores or 1, settings=SETTINGS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
