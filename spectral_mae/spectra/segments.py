"""Welch's method: averaged periodograms of overlapping segments of a long signal or large field."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Scaling
from spectral_mae.spectra.conditioning import DetrendOption, Window, window_weights
from spectral_mae.spectra.frequencies import half_shape
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.labels.coordinates import labelled
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.spectrum import Spectrum

# What the error says when `welch` gets a batch.
SEVERAL = "welch of each, or Periodogram(shape).mean(images)"
BLOCK_BYTES = 32 * 2**20  # of pixels that are read, and of segments that are transformed, at a time


@labelled("image")
def welch(
    image: ArrayLike,
    segment: _checks.PerAxis,
    overlap: _checks.PerAxis | None = None,
    *,
    fs: float | Sequence[float] = 1.0,
    unit: Unit = None,
    window: Window = "hann",
    detrend: DetrendOption = "constant",
    scaling: Scaling = "density",
    channel_axis: int | str | None = None,
    ndim: int | None = None,
    workers: int = 1,
) -> Spectrum:
    """Power spectrum of a long signal or large field by Welch's method.

    The spectra of overlapping segments, each detrended and windowed on its own, are averaged. In
    one dimension the values equal ``scipy.signal.welch(..., return_onesided=False)`` for the same
    options, whose defaults are these. Segments are read and transformed some at a time, so that
    memory does not grow with the field: of a memory-mapped or Dask array, no more rows are read at
    a time than those of one segment, or 32 MiB.

    Parameters
    ----------
    image : array_like or DataArray, shape (D,), (H, W) or (T, H, W), and the channels
        Real numbers.
    segment : int or one int per axis
        Pixels of a segment along each axis, at most those of the image.
    overlap : int, one int per axis, or None
        Pixels that neighbouring segments share, from 0, below ``segment``. None is half a segment,
        rounded down. What is left at the end of an axis and fills no segment is not used.
    fs, unit, window, detrend, scaling : optional
        As in `psd`, but for the defaults; an array as window must have the shape of a segment.
    channel_axis : int, str or None
        Axis of the channels, of a DataArray also its name; their spectra are averaged.
    ndim : {1, 2, 3} or None
        Number of axes without that of the channels. None is 1 or 2, as the array has; a volume
        needs ``ndim=3``.
    workers : int
        Threads that share the segments.

    Returns
    -------
    Spectrum
        Of the shape of a segment. Its ``averages`` is the number of independent segments that
        average out noise as well as the overlapping ones do (Welch 1967), rounded down.

    Raises
    ------
    ValueError
        If a segment is larger than the image, segments overlap wholly, or for options and pixels
        that `psd` refuses.

    Examples
    --------
    >>> field = np.random.default_rng(0).standard_normal((100, 150))
    >>> spectrum = welch(field, 32)
    >>> spectrum.power.shape, spectrum.averages  # of 5 x 8 segments
    ((32, 17), 36)
    """
    channel_axis = _checks.axis_of_channels(channel_axis)
    array: Any = image if _is_lazy(image) else _checks.numeric_array("image", image)
    outline = _checks.outline(array)  # nothing is read for this
    shape = _checks.one_image("image", outline, channel_axis, SEVERAL, ndim=ndim).shape[:-1]
    size = _checks.per_axis("segment", segment, len(shape))
    if any(n > whole for n, whole in zip(size, shape, strict=True)):
        raise ValueError(f"{segment=} is larger than the image of {shape=}")
    step = _steps(size, overlap)
    periodogram = Periodogram(
        size,
        fs=fs,
        window=window,
        detrend=detrend,
        scaling=scaling,
        channel_axis=-1,
        workers=workers,
        unit=unit,
    )
    power, floor, n = np.zeros(half_shape(size)), 0.0, 0
    for part in _parts(array, channel_axis, size, step):
        mean = periodogram.mean(part)
        power += len(part) * mean.power
        floor += len(part) * mean.floor
        n += len(part)
    counts = tuple((whole - m) // s + 1 for whole, m, s in zip(shape, size, step, strict=True))
    independent = _independent(window, size, step, counts)
    return Spectrum(
        power=power / n,
        shape=size,
        scaling=scaling,
        fs=periodogram.fs,
        cell=mean.cell,
        averages=max(1, int(independent * (1 + 1e-12))),
        floor=floor / n,
        labels=periodogram.labels,
    )


def _is_lazy(image: Any) -> bool:
    """Whether an array is to be read slice by slice: memory-mapped, or no NumPy array at all."""
    known = isinstance(getattr(image, "shape", None), tuple) and hasattr(image, "__getitem__")
    return known and not isinstance(image, np.ma.MaskedArray)


def _steps(size: tuple[int, ...], overlap: _checks.PerAxis | None) -> tuple[int, ...]:
    """Pixels between the first pixels of neighbouring segments."""
    if overlap is None:
        return tuple(n - n // 2 for n in size)
    shared = _checks.integers("overlap", overlap)
    shared = shared * len(size) if len(shared) == 1 else shared
    if len(shared) != len(size):
        raise ValueError(f"{overlap=} has {len(shared)} numbers for {len(size)} axes")
    if any(not 0 <= one < n for one, n in zip(shared, size, strict=True)):
        raise ValueError(f"{overlap=} is not from 0 to below the segment, {size}")
    return tuple(n - one for n, one in zip(size, shared, strict=True))


def _parts(
    array: Any, channel_axis: int | None, size: tuple[int, ...], step: tuple[int, ...]
) -> Iterator[FloatArray]:
    """Yield segments, (n, *size, channels), some at a time, reading some rows at a time."""
    ndim, shape = len(size), array.shape
    places = list(range(len(shape)))
    if channel_axis is not None:
        places.pop(channel_axis % len(shape))
    before, n_rows = (slice(None),) * places[0], shape[places[0]]
    # As many segments along the first axis as rows are read, at least one.
    rows = BLOCK_BYTES // (8 * prod(shape) // n_rows + 1)
    several = max(1, (rows - size[0]) // step[0] + 1)
    for first in range(0, n_rows - size[0] + 1, several * step[0]):
        last = min(n_rows, first + (several - 1) * step[0] + size[0])
        slab = _checks.real_array("image", array[(*before, slice(first, last))])
        slab = _checks.channels_last("image", slab, channel_axis, ndim)
        windows = sliding_window_view(slab, size, axis=tuple(range(ndim)))
        windows = windows[tuple(slice(None, None, s) for s in step)]
        segments = np.moveaxis(windows, ndim, -1)  # places, then pixels, then channels
        most = max(1, BLOCK_BYTES // (8 * prod(segments.shape[ndim:])))
        where = itertools.product(*map(range, segments.shape[:ndim]))
        while chosen := list(itertools.islice(where, most)):
            yield segments[tuple(np.transpose(chosen))]


def _independent(
    window: Window, size: tuple[int, ...], step: tuple[int, ...], counts: tuple[int, ...]
) -> float:
    """Number of independent segments whose mean of white noise varies as much as this one.

    Spectra of segments that lie apart by a lag have the correlation (Σ w(x) w(x+lag) / Σ w²)²
    (Welch 1967), and K segments on a grid the variance Σ_lags Π(K_i − |j_i|) ρ(lag) / K².
    """
    weights = window_weights(window, size)
    weights = np.ones(size) if weights is None else weights
    reach = [min(n - 1, (m - 1) // s) for n, m, s in zip(counts, size, step, strict=True)]
    total = 0.0
    for lag in itertools.product(*(range(-far, far + 1) for far in reach)):
        ahead, behind = [], []
        for j, s, m in zip(lag, step, size, strict=True):
            offset = abs(j) * s
            one, other = slice(offset, m), slice(0, m - offset)
            ahead.append(one if j >= 0 else other)
            behind.append(other if j >= 0 else one)
        shared = float(np.sum(weights[tuple(ahead)] * weights[tuple(behind)]))
        pairs = prod(n - abs(j) for n, j in zip(counts, lag, strict=True))
        total += pairs * (shared / float(np.sum(weights**2))) ** 2
    return prod(counts) ** 2 / total
