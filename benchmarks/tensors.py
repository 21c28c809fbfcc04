"""Spectra of tensors of PyTorch on the CPU against those of NumPy arrays."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import numpy as np

import spectral_mae as sm
from benchmarks.contest import Contest, Ratio, Size

BAR = "≤ 1.3"


def tensors(size: Size) -> Iterator[Contest]:
    """Batches and single images; with derivatives PyTorch transforms them, without them FFTW."""
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    torch.set_num_threads(1)
    shape, n = (size.side, size.side), size.images
    images = np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)
    batch = torch.from_numpy(images)
    tracked = batch.clone().requires_grad_()
    planned = sm.Periodogram(shape, dtype=np.float32)
    yield Contest(
        f"Spectra of {n} images as a tensor on the CPU, {size.side}×{size.side} float32",
        {
            "power, array": lambda: planned.power(images),
            "power, tensor": lambda: planned.power(batch),
            "power, tracked": lambda: planned.power(tracked),
            "radial, array": lambda: planned.radial(images),
            "radial, tensor": lambda: planned.radial(batch),
            "mean, array": lambda: planned.mean(images),
            "mean, tensor": lambda: planned.mean(batch),
            "psd, array": lambda: sm.psd(images[0]),
            "psd, tensor": lambda: sm.psd(batch[0]),
        },
        [
            Ratio("`power`: time over that of an array", "power, tensor", "power, array", BAR),
            Ratio("`radial`: time over that of an array", "radial, tensor", "radial, array", BAR),
            Ratio("`mean`: time over that of an array", "mean, tensor", "mean, array", BAR),
            Ratio("`psd` of one image: time over that of an array", "psd, tensor", "psd, array"),
            Ratio(
                "`power` with derivatives: time over an array's", "power, tracked", "power, array"
            ),
        ],
        rounds=size.rounds,
    )
