"""The style of all pictures: colours, sizes of letters and lines, and the uses that change them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
from cycler import cycler

from spectral_mae import _checks
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.spectra.rings import RadialSpectrum
from spectral_mae.spectra.sectors import SectorSpectrum
from spectral_mae.spectra.spectrum import Spectrum

BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
GRAY = "#8C8C8C"
POWER_MAP = "inferno"
RATIO_MAP = "viridis"
SIGNED_MAP = "RdBu_r"
HIDDEN = (0.83, 0.80, 0.90)  # colour of hidden pixels: no gray photograph has it

TENSOR_HOLDERS = (Spectrum, RadialSpectrum, SectorSpectrum, PulseMask)

STYLE: Any = {
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "figure.dpi": 110,
    "font.size": 9,
    "image.cmap": POWER_MAP,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "lines.linewidth": 1.5,
    "pdf.fonttype": 42,  # text stays text, which can be searched and edited
    "ps.fonttype": 42,
    "savefig.dpi": 110,
    "svg.fonttype": "none",
    "xtick.labelsize": "small",
    "ytick.labelsize": "small",
}

# What each use changes: sizes of letters in points, widths of lines, and resolution.
Use = Literal["paper", "talk", "notebook"]
USES: dict[str, dict[str, Any]] = {
    "notebook": {},
    "paper": {
        "axes.linewidth": 0.6,
        "font.size": 8,
        "lines.linewidth": 1.0,
        "savefig.dpi": 300,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
    },
    "talk": {
        "axes.linewidth": 1.2,
        "figure.figsize": (8.0, 5.0),
        "font.size": 16,
        "lines.linewidth": 2.5,
        "lines.markersize": 9,
        "savefig.dpi": 150,
        "xtick.major.width": 1.2,
        "ytick.major.width": 1.2,
    },
}


@contextmanager
def style(use: Use | None = None) -> Iterator[None]:
    """The style of the package as a context manager, for figures that you make yourself.

    Parameters
    ----------
    use : {"paper", "talk", "notebook"} or None
        Sizes of letters and lines: 8 points for columns of papers, 16 for talks, 9 for notebooks.
        None is the one that `use_style` has set, at first "notebook".

    Yields
    ------
    None
        Inside it, new figures have the style.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from spectral_mae import plot
    >>> with plot.style("talk"):
    ...     figure, ax = plt.subplots()
    ...     line = ax.plot([1, 2, 3], [3, 1, 2], label="a line of your own")
    ...     legend = ax.legend()
    """
    before = _chosen[0]
    settings = _settings(use)  # also of the functions that draw, which call this again
    try:
        with mpl.rc_context(settings):
            yield
    finally:
        _chosen[0] = before


def use_style(use: Use = "notebook") -> None:
    """Set the style of the package for all figures made from now on.

    The functions that draw use it too.

    Parameters
    ----------
    use : {"paper", "talk", "notebook"}
        Sizes of letters and lines, as in `style`.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels
    >>> with plt.rc_context():  # or it lasts
    ...     plot.use_style("paper")
    ...     ax = plot.radial(sm.psd(image, window="hann").radial())
    ...     plt.rcParams["font.size"]
    8.0
    """
    mpl.rcParams.update(_settings(use))


# The use in force. Not a ContextVar: notebooks run each cell in a context of its own.
_chosen: list[Use] = ["notebook"]


def _settings(use: Use | None) -> Any:
    """The settings of a use, which comes in force."""
    if use is not None:
        _checks.choice("use", use, Use)
        _chosen[0] = use
    return STYLE | USES[_chosen[0]]


P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorate a function so that it draws in the style of the package.

    The style is also used for axes that were made without it.

    Parameters
    ----------
    draw : callable
        A function that draws.

    Returns
    -------
    callable
        The same function, which draws in the style.
    """

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with style():
            return draw(*map(_without_tensors, args), **_without_tensors(kwargs))

    return styled


def _without_tensors(value: Any) -> Any:
    """A result that may hold tensors, or several by name, with NumPy arrays in their place."""
    if isinstance(value, dict):
        return {name: _without_tensors(one) for name, one in value.items()}
    if isinstance(value, list | tuple) and any(isinstance(one, TENSOR_HOLDERS) for one in value):
        return [_without_tensors(one) for one in value]
    return value.numpy() if isinstance(value, TENSOR_HOLDERS) else value
