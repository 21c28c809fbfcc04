"""Packages that read what Pillow does not, where they are installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spectral_mae.extras import missing
from spectral_mae.images.samples import ImageRefused

_EXTRAS = {"imagecodecs": ("imagecodecs", "codecs"), "pillow_heif": ("pillow-heif", "heif")}


def decoder(module: str, what: str) -> Any:
    """The module of an optional package.

    Parameters
    ----------
    module : {"imagecodecs", "pillow_heif"}
        Name of the package as it is imported.
    what : str
        Name of the format that it would read, for the message.

    Returns
    -------
    module
        The package.

    Raises
    ------
    ImageRefused
        If it is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError:
        package, extra = _EXTRAS[module]
        raise ImageRefused(missing(f"{what}, not read here: it", package, extra)) from None
