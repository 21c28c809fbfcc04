"""Spectra, moments and a banded model of a batch on a GPU: equal to the CPU's, and how much sooner.

    python -m benchmarks.tensors_gpu [--images 256] [--side 224] [--rounds 10]

Takes the first CUDA device of PyTorch, or says that there is none; ``--device cpu`` tries the
script itself. Differences are given in units of what is allowed, for powers by the guide on
tensors; more than 1 is a failure, and the exit status says so.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import spectral_mae as sm

CLOSE = 1e-8  # relative: of moments and models, whose condition amplifies rounding


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tensors_gpu", description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--patch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--device", default="cuda", help="as PyTorch names it")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ModuleNotFoundError:
        print("PyTorch is not installed, so there is no GPU to measure")
        return 0
    device = torch.device(options.device)
    on_gpu = device.type == "cuda"
    if on_gpu and not torch.cuda.is_available():
        print("PyTorch finds no CUDA device: nothing is measured")
        return 0
    shape = (options.side, options.side)
    noise = np.random.default_rng(0).standard_normal((options.images, *shape))
    images = noise.cumsum(axis=1).cumsum(axis=2).astype(np.float32)
    there = torch.from_numpy(images).to(device)
    name = torch.cuda.get_device_name(device) if on_gpu else options.device
    print(f"{options.images} images of {options.side}×{options.side}, {name}")
    planned = sm.Periodogram(shape, dtype=np.float32)
    found, truth = planned.power(there).cpu().numpy(), sm.Periodogram(shape).power(images)
    off = [_amplitudes(found, truth, planned, images)]
    rings, same = planned.radial(there).numpy(), planned.radial(images)
    off.append(_relative("rings", rings.power, same.power, 1e-4))
    known = sm.LinearMAE(options.patch, 0.75).fit(images)
    model = sm.LinearMAE(options.patch, 0.75).fit(there)
    off.append(_relative("loss", model.loss_, known.loss_, CLOSE))
    off.append(_relative("score", model.score(there), known.score(images), CLOSE))
    mask = sm.PulseMask.random(sm.PatchGrid(shape, options.patch), 0.75, rng=0)
    moved = sm.PulseMask(shape, options.patch, torch.from_numpy(mask.starts.copy()).to(device))
    off.append(_relative("mask", moved.dft().cpu().numpy(), mask.dft(), 1e-13))
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    for name, here, on_device in [
        ("power", lambda: planned.power(images), lambda: planned.power(there)),
        ("radial", lambda: planned.radial(images), lambda: planned.radial(there)),
        (
            "fit",
            lambda: sm.LinearMAE(options.patch, 0.75).fit(images),
            lambda: sm.LinearMAE(options.patch, 0.75).fit(there),
        ),
    ]:
        rounds = 1 if name == "fit" else options.rounds
        cpu = _seconds(here, rounds, lambda: None)
        gpu = _seconds(on_device, rounds, wait)
        print(f"{name}: {cpu:.4f} s with NumPy, {gpu:.4f} s on {device}, {cpu / gpu:.1f} times")
    return int(max(off) > 1)


def _amplitudes(found: Any, truth: Any, planned: sm.Periodogram, images: Any) -> float:
    """|√found − √truth| over √floor + 4ε√truth: the bound of powers in the guide."""
    energy = float(np.max(np.sum(images.astype(float) ** 2, axis=(1, 2))))
    floor = planned.rounding_floor(energy)
    allowed = np.sqrt(floor) + 4 * np.finfo(np.float32).eps * np.sqrt(truth)
    off = float(np.max(np.abs(np.sqrt(found.astype(float)) - np.sqrt(truth)) / allowed))
    print(f"power: {off:.3g} of the allowed difference")
    return off


def _relative(name: str, found: Any, truth: Any, allowed: float) -> float:
    off = float(np.max(np.abs(found - truth)) / np.max(np.abs(truth))) / allowed
    print(f"{name}: {off:.3g} of the allowed difference")
    return off


def _seconds(work: Callable[[], object], rounds: int, wait: Callable[[], object]) -> float:
    """Median time of a work, after one that nobody counts."""
    work()
    wait()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


if __name__ == "__main__":
    sys.exit(main())
