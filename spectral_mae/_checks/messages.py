"""Values as text, for the messages of errors."""

from __future__ import annotations

import math

import numpy as np

LONGEST = 120  # characters of a value in a message


def brief(value: object) -> str:
    """Return a value as text for a message: long arrays and lists as their shape or length.

    Examples
    --------
    >>> brief(np.zeros((4, 64, 64))), brief(np.array([1.5, 2.0])), brief("nope")
    ('<array of shape (4, 64, 64), float64>', 'array([1.5, 2. ])', "'nope'")
    """
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if dtype is not None and isinstance(shape, tuple) and math.prod(shape) > 8:
        kind = "array" if isinstance(value, np.ndarray) else type(value).__name__
        return f"<{kind} of shape {tuple(shape)}, {dtype}>"
    if isinstance(value, list | tuple) and len(value) > 16:
        return f"<{type(value).__name__} of {len(value)}, beginning with {brief(value[0])}>"
    text = repr(value) if isinstance(value, str) else " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
