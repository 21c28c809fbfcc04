"""`audit` as a whole: models whose numbers are known, and what it says of them."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import LinearMAE, PatchGrid, designs, read_image, resize_and_crop
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder, audit
from spectral_mae.nonlinear.auditing.audit import _estimates
from spectral_mae.nonlinear.auditing.border_steps import BorderSums
from spectral_mae.nonlinear.auditing.words import MODEL, ONE_MAP, ORIGINAL, PER_MASK
from spectral_mae.nonlinear.evaluation.maps import filler, function_filler
from spectral_mae.nonlinear.evaluation.response_sums import ResponseSums
from spectral_mae.nonlinear.model import normalised
from spectral_mae.nonlinear.patches import patchify, unpatchify

torch.set_num_threads(1)


def fields(n, shape=(16, 16), seed=0):
    return 0.5 + 0.1 * gaussian_fields(power_law(shape, -2.0), n, rng=seed)


def network(shape=(16, 16), channels=1, patch_size=4, *, norm_target=False, seed=0):
    config = MAEConfig(
        shape, patch_size, channels, width=16, depth=2, heads=2, decoder_width=8, decoder_depth=1,
        decoder_heads=2, norm_target=norm_target,
    )  # fmt: skip
    return MaskedAutoencoder.seeded(config, rng=seed).eval()


FEW = {"n_resamples": 4, "rng": 3}


@pytest.mark.parametrize("mask_ratio", [0.75, 0.4])
@pytest.mark.parametrize("target", ["hidden", "all"])
def test_the_explained_power_of_a_linear_model_is_its_exact_score(target, mask_ratio):
    images = fields(250)
    model = LinearMAE(4, mask_ratio, target=target).fit(fields(400, seed=1))
    found = audit(
        model, images, mask_ratio=mask_ratio, target=target, n_draws=3, n_resamples=30, rng=0
    )
    truth = model.score(images)
    own = found.total[MODEL]
    assert float(own.value) == pytest.approx(truth, abs=0.01)
    assert 0 < float(own.stderr) < 0.03
    # It is the best linear map, but for being fitted to other images.
    assert abs(found.differences[ONE_MAP].value[-1]) < 0.02
    assert found.total[PER_MASK].value > found.total[ONE_MAP].value


def test_the_numbers_do_not_depend_on_what_is_said(capsys):
    images, model = fields(12), network()
    said, unsaid = (audit(model, images, quiet=quiet, **FEW) for quiet in (False, True))
    assert "about" in capsys.readouterr().err
    np.testing.assert_equal(said.rows(), unsaid.rows())


@pytest.mark.parametrize(
    ("shape", "patch_size", "channels"),
    [((16, 16), 4, 1), ((16, 24), (4, 8), 3), ((12, 8), 2, 3)],
)
def test_a_network_of_any_shape(shape, patch_size, channels):
    images = np.random.default_rng(0).random((9, *shape, channels))[..., : channels or None]
    images = images[..., 0] if channels == 1 else images
    found = audit(network(shape, channels, patch_size), images, **FEW)
    assert found.design.grid == PatchGrid(shape, patch_size)
    assert set(found.responses) == {MODEL, ONE_MAP, PER_MASK}
    assert found.responses[MODEL].shape == shape
    assert set(found.fields) == {MODEL, ONE_MAP}
    assert found.fields[MODEL].own_patch_share == pytest.approx(0, abs=1e-9)
    assert found.tokens.layers[-1] == "decoder 1"
    assert len(found.rows()) == 3 * (len(found.octaves) + 1)
    for name in found.responses:
        octaves, response = found.bands[name], found.responses[name]
        assert octaves["explained"].value.shape == (len(found.octaves),)
        explained = 1 - response.error.sum() / response.original.sum()
        assert float(found.total[name].value) == pytest.approx(explained)
    assert found.summary()[-1].startswith("9 images are few")


def test_equal_seeds_give_equal_numbers_and_eight_bits_are_from_0_to_1():
    pixels = (255 * fields(12)).round().astype(np.uint8)
    one, other = (audit(network(), x, **FEW).to_dict() for x in (pixels, pixels / 255.0))
    assert one.pop("seconds") > 0
    other.pop("seconds")
    assert one == other


def test_a_function_sees_no_hidden_pixel():
    seen = []

    def peeking(images, visible):
        assert visible.shape == images.shape
        assert images.dtype == np.float64
        assert not images[~visible].any()
        seen.append(visible)
        return torch.from_numpy(images)  # a tensor does as well

    found = audit(peeking, fields(8), 4, **FEW)
    assert found.total[MODEL].value < 0  # hidden pixels are black
    assert len(seen) > 2
    assert found.fields == {}
    assert found.tokens is None


def test_a_function_of_single_images_is_told_what_it_gets():
    def one_image(images, visible):
        return images[0]

    with pytest.raises(
        ValueError, match=r"made an array of shape \(16, 16\) of \d+ images of shape"
    ):
        audit(one_image, fields(8), 4, **FEW)
    with pytest.raises(ValueError, match="the reconstruction holds"):
        audit(lambda images, visible: np.nan * images, fields(8), 4, **FEW)


@pytest.mark.parametrize(
    ("model", "images", "options", "message"),
    [
        (network(), fields(3), {}, "3 images: an audit needs four"),
        (network(), fields(8, (16, 8)), {}, r"images of \(16, 8\) pixels; the model takes"),
        (network(), fields(8), {"patch_size": 8}, "patch_size=8; the model has patches of"),
        (network(), fields(8), {"n_draws": 1}, "n_draws=1"),
        (network(), fields(8), {"n_folds": 9}, "n_folds=9 of 8 images"),
        (network(), fields(8), {"target": "both"}, "target='both'"),
        (network(), fields(8), {"normalised": "true"}, "normalised='true'"),
        (network(), fields(8).astype(np.uint16), {}, "images of uint16"),
        (network(), np.full((8, 16, 16), np.nan), {}, "images holds"),
        (filler, fields(8), {}, "give patch_size"),
    ],
)
def test_what_cannot_be_audited_is_refused(model, images, options, message):
    with pytest.raises(ValueError, match=message):
        audit(model, images, **options)


def test_no_model_is_refused():
    with pytest.raises(TypeError, match="model=3 is no model"):
        audit(3, fields(8))


def test_masks_of_a_design():
    grid = PatchGrid((16, 16), 4)
    block = designs.block(grid, 3, keep=False)
    found, named = (audit(network(), fields(8), design=d, **FEW) for d in (block, block.text))
    assert found.design == named.design == block
    assert any("fitted to all patches" in note for note in found.notes)
    uniform, short = (
        audit(network(), fields(8), **FEW, **given)
        for given in ({"design": designs.fixed(grid, 0.5)}, {"mask_ratio": 0.5})
    )
    assert repr(uniform.rows()) == repr(short.rows())
    with pytest.raises(ValueError, match="the design says both"):
        audit(network(), fields(8), design=block, mask_ratio=0.5)


def test_the_network_comes_back_as_it_was():
    model = network().train()
    audit(model, fields(8), **FEW)
    assert model.training
    assert model.pixel_mean.device.type == "cpu"


# Standardised patches ----------------------------------------------------------------------------


def test_standardised_patches_are_scored_in_their_units_or_in_those_of_visible_ones():
    model, images = network(norm_target=True), fields(12)
    kept = audit(model, images, **FEW)
    assert kept.units == "patches"
    patches = kept.design.grid.to_patches(kept.strips.originals)
    np.testing.assert_allclose(patches.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(patches.std(-1, ddof=1), 1, atol=1e-2)
    # Patches without a mean have no power at zero frequency, and no rounding passes for it.
    assert np.isnan([kept.bands[name]["explained"].value[0] for name in kept.bands]).all()
    assert set(kept.fields) == {MODEL}  # of other units than the linear map's
    visible = audit(model, images, normalised="visible", **FEW)
    assert visible.units == "visible"
    assert 0 <= visible.strips.originals.min() <= visible.strips.originals.max() <= 1
    for found in (kept, visible):
        assert any("true mean and deviation" in sentence for sentence in found.summary())
    assert audit(network(), images, normalised="visible", **FEW).units == "pixels"


@pytest.mark.parametrize("channels", [1, 3])
def test_units_of_visible_patches_do_not_depend_on_hidden_ones(channels):
    model = network(channels=channels, norm_target=True).double()
    model.set_units(0.4, 0.2)
    rng = np.random.default_rng(0)
    images = rng.random((5, 16, 16, channels))
    images = images[..., 0] if channels == 1 else images
    kept = designs.fixed(model.grid, 0.75).sample_kept(5, 1)
    fill = filler(model, normalised="visible")
    seen = model.grid.expand(kept).reshape(5, 16, 16, *(1,) * (images.ndim - 3))
    found = fill(images, kept)
    np.testing.assert_allclose(fill(np.where(seen, images, 7.0), kept), found, atol=1e-12)
    # The definition, one image at a time.
    axis = -1 if channels == 3 else None
    raw = model.grid.to_patches(filler(model, normalised="keep")(images, kept), channel_axis=axis)
    truth = model.grid.to_patches(images, channel_axis=axis)
    for one, output, mask, result in zip(truth, raw, kept, found, strict=True):
        mean = one[mask].mean(-1).mean()
        deviation = np.sqrt(one[mask].var(-1, ddof=1) + 1e-6 * 0.2**2).mean()
        np.testing.assert_allclose(
            model.grid.to_patches(result, channel_axis=axis), output * deviation + mean, atol=1e-9
        )
    with pytest.raises(ValueError, match="without a visible patch"):
        fill(images, np.zeros_like(kept))
    with pytest.raises(ValueError, match="normalised='keep' returns these"):
        filler(model)


def test_with_the_true_statistics_a_model_that_sees_nothing_would_look_good():
    """Why they are never used: means and deviations of patches are most of an image."""
    grid = PatchGrid((32, 32), 4)
    photograph = resize_and_crop(read_image("builtin:camera"), 256).pixels
    images = PatchGrid((256, 256), 32).to_patches(photograph).reshape(-1, 1, 32, 32)
    images = torch.from_numpy(images)
    patches = patchify(images, grid)
    nothing = torch.zeros_like(normalised(patches))
    cheat = unpatchify(
        nothing * patches.std(-1, keepdim=True) + patches.mean(-1, keepdim=True), grid
    )
    about = images - images.mean(0)
    assert 1 - ((cheat - images) ** 2).sum() / (about**2).sum() > 0.75


def test_octaves_without_power_have_no_numbers():
    """The fields have no power at zero frequency, which is the lowest octave of small images."""
    images = fields(8)
    images -= images.mean((1, 2), keepdims=True)
    found = audit(network(), images, **FEW)
    for curves in found.bands.values():
        for one in curves.values():
            assert np.isnan(one.value[0])
            assert np.isfinite(one.value[1:]).all()
            assert np.abs(one.value[1:]).max() < 1e6


# Error bars --------------------------------------------------------------------------------------


def test_standard_errors_are_the_spread_over_sets_of_images():
    grid, rng = PatchGrid((8, 8), 4), np.random.default_rng(0)
    values, errors, gaps = [], [], []
    for _ in range(25):
        truth = gaussian_fields(power_law((8, 8), -2.0), 60, rng=rng)
        sums = ResponseSums(grid, 1, (MODEL, ONE_MAP), 48)
        borders = BorderSums(grid, (ORIGINAL, MODEL), 48)
        group = rng.permutation(60) % 48
        draws = [
            {MODEL: 0.5 * truth + 0.3 * rng.standard_normal(truth.shape), ONE_MAP: 0.4 * truth}
            for _ in range(2)
        ]
        sums.add(truth, draws, group)
        for name in (ORIGINAL, MODEL):
            borders.add(name, truth, np.zeros((60, 4), bool), group)
        bands, total, differences, _ = _estimates(sums, borders, 40, rng)
        values.append([float(total[MODEL].value), bands[MODEL]["gain"].value[0]])
        errors.append([float(total[MODEL].stderr), bands[MODEL]["gain"].stderr[0]])
        gaps.append([differences[ONE_MAP].value[-1], differences[ONE_MAP].stderr[-1]])
    spread = np.std(values, axis=0, ddof=1)
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.45)
    gap, stderr = np.transpose(gaps)
    assert np.mean(stderr) == pytest.approx(np.std(gap, ddof=1), rel=0.45)


def test_words_follow_the_numbers():
    images = fields(60)
    found = audit(network(), images, **FEW)
    text = " ".join(found.summary())
    assert "less than the best linear map per mask" in text
    better = {
        name: dataclasses.replace(one, value=one.value + 500)
        for name, one in found.differences.items()
    }
    text = " ".join(dataclasses.replace(found, differences=better).summary())
    assert "more than the best linear map per mask" in text
    assert "less in" not in text
    ratio = found.border_ratio | {MODEL: dataclasses.replace(found.border_ratio[MODEL], value=9.0)}
    assert "9.00" in " ".join(dataclasses.replace(found, border_ratio=ratio).summary())
    assert "patches show." in " ".join(dataclasses.replace(found, border_ratio=ratio).summary())


def test_function_filler_names_the_shape_it_wants():
    fill = function_filler(lambda images, visible: images, PatchGrid((4, 4), 2))
    images = np.ones((2, 4, 4, 3))
    found = fill(images, np.eye(4, dtype=bool)[:2])
    assert found.sum() == 2 * 4 * 3
