"""How fast Swendsen and Wang's clusters draw independent Ising lattices at the critical coupling.

    python -m benchmarks.ising [--size 64] [--sweeps 50000]

One core, one run from a fixed seed; the autocorrelation times are in sweeps.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from spectral_mae import ising


def measure(size: int, sweeps: int) -> None:
    """Time the sweeps alone, then what was recorded after each."""
    coupling = ising.CRITICAL_COUPLING
    lattice = ising.SwendsenWang((size, size), coupling, rng=0).sweep(500)
    energy, magnetisation, seconds = np.empty(sweeps), np.empty(sweeps), 0.0
    for place in range(sweeps):
        start = time.perf_counter()
        lattice.sweep()
        seconds += time.perf_counter() - start
        energy[place] = lattice.energy
        magnetisation[place] = abs(lattice.magnetisation)
    found = ising.SampledMean.of(energy)
    ordered = ising.SampledMean.of(magnetisation)
    exact = ising.exact_torus((size, size), coupling).energy
    print(f"{size}×{size} at J = {coupling:.6f}, {sweeps} sweeps")
    print(f"  a sweep: {seconds / sweeps * 1e3:.2f} ms")
    print(f"  energy: {found.mean:.5f} ± {found.stderr:.5f}, exactly {exact:.5f}")
    for name, mean in (("energy", found), ("|m|", ordered)):
        rate = mean.effective_samples / seconds
        print(
            f"  {name}: autocorrelation time {mean.time:.2f} ± {mean.time_stderr:.2f}, "
            f"{rate:.0f} independent samples a second"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--sweeps", type=int, default=50_000)
    arguments = parser.parse_args()
    measure(arguments.size, arguments.sweeps)
