"""Real masked autoencoders beside the linear theory: everything here needs PyTorch.

The names in ``__all__`` load when they are first used. Without PyTorch the import of this package,
and so of everything in it, fails with a sentence that says what to install. (As an attribute,
``spectral_mae.nonlinear`` is then a module that says so when something of it is used.)
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spectral_mae import extras

if not extras.installed("torch"):
    raise ModuleNotFoundError(extras.missing(__name__, "PyTorch", "torch"), name="torch")

_HOME = {
    "AboutMean": "maps",
    "Classifier": "classify",
    "ClassifyConfig": "classify",
    "DescentConfig": "linear",
    "History": "training",
    "LabelledImages": "data",
    "LinearAutoencoder": "linear",
    "MAEConfig": "vit",
    "MaskedAutoencoder": "vit",
    "ProbeResult": "probe",
    "TrainConfig": "training",
    "TrainingSweep": "sweep",
    "accuracy": "classify",
    "descend": "linear",
    "evaluate": "training",
    "exact_hidden_loss": "linear",
    "exact_loss": "linear",
    "features_of": "probe",
    "filler": "maps",
    "fit_classifier": "classify",
    "from_official": "pretrained",
    "jacobian_matrix": "jacobian",
    "jacobian_rows": "jacobian",
    "layer_similarity": "cka",
    "linear_probe": "probe",
    "load_hugging_face": "pretrained",
    "load_model": "checkpoint",
    "load_official": "pretrained",
    "mean_receptive_field": "jacobian",
    "measured_response": "measured",
    "minibatch_cka": "cka",
    "patchify": "patches",
    "pixel_features": "probe",
    "predicted_classes": "classify",
    "read_labelled": "data",
    "receptive_field": "jacobian",
    "response_of": "measured",
    "singular_values": "jacobian",
    "train": "training",
    "train_sweep": "sweep",
    "unbiased_hsic": "cka",
    "unpatchify": "patches",
    "with_mask": "maps",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
