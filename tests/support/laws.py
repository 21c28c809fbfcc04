"""Brute-force definitions, and the checkers that compare the package with them.

Nothing here uses a closed form, an FFT or an index rule of the package: sums are written as the
definitions have them, in extended precision where that is cheap, so that a test compares two
derivations.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import scipy.signal

Shape = tuple[int, ...]

# Odd and even, prime, square and rectangular, signals, images and volumes, axes of one and two
# pixels.
SHAPES: list[Shape] = [(1,), (2,), (9,), (12,), (6, 6), (5, 8), (8, 5), (7, 3), (2, 2), (1, 6)]
SHAPES += [(6, 1), (3, 4, 5), (4, 5, 6), (2, 1, 4)]
RATES = (2.0, 0.5, 1.5)  # sampling frequency of each axis
# Shape and patch: few enough patches to enumerate every mask; some have one along an axis.
GRIDS: list[tuple[Shape, Shape]] = [
    ((12,), (3,)),
    ((15,), (5,)),
    ((8, 4), (2, 2)),
    ((6, 9), (2, 3)),
    ((5, 8), (5, 2)),
    ((6, 3), (3, 3)),
    ((4, 2, 9), (2, 1, 3)),
    ((3, 4, 6), (1, 4, 3)),
]
DESIGNS = ["fixed", "bernoulli"]
LONG_PI = 4 * np.arctan(np.longdouble(1))


def field(shape: Shape, seed: int = 0, dtype: Any = np.float64) -> np.ndarray:
    """Noise on an offset: every frequency, zero among them, holds power."""
    return (np.random.default_rng(seed).standard_normal(shape) + 0.5).astype(dtype)


def relative_error(found: Any, truth: Any) -> float:
    """‖found − truth‖ / ‖truth‖ over all entries; the shapes must be equal, not only fit."""
    found, truth = np.asarray(found), np.asarray(truth)
    assert found.shape == truth.shape
    difference = np.sqrt(np.sum(np.abs(found - truth) ** 2))
    norm = np.sqrt(np.sum(np.abs(truth) ** 2))
    return float(difference / (norm or 1))


def assert_close(found: Any, truth: Any, tolerance: float) -> None:
    """Relative L2 error; a NaN anywhere fails."""
    assert relative_error(found, truth) <= tolerance


def assert_close_to_max(found: Any, truth: Any, tolerance: float) -> None:
    """Largest error, relative to the largest value; a NaN anywhere fails."""
    found, truth = np.asarray(found), np.asarray(truth)
    assert found.shape == truth.shape
    assert np.max(np.abs(found - truth)) <= tolerance * np.max(np.abs(truth))


def assert_adjoint(
    apply: Callable[[np.ndarray], np.ndarray],
    adjoint: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    y: np.ndarray,
    *,
    weights: Any = 1.0,
    tolerance: float,
) -> None:
    """⟨Ax, y⟩ = ⟨x, Aᴴy⟩ as real linear maps, with weights in the inner product of y."""
    left = np.sum(weights * (np.conj(apply(x)) * y)).real
    right = np.sum(np.conj(x) * adjoint(y)).real
    size = np.sqrt(np.sum(np.abs(x) ** 2) * np.sum(np.abs(adjoint(y)) ** 2))
    assert abs(left - right) <= tolerance * size


def fft_tolerance(dtype: Any, shape: Shape) -> float:
    """Relative L2 error of an FFT: it grows as the root of the number of stages."""
    return 2 * float(np.finfo(dtype).eps) * max(1.0, math.sqrt(math.log2(math.prod(shape))))


# Transforms by their definition ------------------------------------------------------------------


def roots(n: int) -> np.ndarray:
    """e^(−2πi j/n), j = 0..n−1, in extended precision."""
    angle = np.arange(n).astype(np.longdouble) * (-2 * LONG_PI / n)
    return np.cos(angle) + 1j * np.sin(angle)


def dft(x: np.ndarray, ndim: int | None = None) -> np.ndarray:
    """Unnormalised forward transform of the last ``ndim`` axes, by sums."""
    result = np.asarray(x)
    for axis in range(-(ndim or result.ndim), 0):
        n = result.shape[axis]
        waves = roots(n)[np.outer(np.arange(n), np.arange(n)) % n]
        result = np.moveaxis(np.tensordot(waves, result, (1, axis)), 0, axis)
    return result


def pulse_dft(n: int, length: int, start: int = 0) -> np.ndarray:
    """Transform of ``length`` ones from ``start`` on, one sum per frequency."""
    pixels = np.arange(start, start + length)
    return roots(n)[np.outer(np.arange(n), pixels) % n].sum(axis=1)


def circular_convolution(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σ_q a[q] b[k−q], indices modulo the shape."""
    axes = tuple(range(a.ndim))
    return sum(a[q] * np.roll(b, q, axes) for q in np.ndindex(a.shape))


def half(full: np.ndarray) -> np.ndarray:
    """Columns 0..n/2 of a whole grid."""
    return full[..., : full.shape[-1] // 2 + 1]


def half_plane_count(shape: Shape) -> np.ndarray:
    """How often each half-plane frequency stands for one of the whole grid, by counting."""
    count = np.zeros((*shape[:-1], shape[-1] // 2 + 1), dtype=int)
    for index in np.ndindex(shape):
        mirror = tuple(-i % n for i, n in zip(index, shape, strict=True))
        count[index if index[-1] < count.shape[-1] else mirror] += 1
    return count


# Masks by enumeration ----------------------------------------------------------------------------


def exact(mask_ratio: float) -> Fraction:
    """The ratio of small numbers that a float was meant to be."""
    return Fraction(mask_ratio).limit_denominator(1000)


def every_subset(
    n_patches: int, mask_ratio: float, sampling: str
) -> Iterator[tuple[tuple[bool, ...], Fraction]]:
    """Every set of kept patches with its probability, in exact arithmetic."""
    m = exact(mask_ratio)
    fixed = math.floor(n_patches * (1 - m))
    for bits in itertools.product((False, True), repeat=n_patches):
        kept = sum(bits)
        probability = (1 - m) ** kept * m ** (n_patches - kept)
        if sampling == "fixed":
            probability = Fraction(kept == fixed, math.comb(n_patches, fixed))
        if probability:
            yield bits, probability


def mask_mean(
    function: Callable[[np.ndarray], Any],
    shape: Shape,
    patch: Shape,
    mask_ratio: float,
    sampling: str,
) -> Any:
    """E function(visible) over all masks of patches."""
    counts = tuple(n // p for n, p in zip(shape, patch, strict=True))
    return sum(
        float(probability) * function(np.kron(np.reshape(bits, counts), np.ones(patch)))
        for bits, probability in every_subset(math.prod(counts), mask_ratio, sampling)
    )


# Spectra by their definition ---------------------------------------------------------------------


def plane_detrend(x: np.ndarray, degree: int, weights: Any = 1.0) -> np.ndarray:
    """Least-squares constant (0) or line/plane (1) taken away, fitted with weights."""
    columns = [np.ones(x.size)] + [c.ravel() for c in np.indices(x.shape)] * degree
    design = np.stack(columns, axis=1).astype(float)
    root = np.sqrt(np.broadcast_to(weights, x.shape).astype(float)).reshape(-1, 1)
    pixels = np.where(root[:, 0] > 0, x.ravel(), 0.0)
    found = np.linalg.lstsq(root * design, root[:, 0] * pixels)[0]
    return x - (design @ found).reshape(x.shape)


def moisan(x: np.ndarray) -> np.ndarray:
    """Periodic part of periodic-plus-smooth, by its variational definition (Moisan 2011).

    The smooth part s minimises the squared differences of s between neighbours inside the image
    plus those of x − s across the opposite borders, and has mean zero.
    """
    pixel = np.arange(x.size).reshape(x.shape)
    rows, values = [np.ones((1, x.size))], [np.zeros(1)]
    for axis, n in enumerate(x.shape):
        first = pixel.ravel()
        second = np.roll(pixel, -1, axis).ravel()
        border = np.indices(x.shape)[axis].ravel() == n - 1
        rows.append(np.eye(x.size)[second] - np.eye(x.size)[first])
        values.append(np.where(border, x.ravel()[second] - x.ravel()[first], 0.0))
    smooth = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values))[0]
    return x - smooth.reshape(x.shape)


DETRENDS: dict[str | None, Callable[..., np.ndarray]] = {
    None: lambda x, _weights=1.0: np.asarray(x),
    "constant": lambda x, weights=1.0: plane_detrend(x, 0, weights),
    "linear": lambda x, weights=1.0: plane_detrend(x, 1, weights),
    "periodic": lambda x, _weights=1.0: moisan(x),
}


def window_weights(window: Any, shape: Shape) -> np.ndarray:
    """The outer product of SciPy's windows, or the given weights."""
    if isinstance(window, np.ndarray):
        return window
    axes = [scipy.signal.get_window("boxcar" if window is None else window, n) for n in shape]
    return reduce(np.multiply.outer, axes)


def periodogram(
    x: np.ndarray,
    *,
    fs: float | tuple[float, ...] = 1.0,
    window: Any = None,
    detrend: str | None = None,
    scaling: str = "density",
    visible: Any = 1.0,
) -> np.ndarray:
    """Power on the whole grid: detrend, then mask, then window, then the sums of the DFT.

    Trends are fitted with the weights ``visible``.
    """
    w = window_weights(window, x.shape)
    rates = np.broadcast_to(fs, x.ndim)
    norm = {"density": np.prod(rates) * np.sum(w**2), "spectrum": np.sum(w) ** 2, "energy": 1.0}
    return np.abs(dft(DETRENDS[detrend](x, visible) * visible * w)) ** 2 / norm[scaling]


# Rings and sectors by a loop over the whole grid -------------------------------------------------


def signed_frequency(index: Shape, shape: Shape, fs: tuple[float, ...]) -> list[Fraction]:
    """Frequency of a whole-grid index along each axis, exact; Nyquist is positive."""
    signed = (i if 2 * i <= n else i - n for i, n in zip(index, shape, strict=True))
    return [Fraction(s) * Fraction(r) / n for s, n, r in zip(signed, shape, fs, strict=True)]


def default_ring_edges(shape: Shape, fs: tuple[float, ...]) -> list[Fraction]:
    """Half-odd multiples of the coarsest step; of the finest below them; Nyquist at the end."""
    axes = [(n, Fraction(r)) for n, r in zip(shape, fs, strict=True) if n > 1]
    steps = [r / n for n, r in axes]
    coarsest, finest, top = max(steps), min(steps), min(r for _, r in axes) / 2
    coarse = [(i + Fraction(1, 2)) * coarsest for i in range(math.floor(top / coarsest))]
    first = min(top, coarsest / 2)
    fine = [(i + Fraction(1, 2)) * finest for i in range(math.ceil(first / finest))]
    return [edge for edge in fine if edge < first] + coarse + [top]


def ring_members(
    power: np.ndarray, fs: tuple[float, ...], edges: list[Fraction]
) -> dict[tuple[float, float], list[tuple[float, float]]]:
    """(distance from zero, power) of the whole-grid frequencies in each ring that has any.

    Rings are half-open, the last is closed; membership is decided in exact arithmetic.
    """
    rings: dict[int, list[tuple[float, float]]] = {}
    squares = [Fraction(edge) ** 2 for edge in edges]
    for index in np.ndindex(power.shape):
        square = sum(f**2 for f in signed_frequency(index, power.shape, fs))
        ring = sum(square >= s for s in squares) - 1
        ring -= square == squares[-1]
        rings.setdefault(ring, []).append((math.sqrt(square), power[index]))
    return {
        (float(edges[ring]), float(edges[ring + 1])): rings[ring]
        for ring in sorted(rings)
        if 0 <= ring < len(edges) - 1
    }


def sector_members(
    power: np.ndarray, fs: tuple[float, ...], n: int, fmax: Fraction
) -> list[list[tuple[float, float]]]:
    """(weight, power) of the whole-grid frequencies 0 < |f| ≤ fmax in each of n sectors.

    A frequency shares itself evenly among the orientations of its aliases (±Nyquist is one
    frequency), and each of these among the two sectors whose border it is on.
    """
    sectors: list[list[tuple[float, float]]] = [[] for _ in range(n)]
    for index in np.ndindex(power.shape):
        row, column = signed_frequency(index, power.shape, fs)
        if not 0 < row**2 + column**2 <= fmax**2:
            continue
        nyquist = any(2 * i == size for i, size in zip(index, power.shape, strict=True))
        for y in (row, -row) if nyquist else (row, row):
            position = math.atan2(y, column) / math.pi * n
            for nudge in (-1e-9, 1e-9):
                sectors[round(position + nudge) % n].append((0.25, power[index]))
    return sectors
