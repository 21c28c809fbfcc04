"""Octaves of spatial frequency: bands whose upper end is twice their lower end."""

from __future__ import annotations

import math

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.spectra.rings import RingBins

# In cycles/pixel; the first holds all below it, the last Nyquist and the corners beyond.
OCTAVES = (
    (0.0, 0.03125),
    (0.03125, 0.0625),
    (0.0625, 0.125),
    (0.125, 0.25),
    (0.25, 0.5),
    (0.5, math.inf),
)


def octave_edges(shape: _checks.PerAxis) -> list[float]:
    """Edges of octaves of radial frequency, for ``radial(bins=...)`` of spectra and responses.

    They are at 0, 1/32, 1/16, 1/8, 1/4 and 1/2 cycles/pixel, and at the largest frequency of a
    grid, so that all frequencies are in a band. Each band holds its lower edge and not its upper
    one, except for the last.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis.

    Returns
    -------
    list of float
        Seven edges in cycles/pixel.

    Examples
    --------
    >>> octave_edges((32, 32))[:6]
    [0.0, 0.03125, 0.0625, 0.125, 0.25, 0.5]
    """
    largest = math.sqrt(len(_checks.grid_shape(shape))) / 2
    return [low for low, _ in OCTAVES] + [max(largest, 0.5 + 1e-6)]


def octave_names(shape: _checks.PerAxis) -> list[str]:
    """Names of the octaves in which a grid has frequencies.

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis.

    Returns
    -------
    list of str
        A name for each band of ``radial(bins=octave_edges(shape))``, in cycles/pixel.

    Examples
    --------
    >>> octave_names((16, 16))
    ['below 1/32', '1/16–1/8', '1/8–1/4', '1/4–1/2', 'from 1/2']
    """
    shape = _checks.grid_shape(shape)
    rings = RingBins(shape, (1.0,) * len(shape), octave_edges(shape))
    found: FloatArray = rings.edges[:, 0]
    return [
        name
        for (low, _), name in zip(OCTAVES, all_octave_names(), strict=True)
        if bool((found == low).any())
    ]


def all_octave_names() -> list[str]:
    """Names of `OCTAVES` for people, in cycles/pixel.

    Returns
    -------
    list of str
        Six names, such as "1/8–1/4".
    """

    def fraction(frequency: float) -> str:
        return f"1/{round(1 / frequency)}"

    return [
        f"below {fraction(high)}"
        if low == 0
        else f"from {fraction(low)}"
        if math.isinf(high)
        else f"{fraction(low)}–{fraction(high)}"
        for low, high in OCTAVES
    ]
