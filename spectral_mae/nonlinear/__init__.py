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
    "AboutMean": "maps",
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
    "filler": "maps",
    "jacobian_matrix": "jacobian",
    "jacobian_rows": "jacobian",
    "load_model": "checkpoint",
    "mean_receptive_field": "jacobian",
    "measured_response": "measured",
    "patchify": "patches",
    "read_labelled": "data",
    "receptive_field": "jacobian",
    "response_of": "measured",
    "singular_values": "jacobian",
    "train": "training",
    "unpatchify": "patches",
    "with_mask": "maps",
}

__all__ = [
    "AboutMean",
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
    "filler",
    "jacobian_matrix",
    "jacobian_rows",
    "load_model",
    "mean_receptive_field",
    "measured_response",
    "patchify",
    "read_labelled",
    "receptive_field",
    "response_of",
    "singular_values",
    "train",
    "unpatchify",
    "with_mask",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
