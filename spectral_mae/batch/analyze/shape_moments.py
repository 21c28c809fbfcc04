"""Mean power spectra of images of several shapes: stationary moments by shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.spectrum import Spectrum

# What bounds the memory: images beyond that have no part in it.
SHAPES = 16
PIXELS = 2**20  # numbers in an image
ALL_PIXELS = 2**22  # numbers in one image of each shape


@dataclass
class _Sum:
    """Sum of power spectra, with the mean of each image; they are taken in together."""

    first: Spectrum
    power: FloatArray
    means: list[float]


class ShapeMoments:
    """Stationary moments of the first shapes that come.

    Examples
    --------
    >>> moments = ShapeMoments()
    >>> for side in (4, 6, 4):
    ...     moments.update(np.random.default_rng(0).random((side, side)))
    >>> moments.largest().grid.shape, moments.largest().n_images
    ((4, 4), 2)
    """

    def __init__(self) -> None:
        self._by_shape: dict[tuple[int, ...], StationaryMoments] = {}
        self._sums: dict[tuple[int, ...], _Sum] = {}

    @property
    def by_shape(self) -> dict[tuple[int, ...], StationaryMoments]:
        """The moments of each shape."""
        for shape, one in self._sums.items():
            spectrum = replace(one.first, power=one.power / len(one.means))
            self._by_shape[shape].add_spectrum(spectrum, one.means)
        self._sums.clear()
        return self._by_shape

    def update(
        self, pixels: FloatArray, spectrum: Spectrum | None = None, mean: float | None = None
    ) -> None:
        """Take in an image, (H, W) or (H, W, channels).

        Parameters
        ----------
        pixels : ndarray of float64
            The image.
        spectrum : Spectrum or None
            Of a gray image as it is, where it is known already.
        mean : float or None
            Of its pixels, where it is known already.
        """
        shape = pixels.shape
        if not self.takes(shape):
            return
        if shape not in self._by_shape:
            channels = shape[2] if pixels.ndim == 3 else 1
            self._by_shape[shape] = StationaryMoments(PatchGrid(shape[:2], 1), channels)
        if spectrum is None:
            self._by_shape[shape].update(pixels[np.newaxis])
            return
        level = float(pixels.mean()) if mean is None else mean
        if shape in self._sums:
            self._sums[shape].power += spectrum.power
            self._sums[shape].means.append(level)
        else:
            self._sums[shape] = _Sum(spectrum, spectrum.power.copy(), [level])

    def takes(self, shape: tuple[int, ...]) -> bool:
        """Whether images of a shape are taken in."""
        return shape in self._by_shape or self._room(shape)

    def merge(self, other: Self) -> Self:
        """Add the moments of another object, whose images follow the ones of this."""
        for shape, moments in other.by_shape.items():
            if shape in self.by_shape:
                self.by_shape[shape].merge(moments)
            elif self._room(shape):
                self.by_shape[shape] = moments
        return self

    def largest(self) -> StationaryMoments | None:
        """Moments of the shape that most images have; None of no images."""
        return max(self.by_shape.values(), key=lambda each: each.n_images, default=None)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to know, as arrays by name."""
        return {
            f"{'x'.join(map(str, shape))}/{name}": array
            for shape, moments in self.by_shape.items()
            for name, array in moments.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Undo `to_arrays`."""
        found = cls()
        parts: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in arrays.items():
            key, _, rest = name.partition("/")
            parts.setdefault(key, {})[rest] = array
        for text, part in parts.items():
            shape = tuple(map(int, text.split("x")))
            found.by_shape[shape] = StationaryMoments.from_arrays(part)
        return found

    def _room(self, shape: tuple[int, ...]) -> bool:
        sizes = [int(np.prod(one)) for one in (*self._by_shape, shape)]
        return len(sizes) <= SHAPES and sizes[-1] <= PIXELS and sum(sizes) <= ALL_PIXELS
