"""The figures of the documentation, each drawn from images of your own or built-in ones.

`FIGURES` names them; `draw` makes one. ``spectral-mae figures`` writes all of them, and
``figures/NAME.py`` one.

The files:

- `band_interpolation`: what linear masked autoencoders do to each frequency.
- `data`: the images that a figure is drawn from.
- `expected_spectrum`: expected spectra under masking beside spectra under drawn masks.
- `mask_designs`: which mask design hides what.
- `mask_ratio_map`: explained power over patch size and mask ratio.
- `masking`: Fig. 22 of the paper: masks of three patch sizes and their spectra.
- `patch_range`: Figs. 20 and 21 of the paper: weight matrices, and how far weights reach.
- `receptive_fields`: Fig. 13C of the paper: receptive fields of linear MAE, DAE and AE.
- `taylor_gap`: the error of the linearisations of Lemmas 4 and 5.
- `transfer`: MAE, DAE and AE as filters, on one axis.
- `unmasking`: estimates of spectra from masked images.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each is a module here with a function ``draw``, or a function of a module.
FIGURES: dict[str, str] = {
    "masking": "masking.draw",
    "expected_spectrum": "expected_spectrum.draw",
    "mask_designs": "mask_designs.draw",
    "receptive_fields": "receptive_fields.draw",
    "weights_half_hidden": "patch_range.half_hidden",
    "weights_extremes": "patch_range.extremes",
    "band_interpolation": "band_interpolation.draw",
    "transfer": "transfer.draw",
    "mask_ratio_map": "mask_ratio_map.draw",
    "unmasking": "unmasking.draw",
    "taylor_gap": "taylor_gap.draw",
}


def draw(name: str, data: Sequence[Any] = ()) -> Figure:
    """Draw one figure of the documentation.

    Parameters
    ----------
    name : str
        One of `FIGURES`.
    data : sequence of str or ImageReference
        Images, as `find_sources` takes them or has found them; empty for the built-in images.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there is no such figure, or it cannot be drawn from these images.
    """
    if name not in FIGURES:
        raise ValueError(f"no figure {name!r}; there are {', '.join(FIGURES)}")
    module, function = FIGURES[name].split(".")
    return getattr(import_module(f"{__name__}.{module}"), function)(data)


def caption(name: str) -> str:
    """The caption of a figure: what it shows, and from which images when none are given.

    Parameters
    ----------
    name : str
        One of `FIGURES`.

    Returns
    -------
    str
        The caption.
    """
    module, function = FIGURES[name].split(".")
    return str(getattr(import_module(f"{__name__}.{module}"), function).__doc__)
