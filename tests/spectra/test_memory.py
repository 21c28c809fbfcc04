"""What calls take in memory, and that what one frees is there for the next one."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import memory
from spectral_mae.images.limits.memory_budget import READ, READ_COLOR, WORKED_ON

CODE = """
import resource
import numpy as np
from spectral_mae import expected_masked_psd, psd

for side, patch in [(256, 16), (512, 32), (768, 16)]:
    image = np.random.default_rng(0).random((side, side))
    for work in (lambda: expected_masked_psd(image, patch, 0.75), lambda: psd(image)):
        for _ in range(3):
            work()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            work()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc's allocator")
@pytest.mark.slow
def test_repeated_calls_do_not_fault_their_memory_in_again():
    # Dask tells glibc, by the environment, to give memory back at once.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    call = [sys.executable, "-c", CODE]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=env)
    faults = [float(line) for line in done.stdout.split()]
    assert len(faults) == 6
    assert max(faults) < 100, faults  # otherwise hundreds to thousands


# Of megabytes that no image needs: figures, tables of patches, strips.
SIDE, FIXED = 2048, 16 * 2**20
QUICK = [
    *("psd", "psd-single", "psd-periodic", "radial", "sectors", "periodogram"),
    *("expected", "expected-large", "leakage", "unmasked"),
    *("analysis", "picture", "read", "read-alpha", "read-color"),
]


@pytest.fixture(scope="module")
def bytes_per_pixel():
    call = [sys.executable, "-m", "benchmarks.memory", "--here", *QUICK, "--side", str(SIDE)]
    done = subprocess.run(call, capture_output=True, text=True, check=True, cwd=memory.ROOT)
    return {name: float(found) for name, found in map(str.split, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", QUICK)
def test_large_images_take_no_more_than_the_bound(bytes_per_pixel, name):
    """At the peak, image and result too."""
    assert memory.CASES[name].bound == 60.0
    assert 8 <= bytes_per_pixel[name] <= memory.CASES[name].bound + FIXED / SIDE**2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("name", "estimate"),
    [
        ("read", READ),
        ("read-alpha", READ),
        ("read-color", READ_COLOR),
        ("analysis", WORKED_ON),
        ("picture", WORKED_ON),
    ],
)
def test_estimates_of_the_memory_limit_are_at_least_what_is_measured(
    bytes_per_pixel, name, estimate
):
    assert bytes_per_pixel[name] <= estimate + FIXED / SIDE**2
