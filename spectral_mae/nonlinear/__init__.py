"""Masked autoencoders in PyTorch, and measurements that compare them with the linear theory.

All of this package needs PyTorch. The names in ``__all__`` are loaded when they are first used.
Without PyTorch the import fails, and the message says what to install; as an attribute,
``spectral_mae.nonlinear`` is then a module that raises this error when a name of it is used.

The files:

- `arrays`: checks of arguments that may be tensors or arrays.
- `auditing/`: what a trained model does to each frequency, beside the best linear models.
- `checkpoint`: models and training runs in files. Nothing in a file is executed.
- `evaluation/`: what trained models do: Jacobians, responses, probes, similarity of layers.
- `labelled_images`: images and their classes from folders, zip archives and CIFAR's binary batches.
- `layouts`: the names that other libraries give to the weights of a masked autoencoder.
- `linear_autoencoder`: the linear autoencoder, trained by gradient descent.
- `model`: the base class of models: units of pixels, the loss, the interface.
- `opening`: any trained model, opened by the place of its files or the name of a function.
- `patches`: patches of tensors, in the order of `PatchGrid`, and masks with one value per patch.
- `pretrained`: He et al.'s checkpoints, and Hugging Face's ``ViTMAEForPreTraining``.
- `schedule`: the learning rate over a training run.
- `tensor_files`: files of tensors: those of ``torch.save``, safetensors, and folders of either.
- `training`: training runs: batches, masks, steps, the log, and checkpoints to resume from.
- `training_sweep`: several training runs and their probes, in one table.
- `vit`: the masked autoencoder of He et al. (2022), a vision transformer.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spectral_mae import extras

if not extras.installed("torch"):
    raise ModuleNotFoundError(extras.missing(__name__, "PyTorch", "torch"), name="torch")

_HOME = {
    "AboutMean": "evaluation.maps",
    "AuditResult": "auditing.result",
    "Classifier": "evaluation.classifier",
    "ClassifyConfig": "evaluation.classifier",
    "DescentConfig": "linear_autoencoder",
    "History": "training",
    "LabelledImages": "labelled_images",
    "LinearAutoencoder": "linear_autoencoder",
    "MAEConfig": "vit",
    "MaskedAutoencoder": "vit",
    "ProbeResult": "evaluation.probe",
    "TokenSpectra": "evaluation.token_spectra",
    "TrainConfig": "training",
    "TrainingSweep": "training_sweep",
    "accuracy": "evaluation.classifier",
    "audit": "auditing.audit",
    "descend": "linear_autoencoder",
    "evaluate": "training",
    "exact_hidden_loss": "linear_autoencoder",
    "exact_loss": "linear_autoencoder",
    "features_of": "evaluation.probe",
    "filler": "evaluation.maps",
    "fit_classifier": "evaluation.classifier",
    "from_official": "pretrained",
    "jacobian_matrix": "evaluation.jacobian",
    "jacobian_rows": "evaluation.jacobian",
    "layer_similarity": "evaluation.layer_similarity",
    "linear_probe": "evaluation.probe",
    "load_hugging_face": "pretrained",
    "load_model": "checkpoint",
    "load_official": "pretrained",
    "mean_receptive_field": "evaluation.jacobian",
    "measured_response": "evaluation.measured_response",
    "minibatch_cka": "evaluation.layer_similarity",
    "open_model": "opening",
    "patchify": "patches",
    "pixel_features": "evaluation.probe",
    "predicted_classes": "evaluation.classifier",
    "read_labelled": "labelled_images",
    "receptive_field": "evaluation.jacobian",
    "response_of": "evaluation.measured_response",
    "singular_values": "evaluation.jacobian",
    "token_spectra": "evaluation.token_spectra",
    "train": "training",
    "train_sweep": "training_sweep",
    "unbiased_hsic": "evaluation.layer_similarity",
    "unpatchify": "patches",
    "with_mask": "evaluation.maps",
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
