"""Real masked autoencoders beside the linear theory: everything here needs PyTorch.

The names in ``__all__`` load when they are first used. Without PyTorch the import of this package,
and so of everything in it, fails with a sentence that says what to install.
"""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

if importlib.util.find_spec("torch") is None:
    raise ModuleNotFoundError(
        "spectral_mae.nonlinear needs PyTorch, which is not installed: "
        "pip install 'spectral-mae[torch]'",
        name="torch",
    )

_HOME = {
    "DescentConfig": "linear",
    "History": "training",
    "LabelledImages": "data",
    "LinearAutoencoder": "linear",
    "MAEConfig": "vit",
    "MaskedAutoencoder": "vit",
    "TrainConfig": "training",
    "descend": "linear",
    "evaluate": "training",
    "exact_hidden_loss": "linear",
    "exact_loss": "linear",
    "load_model": "checkpoint",
    "patchify": "patches",
    "read_labelled": "data",
    "train": "training",
    "unpatchify": "patches",
}

__all__ = [
    "DescentConfig",
    "History",
    "LabelledImages",
    "LinearAutoencoder",
    "MAEConfig",
    "MaskedAutoencoder",
    "TrainConfig",
    "descend",
    "evaluate",
    "exact_hidden_loss",
    "exact_loss",
    "load_model",
    "patchify",
    "read_labelled",
    "train",
    "unpatchify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
