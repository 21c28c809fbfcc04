"""Any trained model, opened by its place or name: files, folders, and functions in modules."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from spectral_mae.linear.estimators import load_linear_model
from spectral_mae.linear.model import LinearModel
from spectral_mae.nonlinear import checkpoint, tensor_files
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.pretrained import load_hugging_face, load_official
from spectral_mae.nonlinear.training import CHECKPOINT

Opened = ImageModel | LinearModel | Callable[..., Any]

_FUNCTION = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)")


def open_model(place: str | os.PathLike[str], **options: Any) -> Opened:
    """Open a trained model by the place of its files, or a function by its name.

    Parameters
    ----------
    place : str or os.PathLike
        One of these:

        - a folder that ``ViTMAEForPreTraining.save_pretrained`` of transformers wrote;
        - a folder or a checkpoint of ``spectral-mae train-mae``;
        - a checkpoint of facebookresearch/mae, timm or lightly;
        - a linear model, ``.npz``, that ``spectral-mae fit`` wrote;
        - ``"module:function"``, a function in a module that Python can import, also from the
          working directory. See `audit` for what it takes. Importing runs the code of the module.

        Of files only tensors and plain values are read, and nothing in them is executed.
    **options : Any
        Arguments of `load_official` or `load_hugging_face`, such as ``units`` and ``heads``.

    Returns
    -------
    ImageModel, LinearModel or callable
        The model.

    Raises
    ------
    ValueError
        If it is none of these, or is damaged, or options do not apply to it.
    FileNotFoundError
        If there is no such file, folder or module.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from spectral_mae import LinearMAE
    >>> model = LinearMAE(4, 0.5).fit(np.random.default_rng(0).random((20, 8, 8)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.npz")
    ...     open_model(f"{folder}/model.npz").loss_ == model.loss_
    True
    """
    path, name = Path(place), os.fspath(place)
    named = _FUNCTION.fullmatch(name)
    if not path.exists() and named is not None:
        _refuse(options, (), f"the function {name}")
        return _function(named[1], named[2])
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {name!r}, and no module:function")
    if path.is_dir():
        own = path / CHECKPOINT
        if own.exists() and not (path / "config.json").exists():
            _refuse(options, (), f"the model in {name!r}")
            return checkpoint.load_checkpoint(own)
        _refuse(options, ("units",), f"the folder {name!r}")
        return load_hugging_face(path, **options)
    if path.suffix == ".npz":
        _refuse(options, (), f"the linear model {name!r}")
        return load_linear_model(path)
    content = tensor_files.read_tensor_file(path)
    if isinstance(content, dict) and content.get("format") == checkpoint.FORMAT:
        _refuse(options, (), f"the model {name!r}")
        return checkpoint.load_checkpoint(path)
    del content
    return load_official(path, **options)


def _refuse(options: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    """Refuse options that would have no effect."""
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(f"{unknown[0]}={options[unknown[0]]!r} does not apply to {what}")


def _function(module: str, name: str) -> Callable[..., Any]:
    """A function of a module, which is also looked for in the working directory."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name != module and not module.startswith(f"{error.name}."):
            raise  # of something that the module itself imports
        raise FileNotFoundError(
            f"there is no module {module!r} where Python looks, and no file of that name"
        ) from None
    finally:
        sys.path.remove(here)
    if found is None:
        raise ValueError(f"the module {module!r} has no function {name!r}")
    if not callable(found):
        raise ValueError(f"{module}:{name} is not a function")  # noqa: TRY004 - a wrong name
    return found
