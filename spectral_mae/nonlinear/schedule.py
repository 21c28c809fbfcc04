"""How the learning rate changes over a training."""

from __future__ import annotations

import math


def warmup_cosine(step: int, steps: int, warmup: int) -> float:
    """The learning rate of a step, as a part of the largest.

    (t + 1)/w while t < w, then (1 + cos(π (t − w)/(T − w)))/2: from 1 towards 0.

    Examples
    --------
    >>> [round(warmup_cosine(t, 6, 2), 3) for t in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1))) / 2
