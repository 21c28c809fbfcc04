"""Models and trainings in files. Nothing in a file is executed."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import torch

from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear.linear_autoencoder import LinearAutoencoder
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.tensor_files import AnyPath, torch_content
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

FORMAT = "spectral_mae.nonlinear 1"


def save(path: AnyPath, model: ImageModel, **more: Any) -> None:
    """Write a model, with further plain values and tensors, to a file.

    The file is replaced in one step, so it is always complete.

    Parameters
    ----------
    path : str or os.PathLike
        The file to write.
    model : ImageModel
        The model.
    **more : Any
        Further values to store: numbers, strings, lists, dictionaries, tensors.

    Examples
    --------
    >>> import tempfile
    >>> model = MaskedAutoencoder(MAEConfig((8, 8), 4, channels=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.pt", model)
    ...     load_checkpoint(f"{folder}/model.pt").config == model.config
    True
    """
    target = Path(path)
    content = {
        "format": FORMAT,
        "kind": model.kind,
        "settings": settings_of(model),
        "state": model.state_dict(),
        **more,
    }
    part = target.with_name(target.name + ".part")
    torch.save(content, part)
    part.replace(target)


def read(path: AnyPath) -> dict[str, Any]:
    """Read the contents of a file that `save` wrote.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict
        Settings and weights of the model, and the further values.

    Raises
    ------
    ValueError
        If `save` did not write the file, or it is damaged.
    """
    content = torch_content(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{os.fspath(path)!r} was not written by spectral_mae.nonlinear")
    return content


def load_checkpoint(path: AnyPath) -> ImageModel:
    """Read a model that `save` or a training run wrote.

    The model is in evaluation mode.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    ImageModel
        The model.

    Raises
    ------
    ValueError
        If the file holds no such model, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.pt", model)
    ...     type(load_checkpoint(f"{folder}/model.pt")).__name__
    'MaskedAutoencoder'
    """
    content = read(path)
    try:
        return model_from(content).eval()
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)!r}: {error}") from error


def model_from(content: dict[str, Any]) -> ImageModel:
    """Build the model that the contents of a file describe.

    Parameters
    ----------
    content : dict
        What `read` returned.

    Returns
    -------
    ImageModel
        The model.

    Raises
    ------
    ValueError
        If settings and weights do not fit each other, or some are missing.
    """
    try:
        model = _empty_model(content["kind"], content["settings"], content["state"])
        dtypes = {v.dtype for v in content["state"].values() if v.is_floating_point()}
        model.to(dtypes.pop() if len(dtypes) == 1 else torch.float32)
        model.load_state_dict(content["state"])
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"settings and weights do not make a model: {error}") from None
    return model


def _empty_model(kind: str, settings: dict[str, Any], state: dict[str, Any]) -> ImageModel:
    if kind == MaskedAutoencoder.kind:
        return MaskedAutoencoder(config_from(settings, state))
    if kind == LinearAutoencoder.kind:
        grid = PatchGrid(settings["shape"], settings["patch_size"])
        return LinearAutoencoder(grid, settings["channels"], settings["rank"])
    raise ValueError(f"unknown kind of model {kind!r}")


def config_from(settings: dict[str, Any], state: dict[str, Any]) -> MAEConfig:
    """Read the sizes of a model from the settings and weights in a file.

    Files of early versions store no widths of MLPs but only their ratio, which rounding can change
    by one. There the widths are taken from the weights.

    Parameters
    ----------
    settings : dict
        Settings in the file.
    state : dict
        Weights in the file.

    Returns
    -------
    MAEConfig
        The sizes.
    """
    config = MAEConfig(**settings)
    found = tuple(state[f"{stack}.0.linear1.weight"].shape[0] for stack in ("encoder", "decoder"))
    if config.mlp_widths != found and config.mlp_width is config.decoder_mlp_width is None:
        return dataclasses.replace(config, mlp_width=found[0], decoder_mlp_width=found[1])
    return config


def settings_of(model: ImageModel) -> dict[str, Any]:
    """The settings that a model was made with, as plain values.

    Parameters
    ----------
    model : ImageModel
        The model.

    Returns
    -------
    dict
        Its kind and its settings.
    """
    if isinstance(model, MaskedAutoencoder):
        return model.config.to_dict()
    if isinstance(model, LinearAutoencoder):
        return {
            "shape": model.grid.shape,
            "patch_size": model.grid.patch_size,
            "channels": model.channels,
            "rank": model.rank,
        }
    raise TypeError(f"{type(model).__name__} has no settings to save")
