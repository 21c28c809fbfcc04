"""Weights in the layouts of others give the outputs of others."""

import json
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from torch import nn

from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear import checkpoint
from spectral_mae.nonlinear.patches import patchify
from spectral_mae.nonlinear.pretrained import from_official, load_hugging_face, load_official

torch.set_num_threads(1)

WIDTH, DECODER_WIDTH, PATCH, CHANNELS, SIDE = 16, 8, 2, 3, 6
HEADS = {"heads": 2, "decoder_heads": 2}
PLAIN = (0.0, 1.0)
N = (SIDE // PATCH) ** 2


def random(*shape):
    return 0.3 * torch.randn(*shape)


def official_state(seed=0, *, n=N, width=WIDTH, decoder_width=DECODER_WIDTH, mlp=(64, 32)):
    """Random weights with the names and shapes of facebookresearch/mae."""
    torch.manual_seed(seed)
    state = {
        "cls_token": random(1, 1, width),
        "pos_embed": random(1, n + 1, width),
        "patch_embed.proj.weight": random(width, CHANNELS, PATCH, PATCH),
        "patch_embed.proj.bias": random(width),
        "mask_token": random(1, 1, decoder_width),
        "decoder_embed.weight": random(decoder_width, width),
        "decoder_embed.bias": random(decoder_width),
        "decoder_pos_embed": random(1, n + 1, decoder_width),
        "decoder_pred.weight": random(PATCH**2 * CHANNELS, decoder_width),
        "decoder_pred.bias": random(PATCH**2 * CHANNELS),
    }
    stacks = [
        ("blocks", "norm", width, 2, mlp[0]),
        ("decoder_blocks", "decoder_norm", decoder_width, 1, mlp[1]),
    ]
    for prefix, norm, size, depth, hidden in stacks:
        state |= {f"{norm}.weight": 1 + random(size), f"{norm}.bias": random(size)}
        for i in range(depth):
            block = {
                "norm1.weight": 1 + random(size), "norm1.bias": random(size),
                "attn.qkv.weight": random(3 * size, size), "attn.qkv.bias": random(3 * size),
                "attn.proj.weight": random(size, size), "attn.proj.bias": random(size),
                "norm2.weight": 1 + random(size), "norm2.bias": random(size),
                "mlp.fc1.weight": random(hidden, size), "mlp.fc1.bias": random(hidden),
                "mlp.fc2.weight": random(size, hidden), "mlp.fc2.bias": random(size),
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
    full = state["mask_token"][0].repeat(len(kept), 1)
    full[kept] = x[1:]
    x = (torch.cat([x[:1], full]) + state["decoder_pos_embed"][0])[None]
    x = norm(block(x, state, "decoder_blocks.0"), state, "decoder_norm")
    return linear(x, state, "decoder_pred")[0, 1:]


def batch(n=3, seed=0, shape=(SIDE, SIDE)):
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((n, CHANNELS, *shape))).float()
    n_patches = shape[0] * shape[1] // PATCH**2
    return images, torch.from_numpy(sample_kept(n_patches, 0.6, n, rng=rng))


def assert_outputs_are_official(model, state, shape=(SIDE, SIDE)):
    assert model.grid.shape == shape
    images, kept = batch(shape=shape)
    with torch.no_grad():
        found = patchify(model(images, kept), model.grid)
        pairs = zip(images, kept, strict=True)
        truth = torch.stack([official_forward(state, x, k) for x, k in pairs])
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-5)
    assert truth.abs().max() > 0.3


def test_official_weights_give_the_official_output():
    state = official_state()
    assert_outputs_are_official(from_official(state, units=PLAIN, **HEADS), state)


@pytest.mark.parametrize(
    ("widths", "mlp"), [((28, 44), (61, 98)), ((28, 28), (61, 61)), ((16, 8), (64, 5))]
)
def test_hidden_widths_are_those_of_the_weights(widths, mlp, tmp_path):
    """28 to 61 and 44 to 98, whose ratios times widths round to one less; unlike ratios."""
    state = official_state(width=widths[0], decoder_width=widths[1], mlp=mlp)
    model = from_official(state, units=PLAIN, **HEADS)
    assert_outputs_are_official(model, state)
    assert model.config.mlp_widths == mlp
    checkpoint.save(tmp_path / "model.pt", model)
    again = checkpoint.load_checkpoint(tmp_path / "model.pt")
    assert again.config == model.config
    assert_outputs_are_official(again, state)


def test_oblong_images_are_as_they_are_said_to_be():
    state = official_state(n=16)
    for shape in [(4, 16), (16, 4), (8, 8)]:
        model = from_official(state, shape=shape, units=PLAIN, **HEADS)
        assert_outputs_are_official(model, state, shape)
    assert from_official(state, **HEADS).grid.shape == (8, 8)
    with pytest.raises(ValueError, match=r"shape=\(4, 8\) has 8 patches .* positions of 16"):
        from_official(state, shape=(4, 8), **HEADS)
    with pytest.raises(ValueError, match="12 positions are not those of a square image: give sha"):
        from_official(official_state(n=12), **HEADS)


@pytest.mark.parametrize("counts", [(2, 8), (8, 2), (4, 4), (1, 16), (3, 4)])
@pytest.mark.parametrize("rows_first", [False, True])
def test_sines_of_positions_tell_how_many_rows_there_are(counts, rows_first):
    """He et al. put columns first; others put rows first."""
    state = official_state(n=counts[0] * counts[1], decoder_width=16)
    table = np.zeros((counts[0] * counts[1], 16))
    wavelengths = 10000 ** (np.arange(4) / 4)
    for place in range(len(table)):
        row, column = divmod(place, counts[1])
        waves = [f(x / wavelengths) for x in (column, row) for f in (np.sin, np.cos)]
        table[place] = np.concatenate(waves[2:] + waves[:2] if rows_first else waves)
    state["decoder_pos_embed"] = torch.from_numpy(np.pad(table, ((1, 0), (0, 0)))[None]).float()
    model = from_official(state, units=PLAIN, **HEADS)
    assert_outputs_are_official(model, state, (counts[0] * PATCH, counts[1] * PATCH))


# Names that others give, and what wraps a model ---------------------------------------------------


def prefixed(prefix):
    return lambda state: {prefix + name: value for name, value in state.items()}


def renamed(state, rules):
    found = {}
    for name, value in state.items():
        new = name
        for pattern, replacement in rules:
            new = re.sub(pattern, replacement, new)
        found[new] = value
    return found


def lightly(state):
    """MaskedVisionTransformerTIMM with MAEDecoderTIMM, and a head that classifies."""
    rules = [(r"^(decoder_|mask)", r"decoder.\1"), (r"^(?!decoder\.)", "backbone.vit.")]
    beside = {"backbone.mask_token": random(1, 1, WIDTH), "backbone.vit.head.bias": random(10)}
    return renamed(state, rules) | beside


def lightly_of_today(state):
    """MaskedVisionTransformerDecoderTIMM between two linear layers."""
    rules = [
        (r"^decoder_(pos_embed|blocks|norm)", r"decoder.\1"),
        (r"^mask_token", "decoder.mask_token"),
        (r"^decoder_pred", "prediction_head"),
        (r"^(?!decoder|pred)", "backbone.vit."),
    ]
    return renamed(state, rules)


def lightly_around_torchvision(state):
    """MAEBackbone with MAEDecoder; the mask token is the model's own."""
    rules = [
        (r"^cls_token", "backbone.class_token"),
        (r"^pos_embed", "backbone.encoder.pos_embedding"),
        (r"^patch_embed\.proj", "backbone.conv_proj"),
        (r"^norm\.", "backbone.encoder.ln."),
        (r"^blocks\.", "backbone.encoder.layers.encoder_layer_"),
        (r"^decoder_embed", "decoder.decoder_embed"),
        (r"^decoder_pos_embed", "decoder.pos_embedding"),
        (r"^decoder_pred", "decoder.prediction_head"),
        (r"^decoder_norm", "decoder.ln"),
        (r"^decoder_blocks\.", "decoder.layers.encoder_layer_"),
        (r"\.norm(\d)\.", r".ln_\1."),
        (r"\.attn\.qkv\.", ".self_attention.in_proj_"),
        (r"\.attn\.proj\.", ".self_attention.out_proj."),
        (r"\.mlp\.fc1\.", ".mlp.0."),
        (r"\.mlp\.fc2\.", ".mlp.3."),
    ]
    return renamed(state, rules) | {"backbone.heads.head.bias": random(10)}


def hugging_face_names(state):
    """transformers before version 5."""
    parts = {}
    for name, value in state.items():
        if ".attn.qkv." in name:
            for which, part in zip(("query", "key", "value"), value.chunk(3), strict=True):
                parts[name.replace("attn.qkv", f"attention.attention.{which}")] = part.clone()
        else:
            parts[name] = value
    rules = [
        (r"^cls_token", "vit.embeddings.cls_token"),
        (r"^pos_embed", "vit.embeddings.position_embeddings"),
        (r"^patch_embed\.proj", "vit.embeddings.patch_embeddings.projection"),
        (r"^norm\.", "vit.layernorm."),
        (r"^blocks\.", "vit.encoder.layer."),
        (r"^decoder_blocks\.", "decoder.decoder_layers."),
        (r"^(decoder_|mask_token)", r"decoder.\1"),
        (r"\.norm1\.", ".layernorm_before."),
        (r"\.norm2\.", ".layernorm_after."),
        (r"\.attn\.proj\.", ".attention.output.dense."),
        (r"\.mlp\.fc1\.", ".intermediate.dense."),
        (r"\.mlp\.fc2\.", ".output.dense."),
    ]
    return renamed(parts, rules)


def beside(state):
    """A model in a training that has other weights."""
    return prefixed("model.")(state) | {"loss.perceptual.0.weight": random(3)}


@pytest.mark.parametrize("container", [None, "model", "state_dict", "model_state_dict"])
@pytest.mark.parametrize(
    "rename",
    [
        *(
            prefixed(p)
            for p in ("", "module.", "_orig_mod.", "module._orig_mod.", "model.", "a.b.")
        ),
        beside,
        lightly,
        lightly_of_today,
        lightly_around_torchvision,
        lambda state: prefixed("model._orig_mod.")(lightly(state)),
        lambda state: prefixed("module.")(lightly_of_today(state)),
        lambda state: renamed(lightly(state), [(r"^backbone\.", "backbone._orig_mod.")]),
    ],
)
def test_other_names_give_the_official_output(tmp_path, rename, container):
    state = official_state()
    content = rename(state)
    torch.save({container: content, "epoch": 3} if container else content, tmp_path / "x.ckpt")
    model = load_official(tmp_path / "x.ckpt", units=PLAIN, **HEADS)
    assert_outputs_are_official(model, state)


def without_decoder(state):
    return {k: v for k, v in state.items() if not k.startswith(("decoder", "mask_token"))}


def encoder_of_transformers(state):
    return renamed(without_decoder(hugging_face_names(state)), [(r"^vit\.", "")])


REFUSED = [
    (without_decoder, r"2 blocks, names of facebookresearch/mae or timm\) are of an encoder alone"),
    (lambda s: without_decoder(lightly(s)), "names of lightly.*an encoder alone"),
    (encoder_of_transformers, r"2 blocks, names of transformers\) are of an encoder alone"),
    (hugging_face_names, "the names of transformers: give the folder.* to load_hugging_face"),
    (lambda _: {"conv1.weight": random(3), "fc.bias": random(2)}, r"among conv1\.weight, fc\.bias"),
    (
        lambda s: prefixed("student.")(s) | prefixed("teacher.")(s),
        r"weights of 2 models, whose names begin with 'student\.' and 'teacher\.'",
    ),
    (lambda s: s | prefixed("module.")(s), "weights of more than one model"),
    (lambda s: s | {"blocks.0.ls1.gamma": random(3)}, r"encoder\.0\.ls1\.gamma is unknown"),
    (lambda s: s | {"norm.bias": random(WIDTH).int()}, r"encoder_norm\.bias is of torch\.int32"),
    (lambda s: s | {"norm.bias": random(WIDTH) / 0}, r"encoder_norm\.bias holds 16 of 16 values"),
    (lambda s: s | {"cls_token": random(WIDTH)}, r"class_token of shape \(16,\) does not have 3"),
    (lambda s: s | {"patch_embed.proj.weight": random(WIDTH, 3, 2)}, "does not have 4 axes"),
    (lambda _: {"epoch": 3, "optimizer": {}}, "no weights by name, also not in model,.*'epoch'"),
    (lambda _: [1, 2], "no weights by name,.* but an object of list"),
    (lambda s: s | {"epoch": 3}, "'epoch' is 3, not a tensor"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_other_states_are_refused_in_one_sentence(tmp_path, change, message):
    torch.save(change(official_state()), tmp_path / "x.pth")
    with pytest.raises(ValueError, match=message) as refusal:
        load_official(tmp_path / "x.pth", **HEADS)
    assert "x.pth" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", ["heads", "decoder_heads"])
def test_no_heads_are_not_the_default(name):
    state = official_state(width=768, decoder_width=512, mlp=(8, 8))
    assert from_official(state).config.heads == 12
    with pytest.raises(ValueError, match="heads=0 is not at least 1"):
        from_official(state, **{name: 0})


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
    with pytest.raises(ValueError, match="mask_token is missing"):
        from_official({k: v for k, v in state.items() if k != "mask_token"}, **HEADS)
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
    sizes = {
        "hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 48, "image_size": SIDE, "patch_size": PATCH, "num_channels": CHANNELS,
        "decoder_hidden_size": DECODER_WIDTH, "decoder_num_hidden_layers": 1,
        "decoder_num_attention_heads": 4, "decoder_intermediate_size": 24,
    }  # fmt: skip
    config = transformers.ViTMAEConfig(**(sizes | options))
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


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (4, 16)])
@pytest.mark.filterwarnings("ignore")  # of the peer package
def test_shards_and_oblong_images_of_the_peer(tmp_path, shape):
    """With unlike hidden widths. The peer itself cuts its weights into shards."""
    widths = {"intermediate_size": 61, "decoder_intermediate_size": 13}
    peer = hugging_face(image_size=shape, **widths)
    peer.save_pretrained(tmp_path, max_shard_size="4KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    model = load_hugging_face(tmp_path, units=PLAIN)
    assert model.config.mlp_widths == (61, 13)
    assert model.grid.shape == shape
    images, kept = batch(shape=shape)
    peer.config.mask_ratio = 1 - int(kept[0].sum()) / kept.shape[1] - 1e-6
    with torch.no_grad():
        # Its parts: the whole refuses to score oblong images.
        coded = peer.vit(images, noise=torch.where(kept, 0.0, 1.0))
        truth = peer.decoder(coded.last_hidden_state, coded.ids_restore).logits
        found = patchify(model(images, kept), model.grid)
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-5)


CONFIG = {
    "model_type": "vit_mae", "image_size": SIDE, "patch_size": PATCH, "num_attention_heads": 2,
    "decoder_num_attention_heads": 2, "layer_norm_eps": 1e-6,
}  # fmt: skip


def write_safetensors(path, state):
    header, data = {}, b""
    for name, value in state.items():
        places = [len(data), len(data) + 4 * value.numel()]
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": places}
        data += value.contiguous().numpy().tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def write_folder(folder, state, *, how="safetensors", **config):
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    start, end = ("pytorch_model", ".bin") if "bin" in how else ("model", ".safetensors")

    def write(path, part):
        if "bin" in how:
            torch.save(part, path)
        else:
            write_safetensors(path, part)

    if "shards" not in how:
        write(folder / (start + end), state)
        return
    names, where = list(state), {}
    for i in range(3):
        shard = f"{start}-{i + 1:05d}-of-00003{end}"
        write(folder / shard, {n: state[n] for n in names[i::3]})
        where |= dict.fromkeys(names[i::3], shard)
    (folder / f"{start}{end}.index.json").write_text(json.dumps({"weight_map": where}))


@pytest.mark.parametrize("how", ["safetensors", "bin", "shards", "shards of bin"])
def test_whole_and_sharded_folders_give_the_official_output(tmp_path, how):
    state = official_state(mlp=(61, 13))
    write_folder(tmp_path, hugging_face_names(state), how=how)
    assert_outputs_are_official(load_hugging_face(tmp_path, units=PLAIN), state)


@pytest.mark.parametrize(
    ("image_size", "shape"), [([4, 16], (4, 16)), ((16, 4), (16, 4)), (8, (8, 8)), ([8, 8], (8, 8))]
)
def test_images_are_of_the_size_that_the_configuration_says(tmp_path, image_size, shape):
    state = official_state(n=16)
    names = prefixed("module.")(hugging_face_names(state))
    write_folder(tmp_path, names, image_size=image_size, patch_size=[PATCH, PATCH])
    model = load_hugging_face(tmp_path, units=PLAIN)
    assert_outputs_are_official(model, state, shape)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "vit"}, "holds a 'vit', not a 'vit_mae'"),
        ({"qkv_bias": False}, "qkv_bias=True"),
        ({"image_size": 8}, r"shape=\(8, 8\) has 16 patches .* positions of 9"),
        ({"image_size": [6, 6, 6]}, r"image_size=\[6, 6, 6\] has 3 numbers"),
        ({"image_size": "6"}, "image_size='6' in config.json is neither a number nor two"),
        ({"image_size": 7}, r"7"),
        ({"patch_size": 3}, r"patch_size=\(3, 3\) in config.json, \(2, 2\) in the weights"),
        ({"num_attention_heads": "2"}, "heads='2' is not an integer"),
        ({"num_attention_heads": None}, "heads=None is not an integer"),
        ({"layer_norm_eps": -1}, r"norm_eps=-1\.0 is not positive"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(tmp_path, config, message):
    write_folder(tmp_path, hugging_face_names(official_state()), **config)
    with pytest.raises(ValueError, match=message):
        load_hugging_face(tmp_path)


def test_what_a_folder_lacks_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nothing"):
        load_hugging_face(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        load_hugging_face(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "tf_model.h5").write_bytes(b"")
    with pytest.raises(
        FileNotFoundError, match=r"no weights in .*among config\.json, tf_model\.h5"
    ):
        load_hugging_face(tmp_path)
    torch.save([1], tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"pytorch_model\.bin': no weights by name"):
        load_hugging_face(tmp_path)
    for text, message in [("{", r"config\.json is not JSON"), ("[1]", r"no names, but \[1\]")]:
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            load_hugging_face(tmp_path)
    with pytest.raises(ValueError, match="is a file; give the folder"):
        load_hugging_face(tmp_path / "config.json")
    with pytest.raises(ValueError, match="is a folder; load_hugging_face reads folders"):
        load_official(tmp_path)


def test_shards_that_are_missing_or_lie_are_named(tmp_path):
    write_folder(tmp_path, hugging_face_names(official_state()), how="shards")
    index, shard = tmp_path / "model.safetensors.index.json", "model-00002-of-00003.safetensors"
    listed = json.loads(index.read_text())["weight_map"]
    whole = (tmp_path / shard).read_bytes()
    (tmp_path / shard).unlink()
    with pytest.raises(FileNotFoundError, match=rf"1 of 3 shards are missing .*{shard}"):
        load_hugging_face(tmp_path)
    (tmp_path / shard).write_bytes(whole)
    index.write_text(json.dumps({"weight_map": listed | {"extra": shard}}))
    with pytest.raises(ValueError, match=rf"{shard} does not hold extra"):
        load_hugging_face(tmp_path)
    index.write_text(json.dumps({"weight_map": listed | {"extra": "../x.safetensors"}}))
    with pytest.raises(ValueError, match=r"names '\.\./x\.safetensors', which is not in its fol"):
        load_hugging_face(tmp_path)
    index.write_text("{}")
    with pytest.raises(ValueError, match="lists no weights"):
        load_hugging_face(tmp_path)


def test_official_weights_are_read_from_safetensors_too(tmp_path):
    state = official_state()
    write_safetensors(tmp_path / "mae.safetensors", state)
    model = load_official(tmp_path / "mae.safetensors", units=PLAIN, **HEADS)
    assert_outputs_are_official(model, state)
