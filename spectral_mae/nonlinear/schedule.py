"""How the learning rate changes over a training."""

from __future__ import annotations

import math

from spectral_mae import _checks

LARGEST_RATE = 1e30  # beyond, steps leave the range of single precision at once


def check_rates(config: object, *names: str) -> None:
    """Refuse a learning rate, or another factor of a training, that is no number to step by."""
    for name in names:
        value = getattr(config, name)
        if not 0 <= _checks.real_number(name, value) <= LARGEST_RATE:
            raise ValueError(f"{name}={value} is not from 0 to {LARGEST_RATE:g}")


def warmup_cosine(step: int, steps: int, warmup: int) -> float:
    """The learning rate of a step, as a part of the largest.

    (t + 1)/w while t < w, then (1 + cos(π (t − w)/(T − w)))/2: from 1 towards 0.

    Examples
    --------
    >>> [round(warmup_cosine(t, 6, 2), 3) for t in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if not 0 <= step < steps:
        raise ValueError(f"{step=} is not one of {steps=}, from 0 on")
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1))) / 2
