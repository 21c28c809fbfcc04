"""Models and trainings in files. Nothing in a file is executed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from spectral_mae.grid import PatchGrid
from spectral_mae.nonlinear.linear import LinearAutoencoder
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder

FORMAT = "spectral_mae.nonlinear 1"

AnyPath = str | os.PathLike[str]


def save(path: AnyPath, model: ImageModel, **more: Any) -> None:
    """Write a model, and more plain values and tensors, in one step: a file is whole or not there.

    Examples
    --------
    >>> import tempfile
    >>> model = MaskedAutoencoder(MAEConfig((8, 8), 4, channels=1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/model.pt", model)
    ...     load_model(f"{folder}/model.pt").config == model.config
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
    """The contents of a file that `save` wrote.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)!r} holds no model: {error}") from error
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        raise ValueError(f"{os.fspath(path)!r} holds no model") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{os.fspath(path)!r} was not written by spectral_mae.nonlinear")
    return content


def load_model(path: AnyPath) -> ImageModel:
    """Read a model that `save`, or a training, wrote, ready to be used (not trained)."""
    return model_from(read(path)).eval()


def model_from(content: dict[str, Any]) -> ImageModel:
    """The model that a file's contents describe."""
    settings = dict(content["settings"])
    if content["kind"] == MaskedAutoencoder.kind:
        settings["shape"] = tuple(settings["shape"])
        model: ImageModel = MaskedAutoencoder(MAEConfig(**settings))
    elif content["kind"] == LinearAutoencoder.kind:
        grid = PatchGrid(settings["shape"], settings["patch_size"])
        model = LinearAutoencoder(grid, settings["channels"], settings["rank"])
    else:
        raise ValueError(f"unknown kind of model {content['kind']!r}")
    dtypes = {v.dtype for v in content["state"].values() if v.is_floating_point()}
    model.to(dtypes.pop() if len(dtypes) == 1 else torch.float32)
    model.load_state_dict(content["state"])
    return model


def settings_of(model: ImageModel) -> dict[str, Any]:
    """What a model was made with, in plain values."""
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
