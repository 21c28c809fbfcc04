"""The names that other libraries give to the weights of a masked autoencoder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from spectral_mae.nonlinear.tensor_files import State

Rules = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Layout:
    """The names that one library gives to the weights of a masked autoencoder.

    Attributes
    ----------
    library : str
        Name of the library.
    encoder : str
        A name that every encoder of this layout has.
    decoders : tuple of str
        Names of which every decoder has one.
    rules : tuple of (pattern, replacement)
        Regular expressions that turn the library's names into those of this package, applied in
        order.
    unused : str
        Pattern of weights that reconstruction does not use, such as those of classification.
    """

    library: str
    encoder: str
    decoders: tuple[str, ...]
    rules: Rules
    unused: str = r"$^"


_BLOCK = (
    (r"\.attn\.qkv\.(weight|bias)$", r".self_attn.in_proj_\1"),
    (r"\.attn\.proj\.", ".self_attn.out_proj."),
    (r"\.mlp\.fc1\.", ".linear1."),
    (r"\.mlp\.fc2\.", ".linear2."),
)
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
    *_BLOCK,
)
# Old and new decoders of lightly around timm's blocks.
_LIGHTLY = (
    (r"^backbone\.vit\.", ""),
    (r"^decoder\.mask_token$", "mask_token"),
    (r"^decoder\.(decoder_\w+)", r"\1"),
    (r"^decoder\.pos_embed$", "decoder_pos_embed"),
    (r"^decoder\.blocks\.", "decoder_blocks."),
    (r"^decoder\.norm\.", "decoder_norm."),
    (r"^prediction_head\.", "decoder_pred."),
    *_OFFICIAL,
)
_TORCHVISION = (
    (r"^backbone\.class_token$", "class_token"),
    (r"^backbone\.encoder\.pos_embedding$", "positions"),
    (r"^backbone\.conv_proj\.", "embed."),
    (r"^backbone\.encoder\.ln\.", "encoder_norm."),
    (r"^backbone\.encoder\.layers\.encoder_layer_", "encoder."),
    (r"^decoder\.mask_token$", "mask_token"),
    (r"^decoder\.pos_embedding$", "decoder_positions"),
    (r"^decoder\.decoder_embed\.", "to_decoder."),
    (r"^decoder\.prediction_head\.", "to_pixels."),
    (r"^decoder\.ln\.", "decoder_norm."),
    (r"^decoder\.layers\.encoder_layer_", "decoder."),
    (r"\.ln_(1|2)\.", r".norm\1."),
    (r"\.self_attention\.", ".self_attn."),
    (r"\.mlp\.(?:0|linear_1)\.", ".linear1."),
    (r"\.mlp\.(?:3|linear_2)\.", ".linear2."),
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

HUGGING_FACE = Layout(
    "transformers",
    "vit.embeddings.patch_embeddings.projection.weight",
    ("decoder.decoder_embed.weight",),
    _HUGGING_FACE,
)
# The more special first: names of one may end with those of another.
LAYOUTS = (
    HUGGING_FACE,
    Layout("transformers", "embeddings.patch_embeddings.projection.weight", (), ()),
    Layout(
        "lightly, around timm",
        "backbone.vit.patch_embed.proj.weight",
        ("decoder_embed.weight", "decoder.decoder_embed.weight"),
        _LIGHTLY,
        unused=r"^backbone\.(?:mask_token$|vit\.head\.)",
    ),
    Layout(
        "lightly, around torchvision",
        "backbone.conv_proj.weight",
        ("decoder.decoder_embed.weight",),
        _TORCHVISION,
        unused=r"^backbone\.(?:mask_token$|heads\.)",
    ),
    Layout(
        "facebookresearch/mae or timm",
        "patch_embed.proj.weight",
        ("decoder_embed.weight",),
        _OFFICIAL,
    ),
)

# Parts of names that come from what wraps a model: distributed data parallel, torch.compile,
# fully sharded data parallel, checkpointed activations.
WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}


def to_ours(state: Mapping[str, torch.Tensor]) -> tuple[Layout, State]:
    """Rename weights to the names of this package.

    Prefixes that wrappers add are removed, and so is a prefix of all names of the model (such as
    Lightning's ``model.``). Weights of anything beside the model are left out.

    Parameters
    ----------
    state : mapping of str to Tensor
        Weights by the names of their library.

    Returns
    -------
    layout : Layout
        The layout that the names had.
    state : dict of str to Tensor
        Weights by the names of this package.

    Raises
    ------
    ValueError
        If the names have no known layout, or belong to several models, or to an encoder without a
        decoder.
    """
    names = {name: _unwrapped(name) for name in state}
    if len(set(names.values())) < len(names):
        twice = sorted(n for n, u in names.items() if u != n and u in state)
        raise ValueError(
            f"these are the weights of more than one model: {', '.join(twice[:2])} stands with and "
            "without the part that a wrapper adds; pass those of one"
        )
    layout, prefix = _recognised(list(names.values()))
    ours: State = {}
    for name, unwrapped in names.items():
        if not unwrapped.startswith(prefix):
            continue
        own = unwrapped.removeprefix(prefix)
        if re.search(layout.unused, own):
            continue
        for pattern, replacement in layout.rules:
            own = re.sub(pattern, replacement, own)
        ours[own] = state[name]
    return layout, ours


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def _recognised(names: list[str]) -> tuple[Layout, str]:
    """The layout of these names, and what stands before them."""
    for layout in LAYOUTS:
        ends = (name for name in names if f".{name}".endswith(f".{layout.encoder}"))
        prefixes = [name.removesuffix(layout.encoder) for name in ends]
        if len(prefixes) > 1:
            found = " and ".join(repr(prefix) for prefix in sorted(prefixes))
            raise ValueError(
                f"these are the weights of {len(prefixes)} models, whose names begin with {found}: "
                "pass those of one"
            )
        if prefixes:
            if not any(prefixes[0] + decoder in names for decoder in layout.decoders):
                raise ValueError(_encoder_alone(layout, names))
            return layout, prefixes[0]
    some = ", ".join(sorted(names)[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    known = "; ".join(dict.fromkeys(layout.library for layout in LAYOUTS))
    raise ValueError(
        f"no patch embedding that is known here among {some}{more}: weights of a vision "
        f"transformer MAE are read in the names of {known}"
    )


def _encoder_alone(layout: Layout, names: list[str]) -> str:
    blocks = {match[1] for name in names if (match := re.search(r"(?:^|[._])(\d+)\.", name))}
    return (
        f"these weights ({len(blocks)} blocks, names of {layout.library}) are of an encoder alone: "
        "nothing can be reconstructed without a decoder; give a "
        "checkpoint of the whole MAE (of facebookresearch/mae the files mae_visualize_*.pth or "
        "*_full.pth)"
    )
