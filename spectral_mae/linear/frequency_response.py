"""What a linear model does to each frequency.

In the Fourier basis, with G the diagonal of a model's map (what a frequency makes of itself) and
channels summed, the power of the reconstruction at a frequency is

    reconstructed = passed + aliased + noise,

its own power times |G|², what arrives from other frequencies, and what the randomness of the
corruption adds. All powers are densities: |X|² divided by the number of pixels.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spectral_mae._checks import FloatArray
from spectral_mae._files.columns import plain_fields, write_columns
from spectral_mae._parallel import in_batches
from spectral_mae._results.pictured import Pictured
from spectral_mae._results.tabled import Tabled
from spectral_mae.linear.corruption import Mix
from spectral_mae.linear.moments.blocks import BlockTransform, Stack, in_double
from spectral_mae.linear.moments.even_bands import EvenStack
from spectral_mae.spectra import frequencies as grids
from spectral_mae.spectra.labels.columns import plane_columns
from spectral_mae.spectra.octaves import octave_edges
from spectral_mae.spectra.rings import Bins, RingBins

Complex128Array = NDArray[np.complex128]
POWERS = ("original", "passed", "aliased", "noise", "reconstructed", "error")


@dataclass(frozen=True, eq=False, repr=False)
class FrequencyResponse(Pictured, Tabled):
    """A model's response, frequency by frequency, on the whole grid in FFT order.

    Attributes
    ----------
    gain : ndarray of complex128, shape (*shape)
        g = μW_kk, what the mean reconstruction makes of a frequency; μ stands before W as a
        diagonal matrix where patches differ in how often they are kept. With several channels the
        mean over them, weighted with their power; NaN where there is none.
    original : ndarray, shape (*shape)
        S_kk, the power density of the (centred) images, channels summed.
    passed : ndarray, shape (*shape)
        |g|² S_kk; with several channels Tr(G S_kk Gᴴ).
    aliased : ndarray, shape (*shape)
        (μ²WᴴSW)_kk − passed: what arrives from the rest of the band. May be negative where the
        images are not stationary.
    noise : ndarray, shape (*shape)
        (Wᴴ(Q−μ²S)W)_kk: what the randomness of the corruption adds.
    error : ndarray, shape (*shape)
        S − 2μRe(SW)_kk + (WᴴQW)_kk. Sums to the expected loss (for a hidden target to that of a
        hidden pixel, the loss divided by 1−π₁).

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((50, 16, 16))
    >>> response = sm.LinearMAE(4, 0.5).fit(images).frequency_response()
    >>> response.shape, bool((response.radial().explained <= 1).all())
    ((16, 16), True)
    """

    gain: Complex128Array
    original: FloatArray
    passed: FloatArray
    aliased: FloatArray
    noise: FloatArray
    error: FloatArray
    _drawn_by: ClassVar[str] = "response"

    def __repr__(self) -> str:
        explained = float(explained_part(self.error.sum(), self.original.sum()))
        return f"FrequencyResponse(shape={self.shape}, explained={explained:.4g} of all power)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Pixels along each axis."""
        return self.original.shape

    @property
    def frequencies(self) -> tuple[FloatArray, ...]:
        """Frequency along each axis, cycles/pixel, in ``np.fft.fftfreq`` order."""
        return grids.full_frequencies(self.shape, (1.0,) * len(self.shape))

    @property
    def reconstructed(self) -> FloatArray:
        """Power density of the reconstruction about the mean."""
        return self.passed + self.aliased + self.noise

    @property
    def coherence(self) -> FloatArray:
        """Part of the reconstructed power that the image predicts at the same frequency.

        γ² = passed/reconstructed; NaN where nothing is reconstructed. What is left of 1 comes from
        other frequencies or from the randomness of the masks.
        """
        return _part(self.passed, self.reconstructed)

    @property
    def explained(self) -> FloatArray:
        """1 − error/original; NaN where there is no power."""
        return explained_part(self.error, self.original)

    def radial(self, bins: Bins = None) -> RadialResponse:
        """Return the averages over rings of frequency.

        Parameters
        ----------
        bins : int, sequence of float or None
            Number or edges of the rings, as in `Spectrum.radial`.

        Returns
        -------
        RadialResponse
            Mean powers of each ring; ratios are those of the means.
        """
        rings = RingBins(self.shape, (1.0,) * len(self.shape), bins)

        def mean(full: FloatArray) -> FloatArray:
            return rings.average(grids.half_from_full(full), scaling="density").power

        original = mean(self.original)
        through = mean(np.where(self.original > 0, (self.gain * self.original).real, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            gain = through / original
        return RadialResponse(
            rings.frequency,
            rings.count,
            gain,
            original,
            mean(self.passed),
            mean(self.aliased),
            mean(self.noise),
            mean(self.error),
        )

    def octaves(self) -> RadialResponse:
        """Return the averages over octaves of frequency, zero frequency and corners included.

        Returns
        -------
        RadialResponse
            Mean powers of each octave; `octave_names` names them.
        """
        return self.radial(octave_edges(self.shape))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows; the complex gain is a
            dict of its parts ``real`` and ``imag``.
        """
        fields = plain_fields(self)
        fields["gain"] = {"real": self.gain.real.tolist(), "imag": self.gain.imag.tolist()}
        return fields

    def _columns(self) -> dict[str, NDArray[Any]]:
        values = {name: getattr(self, name) for name in POWERS}
        gain = {"gain_real": self.gain.real, "gain_imag": self.gain.imag}
        return plane_columns(self.frequencies, None, gain | values | {"explained": self.explained})

    def _key_numbers(self) -> dict[str, str]:
        return {"pixels": " × ".join(map(str, self.shape)), **_shares(self)}


@dataclass(frozen=True, eq=False)
class RadialResponse(Pictured, Tabled):
    """A model's response averaged over rings of frequency.

    Attributes
    ----------
    frequency : ndarray, shape (n_bins,)
        Mean distance from zero of the frequencies in each ring, cycles/pixel.
    count : ndarray of int, shape (n_bins,)
        Frequencies of the whole grid in each ring.
    gain : ndarray, shape (n_bins,)
        Real part of the gain, weighted with the power of the images.
    original, passed, aliased, noise, error : ndarray, shape (n_bins,)
        Mean power densities, as in `FrequencyResponse`.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((50, 8, 8)).cumsum(axis=1)
    >>> rings = sm.LinearMAE(4, 0.5).fit(images).frequency_response().radial(2)
    >>> bool(np.allclose(rings.reconstructed, rings.passed + rings.aliased + rings.noise))
    True
    >>> bool(np.allclose(rings.explained, 1 - rings.error / rings.original))
    True
    """

    frequency: FloatArray
    count: NDArray[np.integer[Any]]
    gain: FloatArray
    original: FloatArray
    passed: FloatArray
    aliased: FloatArray
    noise: FloatArray
    error: FloatArray
    _drawn_by: ClassVar[str] = "response"

    @property
    def reconstructed(self) -> FloatArray:
        """Mean power density of the reconstruction."""
        return self.passed + self.aliased + self.noise

    @property
    def coherence(self) -> FloatArray:
        """Passed over reconstructed power of each ring, γ²."""
        return _part(self.passed, self.reconstructed)

    @property
    def explained(self) -> FloatArray:
        """1 − error/original of each ring."""
        return explained_part(self.error, self.original)

    def to_dict(self) -> dict[str, Any]:
        """Return all curves as plain lists.

        Returns
        -------
        dict of str to list
            The columns of `to_csv` by name.
        """
        return {name: column.tolist() for name, column in self._columns().items()}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per ring.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_columns(path, self._columns())

    def _columns(self) -> dict[str, NDArray[Any]]:
        names = ("frequency", "count", "gain", *POWERS, "explained")
        return {name: getattr(self, name) for name in names}

    def _key_numbers(self) -> dict[str, str]:
        return {"rings": str(len(self.frequency)), **_shares(self)}


def frequency_response(
    stack: Stack,
    transform: BlockTransform,
    mix: Mix,
    weights: NDArray[Any],
    extra: tuple[FloatArray, FloatArray] | None = None,
) -> FrequencyResponse:
    """Return the response of a map on a stack.

    Parameters
    ----------
    stack : Stack
        Second moment of the images.
    transform : BlockTransform
        Coordinates of the stack.
    mix : Mix
        Moments of the corruption.
    weights : ndarray, shape (n_blocks, d, d)
        The map W, block by block.
    extra : (encoder, decoder) or None
        A map of rank one that is added, x̂ += (x̃ · encoder) decoder, each of shape
        (n_patches, patch_dim).

    Returns
    -------
    FrequencyResponse
        One value of each curve for every frequency of the whole grid.
    """

    def work(rows: slice) -> tuple[NDArray[Any], ...]:
        second, map_ = stack.blocks[rows], in_double(weights[rows])
        mean_map = mix.seen(stack, map_)
        # The diagonal of U AᴴSA Uᴴ is that of (A Uᴴ)ᴴ S (A Uᴴ): of the products of matrices two are
        # left, and transforms of rows take less than products.
        of_second, of_map = (transform.by_frequency(matrix, rows) for matrix in (second, map_))
        of_mean = mix.seen(stack, of_map.reshape(map_.shape)).reshape(of_map.shape)
        return (
            transform.fourier_diagonal(second, rows),
            transform.fourier_diagonal(mean_map.conj().swapaxes(1, 2), rows),
            _diagonal(of_second, of_mean),
            _diagonal(of_mean, _times(second, of_mean)),
            _diagonal(of_map, _times(mix.second_moment(stack, rows), of_map)),
        )

    def work_on_even(rows: slice) -> tuple[NDArray[Any], ...]:
        """The same where S is diagonal in the Fourier basis: of the products none is left.

        Of Blkdiag_p(S), which is real, half of one is.
        """
        power = transform.fourier_diagonal(stack.blocks[rows], rows)
        of_map = transform.by_frequency(in_double(weights[rows]), rows)[..., 0]
        map_ = transform.basis.rows_by_frequency(of_map.swapaxes(1, 2), rows)[..., 0]  # U A Uᴴ
        passed = np.einsum("nff->nf", map_)[..., np.newaxis, np.newaxis]
        kept = _squares(map_) @ power.real[..., 0, 0, np.newaxis]
        kept = kept[..., np.newaxis]
        within = stack.local @ of_map.view(np.float64)
        local = np.einsum("nrf,nrf->nf", of_map.view(np.float64), within)
        local = local.reshape(*local.shape[:-1], -1, 2).sum(axis=-1)[..., np.newaxis, np.newaxis]
        white = _squares(of_map).sum(axis=1)[..., np.newaxis, np.newaxis]
        return (
            power,
            mix.mu * passed.conj(),
            mix.mu * power * passed,
            mix.mu**2 * kept,
            mix.own * kept + mix.local * local + mix.white * white,
        )

    even = isinstance(stack, EvenStack) and stack.unmixed
    found = in_batches(work_on_even if even else work, *stack.blocks.shape[:2])
    own, gain, cross, mean_output, output = map(
        transform.basis.scatter, map(np.concatenate, zip(*found, strict=True))
    )
    if extra is not None:  # never with a μ that differs from number to number
        read, write = (image[np.newaxis] for image in extra)
        seen = transform.apply(stack.blocks, read)
        spoiled = mix.own * seen + mix.white * read
        spoiled += mix.local * transform.apply(stack.local_of(slice(None)), read)
        reads, writes, sees = (_unitary(image, transform) for image in (read, write, seen))
        mu = mix.mu
        gain = gain + mu * _outer(writes, reads)
        cross = cross + mu * _outer(sees, writes)
        mean_output = mean_output + mu**2 * _added(read, seen, writes, weights, transform)
        output = output + _added(read, spoiled, writes, weights, transform)
    original, reconstructed = _trace(own), _trace(output)
    passed = _trace(gain @ own @ gain.conj().swapaxes(-1, -2))
    from_signal = _trace(mean_output)
    return FrequencyResponse(
        _scalar_gain(gain, own),
        original,
        passed,
        from_signal - passed,
        reconstructed - from_signal,
        original - 2 * _trace(cross) + reconstructed,
    )


def _squares(numbers: Complex128Array) -> FloatArray:
    return np.square(numbers.real) + np.square(numbers.imag)


def _times(matrices: NDArray[Any], columns: Complex128Array) -> Complex128Array:
    """Products of (n, d, d) matrices with (n, d, frequencies, channels)."""
    return (matrices @ columns.reshape(*columns.shape[:2], -1)).reshape(columns.shape)


def _diagonal(left: Complex128Array, right: Complex128Array) -> Complex128Array:
    """Inner products of the columns of each frequency, (n, frequencies, channels, channels)."""
    return np.asarray(np.einsum("nrfc,nrfe->nfce", left.conj(), right))


def _scalar_gain(gain: Complex128Array, own: Complex128Array) -> Complex128Array:
    if gain.shape[-1] == 1:
        return gain[..., 0, 0]
    power = _trace(own)
    passed = np.einsum("...ij,...ji->...", gain, own)
    none = np.full(power.shape, np.nan, dtype=np.complex128)
    return np.divide(passed, power, out=none, where=power > 0)


def _added(
    read: FloatArray,
    seen: FloatArray,
    writes: Complex128Array,
    weights: NDArray[Any],
    transform: BlockTransform,
) -> Complex128Array:
    """What a map of rank one adds to WᵀMW, with ``seen`` = M·``read``."""
    power = float(np.sum(read * seen))
    shared = _outer(_unitary(transform.apply(weights, seen), transform), writes)
    return power * _outer(writes, writes) + shared + shared.conj().swapaxes(-1, -2)


def _unitary(images: FloatArray, transform: BlockTransform) -> Complex128Array:
    """An image, (1, n_patches, patch_dim), in the unitary Fourier basis, (*shape, channels)."""
    image = transform.grid.from_patches(images[0], channel_axis=-1)
    return np.fft.fftn(image, axes=tuple(range(image.ndim - 1)), norm="ortho")


def _outer(a: Complex128Array, b: Complex128Array) -> Complex128Array:
    return a[..., :, np.newaxis] * b.conj()[..., np.newaxis, :]


def _trace(matrices: Complex128Array) -> FloatArray:
    return np.einsum("...ii->...", matrices).real


def _part(passed: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(passed, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _shares(response: FrequencyResponse | RadialResponse) -> dict[str, str]:
    """The sums over all frequencies of the grid, as parts of the original power."""
    weights = response.count if isinstance(response, RadialResponse) else 1.0
    original, passed, aliased, noise, _, error = (
        float(np.sum(weights * getattr(response, name))) for name in POWERS
    )
    shares = {"passed": passed, "aliased": aliased, "noise": noise, "explained": original - error}
    return {
        name: f"{value / original:.1%}" if original > 0 else "none"
        for name, value in shares.items()
    }


def explained_part(error: FloatArray, original: FloatArray) -> FloatArray:
    """1 − error/original; NaN where there is no power but rounding."""
    floor = 4 * np.finfo(np.float64).eps * np.max(original, initial=0.0)
    none = np.full(np.shape(error), np.nan)
    return 1 - np.divide(error, original, out=none, where=original > floor)
