"""What errors say: which argument, its value in short, and what to do instead."""

import importlib.util
import warnings

import numpy as np
import pytest
from test_options import (
    CHOICES,
    FLAGS,
    IMAGE,
    IMAGES,
    INTEGERS,
    LIMITS,
    MODEL,
    NUMBERS,
    SPECTRUM,
    VISIBLE,
)

import spectral_mae as sm
from spectral_mae import fields, plot, theory
from spectral_mae._checks import brief
from spectral_mae._files.made_here import made_here

BIG = np.random.default_rng(0).random((40, 50))
BATCH = np.ones((5, 48, 64))
BATCHES = np.ones((2, 8, 16, 3))


@pytest.mark.parametrize("value", [BIG, BIG.tolist(), ["a"] * 1000, "a" * 1000])
@pytest.mark.parametrize(("name", "call"), INTEGERS + NUMBERS + LIMITS + FLAGS + CHOICES)
def test_no_message_prints_a_whole_value(name, call, value):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(value)
    assert name in str(caught.value)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_values_are_abbreviated():
    assert brief(BATCH) == "<array of shape (5, 48, 64), float64>"
    assert brief([1.0] * 1000) == "<list of 1000, beginning with 1.0>"
    assert brief((3, 4)) == "(3, 4)"
    assert len(brief("x" * 1000)) == 120


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (lambda: sm.psd(BATCH), r"Periodogram\(shape\)\.radial\(images\)"),
        (lambda: sm.psd(BATCH), "channel_axis"),
        (lambda: sm.psd(BATCH), "for a volume give ndim=3"),
        (lambda: sm.leakage(BATCH, 8, 0.5), "three numbers, not patch_size=8"),
        (lambda: sm.leakage(BATCH, (8, 8), 0.5), r"three numbers, not patch_size=\(8, 8\)"),
        (lambda: sm.masked_psd_std(BATCH, 8, 0.5), "for a volume give patch_size as three numbers"),
        (lambda: sm.LinearMAE(8, 0.5).fit(BATCHES), "for the colours of images give channel_axis"),
        (lambda: sm.LinearMAE(8, 0.5).fit(BATCHES), "three numbers, not patch_size=8"),
        (lambda: sm.LinearDAE((8, 8), 0.5).fit(BATCHES), r"not patch_size=\(8, 8\)"),
        (lambda: theory.theorem_1(BATCHES, 8, 0.5, rank=1), "three numbers, not patch_size=8"),
        (lambda: sm.leakage(BATCH, 8, 0.5), "MaskedPeriodogram"),
        (lambda: sm.expected_masked_psd(BATCH, 8, 0.5), "MaskedPeriodogram"),
        (lambda: sm.masked_psd_std(BATCH, 8, 0.5), "each of them"),
        (lambda: sm.unmasked_psd(BATCH, BATCH[0]), r"Unmasking\(shape\)\.update"),
        (lambda: sm.fit_masked_slope(BATCH, BATCH[0]), "each of them"),
        (lambda: sm.Periodogram(BATCH), r"images\.shape\[1:\]"),
        (lambda: sm.PatchGrid(BATCH, 8), r"images\.shape\[1:\]"),
        (lambda: fields.power_law(BIG, -2.0), r"array\.shape"),
    ],
)
def test_batches_are_sent_where_they_are_taken(call, advice):
    with pytest.raises((TypeError, ValueError), match=advice):
        call()


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (sm.bootstrap_radial, r"Periodogram\(shape\)\.radial\(images\) makes one"),
        (lambda x: sm.unmasked_covariance(x, VISIBLE), "Spectrum: psd"),
        (lambda x: fields.gaussian_fields(x, 2), "Spectrum: psd"),
        (lambda x: sm.StationaryMoments.from_psd(x, 4), "Spectrum: psd"),
        (lambda x: sm.expected_mask_power(x, 0.5), r"PatchGrid: PatchGrid\(shape, patch_size\)"),
        (lambda x: sm.sample_visible(x, 0.5, 1), r"PatchGrid\(shape, patch_size\) makes one"),
        (lambda x: sm.PulseMask.random(x, 0.5), r"PatchGrid\(shape, patch_size\) makes one"),
        (lambda x: sm.ModeCoupling.random(x, 0.5), r"PatchGrid\(shape, patch_size\) makes one"),
        (sm.MaskedPeriodogram, r"PatchGrid\(shape, patch_size\) makes one"),
        (sm.BandMoments, r"PatchGrid\(shape, patch_size\) makes one"),
        (sm.patch_borders, r"PatchGrid\(shape, patch_size\) makes one"),
        (lambda x: sm.border_gradient_ratio(IMAGE, x), r"PatchGrid\(shape, patch_size\)"),
        (lambda x: sm.reconstruct_image(x, IMAGE), r"LinearMAE\(patch_size, mask_ratio\)\.fit"),
        (sm.Interpolator, r"\.moments_"),
        (lambda x: sm.weight_reach([x]), "receptive_fields"),
        (lambda x: sm.resize_and_crop(x, 4), "read_image"),
        (lambda x: sm.crop_to_multiple(x, 4), "read_image"),
        (plot.psd, r"Spectrum: psd\(image\)"),
        (plot.radial, r"RadialSpectrum: psd\(image\)\.radial\(\)"),
        (lambda x: plot.radial({"one": x}), r"spectra\['one'\]=.*\.radial\(\)"),
        (lambda x: plot.masked_radial(x, x, x), r"original=.*\.radial\(\)"),
        (plot.unmasked_radial, r"naive=.*\.radial\(\)"),
        (plot.sectors, r"Spectrum\.sectors\(n\) makes one"),
        (plot.leakage, r"leakage\(image, patch_size, mask_ratio\) makes one"),
        (lambda x: plot.power_limits([x]), r"psd\(image\)"),
        (lambda x: plot.masking(IMAGE, [x]), r"PulseMask\.random"),
        (lambda x: plot.grating(x, 0.5), r"PatchGrid\(shape, patch_size\) makes one"),
        (plot.response, "frequency_response"),
        (plot.response_power, "frequency_response"),
        (plot.reconstruction, "reconstruct_image"),
        (lambda x: plot.reconstructions([x]), "reconstruct_image"),
        (plot.weight_by_distance, "receptive_field"),
        (lambda x: plot.receptive_fields({"m": {"a": x}}), "receptive_field"),
        (lambda x: plot.weight_matrix(IMAGE, x), r"PatchGrid\(shape, patch_size\) makes one"),
        (lambda x: plot.encoder_energy(IMAGES, x), r"PatchGrid\(shape, patch_size\) makes one"),
        (plot.gap, "gap_by_mask_ratio"),
        (plot.training, "to_dict"),
        (plot.loss_and_accuracy, "to_dict"),
        (plot.label_efficiency, "mapping"),
        (lambda x: plot.octaves(x, ["a"]), "by octave"),
        (lambda x: plot.save(x, "never.png"), r"plot\.new_figure"),
        (lambda x: plot.psd(SPECTRUM, x), r"ax=.*is not a Axes"),
        (lambda x: plot.masking(IMAGE, [], x), r"ax of shape \(40, 50\)"),
    ],
)
def test_results_are_asked_for_with_what_makes_them(call, advice):
    with pytest.raises((TypeError, ValueError), match=advice) as caught:
        call(BIG)
    assert len(str(caught.value)) < 300


def test_a_spectrum_is_told_from_its_radial_average():
    with pytest.raises(TypeError, match=r"spectra=Spectrum\(.*psd\(image\)\.radial\(\)"):
        plot.radial(SPECTRUM)
    with pytest.raises(TypeError, match=r"give a list, \[mask\]"):
        plot.masking(IMAGE, sm.PulseMask((8, 8), 4, [[0, 0]]))
    with pytest.raises(ValueError, match=r"PulseMask\(shape=\(8, 8\).* does not fit"):
        plot.masking(BIG, [sm.PulseMask((8, 8), 4, [[0, 0]])])


@pytest.mark.parametrize(
    ("n_patches", "ratio", "advice", "works"),
    [
        (9, 0.9, "up to 0.888", 0.888),
        (2, 0.75, "up to 0.5", 0.5),
        (196, 0.999, "up to 0.9948", 0.9948),
    ],
)  # fmt: skip
def test_ratios_that_keep_nothing_name_those_that_work(n_patches, ratio, advice, works):
    with pytest.raises(ValueError, match=rf"keeps 0 patches.*ratios {advice}") as caught:
        sm.inclusion_probabilities(n_patches, ratio)
    assert f"({n_patches - 1} of {n_patches} hidden)" in str(caught.value)
    assert sm.inclusion_probabilities(n_patches, works)[0] == 1 / n_patches


def test_ratios_that_keep_all_name_those_that_work():
    with pytest.raises(ValueError, match=r"keeps 9 patches.*ratios from 0\.111 \(1 of 9 hidden\)"):
        sm.inclusion_probabilities(9, 1e-17)
    assert sm.inclusion_probabilities(9, 0.111)[0] == 8 / 9


def test_grids_say_whether_they_are_of_signals():
    assert repr(sm.PatchGrid(96, 16)).endswith("6 patches of a signal)")
    assert repr(sm.PatchGrid((96, 96), 16)).endswith("36 patches of an image)")


def test_files_are_named(tmp_path):
    (tmp_path / "text.png").write_text("text")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(sm.ImageRefused, match=r"^nope\.png: no such file$"):
        sm.read_image("nope.png")
    with pytest.raises(sm.ImageRefused, match=r"text\.png: not an image"):
        sm.read_image(tmp_path / "text.png")
    for read in (sm.load_linear_model, sm.LinearMAE.load, sm.BandMoments.load):
        with pytest.raises(FileNotFoundError, match=r"nope\.npz"):
            read(tmp_path / "nope.npz")
        with pytest.raises(ValueError, match=r"text\.png' is not a file of arrays"):
            read(tmp_path / "text.png")
        with pytest.raises(ValueError, match=r"one\.npy' .*: an npy file, which holds one array"):
            read(tmp_path / "one.npy")
        with pytest.raises(TypeError, match="path=3 is not a path"):
            read(3)
    with pytest.raises(TypeError, match="path=None is not a path"):
        sm.read_image(None)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
@pytest.mark.parametrize(
    "call",
    [
        sm.mode_coupling,
        lambda x: sm.Periodogram((4, 6)).power([x, x]),
        lambda x: sm.unmasked_psd(x, np.ones((4, 6), bool)),
        lambda x: sm.unmasked_psd(np.ones((4, 6)), x),
        lambda x: sm.LinearMAE(2, 0.5).fit([x, x]),
        lambda x: sm.PatchGrid((4, 6), 2).to_patches(x),
        lambda x: sm.border_gradient_ratio(x, sm.PatchGrid((4, 6), 2)),
        lambda x: theory.lemma_1([x, x], np.eye(24), 2, 0.5),
        lambda x: plot.masked_image(x, x),
    ],
)
def test_tensors_that_numpy_cannot_read_come_with_advice(call):
    import torch

    with pytest.raises(TypeError, match=r"requires_grad.*give tensor\.detach\(\)$"):
        call(torch.rand(4, 6, requires_grad=True))
    with pytest.raises(TypeError, match=r"bfloat16.*give tensor\.float\(\)$"):
        call(torch.rand(4, 6).bfloat16())


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
def test_other_tensors_are_arrays():
    import torch

    np.testing.assert_array_equal(sm.psd(torch.from_numpy(IMAGE)).power, SPECTRUM.power)
    assert MODEL.score(torch.from_numpy(IMAGES)) == MODEL.score(IMAGES)


@pytest.mark.parametrize("kind", ["png", "pdf", "svg", "svgz", "eps", "ps", "jpg", "tif", "webp"])
@pytest.mark.slow
def test_figures_are_written_without_a_warning(kind, tmp_path):
    figures = [plot.new_figure()[0] for _ in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i, figure in enumerate(figures):
            plot.save(figure, tmp_path / f"{i}.{kind}")
    first, second = ((tmp_path / f"{i}.{kind}").read_bytes() for i in range(2))
    assert first
    if kind not in ("eps", "ps", "svgz"):  # which hold the time
        assert first == second
    if kind in ("pdf", "svg", "eps", "png"):
        assert b"spectral-mae" in first
    assert made_here(tmp_path / f"0.{kind}") == (kind == "png")


def test_unknown_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'nope' is not supported .*pdf"):
        plot.save(plot.new_figure()[0], tmp_path / "x.nope")


def test_windows_are_named():
    with pytest.raises(ValueError, match=r"^window='foo': none of scipy\.signal\.get_window"):
        sm.psd(np.ones((8, 8)), window="foo")
    with pytest.raises(ValueError, match=r"^window='kaiser': 'kaiser' must have parameters"):
        sm.psd(np.ones((8, 8)), window="kaiser")
