"""What people use today for the spectrum of an image averaged over rings."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Peer = Callable[[NDArray[Any]], object]


def numpy_recipe(image: NDArray[Any]) -> NDArray[Any]:
    """fft2, distances and bins made anew for each image, as one finds it on the web."""
    power = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2 / image.size
    rows, columns = np.indices(image.shape)
    centre = [n // 2 for n in image.shape]
    radius = np.hypot(rows - centre[0], columns - centre[1]).round().astype(int)
    sums = np.bincount(radius.ravel(), power.ravel())
    return sums / np.bincount(radius.ravel())


def pysteps_rapsd(image: NDArray[Any]) -> NDArray[Any]:
    """The algorithm of ``pysteps.utils.spectral.rapsd``: fft2, then a mask for each ring.

    (The package itself needs a compiler and a dozen others.)
    """
    if np.isnan(image).any():
        raise ValueError("image holds NaN")
    rows, columns = (np.arange(n) - n // 2 for n in image.shape)
    distance = np.sqrt(columns[np.newaxis] ** 2 + rows[:, np.newaxis] ** 2).round()
    power = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2 / image.size
    return np.array([power[distance == ring].mean() for ring in range(max(image.shape) // 2)])


def powerbox_peer() -> Peer:
    powerbox = importlib.import_module("powerbox")

    def work(image: NDArray[Any]) -> object:
        return powerbox.get_power(image, boxlength=1.0, bins=image.shape[0] // 2, nthreads=1)

    return work


def xrft_peer() -> Peer:
    xrft, xarray = importlib.import_module("xrft"), importlib.import_module("xarray")
    importlib.import_module("numpy_groupies")  # without which xrft has no rings

    def work(image: NDArray[Any]) -> object:
        axes = {"y": np.arange(image.shape[0]), "x": np.arange(image.shape[1])}
        array = xarray.DataArray(image, dims=("y", "x"), coords=axes)
        return xrft.isotropic_power_spectrum(array, dim=["y", "x"], truncate=True)

    return work


def installed() -> tuple[dict[str, Peer], list[str]]:
    """Peers by name, and the names of those that are not installed."""
    found: dict[str, Peer] = {
        "NumPy recipe": numpy_recipe,
        "pysteps algorithm": pysteps_rapsd,
    }
    missing = []
    for name, make in (("powerbox", powerbox_peer), ("xrft", xrft_peer)):
        try:
            found[name] = make()
        except ImportError:
            missing.append(name)
    return found, missing
