"""Octaves of frequency in words: the length of the waves in them."""

from __future__ import annotations

import math

from spectral_mae.spectra.octaves import OCTAVES

# The last octave holds the corners of the plane of frequencies, which only slanting waves reach and
# radial spectra leave out; what the page says of fine detail, and of what is unusual, does too.
SEEN_OCTAVES = tuple(i for i, (_, high) in enumerate(OCTAVES) if math.isfinite(high))
FINE = tuple(i for i in SEEN_OCTAVES if OCTAVES[i][0] >= 0.125)


def wave_words(octave: int) -> str:
    """The waves of an octave, by their lengths in pixels.

    Examples
    --------
    >>> [wave_words(i) for i in (0, 3, 5)]
    ['waves longer than 32 px', 'waves of 4 to 8 px', 'slanting waves shorter than 2 px']
    """
    low, high = OCTAVES[octave]
    if low == 0:
        return f"waves longer than {1 / high:.0f} px"
    if math.isinf(high):
        return f"slanting waves shorter than {1 / low:.0f} px"
    return f"waves of {1 / high:.0f} to {1 / low:.0f} px"
