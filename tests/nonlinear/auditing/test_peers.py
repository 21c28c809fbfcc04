"""Models of transformers, in its own layout and in that of He et al.: equal outputs, and audits."""

import json
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
transformers = pytest.importorskip("transformers", reason="the peer package is not installed")

from spectral_mae import audit_images
from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear import from_official, load_hugging_face, open_model, patchify

pytestmark = pytest.mark.filterwarnings("ignore")  # of the peer package
torch.set_num_threads(1)

SIZES = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
    "decoder_hidden_size": 16, "decoder_num_hidden_layers": 2, "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 40, "layer_norm_eps": 1e-6,
}  # fmt: skip
CONFIGURATIONS = {
    "patch 8": {"image_size": 32, "patch_size": 8},
    "one channel": {"image_size": 16, "patch_size": 4, "num_channels": 1},
    "not square": {"image_size": (16, 64), "patch_size": 8},
    "norm_pix_loss": {"image_size": 16, "patch_size": 4, "norm_pix_loss": True},
}
every_configuration = pytest.mark.parametrize("name", CONFIGURATIONS)


def peer_of(name):
    torch.manual_seed(0)
    config = transformers.ViTMAEConfig(**SIZES, **CONFIGURATIONS[name])
    peer = transformers.ViTMAEForPreTraining(config).eval()
    with torch.no_grad():
        for value in peer.parameters():
            value.add_(0.2 * torch.randn(value.shape))
    return peer


def batch_of(model):
    rng = np.random.default_rng(0)
    shape = (3, model.channels, *model.grid.shape)
    images = torch.from_numpy(rng.standard_normal(shape)).float()
    return images, torch.from_numpy(sample_kept(model.grid.n_patches, 0.75, 3, rng=1))


def outputs_of(peer, images, kept):
    peer.config.mask_ratio = 1 - int(kept[0].sum()) / kept.shape[1] - 1e-6
    with torch.no_grad():  # its parts, because the whole refuses to score oblong images
        coded = peer.vit(images, noise=torch.where(kept, 0.0, 1.0))
        return peer.decoder(coded.last_hidden_state, coded.ids_restore).logits


def compare(model, peer):
    images, kept = batch_of(model)
    truth = outputs_of(peer, images, kept)
    with torch.no_grad():
        found = patchify(model(images, kept), model.grid)
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-5)
    assert truth.std() > 0.3


@every_configuration
def test_outputs_in_the_layout_of_the_peer(tmp_path, name):
    peer = peer_of(name)
    peer.save_pretrained(tmp_path)
    model = load_hugging_face(tmp_path, units=(0.0, 1.0))
    assert model.norm_target == (name == "norm_pix_loss")
    compare(model, peer)


def official_names(state):
    """Weights of the peer in the names of facebookresearch/mae."""
    named = {
        r"^vit\.embeddings\.cls_token$": "cls_token",
        r"^vit\.embeddings\.position_embeddings$": "pos_embed",
        r"^vit\.embeddings\.patch_embeddings\.projection\.": "patch_embed.proj.",
        r"^vit\.(?:encoder\.layer|layers)\.": "blocks.",
        r"^vit\.layernorm\.": "norm.",
        r"^decoder\.(?:decoder_layers|decoder_encoder\.layer)\.": "decoder_blocks.",
        r"^decoder\.": "",
        r"\.attention\.(?:attention\.)?(?:q_proj|query)\.": ".attn.q.",
        r"\.attention\.(?:attention\.)?(?:k_proj|key)\.": ".attn.k.",
        r"\.attention\.(?:attention\.)?(?:v_proj|value)\.": ".attn.v.",
        r"\.attention\.(?:o_proj|output\.dense)\.": ".attn.proj.",
        r"\.intermediate\.dense\.": ".mlp.fc1.",
        r"(?<!attention)\.output\.dense\.": ".mlp.fc2.",
        r"\.layernorm_before\.": ".norm1.",
        r"\.layernorm_after\.": ".norm2.",
    }
    found = {}
    for name, value in state.items():
        own = name
        for pattern, replacement in named.items():
            own = re.sub(pattern, replacement, own)
        found[own] = value
    for name in [n for n in found if ".attn.q." in n]:
        parts = [found.pop(name.replace(".q.", f".{which}.")) for which in "qkv"]
        found[name.replace(".q.", ".qkv.")] = torch.cat(parts)
    return found


@every_configuration
def test_outputs_in_the_layout_of_he_et_al(name):
    peer = peer_of(name)
    size = CONFIGURATIONS[name]["image_size"]
    model = from_official(
        official_names(peer.state_dict()),
        shape=size if isinstance(size, tuple) else (size, size),
        heads=4,
        decoder_heads=2,
        units=(0.0, 1.0),
    )
    compare(model, peer)


def test_options_of_a_training_run_say_how_patches_were_scored(tmp_path):
    import argparse

    state = official_names(peer_of("patch 8").state_dict())
    for norm in (True, False):
        options = argparse.Namespace(norm_pix_loss=norm, lr=1e-3)
        torch.save({"model": state, "args": options}, tmp_path / "mae.pth")
        model = open_model(tmp_path / "mae.pth", heads=4, decoder_heads=2)
        assert model.norm_target == norm
        model = open_model(tmp_path / "mae.pth", heads=4, decoder_heads=2, norm_target=True)
        assert model.norm_target


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_an_audit_of_a_saved_folder_makes_its_page(tmp_path, name):
    peer_of(name).save_pretrained(tmp_path / "model")
    content = {"image_mean": 0.5, "image_std": 0.25}
    (tmp_path / "model" / "preprocessor_config.json").write_text(json.dumps(content))
    run = audit_images(
        tmp_path / "model", ["builtin:"], out=tmp_path / "out", limit=6, n_resamples=3,
        normalised="visible",
    )  # fmt: skip
    page = run.page.read_text("utf-8")
    assert (page.count("<img"), page.count('role="img"')) == (3, 2)
    size = CONFIGURATIONS[name]["image_size"]
    assert run.result.design.grid.shape == (size if isinstance(size, tuple) else (size, size))
    assert run.result.units == ("visible" if name == "norm_pix_loss" else "pixels")


def test_a_model_of_one_channel_without_its_units_asks_for_them(tmp_path):
    peer_of("one channel").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="are not known for channels=1: give units"):
        load_hugging_face(tmp_path)
