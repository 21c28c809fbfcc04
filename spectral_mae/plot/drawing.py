"""One look for all pictures, and the pieces that several of them are drawn with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.made_here import SOFTWARE
from spectral_mae.spectra import frequencies

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
NOTHING = "no power above rounding"

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
    "savefig.dpi": 110,
    "xtick.labelsize": "small",
    "ytick.labelsize": "small",
}

# Where each format says what wrote it, and which leave the date out.
METADATA: dict[str, Any] = {
    "png": {"Software": SOFTWARE},
    "pdf": {"Creator": SOFTWARE, "CreationDate": None},
    "svg": {"Creator": SOFTWARE, "Date": None},
    "svgz": {"Creator": SOFTWARE, "Date": None},
    "eps": {"Creator": SOFTWARE},
    "ps": {"Creator": SOFTWARE},
}

# Labelled ticks of a logarithmic axis of frequency, as parts of the largest.
FREQUENCY_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def style() -> AbstractContextManager[None]:
    """The style of the package as a context, for figures you make yourself.

    Examples
    --------
    >>> with style():
    ...     figure = Figure()
    """
    return mpl.rc_context(STYLE)


def use_style() -> None:
    """Take the style of the package for all figures that are made from now on, as in a notebook.

    Examples
    --------
    >>> with mpl.rc_context():  # or it would last
    ...     use_style()
    ...     mpl.rcParams["figure.dpi"]
    110.0
    """
    mpl.rcParams.update(STYLE)


def named(name: str, given: Any, kinds: type | tuple[type, ...], how: str) -> dict[str, Any]:
    """One result, or a mapping of label to result, as a mapping; ``how`` says what makes one."""
    several = dict(given) if isinstance(given, Mapping) else {"": given}
    if not several:
        raise ValueError(f"no {name} to draw: the mapping is empty")
    for label, one in several.items():
        _checks.needed(f"{name}[{label!r}]" if label else name, one, kinds, how)
    return several


P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the style of the package, also into axes that were made without it."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with style():
            return draw(*args, **kwargs)

    return styled


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 6.0, height: float = 4.0, **layout: Any
) -> tuple[Figure, NDArray[Any]]:
    """A figure without a screen and its axes as a (rows, columns) array; inches."""
    size = _checks.positive_number("width", width), _checks.positive_number("height", height)
    rows, columns = _checks.positive_int("rows", rows), _checks.positive_int("columns", columns)
    with style():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, squeeze=False, **layout)


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure in the format that the file's name says; PNG where it says none.

    It is marked as made here where its format has a place for that, and a date only where the
    format cannot do without (PostScript): elsewhere equal figures give equal bytes.

    Parameters
    ----------
    figure : Figure
    path : path
        Such as ``figure.png``, ``figure.pdf`` or ``figure.svg``.

    Raises
    ------
    TypeError
        If ``figure`` is not a figure.
    ValueError
        For a format that matplotlib does not write; it lists those that it does.

    Examples
    --------
    >>> import tempfile
    >>> figure, _ = new_figure()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(figure, f"{folder}/empty.pdf")
    """
    _checks.needed("figure", figure, Figure, "plot.new_figure() makes one; of axes it is ax.figure")
    name = _checks.path("path", path)
    kind = os.path.splitext(name)[1].lstrip(".").lower() or "png"  # noqa: PTH122 - a text
    with style(), mpl.rc_context({"svg.hashsalt": SOFTWARE}):
        figure.savefig(name, metadata=METADATA.get(kind))


def one_axes(ax: Axes | None) -> Axes:
    """The given axes, or those of a new figure."""
    if ax is None:
        return subplots(1, 1, 4.0)[0, 0]
    _checks.needed("ax", ax, Axes, "plt.subplots() makes one; None makes a figure")
    return ax


def many_axes(ax: Any, shape: tuple[int, ...], side: float) -> NDArray[Any]:
    """The given array of axes, checked, or those of a new figure, ``side`` inches each."""
    if ax is None:
        rows, columns = shape if len(shape) == 2 else (1, *shape)
        return subplots(rows, columns, side).reshape(shape)
    array = np.asarray(ax, dtype=object)
    if array.shape != shape or not all(isinstance(one, Axes) for one in array.flat):
        what = f"ax of shape {array.shape}" if array.ndim else f"ax={_checks.brief(ax)}"
        raise ValueError(f"{what} is not {shape} of Axes: plot.new_figure makes them so")
    return array


def subplots(rows: int, columns: int, side: float) -> NDArray[Any]:
    """Axes of a pyplot figure, for whoever works in a notebook and gives no axes."""
    import matplotlib.pyplot as plt

    with style():
        size = (side * columns + 0.8, side * rows)
        return plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)[1]


def frequency_map(
    ax: Axes,
    cells: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    norm: LogNorm,
    colours: str,
) -> AxesImage:
    """A map over frequency with zero in the middle; rows run down, as in the image.

    ``cells`` are those of `frequency_cells`, for an image of this shape.
    """
    rows, columns = frequencies.shifted_edges(shape, fs)
    image = ax.imshow(
        # What is beyond the ends of the scale gets the colours of the ends, not gaps.
        np.clip(cells, norm.vmin, norm.vmax),
        norm=norm,
        cmap=colours,
        extent=(columns[0], columns[-1], rows[-1], rows[0]),
        aspect="auto" if fs[0] != fs[1] else "equal",
        interpolation="nearest",
    )
    for axis, rate in ((ax.xaxis, fs[1]), (ax.yaxis, fs[0])):
        axis.set_ticks([-rate / 4, 0, rate / 4])
    unit = unit_of(fs)
    ax.set_xlabel(f"horizontal frequency ({unit})")
    ax.set_ylabel(f"vertical frequency ({unit})")
    return image


def color_bar(ax: Axes, image: AxesImage, label: str, *, ticks: FloatArray | None = None) -> None:
    """Put a bar with the scale of a map beside it."""
    ax.figure.colorbar(image, ax=ax, label=label, shrink=0.9, ticks=ticks)


def shown(power: FloatArray, floor: float = 0.0) -> FloatArray:
    """Values that a logarithmic axis can show and that are not rounding, NaN (a gap) elsewhere."""
    return np.where(power > max(floor, 0.0), power, np.nan)


def unit_of(fs: tuple[float, ...]) -> str:
    """Unit of frequency: cycles/pixel, unless a sampling frequency was given."""
    return "cycles/pixel" if all(rate == 1.0 for rate in fs) else "units of fs"


def power_label(scaling: str, fs: tuple[float, ...]) -> str:
    """What a power is, with its unit."""
    unit = "cycle/pixel" if all(rate == 1.0 for rate in fs) else "unit of fs"
    density = f"per {unit}" if len(fs) == 1 else f"per ({unit})²"
    return {
        "density": f"power density ({density})",
        "spectrum": "power per frequency",
        "energy": "|X|²",
    }[scaling]


def log_frequency_axis(ax: Axes, frequency: FloatArray, fs: tuple[float, ...]) -> None:
    """Make the horizontal axis a logarithmic one of frequency with readable ticks."""
    ax.set_xscale("log")
    ax.set_xlabel(f"frequency ({unit_of(fs)})")
    scale = min(fs)
    ticks = [t * scale for t in FREQUENCY_TICKS]
    if _is_empty(ax):
        ax.set_xlim(frequency.min() * 0.9, frequency.max() * 1.1)
    inside = [t for t in ticks if frequency.min() * 0.9 <= t <= frequency.max() * 1.1]
    if len(inside) >= 2:
        ax.set_xticks(inside, [f"{t:g}" for t in inside])
        ax.set_xticks([], minor=True)


def log_power_axis(ax: Axes) -> None:
    """Make the vertical axis logarithmic, also where there is no power above rounding to show."""
    for text in [text for text in ax.texts if text.get_gid() == NOTHING]:
        text.remove()  # of what was drawn here before
        ax.autoscale()
    if _is_empty(ax):
        ax.set_ylim(0.1, 1.0)
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", gid=NOTHING)
    ax.set_yscale("log")


def _is_empty(ax: Axes) -> bool:
    """Whether no line has anything to show."""
    return not any(np.isfinite(line.get_ydata()).any() for line in ax.lines)


def picture(
    ax: Axes, pixels: FloatArray, norm: Normalize | None = None, colours: str = SIGNED_MAP
) -> AxesImage:
    """Pixels without ticks or frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax.imshow(pixels, cmap=colours, norm=norm, interpolation="nearest")
