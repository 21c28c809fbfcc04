"""`MaskedPeriodogram`: mean spectra under random masks, with plans that are kept."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._array_api import device, finite_tensor, precision, scalars, shared_with_numpy
from spectral_mae._checks import FloatArray, Scaling, is_tensor, namespace, outline
from spectral_mae.masked_spectra.components import MaskedComponents
from spectral_mae.masked_spectra.patch_sums.pair_power import pair_power
from spectral_mae.masked_spectra.patch_sums.patch_power import PatchPower
from spectral_mae.masked_spectra.patch_sums.set_sums import FrequencySet, PatchSetSums, SetSums
from spectral_mae.masked_spectra.patch_sums.tensor_patches import TensorPatchPower
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.conditioning import DetrendOption, Window
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_shape, hermitian_weights
from spectral_mae.spectra.labels.axis_labels import Unit
from spectral_mae.spectra.periodogram import TRANSPOSED, Periodogram
from spectral_mae.spectra.spectrum import Spectrum

# Sums of the squares of power that have lost no digits.
SQUARABLE = 1e-280, 1e280


class MaskedPeriodogram:
    """Mean spectra under random patch masks, for many images of one shape.

    The form of `expected_masked_psd` and `leakage` that keeps its plans. What it computes of an
    image serves every mask ratio and both kinds of sampling, and the design that it is made for.

    Parameters
    ----------
    grid : PatchGrid or None
        Patches of the images; None with ``design=``.
    design : MaskDesign or None
        The design that `MaskedComponents.expected` and `MaskedComponents.leakage` take where they
        are given no other. One that is not uniform must be given here.
    fs, unit, window, detrend, scaling : optional
        As in `spectral_mae.psd`. The window is applied before the mask: both are products, so
        their order does not matter.
    channel_axis : int or None
        Axis of the channels in an image.

    Raises
    ------
    TypeError
        If the grid is not a `PatchGrid`, or neither it nor a design is given.
    ValueError
        For an option that `spectral_mae.psd` refuses, or a design of another grid.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((5, 32, 48))
    >>> planned = MaskedPeriodogram(PatchGrid((32, 48), 8))
    >>> for image in images:
    ...     masked = planned.components(image)
    ...     few, many = (masked.expected(ratio) for ratio in (0.25, 0.75))
    >>> bool(np.isclose(masked.patches.total, masked.original.total))  # Parseval, patch by patch
    True
    >>> from spectral_mae import designs
    >>> planned = MaskedPeriodogram(design=designs.block(PatchGrid((32, 48), 8), (2, 3)))
    >>> masked = planned.components(images[0])
    >>> masked.expected().shape, round(masked.leakage().total, 3)
    ((32, 48), 0.333)
    """

    def __init__(
        self,
        grid: PatchGrid | None = None,
        *,
        design: MaskDesign | None = None,
        fs: float | Sequence[float] = 1.0,
        unit: Unit = None,
        window: Window = None,
        detrend: DetrendOption = None,
        scaling: Scaling = "density",
        channel_axis: int | None = None,
    ) -> None:
        self.grid = _grid_of(grid, design)
        self.design = design
        self.channel_axis = _checks.axis_of_channels(channel_axis)
        self._options: dict[str, Any] = {
            "fs": fs,
            "window": window,
            "detrend": detrend,
            "scaling": scaling,
            "unit": unit,
        }
        self._periodogram = Periodogram(
            self.grid.shape,
            channel_axis=None if channel_axis is None else -1,
            chunk=1,
            **self._options,
        )
        self._fft = RealFFT(
            self.grid.shape, chunk=1, transposed=prod(self.grid.shape) >= TRANSPOSED
        )
        self._weights = hermitian_weights(self.grid.shape).astype(np.float64)
        self._patch_power = PatchPower(self.grid)
        self._pair_power = None
        if design is not None and design.uniform is None:
            self._pair_power = pair_power(design)

    def expected(self, image: ArrayLike) -> Spectrum:
        """Return the mean spectrum of one image under the design that the plan was made for.

        That is ``components(image).expected()`` without the spectra of which it is the sum, in less
        time and memory.

        Parameters
        ----------
        image : array_like or tensor, shape ``grid.shape``, with channels at ``channel_axis``
            As in `components`.

        Returns
        -------
        Spectrum
            The mean over all masks, exact.

        Raises
        ------
        TypeError
            If the plan was made without a design.
        ValueError
            As `components`.
        """
        if self.design is None:
            raise TypeError(
                "this plan has no design: MaskedPeriodogram(design=...), or "
                "components(image).expected(mask_ratio)"
            )
        if is_tensor(image) or self.design.uniform is None:
            return self.components(image).expected()
        pixels = self._pixels(image)
        planes = self._conditioned(pixels)
        scale, (pi1, pi2) = self._scale(planes), self.design.uniform
        mean, squares = np.empty(half_shape(self.grid.shape)), 0.0
        turned = mean.T if self._fft.transposed else mean
        # Pixels that are not finite, or too large or small, show in the squares of the power.
        with np.errstate(over="ignore", invalid="ignore"), self._fft.borrow() as space:
            power = self._power(planes, space)
            own_floor = self._floor(pixels, self._total(power, transposed=self._fft.transposed))
            strips = self._patch_power.strips(
                planes, scale * (pi1 - pi2), transposed=self._fft.transposed
            )
            for rows, part in strips:
                squares += _checks.sum_of_squares(part.ravel(order="K"))
                own = power[rows]
                own *= scale * pi2
                own += part
                turned[rows] = own
        if not SQUARABLE[0] < squares < SQUARABLE[1]:
            return self.components(image).expected()
        of_patches = floor_of_sum(math.sqrt(squares / mean.size), mean.size)
        floor = pi2 * own_floor + max((pi1 - pi2) * own_floor, of_patches)
        return self._spectrum(mean, floor)

    def components(self, image: ArrayLike) -> MaskedComponents:
        """Return the spectra of one image of which its mean spectra under masks are sums.

        Parameters
        ----------
        image : array_like or tensor, shape ``grid.shape``, with channels at ``channel_axis``
            Real numbers. Tensors that are not on the CPU, or of which derivatives are wanted, need
            a uniform design.

        Returns
        -------
        MaskedComponents
            |X|², Σ_b |X_b|², and what else the design needs.

        Raises
        ------
        ValueError
            For NaN or infinite pixels, or pixels whose power overflows.
        """
        if is_tensor(image):
            return self._of_tensor(image)
        (own,) = self._components(
            self._pixels(image), lambda planes, scale: (self._patch_power(planes, scale),)
        )
        return own

    def components_with_centred(self, image: ArrayLike) -> Iterator[MaskedComponents]:
        """Yield the components of one image, then of the image less the mean of each channel.

        Of large images the first can be let go before the second are made.

        Parameters
        ----------
        image : array_like, shape ``grid.shape``, with the channels at ``channel_axis`` if given
            Real numbers.

        Yields
        ------
        MaskedComponents
            As `components` returns them of the image, and of the image with ``detrend="constant"``.
            The second takes little time where nothing is detrended or windowed and the design is
            uniform: the two spectra of the image differ at zero frequency alone.

        Raises
        ------
        ValueError
            As `components`.
        """
        options = self._options
        if options["detrend"] == "constant":
            own = self.components(image)
            yield own
            yield own
            return
        if self._pair_power is not None or self._changes:
            yield self.components(image)
            yield self._centred.components(image)
            return
        own, centred = self._components(self._pixels(image), self._patch_power.with_centred)
        power = centred.original.power.copy()
        power[(0,) * self.grid.ndim] = 0.0
        original = dataclasses.replace(centred.original, power=power)
        yield own
        yield dataclasses.replace(centred, original=original)

    def patch_sums(self, sets: Sequence[FrequencySet]) -> PatchSetSums | None:
        """Return what sums Σ_b |X_b|² over sets of frequencies, for `with_patch_sums`.

        Parameters
        ----------
        sets : sequence of (places, weights)
            As `PatchSetSums` takes them.

        Returns
        -------
        PatchSetSums or None
            None where it takes the spectrum: of images that are detrended or windowed, designs
            that are not uniform, large patches, and a single patch along an axis.
        """
        if self._changes or self._pair_power is not None:
            return None
        if not PatchSetSums.possible(self._patch_power):
            return None
        return PatchSetSums(self._patch_power, sets)

    def with_patch_sums(
        self, image: ArrayLike, patch_sums: PatchSetSums
    ) -> tuple[Spectrum, SetSums, SetSums]:
        """Return the spectrum of one image, and sums of those of its patches.

        Parameters
        ----------
        image : array_like, shape ``grid.shape``, with the channels at ``channel_axis`` if given
            Real numbers.
        patch_sums : PatchSetSums
            What `patch_sums` returned.

        Returns
        -------
        original : Spectrum
            |X|².
        own, centred : SetSums
            Sums of Σ_b |X_b|², and of that of the image less the mean of each channel.

        Raises
        ------
        ValueError
            As `components`.
        """
        pixels = self._pixels(image)
        planes = self._conditioned(pixels)
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            own, centred = patch_sums.with_centred(planes, self._scale(planes))
        if not math.isfinite(own.rms):  # as NaN is
            self._refuse(pixels)
        return self._of_image(pixels), own, centred

    @cached_property
    def _centred(self) -> MaskedPeriodogram:
        """The same for images less their mean."""
        return MaskedPeriodogram(
            self.grid,
            design=self.design,
            channel_axis=self.channel_axis,
            **{**self._options, "detrend": "constant"},
        )

    def _pixels(self, image: ArrayLike) -> FloatArray:
        """An image of the right shape, with its channels last; it may hold NaN."""
        pixels: FloatArray = _checks.real_pixels("image", image)
        axis = self.channel_axis
        planes = _checks.channels_last("image", pixels, axis, self.grid.ndim)
        if planes.shape[:-1] != self.grid.shape or not planes.size:
            raise ValueError(
                f"image of shape {pixels.shape} with channel_axis={axis} is not an image of "
                f"shape={self.grid.shape}"
            )
        return pixels if axis is None else planes

    @property
    def _changes(self) -> bool:
        """Whether an image is detrended or windowed before it is masked."""
        return self._options["window"] is not None or bool(self._options["detrend"])

    def _conditioned(self, pixels: FloatArray) -> FloatArray:
        """The image before it is masked, (*shape, channels)."""
        if self._changes:
            with self._naming_pixels(pixels):
                return self._periodogram.condition(pixels[np.newaxis])[0]
        return pixels[..., np.newaxis] if self.channel_axis is None else pixels

    @contextmanager
    def _naming_pixels(self, pixels: FloatArray) -> Iterator[None]:
        """Say which pixels are not finite, once something shows that there are such."""
        try:
            yield
        except ValueError:
            if self.channel_axis is not None:
                pixels = np.moveaxis(pixels, -1, self.channel_axis)
            _checks.real_array("image", pixels)
            raise

    def _scale(self, planes: FloatArray) -> float:
        """Factor from sums over the channels to power."""
        return self._periodogram.norm / planes.shape[-1]

    def _power(self, planes: FloatArray, space: Workspace) -> FloatArray:
        """|X|² summed over channels, in memory of the workspace, laid out as its half-plane."""
        size = prod(self._fft.half_shape)
        several = planes.shape[-1] > 1  # transforms that would write to what is spare
        room = space.kept(size) if several else space.spare(size, np.float64)
        power = room.reshape(self._fft.half_shape)
        for number, channel in enumerate(np.moveaxis(planes, -1, 0)):
            space.forward(channel[np.newaxis])
            parts = space.half[0].view(np.float64)
            np.square(parts, out=parts)
            if number == 0:
                np.add(parts[..., 0::2], parts[..., 1::2], out=power)
            else:
                power += parts[..., 0::2]
                power += parts[..., 1::2]
        return power

    def _total(self, power: FloatArray, *, transposed: bool = False) -> float:
        """Sum over all frequencies of power on the half-plane."""
        if transposed:
            return float((self._weights @ power).sum())
        return float((power.reshape(-1, power.shape[-1]) @ self._weights).sum())

    def _floor(self, pixels: FloatArray, total: float) -> float:
        """Power that rounding leaves in the spectrum of the image.

        ``total`` is Σ |X|², summed over all frequencies and channels.
        """
        if self._changes:
            squares = _checks.sum_of_squares(pixels.ravel(order="K"))
        else:
            squares = total / prod(self.grid.shape)  # Parseval
        channels = 1 if self.channel_axis is None else pixels.shape[-1]
        return self._periodogram.rounding_floor(squares / channels)

    def _of_image(self, pixels: FloatArray) -> Spectrum:
        """The spectrum of the image."""
        with self._naming_pixels(pixels):
            power = self._periodogram.power(pixels[np.newaxis])[0]
        channels = 1 if self.channel_axis is None else pixels.shape[-1]
        total = self._total(power) * channels / self._periodogram.norm
        return self._spectrum(power, self._floor(pixels, total))

    def _spectrum(self, power: FloatArray, floor: float) -> Spectrum:
        periodogram = self._periodogram
        return Spectrum(
            power=power,
            shape=self.grid.shape,
            scaling=periodogram.scaling,
            fs=periodogram.fs,
            cell=periodogram.cell,
            floor=floor,
            labels=periodogram.labels,
        )

    def _components(
        self,
        pixels: FloatArray,
        patch_power: Callable[[FloatArray, float], tuple[FloatArray, ...]],
    ) -> list[MaskedComponents]:
        """Components with each Σ_b |X_b|² that ``patch_power`` makes of the image."""
        planes = self._conditioned(pixels)
        scale = self._scale(planes)
        # First, for what it takes in memory may then serve the transform: with more in use at once
        # glibc would give it back after every call, and faults take as long as everything else.
        with np.errstate(over="ignore", invalid="ignore"):  # found below
            powers = patch_power(planes, scale)
            pairs = None if self._pair_power is None else self._pair_power(planes)
        del planes  # a whole image, where detrending or a window made one
        if not math.isfinite(powers[0].max()):  # as NaN is
            self._refuse(pixels)
        original = self._of_image(pixels)

        def spectrum(power: FloatArray) -> Spectrum:
            floor = max(original.floor, _patch_floor(power))
            return dataclasses.replace(original, power=power, floor=floor)

        of_pairs, share = None, 0.0
        if self._pair_power is not None and pairs is not None:
            pairs *= scale
            of_pairs, share = spectrum(pairs), self._pair_power.share
        return [
            MaskedComponents(self.grid, original, spectrum(power), self.design, of_pairs, share)
            for power in powers
        ]

    def _refuse(self, pixels: FloatArray) -> NoReturn:
        """Say what is wrong with pixels whose power is not finite."""
        with self._naming_pixels(pixels):
            largest = float(np.max(np.abs(pixels)))
            raise ValueError(f"pixels up to {largest:.3g} are too large for float64 spectra")

    def _of_tensor(self, image: Any) -> MaskedComponents:
        shared = shared_with_numpy(image)
        if shared is not None:
            return self.components(shared).beside(image)
        if self._pair_power is not None:
            raise TypeError(
                f"image is a tensor on {device(image)} or with derivatives, and {self.design} is "
                "not uniform: give its numbers on the CPU, such as tensor.detach().cpu()"
            )
        pixels = finite_tensor("image", image)
        if self.channel_axis is not None:
            _checks.channels_last("image", outline(pixels), self.channel_axis, self.grid.ndim)
            pixels = namespace(pixels).moveaxis(pixels, self.channel_axis, -1)
        original = self._periodogram.mean(pixels[None, ...])
        planes = self._periodogram.condition(pixels[None, ...])[0, ...]
        power = self._tensor_patch_power(planes) * (self._periodogram.norm / planes.shape[-1])
        (largest,) = scalars(namespace(power).max(power))
        if not math.isfinite(largest):
            raise ValueError(f"pixels are too large for {precision(pixels)} spectra")
        patches = dataclasses.replace(original, power=power)
        return MaskedComponents(self.grid, original, patches, self.design)

    @cached_property
    def _tensor_patch_power(self) -> TensorPatchPower:
        return TensorPatchPower(self.grid)


def _grid_of(grid: PatchGrid | None, design: MaskDesign | None) -> PatchGrid:
    """The patches that the arguments name."""
    if design is not None:
        return design_on(grid, None, design=design).grid
    if grid is None:
        raise TypeError("patches are needed: PatchGrid(shape, patch_size), or design=")
    expect_grid(grid)
    return grid


def _patch_floor(power: FloatArray) -> float:
    """What rounding leaves in Σ_b |X_b|² at a frequency without power."""
    largest = float(power.max())
    if largest == 0.0:
        return 0.0
    scale = largest if not 1e-140 < largest < 1e140 else 1.0  # squares could leave the range
    scaled = power if scale == 1.0 else power / scale
    rms = scale * math.sqrt(_checks.sum_of_squares(scaled.ravel()) / power.size)
    return floor_of_sum(rms, power.size)


def floor_of_sum(rms: float, size: int) -> float:
    """Error of rounding in Σ_b |X_b|², of which the root mean square is known.

    The sum is computed as one transform of a sum of autocorrelations, not as a sum of squares: its
    error is ε·√log₂N of its root mean square. The floor is 4 of these.
    """
    eps = float(np.finfo(np.float64).eps)
    return 4 * eps * math.sqrt(math.log2(size + 1)) * rms
