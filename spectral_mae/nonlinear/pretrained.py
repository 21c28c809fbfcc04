"""Pretrained weights: He et al.'s checkpoints and Hugging Face's ``ViTMAEForPreTraining``.

Both, and those of timm and lightly, are renamed to ours, and every shape is checked. Nothing is
downloaded, and nothing in a file is executed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from spectral_mae import _checks
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear import tensor_files
from spectral_mae.nonlinear.layouts import HUGGING_FACE, to_ours
from spectral_mae.nonlinear.tensor_files import AnyPath, State
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder, sincos_positions

IMAGENET_UNITS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# Attention heads are not in the shapes: of ViT-Base, -Large and -Huge by width; of their decoder.
HEADS = {768: 12, 1024: 16, 1280: 16}
DECODER_HEADS = {512: 16}


def load_official(
    path: AnyPath,
    *,
    shape: tuple[int, int] | None = None,
    heads: int | None = None,
    decoder_heads: int | None = None,
    norm_target: bool | None = None,
    units: tuple[Any, Any] | None = None,
) -> MaskedAutoencoder:
    """Read a masked autoencoder from a checkpoint of facebookresearch/mae, timm or lightly.

    The checkpoint must hold the encoder and the decoder.

    Parameters
    ----------
    path : str or os.PathLike
        A file of ``torch.save`` or safetensors. It holds the weights, or a dictionary that has them
        as ``model``, ``state_dict`` (Lightning) or a similar entry. Prefixes that wrappers add to
        names are removed.
    shape : tuple of int or None
        (H, W) in pixels. None finds the rows and columns of patches from the position embeddings,
        where these are the sines and cosines of He et al.; otherwise the image is taken as square.
    heads : int or None
        Attention heads of the encoder. None uses those of He et al. for its width.
    decoder_heads : int or None
        Attention heads of the decoder. None uses those of He et al. for its width.
    norm_target : bool or None
        Whether the model was trained on patches standardised with their own mean and deviation.
        None takes what the options of the training run in the file say (``norm_pix_loss``), and
        False where there are none.
    units : tuple of (mean, std) or None
        Mean and standard deviation of pixels for each channel. None takes those of ImageNet for
        three channels.

    Returns
    -------
    MaskedAutoencoder
        The model, in evaluation mode.

    Raises
    ------
    ValueError
        If the file is damaged or holds something else, such as an encoder without its decoder; if
        names or shapes do not fit; if weights are not finite; or if units are needed.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> model = load_official("mae_visualize_vit_base.pth")  # doctest: +SKIP
    >>> load_official("no-file.pth")
    Traceback (most recent call last):
    ...
    FileNotFoundError: ...'no-file.pth'
    """
    if Path(path).is_dir():
        raise ValueError(f"{str(path)!r} is a folder; load_hugging_face reads folders")
    content = tensor_files.read_tensor_file(path)
    if norm_target is None:
        norm_target = bool(tensor_files.options_of(content).get("norm_pix_loss", False))
    with _naming(path):
        state = tensor_files.state_of(content)
        return from_official(
            state, shape=shape, heads=heads, decoder_heads=decoder_heads,
            norm_target=norm_target, units=units,
        )  # fmt: skip


def from_official(
    state: Mapping[str, torch.Tensor],
    *,
    shape: tuple[int, int] | None = None,
    heads: int | None = None,
    decoder_heads: int | None = None,
    norm_target: bool = False,
    units: tuple[Any, Any] | None = None,
) -> MaskedAutoencoder:
    """Build a masked autoencoder from weights in memory, as `load_official` does from a file.

    Parameters
    ----------
    state : mapping of str to Tensor
        Weights by the names of their library.
    shape : tuple of int or None
        (H, W) in pixels; None as in `load_official`.
    heads : int or None
        Attention heads of the encoder.
    decoder_heads : int or None
        Attention heads of the decoder.
    norm_target : bool
        Whether the model was trained on standardised patches.
    units : tuple of (mean, std) or None
        Mean and standard deviation of pixels for each channel; None as in `load_official`.

    Returns
    -------
    MaskedAutoencoder
        The model.

    Raises
    ------
    ValueError
        If names or shapes do not fit, or weights are not finite.

    Examples
    --------
    >>> model = from_official(timm_model.state_dict())  # doctest: +SKIP
    >>> from_official({"patch_embed.proj.weight": torch.zeros(8, 3, 4, 4)})
    Traceback (most recent call last):
    ...
    ValueError: these weights (0 blocks, ...) are of an encoder alone: ...
    """
    layout, ours = to_ours(tensor_files.state_of(state))
    if layout is HUGGING_FACE:
        raise ValueError(
            "these are the names of transformers: give the folder, with its config.json, to "
            "load_hugging_face"
        )
    width, decoder_width = _width(ours, "class_token"), _width(ours, "mask_token")
    found = {"heads": HEADS.get(width) if heads is None else heads}
    found["decoder_heads"] = (
        DECODER_HEADS.get(decoder_width) if decoder_heads is None else decoder_heads
    )
    unknown = [name for name, value in found.items() if value is None]
    if unknown:
        raise ValueError(f"{width=}, {decoder_width=}: give {' and '.join(unknown)}")
    return _model(ours, shape, units, norm_target=norm_target, norm_eps=1e-6, **found)


def load_hugging_face(
    folder: AnyPath, *, units: tuple[Any, Any] | None = None
) -> MaskedAutoencoder:
    """Read a model from a folder that ``ViTMAEForPreTraining.save_pretrained`` wrote.

    Parameters
    ----------
    folder : str or os.PathLike
        Holds ``config.json``, and ``model.safetensors`` or ``pytorch_model.bin``, or one of these
        in several files with an index.
    units : tuple of (mean, std) or None
        Mean and standard deviation of pixels for each channel. None takes ``image_mean`` and
        ``image_std`` of ``preprocessor_config.json``, if it is in the folder, and else those of
        ImageNet for three channels.

    Returns
    -------
    MaskedAutoencoder
        The model.

    Raises
    ------
    ValueError
        If it is another kind of model, a file is damaged, names or shapes do not fit each other or
        the configuration, weights are not finite, or units are needed.
    FileNotFoundError
        If one of the files is missing.

    Examples
    --------
    >>> model = load_hugging_face("vit-mae-base")  # doctest: +SKIP
    >>> load_hugging_face("no-folder")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no folder no-folder
    """
    place = Path(folder)
    if not place.is_dir():
        if place.exists():
            raise ValueError(f"{place} is a file; give the folder that holds config.json")
        raise FileNotFoundError(f"there is no folder {place}")
    file = place / "config.json"
    if not file.exists():
        raise FileNotFoundError(f"{place} holds no config.json, which says what the model is")
    config = tensor_files.read_json(file)
    if config.get("model_type") != "vit_mae":
        raise ValueError(f"{place} holds a {config.get('model_type')!r}, not a 'vit_mae'")
    if config.get("hidden_act", "gelu") != "gelu" or not config.get("qkv_bias", True):
        raise ValueError(f"{place}: only hidden_act='gelu' with qkv_bias=True is known here")
    state = tensor_files.read_folder(place)
    with _naming(place):
        units = _preprocessor_units(place) if units is None else units
        return _of_configuration(state, config, units)


def _preprocessor_units(folder: Path) -> tuple[Any, Any] | None:
    """Mean and deviation that the image processor beside a model subtracts and divides by."""
    file = folder / "preprocessor_config.json"
    if not file.exists():
        return None
    found = tensor_files.read_json(file)
    if not found.get("do_normalize", True):
        return 0.0, 1.0
    if "image_mean" not in found or "image_std" not in found:
        return None
    return found["image_mean"], found["image_std"]


@contextmanager
def _naming(path: AnyPath) -> Iterator[None]:
    """Say where the weights are that do not fit."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{str(path)!r}: {error}") from error


def _of_configuration(
    state: State, config: Mapping[str, Any], units: tuple[Any, Any] | None
) -> MaskedAutoencoder:
    """The model of transformers that a state and its config.json describe."""
    layout, ours = to_ours(state)
    if layout is not HUGGING_FACE:
        raise ValueError(f"these are the names of {layout.library}, not of transformers")
    # Defaults are what transformers takes where the file does not say it.
    patch_size = _pair(config, "patch_size", 16)
    model = _model(
        _with_joint_projections(ours),
        _pair(config, "image_size", 224),
        units,
        heads=config.get("num_attention_heads", 12),
        decoder_heads=config.get("decoder_num_attention_heads", 16),
        norm_target=bool(config.get("norm_pix_loss", False)),
        norm_eps=config.get("layer_norm_eps", 1e-12),
    )
    if model.grid.patch_size != patch_size:
        raise ValueError(f"{patch_size=} in config.json, {model.grid.patch_size} in the weights")
    return model


def _pair(config: Mapping[str, Any], name: str, default: int) -> tuple[int, int]:
    """A number of a configuration, for rows and columns, as two."""
    value = config.get(name, default)
    if not isinstance(value, int | list | tuple):
        raise ValueError(f"{name}={value!r} in config.json is neither a number nor two")  # noqa: TRY004
    rows, columns = _checks.per_axis(name, value, 2)
    return rows, columns


def _with_joint_projections(state: State) -> State:
    """Queries, keys and values of a block in one matrix."""
    joint = dict(state)
    for name in state:
        if ".self_attn.q." in name:
            parts = [name.replace(".self_attn.q.", f".self_attn.{which}.") for which in "qkv"]
            missing = [part for part in parts if part not in state]
            if missing:
                raise ValueError(f"weights do not fit: {missing[0]} is missing")
            whole = name.replace(".self_attn.q.", ".self_attn.in_proj_")
            joint[whole] = torch.cat([joint.pop(part) for part in parts])
    return joint


def _model(
    state: State,
    shape: tuple[int, int] | None,
    units: tuple[Any, Any] | None,
    *,
    norm_target: bool,
    norm_eps: float,
    **heads: Any,
) -> MaskedAutoencoder:
    _check_values(state)
    kernel = _of(state, "embed.weight", 4)
    width, channels, *patch = kernel.shape
    decoder_width = _width(state, "mask_token")
    config = MAEConfig(
        _shape(state, shape, patch),
        (patch[0], patch[1]),
        channels,
        width=width,
        depth=_depth(state, "encoder"),
        decoder_width=decoder_width,
        decoder_depth=_depth(state, "decoder"),
        mlp_width=_of(state, "encoder.0.linear1.weight", 2).shape[0],
        decoder_mlp_width=_of(state, "decoder.0.linear1.weight", 2).shape[0],
        norm_target=norm_target,
        norm_eps=norm_eps,
        **heads,
    )
    state = dict(state)
    # A convolution over (channels, rows, columns) to our order of a patch, channels last.
    state["embed.weight"] = kernel.permute(0, 2, 3, 1).reshape(width, -1)
    model = MaskedAutoencoder(config)
    if units is None and channels != 3:
        raise ValueError(
            f"mean and deviation of pixels are not known for channels={channels}: give units, such "
            "as (0.0, 1.0) for a model that takes pixels from 0 to 1 as they are"
        )
    model.set_units(*(IMAGENET_UNITS if units is None else units))
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


def _check_values(state: State) -> None:
    """Refuse weights that are no real numbers: models of them would give NaN, or nothing."""
    for name, value in state.items():
        if not value.is_floating_point() or value.is_meta or value.layout is not torch.strided:
            raise ValueError(f"{name} is of {value.dtype} on {value.device}, {value.layout}: "
                             "not a dense array of floating point numbers")  # fmt: skip
        bad = int((~torch.isfinite(value.to(torch.float32))).sum())
        if bad:
            raise ValueError(f"{name} holds {bad} of {value.numel()} values that are not finite")


def _of(state: State, name: str, ndim: int) -> torch.Tensor:
    if name not in state:
        raise ValueError(f"weights do not fit: {name} is missing")
    if state[name].ndim != ndim or not state[name].numel():
        raise ValueError(f"{name} of shape {tuple(state[name].shape)} does not have {ndim} axes")
    return state[name]


def _width(state: State, token: str) -> int:
    return _of(state, token, 3).shape[-1]


def _shape(state: State, shape: Any, patch: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of pixels: as given, by the sines and cosines of positions, or square."""
    n_patches = _of(state, "positions", 3).shape[1] - 1
    if shape is not None:
        grid = PatchGrid(shape, (patch[0], patch[1]))
        if grid.n_patches != n_patches:
            raise ValueError(
                f"shape={grid.shape} has {grid.n_patches} patches of {grid.patch_size}, and there "
                f"are positions of {n_patches}"
            )
        return grid.shape[0], grid.shape[1]
    table = _of(state, "decoder_positions", 3)[0, 1:].to(torch.float32)
    for rows in range(1, n_patches + 1):
        columns = n_patches // rows
        if rows * columns == n_patches and _is_sincos(table, (rows, columns)):
            return rows * patch[0], columns * patch[1]
    side = math.isqrt(n_patches)
    if side == 0 or side**2 != n_patches:
        raise ValueError(f"{n_patches} positions are not those of a square image: give shape")
    return side * patch[0], side * patch[1]


def _is_sincos(table: torch.Tensor, counts: tuple[int, int]) -> bool:
    """Whether these are the positions of so many rows and columns, in either order of the two."""
    width = table.shape[1]
    if width % 4 or len(table) != counts[0] * counts[1]:
        return False
    own = sincos_positions(width, counts)[0, 1:]
    return any(
        torch.allclose(table, other, rtol=0, atol=1e-3)
        for other in (own, own.roll(width // 2, dims=1))
    )


def _depth(state: State, stack: str) -> int:
    """Blocks of a stack, numbered from zero on."""
    numbers = {int(m[1]) for m in (re.match(rf"{stack}\.(\d+)\.", name) for name in state) if m}
    return max(numbers, default=-1) + 1
