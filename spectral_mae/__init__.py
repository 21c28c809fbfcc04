"""Fourier-domain analysis of patch masking, on your own images.

The public names are listed in ``__all__`` and loaded when they are first used, so that importing
the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spectral_mae._version import __version__

if TYPE_CHECKING:
    import spectral_mae.fields as fields
    import spectral_mae.ising as ising
    import spectral_mae.nonlinear as nonlinear
    import spectral_mae.plot as plot
    import spectral_mae.theory as theory
    from spectral_mae.coupling import BinnedCoupling, ModeCoupling, mode_coupling
    from spectral_mae.dirichlet import dirichlet_kernel
    from spectral_mae.estimator import NotFittedError
    from spectral_mae.expectation import (
        MaskedComponents,
        MaskedPeriodogram,
        expected_mask_power,
        expected_masked_psd,
        leakage,
    )
    from spectral_mae.filters import border_energy_share, filter_energy, patch_borders
    from spectral_mae.grid import PatchGrid
    from spectral_mae.images import (
        ImageRefused,
        crop_to_multiple,
        read_image,
        resize_and_crop,
    )
    from spectral_mae.interpolate import Interpolation, Interpolator
    from spectral_mae.leaked_power import Leakage
    from spectral_mae.linear import LinearAE, LinearDAE, LinearMAE, MaskRatioSweep, load_model
    from spectral_mae.linear_model import ShrinkageChoice
    from spectral_mae.mask_variance import masked_psd_std
    from spectral_mae.masked_slope import MaskedSlopeFit, fit_masked_slope
    from spectral_mae.masks import PulseMask, sample_visible
    from spectral_mae.moments import BandMoments, DenseMoments, StationaryMoments
    from spectral_mae.periodogram import Periodogram, psd
    from spectral_mae.radial import RadialSpectrum
    from spectral_mae.receptive import ReceptiveField, WeightReach, WeightsByDistance, weight_reach
    from spectral_mae.reconstruction import (
        Reconstruction,
        border_gradient_ratio,
        expected_border_gradient_ratio,
        reconstruct_image,
    )
    from spectral_mae.response import FrequencyResponse, RadialResponse
    from spectral_mae.sampling import inclusion_probabilities
    from spectral_mae.sectors import SectorSpectrum
    from spectral_mae.spectrum import Spectrum
    from spectral_mae.spectrum_errors import bootstrap_radial, unmasked_covariance
    from spectral_mae.stack import CentredStack
    from spectral_mae.unmasking import UnmaskedSpectrum, Unmasking, unmasked_psd
    from spectral_mae.weights import taper_edges

_HOME = {
    "BandMoments": "moments",
    "BinnedCoupling": "coupling",
    "CentredStack": "stack",
    "DenseMoments": "moments",
    "FrequencyResponse": "response",
    "ImageRefused": "images",
    "Interpolation": "interpolate",
    "Interpolator": "interpolate",
    "Leakage": "leaked_power",
    "LinearAE": "linear",
    "LinearDAE": "linear",
    "LinearMAE": "linear",
    "MaskRatioSweep": "linear",
    "MaskedComponents": "expectation",
    "MaskedPeriodogram": "expectation",
    "MaskedSlopeFit": "masked_slope",
    "ModeCoupling": "coupling",
    "NotFittedError": "estimator",
    "PatchGrid": "grid",
    "Periodogram": "periodogram",
    "PulseMask": "masks",
    "RadialResponse": "response",
    "RadialSpectrum": "radial",
    "ReceptiveField": "receptive",
    "Reconstruction": "reconstruction",
    "SectorSpectrum": "sectors",
    "ShrinkageChoice": "linear_model",
    "Spectrum": "spectrum",
    "StationaryMoments": "moments",
    "UnmaskedSpectrum": "unmasking",
    "Unmasking": "unmasking",
    "WeightReach": "receptive",
    "WeightsByDistance": "receptive",
    "bootstrap_radial": "spectrum_errors",
    "border_energy_share": "filters",
    "border_gradient_ratio": "reconstruction",
    "crop_to_multiple": "images",
    "dirichlet_kernel": "dirichlet",
    "expected_border_gradient_ratio": "reconstruction",
    "expected_mask_power": "expectation",
    "expected_masked_psd": "expectation",
    "filter_energy": "filters",
    "fit_masked_slope": "masked_slope",
    "inclusion_probabilities": "sampling",
    "leakage": "expectation",
    "load_model": "linear",
    "masked_psd_std": "mask_variance",
    "mode_coupling": "coupling",
    "patch_borders": "filters",
    "psd": "periodogram",
    "read_image": "images",
    "reconstruct_image": "reconstruction",
    "resize_and_crop": "images",
    "sample_visible": "masks",
    "taper_edges": "weights",
    "unmasked_covariance": "spectrum_errors",
    "unmasked_psd": "unmasking",
    "weight_reach": "receptive",
}
_MODULES = ("fields", "ising", "nonlinear", "plot", "theory")

__all__ = [
    "BandMoments",
    "BinnedCoupling",
    "CentredStack",
    "DenseMoments",
    "FrequencyResponse",
    "ImageRefused",
    "Interpolation",
    "Interpolator",
    "Leakage",
    "LinearAE",
    "LinearDAE",
    "LinearMAE",
    "MaskRatioSweep",
    "MaskedComponents",
    "MaskedPeriodogram",
    "MaskedSlopeFit",
    "ModeCoupling",
    "NotFittedError",
    "PatchGrid",
    "Periodogram",
    "PulseMask",
    "RadialResponse",
    "RadialSpectrum",
    "ReceptiveField",
    "Reconstruction",
    "SectorSpectrum",
    "ShrinkageChoice",
    "Spectrum",
    "StationaryMoments",
    "UnmaskedSpectrum",
    "Unmasking",
    "WeightReach",
    "WeightsByDistance",
    "__version__",
    "bootstrap_radial",
    "border_energy_share",
    "border_gradient_ratio",
    "crop_to_multiple",
    "dirichlet_kernel",
    "expected_border_gradient_ratio",
    "expected_mask_power",
    "expected_masked_psd",
    "fields",
    "filter_energy",
    "fit_masked_slope",
    "inclusion_probabilities",
    "ising",
    "leakage",
    "load_model",
    "masked_psd_std",
    "mode_coupling",
    "nonlinear",
    "patch_borders",
    "plot",
    "psd",
    "read_image",
    "reconstruct_image",
    "resize_and_crop",
    "sample_visible",
    "taper_edges",
    "theory",
    "unmasked_covariance",
    "unmasked_psd",
    "weight_reach",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        try:
            return import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if name != "nonlinear" or error.name != "torch":
                raise
            # Asking for the attribute must not fail: help() and inspect ask for every one. It is
            # not kept, so that importing the module by name still fails with its own error.
            from spectral_mae.extras import MissingModule

            return MissingModule(f"{__name__}.{name}", str(error))
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
