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
    from spectral_mae.images.image import crop_to_multiple, read_image, resize_and_crop
    from spectral_mae.images.samples import ImageRefused
    from spectral_mae.linear.bottleneck import border_energy_share, filter_energy, patch_borders
    from spectral_mae.linear.estimators import (
        LinearAE,
        LinearDAE,
        LinearMAE,
        MaskRatioSweep,
        load_model,
    )
    from spectral_mae.linear.frequency_response import FrequencyResponse, RadialResponse
    from spectral_mae.linear.interpolator import Interpolation, Interpolator
    from spectral_mae.linear.model import NotFittedError, ShrinkageChoice
    from spectral_mae.linear.moments.blocks import CentredStack
    from spectral_mae.linear.moments.kinds import BandMoments, DenseMoments, StationaryMoments
    from spectral_mae.linear.receptive_field import (
        ReceptiveField,
        WeightReach,
        WeightsByDistance,
        weight_reach,
    )
    from spectral_mae.linear.reconstruction import (
        Reconstruction,
        border_gradient_ratio,
        expected_border_gradient_ratio,
        reconstruct_image,
    )
    from spectral_mae.masked_spectra.coupling import (
        BinnedCoupling,
        ModeCoupling,
        mode_coupling,
    )
    from spectral_mae.masked_spectra.error_bars import bootstrap_radial, unmasked_covariance
    from spectral_mae.masked_spectra.expectation import (
        MaskedComponents,
        MaskedPeriodogram,
        expected_mask_power,
        expected_masked_psd,
        leakage,
    )
    from spectral_mae.masked_spectra.leaked_power import Leakage
    from spectral_mae.masked_spectra.slope_fit import MaskedSlopeFit, fit_masked_slope
    from spectral_mae.masked_spectra.spread import masked_psd_std
    from spectral_mae.masked_spectra.unmasking import UnmaskedSpectrum, Unmasking, unmasked_psd
    from spectral_mae.masks.patches import PatchGrid, inclusion_probabilities
    from spectral_mae.masks.pulse_mask import PulseMask, sample_visible
    from spectral_mae.masks.pulses import dirichlet_kernel
    from spectral_mae.masks.tapers import taper_edges
    from spectral_mae.spectra.periodogram import Periodogram, psd
    from spectral_mae.spectra.rings import RadialSpectrum
    from spectral_mae.spectra.sectors import SectorSpectrum
    from spectral_mae.spectra.spectrum import Spectrum

_HOME = {
    "BandMoments": "linear.moments.kinds",
    "BinnedCoupling": "masked_spectra.coupling",
    "CentredStack": "linear.moments.blocks",
    "DenseMoments": "linear.moments.kinds",
    "FrequencyResponse": "linear.frequency_response",
    "ImageRefused": "images.image",
    "Interpolation": "linear.interpolator",
    "Interpolator": "linear.interpolator",
    "Leakage": "masked_spectra.leaked_power",
    "LinearAE": "linear.estimators",
    "LinearDAE": "linear.estimators",
    "LinearMAE": "linear.estimators",
    "MaskRatioSweep": "linear.estimators",
    "MaskedComponents": "masked_spectra.expectation",
    "MaskedPeriodogram": "masked_spectra.expectation",
    "MaskedSlopeFit": "masked_spectra.slope_fit",
    "ModeCoupling": "masked_spectra.coupling",
    "NotFittedError": "linear.model",
    "PatchGrid": "masks.patches",
    "Periodogram": "spectra.periodogram",
    "PulseMask": "masks.pulse_mask",
    "RadialResponse": "linear.frequency_response",
    "RadialSpectrum": "spectra.rings",
    "ReceptiveField": "linear.receptive_field",
    "Reconstruction": "linear.reconstruction",
    "SectorSpectrum": "spectra.sectors",
    "ShrinkageChoice": "linear.model",
    "Spectrum": "spectra.spectrum",
    "StationaryMoments": "linear.moments.kinds",
    "UnmaskedSpectrum": "masked_spectra.unmasking",
    "Unmasking": "masked_spectra.unmasking",
    "WeightReach": "linear.receptive_field",
    "WeightsByDistance": "linear.receptive_field",
    "bootstrap_radial": "masked_spectra.error_bars",
    "border_energy_share": "linear.bottleneck",
    "border_gradient_ratio": "linear.reconstruction",
    "crop_to_multiple": "images.image",
    "dirichlet_kernel": "masks.pulses",
    "expected_border_gradient_ratio": "linear.reconstruction",
    "expected_mask_power": "masked_spectra.expectation",
    "expected_masked_psd": "masked_spectra.expectation",
    "filter_energy": "linear.bottleneck",
    "fit_masked_slope": "masked_spectra.slope_fit",
    "inclusion_probabilities": "masks.patches",
    "leakage": "masked_spectra.expectation",
    "load_model": "linear.estimators",
    "masked_psd_std": "masked_spectra.spread",
    "mode_coupling": "masked_spectra.coupling",
    "patch_borders": "linear.bottleneck",
    "psd": "spectra.periodogram",
    "read_image": "images.image",
    "reconstruct_image": "linear.reconstruction",
    "resize_and_crop": "images.image",
    "sample_visible": "masks.pulse_mask",
    "taper_edges": "masks.tapers",
    "unmasked_covariance": "masked_spectra.error_bars",
    "unmasked_psd": "masked_spectra.unmasking",
    "weight_reach": "linear.receptive_field",
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
