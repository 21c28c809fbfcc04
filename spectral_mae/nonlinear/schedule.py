"""The learning rate over a training run."""

from __future__ import annotations

import math

from spectral_mae import _checks

LARGEST_RATE = 1e30  # beyond, steps leave the range of single precision at once


def check_rates(config: object, *names: str) -> None:
    """Check that rates and other factors of a training run are finite and not negative.

    Parameters
    ----------
    config : object
        Settings of a training run.
    *names : str
        Names of the attributes to check.

    Raises
    ------
    ValueError
        If one is negative or beyond `LARGEST_RATE`.
    """
    for name in names:
        value = getattr(config, name)
        if not 0 <= _checks.real_number(name, value) <= LARGEST_RATE:
            raise ValueError(f"{name}={value} is not from 0 to {LARGEST_RATE:g}")


def warmup_cosine(step: int, steps: int, warmup: int) -> float:
    """The learning rate of a step, relative to the largest rate.

    It is (t + 1)/w while t < w, and then (1 + cos(π (t − w)/(T − w)))/2, which falls from 1 towards
    0.

    Parameters
    ----------
    step : int
        t, from 0.
    steps : int
        T, the number of steps.
    warmup : int
        w, the number of steps in which the rate rises.

    Returns
    -------
    float
        From 0 to 1.

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
