"""Laws of the masked autoencoder: what it sees, what is scored, what order means."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import PatchGrid, sample_visible
from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear.model import normalised
from spectral_mae.nonlinear.patches import kept_of, patchify, unpatchify
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder, visible_first

torch.set_num_threads(1)

CASES = pytest.mark.parametrize(
    ("shape", "patch", "channels"), [((8, 8), 4, 1), ((8, 12), 4, 3), ((6, 8), (3, 2), 3)]
)


def model_of(shape=(8, 12), patch=4, channels=3, seed=0, **options):
    torch.manual_seed(seed)
    sizes = {"width": 16, "heads": 2, "depth": 2, "decoder_width": 8, "decoder_heads": 2}
    config = MAEConfig(shape, patch, channels, **(sizes | options))
    return MaskedAutoencoder(config).double().eval()


def batch_of(model, n=3, seed=1, mask_ratio=0.5, sampling="fixed"):
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((n, model.channels, *model.grid.shape)))
    kept = sample_kept(model.grid.n_patches, mask_ratio, n, sampling=sampling, rng=rng)
    return images, torch.from_numpy(kept)


def spread(kept, model):
    """One truth value per pixel, (n, 1, H, W)."""
    return torch.from_numpy(model.grid.expand(kept.numpy()))[:, None]


@CASES
def test_patches_are_those_of_the_grid_and_come_back(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    images = torch.arange(2 * channels * shape[0] * shape[1]).reshape(2, channels, *shape)
    patches = patchify(images, grid)
    assert np.array_equal(patches, grid.to_patches(images.numpy(), channel_axis=1))
    assert torch.equal(unpatchify(patches, grid), images)


def test_masks_of_pixels_become_masks_of_patches():
    grid = PatchGrid((8, 12), 4)
    visible = sample_visible(grid, 0.5, 5, rng=0)
    kept = kept_of(visible, grid)
    assert np.array_equal(grid.expand(kept), visible)
    visible[0, 0, 0] = ~visible[0, 0, 0]
    with pytest.raises(ValueError, match="keeps 1 patches in part"):
        kept_of(visible, grid)


@CASES
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
def test_hidden_pixels_do_not_matter_and_visible_ones_do(shape, patch, channels, sampling):
    model = model_of(shape, patch, channels)
    images, kept = batch_of(model, sampling=sampling)
    visible = spread(kept, model)
    output = model(images, kept)
    spoiled = torch.where(visible, images, torch.nan)
    assert torch.equal(model(spoiled, kept), output)
    moved = model(images + 0.1 * visible, kept)
    seen = kept.any(1)
    assert ((moved - output).abs().amax((1, 2, 3)) > 1e-6).equal(seen)


def test_gradients_reach_visible_pixels_only():
    model = model_of()
    images, kept = batch_of(model)
    images.requires_grad_()
    model(images, kept).square().sum().backward()
    assert (images.grad != 0).equal(spread(kept, model).expand_as(images))


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch():
    """Also where they keep other numbers of patches, so that tokens are padded."""
    model = model_of()
    images, _ = batch_of(model, n=4)
    kept = torch.zeros(4, model.grid.n_patches, dtype=torch.bool)
    kept[0, 2] = kept[1, [0, 5]] = kept[2] = True  # one, two, all, none
    together = model(images, kept)
    for i in range(4):
        alone = model(images[i : i + 1], kept[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, rtol=0, atol=1e-12)


def test_tokens_have_no_order_but_their_positions():
    """Patches that change places, with their positions and masks, change places in the output."""
    model, other = model_of(), model_of()
    images, kept = batch_of(model)
    order = torch.randperm(model.grid.n_patches, generator=torch.Generator().manual_seed(3))
    moved = unpatchify(patchify(images, model.grid)[:, order], model.grid)
    for name in ("positions", "decoder_positions"):
        table = getattr(other, name)
        table[:, 1:] = table[:, 1:][:, order].clone()
    output = patchify(other(moved, kept[:, order]), model.grid)
    truth = patchify(model(images, kept), model.grid)[:, order]
    torch.testing.assert_close(output, truth, rtol=0, atol=1e-12)
    unmoved = patchify(model(moved, kept[:, order]), model.grid)
    assert (unmoved - truth).abs().max() > 1e-4


def test_the_encoder_gets_exactly_the_visible_patches():
    _, kept = batch_of(model_of(shape=(16, 16)), n=20, mask_ratio=0.75)
    order, padding = visible_first(kept)
    assert order.shape == (20, 4)
    assert padding is None
    for places, mask in zip(order, kept, strict=True):
        assert places.tolist() == torch.nonzero(mask).ravel().tolist()
    _, uneven = batch_of(model_of(shape=(16, 16)), n=20, sampling="bernoulli")
    order, padding = visible_first(uneven)
    assert torch.equal((~padding[:, 1:]).sum(1), uneven.sum(1))
    assert not padding[:, 0].any()


def test_hidden_states_are_of_visible_tokens_and_equal_numbers():
    model = model_of()
    images, kept = batch_of(model)
    states = model.hidden_states(images, kept)
    assert [tuple(s.shape) for s in states] == [(3, 4, 16)] * 3
    assert model.features(images).shape == (3, 16)
    kept[0] = True
    with pytest.raises(ValueError, match="unequal numbers"):
        model.hidden_states(images, kept)


@pytest.mark.parametrize("norm_target", [False, True])
@pytest.mark.parametrize("target", ["hidden", "all"])
def test_the_loss_is_the_mean_over_what_is_scored(norm_target, target):
    model = model_of(norm_target=norm_target)
    model.set_units([0.1, 0.2, 0.3], [0.5, 1.0, 2.0])
    images, kept = batch_of(model)
    shift, scale = (torch.tensor(v).double()[:, None, None] for v in ([0.1, 0.2, 0.3], [0.5, 1, 2]))
    truth = patchify((images - shift) / scale, model.grid)
    if norm_target:
        rows = truth.numpy()
        deviation = np.sqrt(rows.var(-1, ddof=1, keepdims=True) + 1e-6)
        truth = torch.from_numpy((rows - rows.mean(-1, keepdims=True)) / deviation)
        assert torch.allclose(truth, normalised(patchify((images - shift) / scale, model.grid)))
        output = patchify(model(images, kept), model.grid)
    else:
        output = patchify((model(images, kept) - shift) / scale, model.grid)
    scored = ~kept if target == "hidden" else torch.ones_like(kept)
    expected = np.mean([((a - b) ** 2).mean().item() for a, b in zip(output[scored], truth[scored],
                                                                     strict=True)])  # fmt: skip
    assert model.loss(images, kept, target).item() == pytest.approx(expected, rel=1e-6)


def test_only_hidden_patches_pull_on_the_output():
    model = model_of()
    images, kept = batch_of(model)
    seen = []
    model.to_pixels.register_full_backward_hook(lambda *a: seen.append(a[2][0]))
    model.loss(images, kept).backward()
    pulls = seen[0][:, 1:].abs().sum(-1) > 0
    assert pulls.equal(~kept)


def test_sizes_go_from_tiny_to_that_of_he_et_al():
    config = MAEConfig.of_size("base", (224, 224), 16)
    assert (config.width, config.depth, config.heads) == (768, 12, 12)
    with torch.device("meta"):
        count = sum(p.numel() for p in MaskedAutoencoder(config).parameters())
    # 85.6 M of ViT-Base without its classifier and positions, 25.9 M of the decoder
    assert count == 111_655_680
    assert MAEConfig.of_size("tiny", (32, 32), 4, width=64).width == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 5}, "does not divide"),
        ({"width": 18, "heads": 4}, "width=18"),
        ({"decoder_width": 6, "decoder_heads": 2}, "decoder_width=6"),
        ({"shape": (8,)}, "rows, columns"),
        ({"depth": 0}, "depth=0"),
    ],
)
def test_impossible_sizes_are_refused(options, message):
    given = {"shape": (8, 8), "patch_size": 4, "width": 16, "heads": 2} | options
    with pytest.raises(ValueError, match=message):
        MAEConfig(**given)


def test_what_does_not_fit_is_refused():
    model = model_of()
    images, kept = batch_of(model)
    with pytest.raises(ValueError, match="channels=3"):
        model(images[:, :1], kept)
    with pytest.raises(ValueError, match="H, W"):
        model(images[..., :8], kept)
    with pytest.raises(ValueError, match="is not bool"):
        model(images, kept.float())
    with pytest.raises(ValueError, match=r"std=0.0 is not positive"):
        model.set_units(0.0, 0.0)
    with pytest.raises(ValueError, match="is not one of"):
        MAEConfig.of_size("huge", (8, 8), 4)
