"""One argument of every public function replaced by anything: a right result, or our own refusal."""

import contextlib
import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_arguments import (
    ODD_OPTIONS,
    SETTINGS,
    SHAPES,
    assert_finite,
    documented,
    no_numbers,
    real_arrays,
)

import spectral_mae as sm
from spectral_mae import fields, ising, lessons, plot, theory
from spectral_mae.images.image import LoadedImage

RNG = np.random.default_rng(0)
IMAGE = RNG.random((8, 8))
IMAGES = RNG.random((12, 8, 8)).cumsum(axis=1)
SIGNALS = RNG.random((4, 6))
GRID = sm.PatchGrid((8, 8), 4)
FINE = sm.PatchGrid((8, 8), 2)
LINE = sm.PatchGrid(6, 2)
VISIBLE = RNG.random((8, 8)) < 0.7
VISIBLE_PATCHES = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool)
AUDIT = sm.audit_masks(FINE, sm.designs.block(FINE, 2).sample(9, rng=0))
LOADED = LoadedImage(IMAGE, (), (8, 8))
SYMMETRIC = np.diag([3.0, 2.0, 1.0])
DECODER = np.array([[1.0, 2.0, 0.0]])
FILTERS = RNG.standard_normal((3, 8, 8))
MAE = sm.LinearMAE(4, 0.5, rank=3).fit(IMAGES)
SPECTRUM = sm.psd(IMAGE)
RINGS = SPECTRUM.radial()
BATCH = sm.Periodogram((8, 8)).radial(IMAGES)
LEAK = sm.leakage(IMAGE, 4, 0.5)
COUPLING = sm.mode_coupling(VISIBLE)
RESPONSE = MAE.frequency_response()
FIELD = MAE.receptive_field((2, 3))
PLAN = sm.plan(
    sm.StationaryMoments(sm.PatchGrid((8, 8), 1)).update(IMAGES[:, :8, :8]),
    [2, 4],
    [0.5, 0.75],
    designs=["fixed:M", "block:1x1"],
)
PICTURE = sm.reconstruct_image(MAE, IMAGE, rng=0)
CURVE = theory.gap_by_mask_ratio(theory.lemma_5, np.tanh, SIGNALS, 2, [0.3], n_draws=2, rng=0)
TABLE = {"loss": [0.5, 0.4], "accuracy": [0.3, 0.4], "stderr": [0.01] * 2, "mask_ratio": [0.5, 0.7]}
LOSSES = {"epoch": [1, 2], "loss": [0.5, 0.4], "held_out": [0.6, np.nan]}
CROSS = sm.cross_spectrum(IMAGE, IMAGES[0])
COMPARED = sm.compare_spectra(IMAGES, IMAGES[::-1])
OPTIONS = {
    "fs": 1.0,
    "unit": None,
    "window": None,
    "detrend": None,
    "scaling": "density",
    "channel_axis": None,
}
BLOCK = sm.designs.block(GRID, 1)
MASKS = {"patch_size": 4, "mask_ratio": 0.5, "sampling": "fixed"}
DRAWN = {
    "patch_size": 2,
    "mask_ratio": 0.5,
    "sampling": "fixed",
    "channel_axis": None,
    "n_draws": 2,
    "rng": 0,
}
SLOPE = {"fmin": None, "fmax": None}
FITTED = {"covariance": "banded", "center": True, "shrinkage": 0.0}


def fresh(kind, *arguments, **options):
    """A method of an object that is made anew for each call, for it changes."""
    method = options.pop("method")

    def call(**given):
        return getattr(kind(*arguments, **options), method)(**given)

    return call


def pooled(**options):
    return sm.Unmasking((8, 8)).update(IMAGE, VISIBLE).spectrum(**options)


# What is called, and arguments that are right.
EXAMPLES = {
    "PatchGrid": (sm.PatchGrid, {"shape": (8, 8), "patch_size": 4}),
    "PatchGrid.to_patches": (GRID.to_patches, {"x": IMAGE, "channel_axis": None}),
    "PatchGrid.from_patches": (GRID.from_patches, {"patches": GRID.to_patches(IMAGE), "channel_axis": None}),
    "designs.fixed": (sm.designs.fixed, {"grid": GRID, "mask_ratio": 0.5, "rounding": "floor"}),
    "designs.bernoulli": (sm.designs.bernoulli, {"grid": GRID, "mask_ratio": 0.5}),
    "designs.block": (sm.designs.block, {"grid": GRID, "size": 1, "keep": False, "rolled": True}),
    "designs.cutouts": (sm.designs.cutouts, {"grid": GRID, "size": 1, "n": 2}),
    "designs.drop_block": (sm.designs.drop_block, {"grid": GRID, "size": 1, "mask_ratio": 0.5}),
    "designs.grid": (sm.designs.grid, {"grid": GRID, "cell": (1, 2), "mask_ratio": 0.5, "sampling": "fixed", "phase": "random"}),
    "designs.stratified": (sm.designs.stratified, {"grid": GRID, "cell": (1, 2), "keep": 1}),
    "designs.stripes": (sm.designs.stripes, {"grid": GRID, "mask_ratios": (0.5, 0.0), "sampling": "fixed"}),
    "designs.tube": (sm.designs.tube, {"design": sm.designs.fixed(LINE, 0.5), "axis": 0, "length": 8, "patch_size": 2}),
    "designs.product": (lambda one: sm.designs.product(sm.designs.fixed(LINE, 0.5), one), {"one": sm.designs.fixed(LINE, 0.5)}),
    "designs.multi_block": (sm.designs.multi_block, {"grid": FINE, "n": 2, "scale": (0.2, 0.3), "aspect": (0.5, 2.0), "context": (0.8, 1.0)}),
    "designs.inverse_block": (sm.designs.inverse_block, {"grid": FINE, "mask_ratio": 0.5, "aspect": (0.5, 2.0), "rolled": True}),
    "designs.blockwise": (sm.designs.blockwise, {"grid": FINE, "mask_ratio": 0.5, "least": 2, "aspect": (0.5, 2.0), "n_draws": 3, "rng": 0}),
    "designs.gaussian_field": (sm.designs.gaussian_field, {"grid": FINE, "mask_ratio": 0.5, "color": "red", "widths": (1.0,)}),
    "designs.color_noise": (sm.designs.color_noise, {"grid": FINE, "mask_ratio": 0.5, "color": "red", "widths": (1.0,), "rolled": False, "n_draws": 3, "rng": 0}),
    "designs.random_ratio": (sm.designs.random_ratio, {"grid": FINE, "ratios": (0.5, 0.9), "mean": 0.8, "sd": 0.2}),
    "designs.from_sampler": (sm.designs.from_sampler, {"grid": GRID, "sampler": sm.designs.bernoulli(GRID, 0.5).sample, "n": 3, "rng": 0}),
    "designs.parse": (sm.designs.parse, {"text": "block:1"}),
    "designs.from_masks": (sm.designs.from_masks, {"grid": GRID, "visible": VISIBLE_PATCHES, "weights": (1.0, 2.0)}),
    "PulseMask": (sm.PulseMask, {"shape": (8, 8), "patch_size": 2, "starts": [[0, 0], [4, 2]]}),
    "PulseMask.random": (sm.PulseMask.random, {"grid": GRID, "mask_ratio": 0.5, "sampling": "fixed", "rng": 0}),
    "PulseMask.from_patches": (sm.PulseMask.from_patches, {"grid": GRID, "visible": VISIBLE_PATCHES[0]}),
    "PulseMask.from_hidden": (sm.PulseMask.from_hidden, {"grid": GRID, "hidden": VISIBLE_PATCHES[0]}),
    "PulseMask.from_ids_keep": (sm.PulseMask.from_ids_keep, {"grid": GRID, "ids_keep": [2, 0]}),
    "sample_visible": (sm.sample_visible, {"grid": GRID, "mask_ratio": 0.5, "n": 2, "sampling": "fixed", "random_offset": False, "rng": 0}),
    "inclusion_probabilities": (sm.inclusion_probabilities, {"n_patches": 4, "mask_ratio": 0.5, "sampling": "fixed", "rounding": "mae"}),
    "dirichlet_kernel": (sm.dirichlet_kernel, {"n": 8, "patch_size": 4}),
    "expected_mask_power": (sm.expected_mask_power, {"grid": GRID, "mask_ratio": 0.5, "sampling": "fixed"}),
    "Labels": (sm.Labels, {"units": ("mm", "mm"), "dims": ("y", "x"), "values": "K", "directions": (1, -1)}),
    "psd": (sm.psd, {"image": IMAGE, "visible": None, "ndim": None, **OPTIONS}),
    "Periodogram": (sm.Periodogram, {"shape": (8, 8), "dtype": float, "workers": 1, **OPTIONS}),
    "Periodogram.power": (sm.Periodogram((8, 8)).power, {"images": IMAGES, "visible": None}),
    "Periodogram.radial": (sm.Periodogram((8, 8)).radial, {"images": IMAGES, "bins": None, "visible": None}),
    "Periodogram.mean": (sm.Periodogram((8, 8)).mean, {"images": IMAGES, "visible": None}),
    "Spectrum": (SPECTRUM.radial, {"bins": None}),
    "Spectrum.sectors": (SPECTRUM.sectors, {"n": 2, **SLOPE}),
    "SectorSpectrum": (lambda **o: SPECTRUM.sectors(**o).to_dict(), {"n": 2}),
    "RadialSpectrum": (RINGS.fit_slope, SLOPE),
    "RadialSpectrum of a batch": (BATCH.fit_slope, SLOPE),
    "RadialRatio": (lambda **o: (SPECTRUM.radial(**o) / SPECTRUM.radial(**o)).to_dict(), {"bins": None}),
    "SpectrumRatio": ((SPECTRUM / SPECTRUM).radial, {"bins": None}),
    "summarize": (sm.summarize, {"images": IMAGES, "bins": None, "workers": 1, **OPTIONS}),
    "SpectralSummary": (sm.summarize(IMAGES).percentile, {"q": 50.0}),
    "welch": (sm.welch, {"image": IMAGE, "segment": 4, "overlap": 2, "ndim": None, "workers": 1, **OPTIONS}),
    "cross_spectrum": (sm.cross_spectrum, {"a": IMAGE, "b": IMAGES[0], "ndim": None, **OPTIONS}),
    "CrossSpectrum": (lambda **o: CROSS.radial(**o).frc, {"bins": None}),
    "RadialCrossSpectrum": (lambda **o: CROSS.radial(2).frc_crossing(**o), {"threshold": 0.5}),
    "SectorCrossSpectrum": (CROSS.sectors, {"n": 2, **SLOPE}),
    "log_spectral_distance": (sm.log_spectral_distance, {"a": IMAGE, "b": IMAGES[0], "bins": None, "fs": 1.0, "window": None, "detrend": None, "channel_axis": None, "ndim": None}),
    "compare_spectra": (lambda **o: sm.compare_spectra(**o).spectrum(), {"originals": IMAGES, "reconstructions": IMAGES[::-1], "visible": VISIBLE, "ndim": None, "bins": None, **OPTIONS}),
    "SpectraComparison": (lambda **o: sm.SpectraComparison(**o).update(IMAGES, IMAGES[::-1]).spectrum(), {"ndim": None, "bins": None, "workers": 1, **OPTIONS}),
    "SpectraComparison.update": (fresh(sm.SpectraComparison, method="update"), {"originals": IMAGES, "reconstructions": IMAGES[::-1], "visible": None}),
    "SpectraComparison.merge": (fresh(sm.SpectraComparison, method="merge"), {"other": COMPARED}),
    "SpectraComparison.radial": (COMPARED.radial, {"n_resamples": 4, "rng": 0}),
    "SpectraComparison.bands": (COMPARED.bands, {"edges": [0.0, 0.25, 0.5], "n_resamples": 4, "rng": 0}),
    "SpectraComparison.summary": (COMPARED.summary, {"n_resamples": 4, "rng": 0}),
    "expected_masked_psd": (sm.expected_masked_psd, {"image": IMAGE, **MASKS, **OPTIONS}),
    "expected_masked_psd of a design": (sm.expected_masked_psd, {"image": IMAGE, "design": BLOCK, **OPTIONS}),
    "expected_mask_power of a design": (sm.expected_mask_power, {"design": BLOCK}),
    "leakage of a design": (sm.leakage, {"image": IMAGE, "design": BLOCK, "window": None, "fs": 1.0}),
    "masked_psd_std of a design": (sm.masked_psd_std, {"image": IMAGE, "design": BLOCK}),
    "MaskedPeriodogram of a design": (lambda **o: sm.MaskedPeriodogram(**o).components(IMAGE).expected(), {"design": BLOCK}),
    "ModeCoupling.random of a design": (sm.ModeCoupling.random, {"design": BLOCK}),
    "plot.grating of a design": (plot.grating, {"design": BLOCK}),
    "leakage": (sm.leakage, {"image": IMAGE, **MASKS, "channel_axis": None, "window": None, "detrend": None, "fs": 1.0}),
    "Leakage": (LEAK.band, {"fmin": 0.1, "fmax": 0.4}),
    "Leakage.radial": (LEAK.radial, {"bins": None}),
    "MaskedPeriodogram": (sm.MaskedPeriodogram, {"grid": GRID, **OPTIONS}),
    "MaskedComponents": (sm.MaskedPeriodogram(GRID).components, {"image": IMAGE}),
    "MaskedComponents.expected": (sm.MaskedPeriodogram(GRID).components(IMAGE).expected, {"mask_ratio": 0.5, "sampling": "fixed"}),
    "audit_masks": (sm.audit_masks, {"grid": GRID, "visible": VISIBLE_PATCHES, "convention": "visible", "n_keep": None, "reference": None}),
    "MaskAudit": (lambda **o: sm.audit_masks(**o).to_dict(), {"grid": GRID, "visible": VISIBLE_PATCHES}),
    "masked_psd_std": (sm.masked_psd_std, {"image": IMAGE, **MASKS, "scaling": "density", "window": None, "detrend": None, "channel_axis": None}),
    "unmasked_psd": (sm.unmasked_psd, {"image": IMAGE, "visible": VISIBLE, "ndim": None, "scaling": "density", "channel_axis": None, "detrend": None, "nan": "raise", "borders": "periodic", "prewhiten": None, "wrap": True, "min_pairs": 1.0, "taper": None, "fs": 1.0, "unit": None}),
    "Unmasking": (sm.Unmasking, {"shape": (8, 8), "prewhiten": None, "wrap": True}),
    "Unmasking.update": (fresh(sm.Unmasking, (8, 8), method="update"), {"images": IMAGES, "visible": VISIBLE}),
    "Unmasking.merge": (fresh(sm.Unmasking, (8, 8), method="merge"), {"other": sm.Unmasking((8, 8))}),
    "UnmaskedSpectrum": (pooled, {"scaling": "density", "min_pairs": 1.0, "taper": None}),
    "mode_coupling": (sm.mode_coupling, {"visible": VISIBLE, "ndim": None}),
    "ModeCoupling": (COUPLING.couple, {"power": SPECTRUM.full()}),
    "ModeCoupling.decouple": (COUPLING.decouple, {"power": SPECTRUM.full(), "min_fraction": 0.0}),
    "ModeCoupling.random": (sm.ModeCoupling.random, {"grid": GRID, "mask_ratio": 0.5, "sampling": "fixed"}),
    "BinnedCoupling": (COUPLING.binned().decouple, {"power": np.ones(7), "ridge": 0.1}),
    "BinnedCoupling.couple": (COUPLING.binned().couple, {"power": np.ones(7)}),
    "taper_edges": (sm.taper_edges, {"visible": VISIBLE, "width": 2.0}),
    "fit_masked_slope": (sm.fit_masked_slope, {"image": IMAGE, "visible": VISIBLE, "ndim": None, **SLOPE, "wrap": True, "n_draws": 8, "rng": 0}),
    "unmasked_covariance": (sm.unmasked_covariance, {"model": SPECTRUM, "visible": VISIBLE, "bins": 2, "prewhiten": None, "wrap": True, "n_draws": 8, "rng": 0}),
    "bootstrap_radial": (sm.bootstrap_radial, {"spectra": BATCH, "n_resamples": 4, "rng": 0}),
    "BandMoments": (sm.BandMoments, {"grid": GRID, "channels": 1, "center": True}),
    "BandMoments.update": (fresh(sm.BandMoments, GRID, method="update"), {"images": IMAGES, "channel_axis": None}),
    "BandMoments.merge": (fresh(sm.BandMoments, GRID, method="merge"), {"other": sm.BandMoments(GRID)}),
    "DenseMoments": (sm.DenseMoments.from_second_moment, {"matrix": np.eye(6), "grid": LINE, "channels": 1, "mean": None}),
    "StationaryMoments": (sm.StationaryMoments.from_psd, {"spectrum": SPECTRUM, "patch_size": 4, "mean": None}),
    "CentredStack": (MAE.second_moment, {"images": IMAGES, "channel_axis": None}),
    "LinearMAE": (sm.LinearMAE, {**MASKS, "rank": None, "target": "all", "random_offset": False, **FITTED}),
    "LinearMAE.fit": (fresh(sm.LinearMAE, 4, 0.5, method="fit"), {"images": IMAGES, "channel_axis": None}),
    "LinearMAE.score": (MAE.score, {"images": IMAGES, "channel_axis": None}),
    "LinearMAE.reconstruct": (MAE.reconstruct, {"images": IMAGES, "visible": VISIBLE, "paste_visible": False, "channel_axis": None}),
    "LinearMAE.corrupt": (MAE.corrupt, {"images": IMAGES, "channel_axis": None, "rng": 0}),
    "LinearMAE.weights": (MAE.weights, {"output_pixel": (1, 2), "channel": 0}),
    "LinearMAE.encoder": (MAE.encoder, {"n": 2}),
    "MaskRatioSweep": (MAE.mask_ratio_sweep, {"ratios": [0.25, 0.5]}),
    "ShrinkageChoice": (lambda **o: sm.LinearMAE(4, 0.5).fit(IMAGES).choose_shrinkage(**o), {"images": IMAGES, "values": [0.0, 0.5]}),
    "LinearDAE": (sm.LinearDAE, {"patch_size": 4, "sigma": 0.5, "rank": None, **FITTED}),
    "LinearAE": (sm.LinearAE, {"patch_size": 4, "rank": 2, **FITTED}),
    "load_linear_model": (sm.load_linear_model, {"path": "no such file.npz"}),
    "NotFittedError": (fresh(sm.LinearMAE, 4, 0.5, method="score"), {"images": IMAGES}),
    "FrequencyResponse": (RESPONSE.radial, {"bins": None}),
    "RadialResponse": (lambda **o: RESPONSE.radial(**o).to_dict(), {"bins": 2}),
    "ReceptiveField": (MAE.receptive_field, {"output_pixel": (1, 2), "channel": 0}),
    "WeightReach": (sm.weight_reach, {"fields": [FIELD.squared()]}),
    "weight_reach": (sm.weight_reach, {"fields": [FIELD, FIELD.squared()]}),
    "WeightsByDistance": (lambda **o: MAE.receptive_field(**o).by_distance(), {"output_pixel": (1, 2)}),
    "Reconstruction": (sm.reconstruct_image, {"model": MAE, "image": IMAGE, "visible": None, "rng": 0}),
    "reconstruct_image": (sm.reconstruct_image, {"model": MAE, "image": IMAGE, "visible": VISIBLE, "rng": 0}),
    "border_gradient_ratio": (sm.border_gradient_ratio, {"image": IMAGE, "grid": GRID}),
    "expected_border_gradient_ratio": (sm.expected_border_gradient_ratio, {"model": MAE, "image": IMAGE}),
    "patch_borders": (sm.patch_borders, {"grid": GRID}),
    "border_energy_share": (sm.border_energy_share, {"filters": FILTERS, "grid": GRID}),
    "filter_energy": (sm.filter_energy, {"filters": FILTERS, "grid": GRID}),
    "Interpolator": (sm.Interpolator, {"moments": MAE.moments_, "noise": 0.1, "shrinkage": 0.1, "tolerance": 1e-3, "max_iterations": 9}),
    "Interpolation": (sm.Interpolator(MAE.moments_, noise=0.1).fill, {"images": IMAGES, "visible": VISIBLE, "channel_axis": None}),
    "read_image": (sm.read_image, {"path": "builtin:page", "color": False, "max_pixels": 500_000}),
    "ImageRefused": (sm.read_image, {"path": "no such file.png"}),
    "crop_to_multiple": (sm.crop_to_multiple, {"image": LOADED, "patch_size": 4}),
    "resize_and_crop": (sm.resize_and_crop, {"image": LOADED, "size": 4}),
    "MaskedSlopeFit": (sm.fit_masked_slope, {"image": IMAGES[0], "visible": VISIBLE, "n_draws": 8}),
    "fields.power_law": (fields.power_law, {"shape": (8, 8), "slope": -2.0, "variance": 1.0, "outer": None}),
    "fields.gaussian_fields": (fields.gaussian_fields, {"spectrum": SPECTRUM, "n": 2, "shape": None, "rng": 0}),
    "lessons.check": (lessons.check, {"question": "3.3", "answer": (0.2, 0.3)}),
    "lessons.photograph": (lessons.photograph, {"path": None, "size": 8, "builtin": "cat"}),
    "ising.correlation_length": (ising.correlation_length, {"coupling": 0.3}),
    "ising.chain_correlations": (ising.chain_correlations, {"n_spins": 6, "coupling": 0.3, "boundary": "open"}),
    "ising.chain_psd": (ising.chain_psd, {"n_spins": 6, "coupling": 0.3}),
    "ising.chain_moments": (ising.chain_moments, {"n_spins": 6, "coupling": 0.3, "patch_size": 2, "covariance": "dense", "boundary": "open"}),
    "ising.chains": (ising.chains, {"n_spins": 6, "coupling": 0.3, "n": 2, "boundary": "open", "rng": 0}),
    "ising.exact_torus": (ising.exact_torus, {"shape": (4, 4), "coupling": 0.3}),
    "ising.ExactTorus": (lambda **o: ising.exact_torus(**o).to_dict(), {"shape": (4, 4), "coupling": 0.3}),
    "ising.infinite_energy": (ising.infinite_energy, {"coupling": 0.3}),
    "ising.spontaneous_magnetisation": (ising.spontaneous_magnetisation, {"coupling": 0.3}),
    "ising.lattices": (ising.lattices, {"shape": (4, 4), "coupling": 0.3, "n": 2, "burn_in": 2, "every": 1, "rng": 0}),
    "ising.SwendsenWang": (ising.SwendsenWang, {"shape": (4, 4), "coupling": 0.3, "rng": 0}),
    "ising.SwendsenWang.sweep": (fresh(ising.SwendsenWang, (4, 4), 0.3, method="sweep"), {"k": 2}),
    "ising.SampledMean": (ising.SampledMean.of, {"samples": RNG.random(400)}),
    "ising.integrated_time": (ising.integrated_time, {"samples": RNG.random(400)}),
    "theory.lemma_1": (theory.lemma_1, {"images": SIGNALS, "weights": np.eye(6), **DRAWN}),
    "theory.Sides": (theory.lemma_1, {"images": SIGNALS, "weights": np.eye(6), **DRAWN}),
    "theory.equation_13": (theory.equation_13, {"images": SIGNALS, "encoder": np.ones((6, 1)), "decoder": np.ones((1, 6)), **DRAWN}),
    "theory.equation_14": (theory.equation_14, {"images": SIGNALS, "decoder": np.ones((1, 6)), **DRAWN}),
    "theory.explained_matrix": (theory.explained_matrix, {"images": SIGNALS, "patch_size": 2, "mask_ratio": 0.5, "sampling": "fixed", "channel_axis": None}),
    "theory.theorem_1": (theory.theorem_1, {"images": SIGNALS, "rank": 2, **DRAWN}),
    "theory.lemma_2": (theory.lemma_2, {"matrix": SYMMETRIC, "rank": 2, "rng": 0}),
    "theory.CriticalPoints": (lambda **o: theory.lemma_2(**o).to_dict(), {"matrix": SYMMETRIC, "rank": 2}),
    "theory.lemma_3": (theory.lemma_3, {"matrix": SYMMETRIC, "rank": 2, "starts": 1, "rng": 0}),
    "theory.subspace_value": (theory.subspace_value, {"decoder": DECODER, "matrix": SYMMETRIC}),
    "theory.subspace_gradient": (theory.subspace_gradient, {"decoder": DECODER, "matrix": SYMMETRIC}),
    "theory.lemma_4": (theory.lemma_4, {"function": np.tanh, "images": SIGNALS, "jacobian": None, **DRAWN}),
    "theory.lemma_5": (theory.lemma_5, {"function": np.tanh, "images": SIGNALS, "jacobian": None, **DRAWN}),
    "theory.lemma_6": (theory.lemma_6, {"function": np.tanh, "images": SIGNALS, "target": None, **DRAWN}),
    "theory.fisher_matrix": (theory.fisher_matrix, {"function": np.tanh, "image": SIGNALS[0], "jacobian": None}),
    "theory.patch_local_trace": (theory.patch_local_trace, {"fisher": np.eye(6), "image": SIGNALS[0], "patch_size": 2, "channel_axis": None}),
    "theory.gap_by_mask_ratio": (theory.gap_by_mask_ratio, {"lemma": theory.lemma_4, "function": np.tanh, "images": SIGNALS, "patch_size": 2, "mask_ratios": [0.4], "rng": 0, "n_draws": 2}),
    "theory.GapCurve": (theory.gap_by_mask_ratio, {"lemma": theory.lemma_5, "function": np.tanh, "images": SIGNALS, "patch_size": 2, "mask_ratios": [0.4], "n_draws": 2}),
    "theory.function_space_loss": (theory.function_space_loss, {"signal": np.sin, "kernel": lambda t, s: t * s, "n_patches": 2, "mask_ratio": 0.5, "samples": (4, 8), "sampling": "fixed"}),
    "theory.FunctionSpaceLoss": (theory.function_space_loss, {"signal": np.cos, "kernel": lambda t, s: t + s, "n_patches": 2, "mask_ratio": 0.5, "samples": (4, 8, 16)}),
    "theory.complex_step_jacobian": (theory.complex_step_jacobian, {"function": np.tanh, "image": SIGNALS[0]}),
    "theory.TanhNetwork": (theory.TanhNetwork, {"encoder": np.ones((1, 4)), "decoder": np.ones((1, 4)), "strength": 1.0, "bias": 0.0}),
    "theory.TanhNetwork.call": (theory.TanhNetwork(np.ones((1, 4)), np.ones((1, 4))).__call__, {"images": np.ones((2, 4))}),
    "theory.TanhNetwork.jacobian": (theory.TanhNetwork(np.ones((1, 4)), np.ones((1, 4))).jacobian, {"image": np.ones(4)}),
    "plot.psd": (plot.psd, {"spectrum": SPECTRUM, "kind": "polar", "vmin": None, "vmax": None, "colorbar": True}),
    "plot.radial": (plot.radial, {"spectra_by_name": {"a": RINGS}, "band": "stderr", "fit": True, "guides": (-2.0,), "octaves": False, "periods": False}),
    "plot.summary": (plot.summary, {"result": sm.summarize(IMAGES), "band": "percentile"}),
    "plot.slopes": (plot.slopes, {"values_by_name": {"a": [-1.0, -2.0, np.nan]}, "bins": 4, "colors": None}),
    "plot.rose": (plot.rose, {"result": SPECTRUM.sectors(2), "label": None}),
    "plot.ratio": (plot.ratio, {"ratios_by_name": {"a": RINGS / RINGS}}),
    "plot.radial_ratio": (plot.radial_ratio, {"spectra_by_name": {"a": RINGS, "b": BATCH}, "reference": "a", "band": "stderr"}),
    "plot.masked_radial": (plot.masked_radial, {"original": RINGS, "expected": RINGS, "drawn": RINGS}),
    "plot.unmasked_radial": (plot.unmasked_radial, {"naive": RINGS, "unmasked": RINGS, "true": RINGS}),
    "plot.sectors": (plot.sectors, {"result": SPECTRUM.sectors(2), "label": None}),
    "plot.power_limits": (plot.power_limits, {"spectra_": [SPECTRUM]}),
    "plot.masking": (plot.masking, {"image": IMAGE, "masks": [sm.PulseMask((8, 8), 4, [[0, 0]])]}),
    "plot.masked_image": (plot.masked_image, {"image": IMAGE, "weights": VISIBLE}),
    "plot.grating": (plot.grating, {"grid": GRID, "mask_ratio": 0.5, "sampling": "fixed"}),
    "plot.leakage": (plot.leakage, {"result": LEAK, "label": None}),
    "plot.octaves": (plot.octaves, {"values": {"a": [[0.5], [1.0]]}, "names": ["low", "high"], "legend": True}),
    "plot.receptive_field": (plot.receptive_field, {"field": FIELD, "colorbar": True, "log": False, "around": None}),
    "plot.receptive_fields": (plot.receptive_fields, {"rows": {"m": {"a": FIELD}}, "log": False}),
    "plot.weight_by_distance": (plot.weight_by_distance, {"fields": {"a": FIELD}}),
    "plot.filters": (plot.filters, {"images": FILTERS, "channels": False, "columns": 2}),
    "plot.eigenvalues": (plot.eigenvalues, {"models": {"a": MAE}}),
    "plot.heat_map": (plot.heat_map, {"values": np.eye(2), "rows": (1, 2), "columns": (0.5, 0.7), "digits": 2}),
    "plot.comparison": (plot.comparison, {"compared": {"a": COMPARED}, "curve": "frc", "legend": True}),
    "plot.power_ratio": (plot.power_ratio, {"spectrum": CROSS}),
    "plot.image_detail": (plot.image_detail, {"image": IMAGE, "size": 4, "limits": (0.0, 1.0)}),
    "plot.compared_power": (plot.compared_power, {"compared": CROSS.radial(), "legend": True}),
    "plot.estimates": (plot.estimates, {"values": {"a": ([0.5, 1.0], [0.1, 0.1])}, "names": ["low", "high"], "label": "x", "legend": True}),
    "plot.strips": (plot.strips, {"originals": np.ones((2, 4, 4)), "visible": np.ones((2, 4, 4), bool), "outputs": {"a": np.zeros((2, 4, 4))}}),
    "plot.token_spectra": (plot.token_spectra, {"frequency": [0.1, 0.2], "power": {"a": [2.0, 1.0]}}),
    "octave_edges": (sm.octave_edges, {"shape": (8, 8)}),
    "octave_names": (sm.octave_names, {"shape": (8, 8)}),
    "plot.response": (plot.response, {"responses": RESPONSE, "curves": ("gain",)}),
    "plot.response_power": (plot.response_power, {"one": RESPONSE}),
    "plot.reconstruction": (plot.reconstruction, {"one": PICTURE}),
    "plot.reconstructions": (plot.reconstructions, {"several": [PICTURE], "names": ["a"]}),
    "plot.design": (plot.design, {"design": sm.designs.block(FINE, 2), "rng": 0}),
    "plot.designs": (plot.designs, {"designs": [sm.designs.block(LINE, 1), sm.designs.fixed(FINE, 0.5)], "rng": 0}),
    "plot.mask_audit": (plot.mask_audit, {"audit": AUDIT}),
    "plot.training": (plot.training, {"columns": LOSSES, "lines": {"linear": 0.3}}),
    "plot.loss_and_accuracy": (plot.loss_and_accuracy, {"columns": TABLE, "label": "mask_ratio", "against": "loss", "series": None}),
    "plot.label_efficiency": (plot.label_efficiency, {"curves": {"a": [(100, 0.3, 0.01)]}}),
    "plot.layer_similarity": (plot.layer_similarity, {"table": np.eye(2), "rows": "a", "columns": "b", "first": "c"}),
    "plot.weight_matrix": (plot.weight_matrix, {"matrix": np.eye(6), "grid": LINE, "outputs_in_patches": True, "colorbar": True}),
    "plot.encoder_energy": (plot.encoder_energy, {"filters": FILTERS, "grid": GRID, "colorbar": True}),
    "plot.gap": (plot.gap, {"curves": {"a": CURVE}}),
    "AnalyzeOptions": (sm.AnalyzeOptions, {"patch_sizes": (4, 8), "mask_ratio": 0.5, "sampling": "fixed", "size": 32, "n_draws": 2, "rng": 0, "detrend": None, "color": False, "max_pixels": 10000, "checks": 1, "masks_for": 1, "figures": False}),
    "AnalyzeOptions of a design": (sm.AnalyzeOptions, {"patch_sizes": (4,), "design": "block:2x1"}),
    "CompareOptions": (sm.CompareOptions, {"color": False, "detrend": None, "max_pixels": 10000, "n_resamples": 4, "rng": 0}),
    "RunOptions": (sm.RunOptions, {"jobs": None, "scheduler": None, "resume": False, "overwrite": False, "fail_fast": False, "time_limit": 1.0, "memory_limit": None, "checkpoint": 1.0, "log_file": None, "quiet": True}),
    "TransformerSizes": (sm.TransformerSizes, {"width": 8, "depth": 2, "decoder_width": 8, "decoder_depth": 1}),
    "plot.plan_curves": (plot.plan_curves, {"plan": PLAN, "drawn": True, "equal": (0.5, 0.75)}),
    "plot.plan_map": (plot.plan_map, {"plan": PLAN, "equal": (0.5, 0.75)}),
    "plot.plan_octaves": (plot.plan_octaves, {"plan": PLAN, "mask_ratio": 0.75}),
    "plot.plan_costs": (plot.plan_costs, {"plan": PLAN}),
    "plot.new_figure": (plot.new_figure, {"rows": 1, "columns": 1, "width": 3.0, "height": 2.0}),
}  # fmt: skip
# What takes nothing, or is a number, or only lists what others of these return.
PLAIN = {
    "__version__",
    "ising.CRITICAL_COUPLING",
    "theory.MOST_MASKS",
    "plot.style",
    "plot.use_style",
    "designs.help_text",
}
# Runs over many images: tests/batch/test_from_python.py
PLAIN |= {"plan", "Plan", "PlannedSetting", "Reference", "Difficulty"}  # tests/planning
PLAIN |= {"analyze_images", "fit_images", "sweep_images", "compare_images"}
PLAIN |= {"audit_images", "AuditRun"}  # tests/nonlinear/auditing/test_page.py
PLAIN |= {"AnalyzeInterrupted", "AnalyzeResult", "FitResult", "SweepResult", "CompareResult"}
PLAIN |= {"FFTWMissingWarning"}  # tests/spectra/test_backends.py
PLAIN |= {"explore_images", "ExploreResult"}  # tests/explorer/test_explorer_page.py
PLAIN |= {"MaskDesign"}  # made by the functions of designs
PLAIN |= {"lessons.slider", "lessons.Slider", "lessons.Verdict"}  # tests/lessons
PLAIN |= {"plot.save"}  # writes files: tests/arguments/test_messages.py
# What passes numbers on as they are, or says by NaN that there is nothing to measure.
NOT_FINITE = {"PatchGrid.to_patches", "PatchGrid.from_patches", "border_gradient_ratio"}
NOT_FINITE |= {"log_spectral_distance"}  # infinite from an image without power
MODULES = {"designs": sm.designs, "fields": fields, "ising": ising, "lessons": lessons}
MODULES |= {"theory": theory, "plot": plot}


def close(name, result):
    """Close the figure of a result, and see that its numbers are finite."""
    plt.close("all")
    if name not in NOT_FINITE:
        assert_finite(result)


def test_every_public_name_has_an_example():
    names = set(sm.__all__) - {*MODULES, "nonlinear"}
    for prefix, module in MODULES.items():
        public = getattr(module, "__all__", None) or [
            name
            for name, value in inspect.getmembers(module)
            if getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
        ]
        names |= {f"{prefix}.{name}" for name in public}
    assert names - PLAIN <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_right(name):
    call, arguments = EXAMPLES[name]
    if name not in ("ImageRefused", "NotFittedError", "load_linear_model"):
        close(name, call(**arguments))


@pytest.mark.parametrize("name", EXAMPLES)
@SETTINGS
@given(data=st.data())
def test_odd_arguments_are_refused_or_give_finite_numbers(name, data):
    call, arguments = EXAMPLES[name]
    replaced = data.draw(st.sampled_from(sorted(arguments)))
    shape = np.shape(arguments[replaced]) if isinstance(arguments[replaced], np.ndarray) else SHAPES
    odd = data.draw(st.one_of(ODD_OPTIONS, real_arrays(shape), no_numbers()))
    with contextlib.suppress(FileNotFoundError):
        close(name, documented(call, **arguments | {replaced: odd}))


TIME = np.timedelta64(2, "s")
NO_AXES, EMPTY, TEXT = np.array(False), np.array([], bool), np.ones((2, 4), "<U3")
TINY, HUGE = np.full((1, 3), 1e-300), np.full((8, 8), 1e300)
# What Hypothesis found, when it was first run.
FOUND = [
    ("audit_masks", {"n_keep": np.ones((6, 8), np.complex64)}),
    ("octave_names", {"shape": 1}),
    ("PulseMask", {"starts": np.zeros((3, 2), "<M8[s]")}),
    ("psd", {"fs": 1e-300}),
    ("psd", {"fs": 1e300}),
    ("leakage", {"fs": 1e300}),
    ("Spectrum", {"bins": [[1], [2, 3]]}),
    ("expected_masked_psd", {"image": HUGE}),
    ("BinnedCoupling", {"ridge": 1e300}),
    ("BinnedCoupling", {"ridge": TIME}),
    ("DenseMoments", {"mean": TIME}),
    ("StationaryMoments", {"mean": 1e300}),
    ("MaskRatioSweep", {"ratios": NO_AXES}),
    ("ShrinkageChoice", {"values": NO_AXES}),
    ("WeightReach", {"fields": NO_AXES}),
    ("read_image", {"path": b"x"}),
    ("fields.power_law", {"outer": 1e-300}),
    ("ising.correlation_length", {"coupling": TIME}),
    ("theory.theorem_1", {"rank": None}),
    ("theory.lemma_4", {"function": NO_AXES}),
    ("theory.lemma_4", {"jacobian": NO_AXES}),
    ("theory.gap_by_mask_ratio", {"lemma": NO_AXES}),
    ("theory.gap_by_mask_ratio", {"mask_ratios": NO_AXES}),
    ("theory.function_space_loss", {"kernel": NO_AXES}),
    ("theory.function_space_loss", {"samples": NO_AXES}),
    ("theory.fisher_matrix", {"image": EMPTY}),
    ("theory.subspace_value", {"decoder": TINY}),
    ("theory.CriticalPoints", {"matrix": np.full((3, 3), -1e300)}),
    ("theory.patch_local_trace", {"image": np.full(6, 1e300)}),
    (
        "fit_masked_slope",
        {"visible": np.eye(8)[:, :1] @ np.eye(8)[5:6] + np.eye(8)[:, :1] @ np.eye(8)[6:7]},
    ),
    ("plot.receptive_field", {"field": np.zeros((0, 4))}),
    ("theory.TanhNetwork.call", {"images": np.zeros((0, 4))}),
    ("theory.TanhNetwork.call", {"images": TEXT}),
    ("theory.TanhNetwork.call", {"images": np.full((2, 4), np.nan)}),
    ("theory.TanhNetwork.jacobian", {"image": NO_AXES}),
    ("plot.psd", {"vmax": 1e-300}),
    ("plot.masking", {"masks": NO_AXES}),
    ("plot.octaves", {"values": {"a": 1}}),
    ("plot.octaves", {"names": EMPTY}),
    ("plot.receptive_fields", {"log": EMPTY}),
    ("plot.heat_map", {"columns": ["1", "1"]}),
    ("plot.response", {"curves": EMPTY}),
    ("plot.reconstructions", {"several": EMPTY}),
    ("plot.training", {"lines": EMPTY}),
    ("plot.loss_and_accuracy", {"label": NO_AXES}),
    ("plot.weight_matrix", {"colorbar": EMPTY}),
]


@pytest.mark.parametrize(("name", "odd"), FOUND)
def test_what_was_found_is_refused_or_right(name, odd):
    call, arguments = EXAMPLES[name]
    close(name, documented(call, **arguments | odd))
