"""Weights that people have: He et al.'s checkpoints and Hugging Face's ``ViTMAEForPreTraining``.

Both are renamed to one layout, from there to ours, and every shape is checked. Nothing is
downloaded, and nothing in a file is executed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

AnyPath = str | os.PathLike[str]
State = dict[str, torch.Tensor]

IMAGENET_UNITS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Attention heads are not in the shapes: of ViT-Base, -Large and -Huge by width; of their decoder.
HEADS = {768: 12, 1024: 16, 1280: 16}
DECODER_HEADS = {512: 16}

_OFFICIAL = (
    (r"^cls_token$", "class_token"),
    (r"^pos_embed$", "positions"),
    (r"^patch_embed\.proj\.", "embed."),
    (r"^blocks\.", "encoder."),
    (r"^norm\.", "encoder_norm."),
    (r"^decoder_embed\.", "to_decoder."),
    (r"^decoder_pos_embed$", "decoder_positions"),
    (r"^decoder_blocks\.", "decoder."),
    (r"^decoder_pred\.", "to_pixels."),
    (r"\.attn\.qkv\.(weight|bias)$", r".self_attn.in_proj_\1"),
    (r"\.attn\.proj\.", ".self_attn.out_proj."),
    (r"\.mlp\.fc1\.", ".linear1."),
    (r"\.mlp\.fc2\.", ".linear2."),
)
# Names changed with version 5 of transformers, in memory and in files; all of them are read.
_HUGGING_FACE = (
    (r"^vit\.embeddings\.cls_token$", "class_token"),
    (r"^vit\.embeddings\.position_embeddings$", "positions"),
    (r"^vit\.embeddings\.patch_embeddings\.projection\.", "embed."),
    (r"^vit\.(?:encoder\.layer|layers)\.", "encoder."),
    (r"^vit\.layernorm\.", "encoder_norm."),
    (r"^decoder\.mask_token$", "mask_token"),
    (r"^decoder\.decoder_pos_embed$", "decoder_positions"),
    (r"^decoder\.decoder_embed\.", "to_decoder."),
    (r"^decoder\.decoder_norm\.", "decoder_norm."),
    (r"^decoder\.decoder_pred\.", "to_pixels."),
    (r"^decoder\.(?:decoder_layers|decoder_encoder\.layer)\.", "decoder."),
    (r"\.attention\.(?:attention\.)?(q|k|v)(?:uery|ey|alue|_proj)\.", r".self_attn.\1."),
    (r"\.attention\.(?:output\.dense|o_proj)\.", ".self_attn.out_proj."),
    (r"\.(?:intermediate\.dense|mlp\.fc1)\.", ".linear1."),
    (r"\.(?:output\.dense|mlp\.fc2)\.", ".linear2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
)


def load_official(
    path: AnyPath,
    *,
    heads: int | None = None,
    decoder_heads: int | None = None,
    norm_target: bool = False,
    units: tuple[Any, Any] = IMAGENET_UNITS,
) -> MaskedAutoencoder:
    """A model from a checkpoint in the layout of facebookresearch/mae, encoder and decoder.

    Parameters
    ----------
    path : path
        A ``.pth`` file: the weights, or a dictionary that has them as ``model``.
    heads, decoder_heads : int or None
        Of attention. None knows those of He et al., by width.
    norm_target : bool
        Whether it was trained on patches with their own mean and deviation taken off.
    units : (mean, std)
        Of pixels, for each channel; ImageNet's by default.

    Returns
    -------
    MaskedAutoencoder
        Of square images.

    Raises
    ------
    ValueError
        If names or shapes do not fit, such as where there is no decoder.
    """
    with torch.serialization.safe_globals([argparse.Namespace]):  # full checkpoints hold options
        content = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("model", content)
    return from_official(
        state, heads=heads, decoder_heads=decoder_heads, norm_target=norm_target, units=units
    )


def from_official(
    state: Mapping[str, torch.Tensor],
    *,
    heads: int | None = None,
    decoder_heads: int | None = None,
    norm_target: bool = False,
    units: tuple[Any, Any] = IMAGENET_UNITS,
) -> MaskedAutoencoder:
    """`load_official` of a state that is in memory."""
    renamed = _renamed(state, _OFFICIAL)
    width, decoder_width = renamed["class_token"].shape[-1], renamed["mask_token"].shape[-1]
    found = {"heads": heads or HEADS.get(width)}
    found["decoder_heads"] = decoder_heads or DECODER_HEADS.get(decoder_width)
    unknown = [name for name, value in found.items() if value is None]
    if unknown:
        raise ValueError(f"{width=}, {decoder_width=}: give {' and '.join(unknown)}")
    return _model(renamed, units, norm_target=norm_target, norm_eps=1e-6, **found)


def load_hugging_face(
    folder: AnyPath, *, units: tuple[Any, Any] = IMAGENET_UNITS
) -> MaskedAutoencoder:
    """A model from a folder that ``ViTMAEForPreTraining.save_pretrained`` wrote.

    Parameters
    ----------
    folder : path
        Holds ``config.json`` and ``model.safetensors`` or ``pytorch_model.bin``.
    units : (mean, std)
        Of pixels, for each channel; ImageNet's by default.

    Raises
    ------
    ValueError
        If it is another kind of model, or names or shapes do not fit.
    FileNotFoundError
        If one of the files is missing.
    """
    place = Path(folder)
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "vit_mae":
        raise ValueError(f"{place} holds a {config.get('model_type')!r}, not a 'vit_mae'")
    if config.get("hidden_act", "gelu") != "gelu" or not config.get("qkv_bias", True):
        raise ValueError(f"{place}: only hidden_act='gelu' with qkv_bias=True is known here")
    file = place / "model.safetensors"
    if file.exists():
        state = read_safetensors(file)
    else:
        state = torch.load(place / "pytorch_model.bin", map_location="cpu", weights_only=True)
    renamed = _with_joint_projections(_renamed(state, _HUGGING_FACE))
    return _model(
        renamed,
        units,
        heads=config["num_attention_heads"],
        decoder_heads=config["decoder_num_attention_heads"],
        norm_target=config.get("norm_pix_loss", False),
        norm_eps=config.get("layer_norm_eps", 1e-12),
    )


def read_safetensors(path: AnyPath) -> State:
    """The tensors of a safetensors file: a header in JSON, then their bytes."""
    types = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16}
    types["BF16"] = torch.bfloat16
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    if start > len(data):
        raise ValueError(f"{os.fspath(path)!r} is not a safetensors file")
    state = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in types:
            raise ValueError(f"{name} is of type {entry['dtype']}, none of {', '.join(types)}")
        first, last = (start + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(bytearray(data[first:last]), dtype=types[entry["dtype"]])
        state[name] = values.reshape(entry["shape"])
    return state


def _renamed(state: Mapping[str, torch.Tensor], rules: tuple[tuple[str, str], ...]) -> State:
    renamed = {}
    for name, value in state.items():
        ours = name
        for pattern, replacement in rules:
            ours = re.sub(pattern, replacement, ours)
        renamed[ours] = value
    missing = [k for k in ("class_token", "mask_token", "positions", "embed.weight")
               if k not in renamed]  # fmt: skip
    if missing:
        raise ValueError(f"no {', '.join(missing)} in these weights: not those of a whole MAE")
    return renamed


def _with_joint_projections(state: State) -> State:
    """Queries, keys and values of a block in one matrix."""
    joint = {name: value for name, value in state.items() if ".self_attn.q." not in name}
    for name in state:
        if ".self_attn.q." in name:
            parts = [name.replace(".self_attn.q.", f".self_attn.{which}.") for which in "qkv"]
            whole = name.replace(".self_attn.q.", ".self_attn.in_proj_")
            joint[whole] = torch.cat([state[part] for part in parts])
            for part in parts[1:]:
                del joint[part]
    return joint


def _model(
    state: State, units: tuple[Any, Any], *, norm_target: bool, norm_eps: float, **heads: Any
) -> MaskedAutoencoder:
    width, channels, *patch = state["embed.weight"].shape
    n_patches = state["positions"].shape[1] - 1
    side = math.isqrt(n_patches)
    if side**2 != n_patches or len(patch) != 2:
        raise ValueError(f"{n_patches} positions are not those of a square image")
    state = dict(state)
    # A convolution over (channels, rows, columns) to our order of a patch, channels last.
    state["embed.weight"] = state["embed.weight"].permute(0, 2, 3, 1).reshape(width, -1)
    decoder_width = state["mask_token"].shape[-1]
    config = MAEConfig(
        (side * patch[0], side * patch[1]),
        tuple(patch),
        channels,
        width=width,
        depth=_depth(state, "encoder"),
        decoder_width=decoder_width,
        decoder_depth=_depth(state, "decoder"),
        mlp_ratio=state["encoder.0.linear1.weight"].shape[0] / width,
        norm_target=norm_target,
        norm_eps=norm_eps,
        **heads,
    )
    model = MaskedAutoencoder(config)
    model.set_units(*units)
    own = model.state_dict()
    expected = {name: value for name, value in own.items() if not name.startswith("pixel_")}
    complaints = [
        *(f"{name} is missing" for name in expected.keys() - state.keys()),
        *(f"{name} is unknown" for name in state.keys() - expected.keys()),
        *(
            f"{name} is {tuple(state[name].shape)}, not {tuple(value.shape)}"
            for name, value in expected.items()
            if name in state and state[name].shape != value.shape
        ),
    ]
    if complaints:
        more = f" and {len(complaints) - 5} more" if len(complaints) > 5 else ""
        raise ValueError(f"weights do not fit: {'; '.join(sorted(complaints)[:5])}{more}")
    model.load_state_dict(own | {name: value.to(torch.float32) for name, value in state.items()})
    return model.eval()


def _depth(state: State, stack: str) -> int:
    numbers = [int(m[1]) for m in (re.match(rf"{stack}\.(\d+)\.", name) for name in state) if m]
    return max(numbers, default=-1) + 1
