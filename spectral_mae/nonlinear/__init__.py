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
    "MAEConfig": "vit",
    "MaskedAutoencoder": "vit",
    "patchify": "patches",
    "unpatchify": "patches",
}

__all__ = [
    "MAEConfig",
    "MaskedAutoencoder",
    "patchify",
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
