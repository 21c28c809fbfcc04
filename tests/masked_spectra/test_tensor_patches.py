"""Expected spectra under masks, of tensors: equal to NumPy's, with the right derivatives."""

import laws
import numpy as np
import pytest
from tensor_kinds import DTYPES, KINDS, assert_power, needs_torch, numbers, shared, strict, tracked

import spectral_mae as sm
from spectral_mae.masked_spectra.patch_sums import tensor_patches
from spectral_mae.masked_spectra.patch_sums.tensor_patches import TensorPatchPower


@KINDS
@DTYPES
@pytest.mark.parametrize(("shape", "patch"), [*laws.GRIDS, ((12, 18), (12, 3))], ids=str)
@pytest.mark.parametrize("sampling", laws.DESIGNS)
@pytest.mark.parametrize("channels", [0, 2])
@pytest.mark.parametrize("options", [{}, {"detrend": "linear", "window": "hamming"}], ids=str)
def test_expected_spectra_equal_numpys(make, dtype, shape, patch, sampling, channels, options):
    axis = 0 if channels else None
    image = (laws.field((*[channels] * bool(channels), *shape)) + 20).astype(dtype)
    ask = {"sampling": sampling, "channel_axis": axis, **options}
    truth = sm.expected_masked_psd(image.astype(float), patch, 0.5, **ask)
    tensor = make(image)
    found = sm.expected_masked_psd(tensor, patch, 0.5, **ask)
    assert type(found.power) is type(tensor)
    assert numbers(found.power).dtype == dtype
    assert_power(numbers(found.power), truth.power, found.floor + truth.floor, dtype)
    ratio = sm.leakage(tensor, patch, 0.5, **ask)
    same = sm.leakage(image.astype(float), patch, 0.5, **ask)
    assert ratio.total == pytest.approx(same.total, rel=1e-4 if dtype == "f4" else 1e-10)


@pytest.mark.parametrize("part", [1, 7 * 5 * 9, 2**22])
def test_patches_are_added_up_in_parts(part, monkeypatch):
    """Each patch on its own, as the definition has it, whatever the number that go at once."""
    monkeypatch.setattr(tensor_patches, "PART", part)
    grid = sm.PatchGrid((8, 6), (2, 3))
    image = laws.field((8, 6)) + 3
    truth = np.zeros((8, 4))
    for rows in range(0, 8, 2):
        for columns in range(0, 6, 3):
            alone = np.zeros((8, 6))
            alone[rows : rows + 2, columns : columns + 3] = image[
                rows : rows + 2, columns : columns + 3
            ]
            truth += np.abs(np.fft.rfft2(alone)) ** 2
    laws.assert_close(numbers(TensorPatchPower(grid)(strict(image[..., None]))), truth, 1e-13)


def test_the_mean_leaves_nothing_on_the_zeros_of_the_grating():
    """Where the transform of a patch is zero a constant image has no power, to the bit."""
    power = numbers(TensorPatchPower(sm.PatchGrid(12, 3))(strict(np.full((12, 1), 0.1, "f4"))))
    assert power[0] > 0
    assert power[4] == 0.0


@needs_torch
def test_derivatives_equal_finite_differences():
    import torch

    image = torch.from_numpy(laws.field((6, 4))).requires_grad_()

    def power(x):
        return sm.expected_masked_psd(x, 2, 0.5, detrend="constant").power

    assert torch.autograd.gradcheck(power, (image,), fast_mode=True)


@KINDS
def test_designs_that_are_not_uniform_need_the_cpu(make):
    design = sm.designs.block(sm.PatchGrid((8, 6), 2), (1, 2))
    image = laws.field((8, 6))
    if make is shared:
        found = sm.expected_masked_psd(make(image), design=design)
        truth = sm.expected_masked_psd(image, design=design)
        laws.assert_close(numbers(found.power), truth.power, 1e-14)
        return
    with pytest.raises(TypeError, match=r"is a tensor on .* is not uniform: give its numbers"):
        sm.expected_masked_psd(make(image), design=design)


@KINDS
def test_bad_pixels_are_refused(make):
    image = laws.field((8, 6))
    image[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"image holds 1 values .* at \(3, 2\)"):
        sm.expected_masked_psd(make(image), 2, 0.5)
    with pytest.raises(ValueError, match="too large"):
        sm.expected_masked_psd(make(np.full((8, 6), 1e200)), 2, 0.5)
    with pytest.raises(ValueError, match="patch_size"):
        sm.expected_masked_psd(make(laws.field((8, 6))), 5, 0.5)
    with pytest.raises(TypeError, match="complex"):
        sm.expected_masked_psd(make(np.zeros((8, 6), "c16")), 2, 0.5)


@needs_torch
@pytest.mark.parametrize("make", [shared, tracked])
def test_plans_keep_their_tables(make):
    planned = sm.MaskedPeriodogram(sm.PatchGrid((8, 6), 2))
    for image in np.random.default_rng(0).random((3, 8, 6)):
        found = planned.components(make(image))
        truth = planned.components(image)
        laws.assert_close(numbers(found.expected(0.5).power), truth.expected(0.5).power, 1e-13)
        assert isinstance(found.numpy().patches.power, np.ndarray)
