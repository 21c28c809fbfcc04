"""Memory that a call frees is there for the next one."""

import os
import platform
import subprocess
import sys

import pytest

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
def test_repeated_calls_do_not_fault_their_memory_in_again():
    # Dask tells glibc, by the environment, to give memory back at once.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    call = [sys.executable, "-c", CODE]
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=env)
    faults = [float(line) for line in done.stdout.split()]
    assert len(faults) == 6
    assert max(faults) < 100, faults  # otherwise hundreds to thousands
