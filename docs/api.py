"""Write ``docs/api.md``: every public name, grouped by what it is for.

``python docs/api.py``; a test holds that the page is what this gives, and that no public name is
missing.
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).with_name("api.md")
GROUPS: dict[str, tuple[str, str]] = {
    "Patches and masks": (
        "spectral_mae",
        (
            "PatchGrid PulseMask MaskDesign sample_visible inclusion_probabilities "
            "dirichlet_kernel expected_mask_power taper_edges"
        ),
    ),
    "Mask designs (`spectral_mae.designs`)": (
        "spectral_mae.masks.designs",
        (
            "fixed bernoulli block cutouts drop_block grid stratified stripes tube product "
            "multi_block inverse_block blockwise gaussian_field color_noise random_ratio "
            "from_masks from_sampler parse help_text"
        ),
    ),
    "Spectra": (
        "spectral_mae",
        (
            "psd Periodogram welch summarize Spectrum RadialSpectrum SectorSpectrum "
            "SpectralSummary SpectrumRatio RadialRatio Labels octave_edges "
            "octave_names FFTWMissingWarning"
        ),
    ),
    "Originals and reconstructions": (
        "spectral_mae",
        (
            "cross_spectrum CrossSpectrum RadialCrossSpectrum SectorCrossSpectrum compare_spectra "
            "SpectraComparison log_spectral_distance"
        ),
    ),
    "What masking does to spectra": (
        "spectral_mae",
        (
            "expected_masked_psd leakage Leakage MaskedPeriodogram MaskedComponents "
            "masked_psd_std mode_coupling ModeCoupling BinnedCoupling audit_masks MaskAudit"
        ),
    ),
    "Back from masked to true": (
        "spectral_mae",
        (
            "unmasked_psd Unmasking UnmaskedSpectrum fit_masked_slope MaskedSlopeFit "
            "unmasked_covariance bootstrap_radial"
        ),
    ),
    "Linear models": (
        "spectral_mae",
        (
            "LinearMAE LinearDAE LinearAE load_linear_model MaskRatioSweep ShrinkageChoice "
            "NotFittedError BandMoments DenseMoments StationaryMoments CentredStack Interpolator "
            "Interpolation"
        ),
    ),
    "What models do": (
        "spectral_mae",
        (
            "FrequencyResponse RadialResponse ReceptiveField WeightsByDistance WeightReach "
            "weight_reach patch_borders border_energy_share filter_energy Reconstruction "
            "reconstruct_image border_gradient_ratio expected_border_gradient_ratio"
        ),
    ),
    "Images": (
        "spectral_mae",
        "read_image resize_and_crop crop_to_multiple ImageRefused",
    ),
    "Many images": (
        "spectral_mae",
        (
            "analyze_images AnalyzeOptions AnalyzeResult AnalyzeInterrupted fit_images FitResult "
            "sweep_images SweepResult plan Plan PlannedSetting Reference Difficulty "
            "TransformerSizes compare_images CompareOptions CompareResult audit_images AuditRun "
            "explore_images ExploreResult RunOptions"
        ),
    ),
    "The paper's lemmas (`spectral_mae.theory`)": (
        "spectral_mae.theory",
        (
            "lemma_1 equation_13 equation_14 explained_matrix lemma_2 lemma_3 subspace_value "
            "subspace_gradient theorem_1 lemma_4 lemma_5 fisher_matrix patch_local_trace "
            "gap_by_mask_ratio lemma_6 function_space_loss complex_step_jacobian TanhNetwork Sides "
            "CriticalPoints GapCurve FunctionSpaceLoss"
        ),
    ),
    "Ising chains and lattices (`spectral_mae.ising`)": (
        "spectral_mae.ising",
        (
            "chains chain_correlations chain_moments chain_psd correlation_length lattices "
            "SwendsenWang exact_torus ExactTorus infinite_energy spontaneous_magnetisation "
            "SampledMean integrated_time"
        ),
    ),
    "Random fields (`spectral_mae.fields`)": (
        "spectral_mae.fields",
        "power_law gaussian_fields",
    ),
    "Lessons (`spectral_mae.lessons`)": (
        "spectral_mae.lessons",
        "check Verdict photograph slider Slider",
    ),
    "Pictures (`spectral_mae.plot`)": (
        "spectral_mae.plot",
        (
            "psd radial sectors design designs mask_audit masking masked_image grating leakage "
            "octaves masked_radial radial_ratio ratio rose slopes summary "
            "unmasked_radial comparison compared_power power_ratio image_detail response "
            "response_power receptive_field receptive_fields "
            "plan_curves plan_map plan_octaves plan_costs "
            "weight_by_distance filters eigenvalues heat_map weight_matrix encoder_energy gap "
            "reconstruction reconstructions training loss_and_accuracy "
            "label_efficiency layer_similarity estimates strips token_spectra "
            "power_limits style use_style new_figure save"
        ),
    ),
    "Figures of the documentation (`spectral_mae.plot.gallery`)": (
        "spectral_mae.plot.gallery",
        "draw caption",
    ),
}


def page() -> str:
    """The whole page."""
    parts = ["# API reference\n\n*This page is written by `python docs/api.py`.*\n"]
    for title, (module, names) in GROUPS.items():
        listed = "\n".join(f"   {name}" for name in names.split())
        parts.append(
            f"## {title}\n\n```{{eval-rst}}\n.. currentmodule:: {module}\n\n"
            f".. autosummary::\n   :toctree: generated\n\n{listed}\n```\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
