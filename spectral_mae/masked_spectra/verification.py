"""The paper's mask equations and the expectations, checked on given pixels.

Every check compares a closed form with something computed another way: a direct sum, an FFT,
or the enumeration of all masks. Of a design with too many masks to list, some are drawn,
and the difference is counted in standard errors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import DTypeLike, NDArray

from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.masked_spectra.convolution import convolution_error
from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masked_spectra.masked_periodogram import MaskedPeriodogram
from spectral_mae.masks import pulses
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_for
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.masks.sampling import enumerate_kept
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import full_from_half, half_from_full, hermitian_weights
from spectral_mae.spectra.periodogram import Periodogram, psd

EXPECTATION_BOUND = 1e-12
FEW_PATCHES = (2, 3)  # 64 masks in all
SAMPLINGS: tuple[Sampling, ...] = ("fixed", "bernoulli")
MOST_MASKS = 512  # that are enumerated at the size of an image
DRAWN_MASKS = 400
DRAWN_BOUND = 5.0  # standard errors, of the root mean square over rings


@dataclass(frozen=True)
class Check:
    """Result of checking one equation on one image.

    Attributes
    ----------
    equation, statement : str
        Number of the equation, and a sentence that says what was compared.
    precision : str
        Precision of the FFTs, ``"float64"`` or ``"float32"``.
    error : float
        Relative L2 error; for masks that were drawn, standard errors.
    bound : float
        Largest error that passes.
    where : str
        Name of the image.
    """

    equation: str
    statement: str
    precision: str
    error: float
    bound: float
    where: str = ""

    @property
    def ok(self) -> bool:
        """Whether the error is at most the bound; False for NaN."""
        return self.error <= self.bound


def rounding_bound(size: int, dtype: DTypeLike) -> float:
    """Bound on the relative L2 error of a good FFT, 2·ε·√log₂N.

    Parameters
    ----------
    size : int
        Number of pixels, N.
    dtype : dtype
        Floating-point type of the transform, with machine precision ε.

    Returns
    -------
    float
        The bound.
    """
    return 2 * float(np.finfo(dtype).eps) * math.sqrt(math.log2(size))


def relative_error(found: NDArray[Any], truth: NDArray[Any]) -> float:
    """Relative L2 error ‖found − truth‖ / ‖truth‖; ‖found‖ where the truth is zero.

    Parameters
    ----------
    found, truth : ndarray
        Arrays of one shape.

    Returns
    -------
    float
        0 or more.
    """
    size = float(np.linalg.norm(truth))
    return float(np.linalg.norm(found - truth)) / (size or 1.0)


def mask_dft_error(mask: PulseMask, fft: RealFFT) -> float:
    """Relative error of the closed-form transform of a mask (Eq. 19) against an FFT's.

    Parameters
    ----------
    mask : PulseMask
        The mask.
    fft : RealFFT
        Transform of its shape.

    Returns
    -------
    float
        Relative L2 error over the whole grid.
    """
    found, truth = fft.rfft(mask.visible[np.newaxis])[0], mask.half_dft()
    size = _whole_norm(truth, mask.shape)
    found -= truth
    return _whole_norm(found, mask.shape) / (size or 1.0)


def _whole_norm(half: NDArray[Any], shape: tuple[int, ...]) -> float:
    """‖F‖ over the whole grid of the spectrum of a real array, from its half-plane."""
    weights = hermitian_weights(shape)
    once = half[..., weights == 1]
    return math.sqrt(2 * np.vdot(half, half).real - np.vdot(once, once).real)


def verify_image(
    pixels: FloatArray,
    patch_size: int | tuple[int, ...] | None = None,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    rng: Generator,
    where: str = "",
) -> list[Check]:
    """Check Eqs. 15-21 and the expectations on one gray image.

    Parameters
    ----------
    pixels : ndarray of float64, shape (H, W)
        Gray values.
    patch_size, mask_ratio, sampling : optional
        Of the mask that is drawn for Eqs. 15-21, as in `sample_visible`. The expectations are
        enumerated over all masks of 2×3 patches into which the image is cut, with both kinds of
        sampling.
    design : MaskDesign or None
        In place of the three. Of a design that is not uniform the expectations on the image itself
        are compared with all its masks, or with masks that are drawn where there are more than 512.
    rng : numpy.random.Generator
        Source of the mask and of the frequencies that are compared.
    where : str
        Name of the image, for the result.

    Returns
    -------
    list of Check
        One for each equation and precision.
    """
    design = design_for(pixels.shape, patch_size, mask_ratio, sampling=sampling, design=design)
    grid = design.grid
    (kept,) = design.sample_kept(1, rng)
    mask = PulseMask(grid.shape, grid.patch_size, grid.starts()[kept])
    checks = list(_pixel_checks(pixels, mask))
    for dtype in (np.float64, np.float32):
        checks.extend(_transform_checks(pixels, mask, rng, dtype))
    if design.uniform is None:
        checks.extend(_design_checks(pixels, design, rng))
    else:
        ratio = design.mask_ratio if mask_ratio is None else mask_ratio
        checks.extend(_expectation_checks(pixels, ratio))
    return [dataclasses.replace(check, where=where) for check in checks]


def worst_of(checks: Iterable[Check]) -> list[Check]:
    """Return, for each equation and precision, the check with the largest error over its bound.

    Parameters
    ----------
    checks : iterable of Check
        Checks of several images.

    Returns
    -------
    list of Check
        In the order in which the equations came first.
    """
    worst: dict[tuple[str, str, str], Check] = {}
    for check in checks:
        key = (check.equation, check.statement, check.precision)
        if key not in worst or not _share(check) <= _share(worst[key]):
            worst[key] = check
    return list(worst.values())


def _share(check: Check) -> float:
    """Error over bound; infinite for an error above a bound of zero."""
    if check.bound == 0:
        return 0.0 if check.error == 0 else math.inf
    return check.error / check.bound


def _pixel_checks(pixels: FloatArray, mask: PulseMask) -> Iterator[Check]:
    painted = np.zeros(mask.shape)
    kept = np.zeros(mask.shape)
    for start in mask.starts:
        inside = tuple(slice(a, a + p) for a, p in zip(start, mask.patch_size, strict=True))
        painted[inside] += 1.0
        kept[inside] += pixels[inside]
    yield Check(
        "Eqs. 15-16",
        "the mask is the sum of its pulses",
        "float64",
        relative_error(mask.visible.astype(float), painted),
        0.0,
    )
    yield Check(
        "Eq. 17",
        "image times mask is the sum of the pulses' pixels",
        "float64",
        relative_error(pixels * mask.visible, kept),
        0.0,
    )


def _transform_checks(
    pixels: FloatArray, mask: PulseMask, rng: Generator, dtype: DTypeLike
) -> Iterator[Check]:
    fft = RealFFT(mask.shape, dtype=dtype, chunk=1)
    precision = np.dtype(dtype).name
    bound = rounding_bound(pixels.size, dtype)

    def check(equation: str, statement: str, error: float) -> Check:
        return Check(equation, statement, precision, error, bound)

    yield check(
        "Eq. 18",
        "masked transform is the circular convolution X ⊛ M / D (direct sums)",
        convolution_error(pixels, mask, rng, dtype=dtype),
    )
    found = _transform(fft, mask.visible)
    anywhere = rng.integers(0, np.subtract(mask.shape, mask.patch_size) + 1)
    elsewhere = PulseMask(mask.shape, mask.patch_size, anywhere[np.newaxis])
    yield check(
        "Eq. 19",
        f"M[k] of the mask, and of a pulse anywhere, against {fft.library}",
        max(relative_error(found, mask.dft()), mask_dft_error(elsewhere, fft)),
    )
    sides = list(zip(mask.shape, mask.patch_size, strict=True))
    pulse = reduce(np.multiply.outer, [np.arange(n) < p for n, p in sides])
    yield check(
        "Eq. 20",
        f"R[k] of one pulse against {fft.library}",
        relative_error(
            _transform(fft, pulse),
            reduce(np.multiply.outer, [pulses.dirichlet_kernel(n, p) for n, p in sides]),
        ),
    )
    kernels = [np.sqrt(pulses.dirichlet_power(n, p)) for n, p in sides]
    phases = pulses.start_phases(mask.shape, mask.patch_size, mask.starts)
    magnitude = reduce(np.multiply.outer, kernels) * np.abs(phases)
    yield check(
        "Eq. 21",
        f"|M[k]| as a ratio of sines, against {fft.library}",
        relative_error(np.abs(found), magnitude),
    )
    total = psd(pixels.astype(dtype)).total
    yield check(
        "Parseval",
        "the spectrum sums to the mean square",
        relative_error(np.array(total), np.array(np.mean(pixels**2))),
    )


def _expectation_checks(pixels: FloatArray, mask_ratio: float) -> Iterator[Check]:
    counts = tuple(min(few, n) for few, n in zip(FEW_PATCHES, pixels.shape, strict=True))
    patch = tuple(n // count for n, count in zip(pixels.shape, counts, strict=True))
    grid = PatchGrid(tuple(np.multiply(counts, patch).tolist()), patch)
    cropped = pixels[tuple(slice(n) for n in grid.shape)]
    # Fixed sampling of so few patches keeps two where it can: with one, π₂ would go unchecked.
    ratio = min(mask_ratio, max(1, grid.n_patches - 2) / grid.n_patches)
    components = MaskedPeriodogram(grid, scaling="energy").components(cropped)
    periodogram = Periodogram(grid.shape, scaling="energy", chunk=1)
    ones = np.ones((1, *grid.shape))
    for sampling in SAMPLINGS:
        mask_power, image_power = 0.0, 0.0
        for kept, probability in enumerate_kept(grid.n_patches, ratio, sampling=sampling):
            visible = grid.expand(kept)
            mask_power = mask_power + probability * periodogram.power(ones, visible=visible)[0]
            image_power = (
                image_power
                + probability * periodogram.power(cropped[np.newaxis], visible=visible)[0]
            )
        yield Check(
            "E|M|²",
            f"mean mask power against all masks ({sampling})",
            "float64",
            relative_error(
                half_from_full(expected_mask_power(grid, ratio, sampling=sampling)),
                np.asarray(mask_power),
            ),
            EXPECTATION_BOUND,
        )
        yield Check(
            "E|Y|²",
            f"mean masked power against all masks ({sampling})",
            "float64",
            relative_error(
                components.expected(ratio, sampling=sampling).power, np.asarray(image_power)
            ),
            EXPECTATION_BOUND,
        )


def _design_checks(pixels: FloatArray, design: MaskDesign, rng: Generator) -> Iterator[Check]:
    """Check the expectations under a design on the image itself."""
    masked = MaskedPeriodogram(design=design, scaling="energy").components(pixels).expected()
    of_mask = half_from_full(expected_mask_power(design=design))
    error_of, bound, masks = _against_masks(design, rng)
    for equation, what, image, expected in (
        ("E|M|²", "mean mask power", np.ones(design.grid.shape), of_mask),
        ("E|Y|²", "mean masked power", pixels, masked.power),
    ):
        statement = f"{what} against {masks} ({design.text})"
        yield Check(equation, statement, "float64", error_of(image, expected), bound)


def _against_masks(
    design: MaskDesign, rng: Generator
) -> tuple[Callable[[FloatArray, FloatArray], float], float, str]:
    """How a mean power is compared with masks of a design, the bound, and which masks they are."""
    periodogram = Periodogram(design.grid.shape, scaling="energy", chunk=1)
    try:
        patterns, weights = design.enumerate()
        listed = len(patterns) <= MOST_MASKS
    except ValueError:
        listed = False
    if listed:

        def of_all(image: FloatArray, expected: FloatArray) -> float:
            mean = np.zeros_like(expected)
            for kept, weight in zip(patterns, weights, strict=True):
                visible = design.grid.expand(kept)
                mean += weight * periodogram.power(image[np.newaxis], visible=visible)[0]
            return relative_error(expected, mean)

        return of_all, EXPECTATION_BOUND, f"all {len(patterns)} masks"
    drawn = design.sample_kept(DRAWN_MASKS, rng)

    def of_drawn(image: FloatArray, expected: FloatArray) -> float:
        """Root mean square over rings, in standard errors."""
        rings = np.array(
            [
                periodogram.radial(image[np.newaxis], visible=design.grid.expand(kept)).power[0]
                for kept in drawn
            ]
        )
        exact = periodogram.rings.average(expected, scaling="energy")
        gap = rings.mean(axis=0) - exact.power
        stderr = rings.std(axis=0, ddof=1) / math.sqrt(len(rings))
        same = np.abs(gap) <= EXPECTATION_BOUND * exact.power.max()
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.sqrt(np.mean(np.where(same, 0.0, gap / stderr) ** 2)))

    return of_drawn, DRAWN_BOUND, f"{DRAWN_MASKS} drawn masks, in standard errors"


def _transform(fft: RealFFT, pixels: NDArray[Any]) -> NDArray[np.complex128]:
    """Whole-grid transform of one image, in the precision of ``fft``."""
    half = fft.rfft(pixels[np.newaxis])[0]
    return full_from_half(half, fft.shape).astype(np.complex128)
