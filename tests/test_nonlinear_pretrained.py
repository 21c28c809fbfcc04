"""Weights in the layouts of others give the outputs of others."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from torch import nn

from spectral_mae.nonlinear.patches import patchify
from spectral_mae.nonlinear.pretrained import (
    from_official,
    load_hugging_face,
    load_official,
    read_safetensors,
)
from spectral_mae.sampling import sample_kept

torch.set_num_threads(1)

WIDTH, DECODER_WIDTH, PATCH, CHANNELS, SIDE = 16, 8, 2, 3, 6
HEADS = {"heads": 2, "decoder_heads": 2}
PLAIN = (0.0, 1.0)
N = (SIDE // PATCH) ** 2


def random(*shape):
    return 0.3 * torch.randn(*shape)


def official_state(seed=0):
    """Random weights with the names and shapes of facebookresearch/mae."""
    torch.manual_seed(seed)
    state = {
        "cls_token": random(1, 1, WIDTH),
        "pos_embed": random(1, N + 1, WIDTH),
        "patch_embed.proj.weight": random(WIDTH, CHANNELS, PATCH, PATCH),
        "patch_embed.proj.bias": random(WIDTH),
        "mask_token": random(1, 1, DECODER_WIDTH),
        "decoder_embed.weight": random(DECODER_WIDTH, WIDTH),
        "decoder_embed.bias": random(DECODER_WIDTH),
        "decoder_pos_embed": random(1, N + 1, DECODER_WIDTH),
        "decoder_pred.weight": random(PATCH**2 * CHANNELS, DECODER_WIDTH),
        "decoder_pred.bias": random(PATCH**2 * CHANNELS),
    }
    stacks = [("blocks", "norm", WIDTH, 2), ("decoder_blocks", "decoder_norm", DECODER_WIDTH, 1)]
    for prefix, norm, width, depth in stacks:
        state |= {f"{norm}.weight": 1 + random(width), f"{norm}.bias": random(width)}
        for i in range(depth):
            block = {
                "norm1.weight": 1 + random(width), "norm1.bias": random(width),
                "attn.qkv.weight": random(3 * width, width), "attn.qkv.bias": random(3 * width),
                "attn.proj.weight": random(width, width), "attn.proj.bias": random(width),
                "norm2.weight": 1 + random(width), "norm2.bias": random(width),
                "mlp.fc1.weight": random(4 * width, width), "mlp.fc1.bias": random(4 * width),
                "mlp.fc2.weight": random(width, 4 * width), "mlp.fc2.bias": random(width),
            }  # fmt: skip
            state |= {f"{prefix}.{i}.{name}": value for name, value in block.items()}
    return state


def attention(x, state, name, heads):
    n, length, width = x.shape
    qkv = nn.functional.linear(x, state[f"{name}.qkv.weight"], state[f"{name}.qkv.bias"])
    q, k, v = qkv.reshape(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    weights = (q @ k.transpose(-2, -1) * (width // heads) ** -0.5).softmax(-1)
    out = (weights @ v).transpose(1, 2).reshape(n, length, width)
    return nn.functional.linear(out, state[f"{name}.proj.weight"], state[f"{name}.proj.bias"])


def norm(x, state, name):
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return nn.functional.layer_norm(x, weight.shape, weight, bias, 1e-6)


def linear(x, state, name):
    return nn.functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])


def block(x, state, name):
    x = x + attention(norm(x, state, f"{name}.norm1"), state, f"{name}.attn", 2)
    hidden = nn.functional.gelu(linear(norm(x, state, f"{name}.norm2"), state, f"{name}.mlp.fc1"))
    return x + linear(hidden, state, f"{name}.mlp.fc2")


def official_forward(state, image, kept):
    """One image through the model as He et al. describe it, step by step."""
    weight, bias = state["patch_embed.proj.weight"], state["patch_embed.proj.bias"]
    tokens = nn.functional.conv2d(image[None], weight, bias, stride=PATCH).flatten(2).mT[0]
    tokens = (tokens + state["pos_embed"][0, 1:])[kept]
    x = torch.cat([state["cls_token"][0] + state["pos_embed"][0, :1], tokens])[None]
    for i in range(2):
        x = block(x, state, f"blocks.{i}")
    x = linear(norm(x, state, "norm"), state, "decoder_embed")[0]
    full = state["mask_token"][0].repeat(N, 1)
    full[kept] = x[1:]
    x = (torch.cat([x[:1], full]) + state["decoder_pos_embed"][0])[None]
    x = norm(block(x, state, "decoder_blocks.0"), state, "decoder_norm")
    return linear(x, state, "decoder_pred")[0, 1:]


def batch(n=3, seed=0):
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((n, CHANNELS, SIDE, SIDE))).float()
    return images, torch.from_numpy(sample_kept(N, 0.6, n, rng=rng))


def test_official_weights_give_the_official_output():
    state = official_state()
    model = from_official(state, units=PLAIN, **HEADS)
    images, kept = batch()
    with torch.no_grad():
        found = patchify(model(images, kept), model.grid)
        pairs = zip(images, kept, strict=True)
        truth = torch.stack([official_forward(state, x, k) for x, k in pairs])
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-5)
    assert truth.abs().max() > 0.3


def test_units_are_taken_off_and_put_back():
    model, plain = (
        from_official(official_state(), units=units, **HEADS)
        for units in (((0.1, 0.2, 0.3), (0.5, 0.4, 0.3)), PLAIN)
    )
    images, kept = batch()
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.1, 0.2, 0.3), (0.5, 0.4, 0.3)))
    with torch.no_grad():
        truth = plain((images - mean) / std, kept) * std + mean
        torch.testing.assert_close(model(images, kept), truth, rtol=0, atol=1e-5)


@pytest.mark.parametrize("wrapped", [False, True])
def test_official_files_are_read(tmp_path, wrapped):
    import argparse

    state = official_state()
    content = {"model": state, "args": argparse.Namespace(lr=1.0), "epoch": 3}
    torch.save(content if wrapped else state, tmp_path / "mae.pth")
    model = load_official(tmp_path / "mae.pth", **HEADS)
    assert torch.equal(model.positions, state["pos_embed"])
    assert model.config.depth == 2


def test_what_does_not_fit_is_refused():
    state = official_state()
    with pytest.raises(ValueError, match="give heads and decoder_heads"):
        from_official(state)
    encoder = {k: v for k, v in state.items() if not k.startswith(("decoder", "mask"))}
    with pytest.raises(ValueError, match="no mask_token in these weights"):
        from_official(encoder, **HEADS)
    with pytest.raises(ValueError, match=r"encoder.1.norm2.bias is missing"):
        from_official({k: v for k, v in state.items() if k != "blocks.1.norm2.bias"}, **HEADS)
    with pytest.raises(ValueError, match=r"head.weight is unknown"):
        from_official(state | {"head.weight": torch.zeros(1)}, **HEADS)
    with pytest.raises(ValueError, match=r"encoder_norm.bias is \(3,\), not \(16,\)"):
        from_official(state | {"norm.bias": torch.zeros(3)}, **HEADS)


# Hugging Face ------------------------------------------------------------------------------------


def hugging_face(seed=0, **options):
    transformers = pytest.importorskip("transformers", reason="the peer package is not installed")
    torch.manual_seed(seed)
    config = transformers.ViTMAEConfig(
        hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        image_size=SIDE, patch_size=PATCH, num_channels=CHANNELS,
        decoder_hidden_size=DECODER_WIDTH, decoder_num_hidden_layers=1,
        decoder_num_attention_heads=4, decoder_intermediate_size=24, **options,
    )  # fmt: skip
    peer = transformers.ViTMAEForPreTraining(config).eval()
    with torch.no_grad():
        for value in peer.parameters():
            value.add_(0.2 * torch.randn(value.shape))
    return peer


@pytest.mark.parametrize("layout", ["safetensors", "bin", "old names"])
@pytest.mark.filterwarnings("ignore")  # of the peer package
def test_outputs_are_those_of_the_peer(tmp_path, layout):
    peer = hugging_face(norm_pix_loss=layout == "bin")
    peer.save_pretrained(tmp_path)
    state = peer.state_dict()
    if layout != "safetensors":
        (tmp_path / "model.safetensors").unlink()
        if layout == "old names":
            state = {old_name(name): value for name, value in state.items()}
            assert "vit.encoder.layer.1.attention.attention.query.weight" in state
        torch.save(state, tmp_path / "pytorch_model.bin")
    model = load_hugging_face(tmp_path, units=PLAIN)
    images, kept = batch()
    noise = torch.where(kept, 0.0, 1.0) + 0.1 * torch.rand(kept.shape)
    peer.config.mask_ratio = 1 - int(kept[0].sum()) / N - 1e-6
    with torch.no_grad():
        truth = peer(images, noise=noise)
        found = patchify(model(images, kept), model.grid)
        torch.testing.assert_close(found, truth.logits, rtol=0, atol=1e-5)
        assert torch.equal(truth.mask == 0, kept)
        assert model.loss(images, kept).item() == pytest.approx(truth.loss.item(), rel=1e-5)
    assert truth.logits.abs().max() > 0.3


def old_name(name):
    """As transformers had it before version 5, and as files of that time have it."""
    if "encoder.layer" in name or "attention.attention" in name:
        return name
    renamed = {
        "vit.layers.": "vit.encoder.layer.",
        ".attention.q_proj.": ".attention.attention.query.",
        ".attention.k_proj.": ".attention.attention.key.",
        ".attention.v_proj.": ".attention.attention.value.",
        ".attention.o_proj.": ".attention.output.dense.",
        ".mlp.fc1.": ".intermediate.dense.",
        ".mlp.fc2.": ".output.dense.",
    }
    for new, old in renamed.items():
        name = name.replace(new, old)
    return name


def test_another_kind_of_folder_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    with pytest.raises(ValueError, match="holds a 'vit', not a 'vit_mae'"):
        load_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit_mae", "qkv_bias": False}))
    with pytest.raises(ValueError, match="qkv_bias=True"):
        load_hugging_face(tmp_path)


def test_safetensors_are_their_bytes(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    half = np.array([1.5, -2], np.float16)
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F16", "shape": [2], "data_offsets": [24, 28]},
    }).encode()  # fmt: skip
    file = tmp_path / "x.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + values.tobytes() + half.tobytes())
    found = read_safetensors(file)
    assert np.array_equal(found["a"], values)
    assert np.array_equal(found["b"], half)
    file.write_bytes(b"\xff" * 8)
    with pytest.raises(ValueError, match="not a safetensors file"):
        read_safetensors(file)
