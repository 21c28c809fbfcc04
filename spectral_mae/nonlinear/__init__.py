"""Masked autoencoders in PyTorch, and measurements that compare them with the linear theory.

All of this package needs PyTorch. Its public names are listed in ``__init__.pyi``, and nowhere
else; they are loaded when they are first used.
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

import lazy_loader

from spectral_mae import extras

if not extras.installed("torch"):
    raise ModuleNotFoundError(extras.missing(__name__, "PyTorch", "torch"), name="torch")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
