"""Spectra of tokens over the grid of patches."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder, token_spectra
from spectral_mae.nonlinear.evaluation.maps import from_images
from spectral_mae.nonlinear.evaluation.token_spectra import TokenSpectra

torch.set_num_threads(1)


def network(shape=(8, 12), channels=1):
    config = MAEConfig(shape, 2, channels, width=16, depth=2, heads=2, decoder_width=8,
                       decoder_depth=2, decoder_heads=2)  # fmt: skip
    return MaskedAutoencoder.seeded(config, rng=0).double()


def images_of(n, model):
    images = np.random.default_rng(0).random((n, *model.grid.shape, model.channels))
    return images[..., 0] if model.channels == 1 else images


def tokens_of(model, images, kept=None):
    with torch.no_grad():
        given = from_images(images, model)
        mask = None if kept is None else torch.from_numpy(kept)
        states = [] if kept is not None else model.hidden_states(given)
        return [s[:, 1:].numpy() for s in [*states, *model.decoder_states(given, mask)]]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("center", [True, False])
def test_the_power_is_that_of_a_sum_over_patches(channels, center):
    model = network(channels=channels)
    images = images_of(70, model)  # more than a batch
    found = token_spectra(model, images, center=center)
    assert found.layers == (
        "embedding", "encoder 1", "encoder 2", "decoder embedding", "decoder 1", "decoder 2"
    )  # fmt: skip
    rows, columns = np.indices(model.grid.counts).reshape(2, -1)
    for layer, power in zip(tokens_of(model, images), found.power, strict=True):
        about = layer - layer.mean(0) if center else layer
        n = 69 if center else 70
        for q in ((0, 0), (1, 2), (2, 3), (3, 5)):
            wave = np.exp(-2j * np.pi * (q[0] * rows / 4 + q[1] * columns / 6))
            sums = np.einsum("nlf,l->nf", about, wave)
            assert power[q] == pytest.approx(np.sum(np.abs(sums) ** 2) / 24 / n)
        # Parseval
        assert power.mean() == pytest.approx(np.sum(about**2) / 24 / n)


def test_masks_leave_the_decoder():
    model = network()
    images = images_of(5, model)
    kept = sample_kept(24, 0.75, 5, rng=0)
    found = token_spectra(model, images, kept)
    assert found.layers == ("decoder embedding", "decoder 1", "decoder 2")
    for layer, power in zip(tokens_of(model, images, kept), found.power, strict=True):
        about = layer - layer.mean(0)
        assert power.mean() == pytest.approx(np.sum(about**2) / 24 / 4)


def test_the_output_follows_from_the_last_tokens_of_the_decoder():
    model = network()
    images = from_images(images_of(3, model), model)
    kept = torch.from_numpy(sample_kept(24, 0.75, 3, rng=0))
    with torch.no_grad():
        last = model.decoder_states(images, kept)[-1]
        patches = model.to_pixels(model.decoder_norm(last))[:, 1:]
        assert torch.equal(patches, model.predict(model.in_units(images), kept))


def test_a_wave_has_its_power_at_its_frequency(tmp_path):
    model = network((16, 16))
    wave = np.cos(2 * np.pi * 3 * np.arange(8) / 8)  # 3/8 cycles per patch
    power = np.abs(np.fft.fft(wave)[:, np.newaxis] * np.ones((1, 8))) ** 2 * (np.arange(8) == 0)
    found = TokenSpectra(("wave", "none"), np.stack([power, 0 * power]), model.grid)
    frequency, radial = found.radial()
    assert frequency[np.argmax(radial[0])] == pytest.approx(3 / 8, abs=0.05)
    np.testing.assert_allclose(found.share_above, [1, np.nan], atol=1e-12)
    found.to_csv(tmp_path / "tokens.csv")
    assert (tmp_path / "tokens.csv").read_text().startswith("frequency,wave,none")
    assert list(found.to_dict()["layers"]) == ["wave", "none"]


def test_what_has_no_spectra_is_refused():
    model = network()
    images = images_of(3, model)
    with pytest.raises(ValueError, match="1 image has no variation"):
        token_spectra(model, images[:1])
    assert token_spectra(model, images[:1], center=False).power.shape == (6, 4, 6)
    with pytest.raises(ValueError, match="kept of shape"):
        token_spectra(model, images, np.ones((3, 5), bool))
    with pytest.raises(ValueError, match="images of shape"):
        token_spectra(model, images[:, :4])
    with pytest.raises(TypeError, match="model"):
        token_spectra(None, images)
