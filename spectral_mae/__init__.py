"""Fourier-domain analysis of patch masking, on your own images.

All public names of `batch`, `cross_spectra`, `explorer`, `images`, `linear`, `masked_spectra`,
`masks`, `planning` and `spectra` can be used from here: ``spectral_mae.psd`` is
``spectral_mae.spectra.psd``. They load when they are first used, so that importing the package
takes a few milliseconds. The names are listed in the ``__init__.pyi`` of each of these packages,
and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lazy_loader

from spectral_mae import (
    batch,
    cross_spectra,
    explorer,
    images,
    linear,
    masked_spectra,
    masks,
    planning,
    spectra,
)
from spectral_mae._version import __version__

if TYPE_CHECKING:
    from spectral_mae import fields as fields
    from spectral_mae import ising as ising
    from spectral_mae import lessons as lessons
    from spectral_mae import nonlinear as nonlinear
    from spectral_mae import plot as plot
    from spectral_mae import theory as theory
    from spectral_mae.batch import *
    from spectral_mae.cross_spectra import *
    from spectral_mae.explorer import *
    from spectral_mae.images import *
    from spectral_mae.linear import *
    from spectral_mae.masked_spectra import *
    from spectral_mae.masks import *
    from spectral_mae.planning import *
    from spectral_mae.spectra import *

_MODULES = ("fields", "ising", "lessons", "nonlinear", "plot", "theory")
_ROOMS = {
    "batch": dir(batch),
    "cross_spectra": dir(cross_spectra),
    "explorer": dir(explorer),
    "images": dir(images),
    "linear": dir(linear),
    "masked_spectra": dir(masked_spectra),
    "masks": dir(masks),
    "planning": dir(planning),
    "spectra": dir(spectra),
}

_load, _, __all__ = lazy_loader.attach(__name__, _MODULES, _ROOMS)
__all__ += ["__version__"]


def __getattr__(name: str) -> Any:
    try:
        return _load(name)
    except ModuleNotFoundError as error:
        if name != "nonlinear" or error.name != "torch":
            raise
        # Asking for the attribute must not fail: help() and inspect ask for every one. It is not
        # kept, so that importing the module by name still fails with its own error.
        from spectral_mae.extras import MissingModule

        return MissingModule(f"{__name__}.{name}", str(error))


def __dir__() -> list[str]:
    return sorted(__all__)
