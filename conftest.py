"""What pytest has to know before it collects: threads, and which optional packages are there."""

import importlib.util
import os
import sys

import pytest

# Each worker of pytest-xdist is a process, and takes one core: libraries read these when they load.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

TORCH, FFTW, DUCC = (
    importlib.util.find_spec(name) is not None for name in ("torch", "pyfftw", "ducc0")
)
# Doctests import the modules that hold them. The tests say themselves why they are skipped.
NEED_TORCH = [
    "spectral_mae/nonlinear/*",
    "spectral_mae/batch/audit/run.py",
    *(f"docs/guides/{page}.md" for page in ("audit", "tensors", "trained")),
]
BACKENDS = "spectral_mae/spectra/backends"
collect_ignore_glob = [
    *([] if TORCH else NEED_TORCH),
    *([] if FFTW else [f"{BACKENDS}/fftw.py"]),
    *([] if DUCC else [f"{BACKENDS}/ducc.py"]),
]
if not all(importlib.util.find_spec(name) for name in ("xarray", "dask")):
    collect_ignore_glob.append("docs/guides/labelled.md")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many of the cases of one test are taken; by default all that their marks allow."""
    parser.addoption(
        "--strength",
        type=int,
        metavar="N",
        help="of tests with many cases, only those in which every N values of parameters meet",
    )


def pytest_report_header() -> list[str]:
    """Say it where everybody looks."""
    missing = "not installed: tests and doctests that need it are skipped"
    return [
        f"torch: {'installed' if TORCH else missing}",
        f"pyfftw: {'installed' if FFTW else 'not installed: transforms are by scipy.fft'}",
    ]


@pytest.fixture(autouse=True)
def no_figures_left():
    """Figures of a test or a doctest are closed after it: Matplotlib warns of many."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
