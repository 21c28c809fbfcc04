"""The style of all pictures, and the parts that several of them share."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, imsave
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae._files.made_here import SOFTWARE
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.spectra import frequencies
from spectral_mae.spectra.labels.axis_labels import Labels, axis_units, ring_unit
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
NOTHING = "no power above rounding"
PLANE = "zero frequency along the first axis"  # title of the map that stands for a volume

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

# Where each format says what wrote it, and which leave the date out.
METADATA: dict[str, Any] = {
    "png": {"Software": SOFTWARE},
    "pdf": {"Creator": SOFTWARE, "CreationDate": None},
    "svg": {"Creator": SOFTWARE, "Date": None},
    "svgz": {"Creator": SOFTWARE, "Date": None},
    "eps": {"Creator": SOFTWARE},
    "ps": {"Creator": SOFTWARE},
}

PIXELS = ("png", "webp")
# How hard each format is compressed: of photographs level 3 takes half the time of Pillow's own, 6,
# and makes files that are not larger.
COMPRESSION: dict[str, dict[str, Any]] = {"png": {"compress_level": 3}}

# Under which a figure without a layout engine gets none when it is saved.
UNCHANGED: Any = {"figure.autolayout": False, "figure.constrained_layout.use": False}

# Labelled ticks of a logarithmic axis of frequency: these times powers of ten, down to a part of
# the sampling frequency.
FREQUENCY_TICKS = (1.0, 2.0, 5.0)
LOWEST_TICK = 0.001


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
# Widths in inches of what papers have room for: one column and the text of a page of two columns.
WIDTHS = {"column": 3.35, "page": 6.9}


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


def named(name: str, given: Any, kinds: type | tuple[type, ...], how: str) -> dict[str, Any]:
    """Turn one result, or a mapping of label to result, into a mapping.

    Parameters
    ----------
    name : str
        Name of the argument, for error messages.
    given : result, or mapping of label to result
        What the caller passed.
    kinds : type or tuple of type
        Allowed types of a result.
    how : str
        How to make such a result, for error messages.

    Returns
    -------
    dict
        Results by label.

    Raises
    ------
    TypeError
        If something is of another type.
    """
    several = dict(given) if isinstance(given, Mapping) else {"": given}
    if not several:
        raise ValueError(f"no {name} to draw: the mapping is empty")
    for label, one in several.items():
        _checks.needed(f"{name}[{label!r}]" if label else name, one, kinds, how)
    return several


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


def new_figure(
    rows: int = 1, columns: int = 1, *, width: float = 6.0, height: float = 4.0, **layout: Any
) -> tuple[Figure, NDArray[Any]]:
    """Make a figure that needs no screen, and its axes.

    Parameters
    ----------
    rows : int
        Rows of axes.
    columns : int
        Columns of axes.
    width : float
        Width of the figure in inches.
    height : float
        Height of the figure in inches.
    **layout : Any
        Further arguments of ``Figure.subplots``.

    Returns
    -------
    figure : matplotlib.figure.Figure
        The figure.
    axes : ndarray of matplotlib.axes.Axes, shape (rows, columns)
        Its axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels
    >>> spectrum = sm.psd(image, detrend="constant", window="hann")
    >>> figure, axes = plot.new_figure(1, 2, width=9, height=4)
    >>> ax = plot.psd(spectrum, axes[0, 0])
    >>> ax = plot.radial(spectrum.radial(), axes[0, 1])
    """
    size = _checks.positive_number("width", width), _checks.positive_number("height", height)
    rows, columns = _checks.positive_int("rows", rows), _checks.positive_int("columns", columns)
    with style():
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(rows, columns, squeeze=False, **layout)


def save(
    figure: Figure,
    path: str | os.PathLike[str],
    *,
    width: float | Literal["column", "page"] | None = None,
) -> None:
    """Write a figure to a file, in the format that the file's ending names.

    Without an ending the format is PNG. Where the format allows it, the file records that this
    package wrote it. No date is stored, except in PostScript, which needs one. So equal figures
    give equal bytes. In PDF and SVG text is text, which can be searched and edited.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    path : str or os.PathLike
        Such as ``figure.png``, ``figure.pdf`` or ``figure.svg``.
    width : float, {"column", "page"} or None
        Width in inches; "column" is one column of a page of two (3.35 inches, 85 mm), "page" its
        whole text (6.9 inches, 175 mm). Height and width are scaled alike. Letters keep their size,
        so figures for a column are best drawn with ``use_style("paper")``. None keeps the size.

    Raises
    ------
    TypeError
        If ``figure`` is not a figure.
    ValueError
        If matplotlib does not write the format; the message lists those that it writes.

    Examples
    --------
    >>> import tempfile
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> with plot.style("paper"):
    ...     ax = plot.grating(sm.PatchGrid((64, 64), 8), 0.75)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot.save(ax[0].figure, f"{folder}/grating.pdf", width="page")
    """
    _checks.needed("figure", figure, Figure, "plot.new_figure() makes one; of axes it is ax.figure")
    name = _checks.path("path", path)
    if isinstance(width, str):
        if width not in WIDTHS:
            raise ValueError(f"{width=} is neither 'column', 'page' nor a number of inches")
        width = WIDTHS[width]
    if width is not None:
        inches = _checks.positive_number("width", width)
        before = figure.get_size_inches()
        figure.set_size_inches(inches, inches * before[1] / before[0])
    kind = os.path.splitext(name)[1].lstrip(".").lower() or "png"  # noqa: PTH122 - a text
    with style(), mpl.rc_context({"svg.hashsalt": SOFTWARE}):
        more: Any = {"pil_kwargs": COMPRESSION[kind]} if kind in COMPRESSION else {}
        figure.savefig(name, metadata=METADATA.get(kind), **more)


def save_as(figure: Figure, path: str | os.PathLike[str], endings: Sequence[str]) -> None:
    """Write a figure to files that differ in their endings, laid out once and drawn once in pixels.

    To lay out a figure takes longer than to draw it, and `save` does both for every file.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write; its layout is fixed from now on.
    path : str or os.PathLike
        A name, whose ending is replaced.
    endings : sequence of str
        Such as ``".svg"``; ``".png"`` and ``".webp"`` have the same pixels.
    """
    stem = os.path.splitext(_checks.path("path", path))[0]  # noqa: PTH122 - a text
    with style(), mpl.rc_context({"svg.hashsalt": SOFTWARE, **UNCHANGED}):
        engine = figure.get_layout_engine()
        if engine is not None:
            engine.execute(figure)
        figure.set_layout_engine(None)  # with "none" every file would be drawn twice
        pixels: NDArray[np.uint8] | None = None
        for ending in endings:
            kind = ending.removeprefix(".")
            metadata = METADATA.get(kind)
            if kind not in PIXELS:
                figure.savefig(stem + ending, metadata=metadata)
                continue
            dpi = mpl.rcParams["savefig.dpi"]
            if pixels is None:
                pixels = _drawn(figure, dpi)
            save_image(stem + ending, pixels, kind, dpi=dpi)


def save_image(
    path: str | os.PathLike[str],
    pixels: NDArray[Any],
    kind: str,
    *,
    dpi: float = 100,
    quality: int | None = None,
    **colours: Any,
) -> None:
    """Write pixels to a file as they are.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    pixels : ndarray, shape (H, W) or (H, W, 3 or 4)
        Values, or colours.
    kind : str
        The format, such as "png".
    dpi : float
        Pixels per inch, as the file says.
    quality : int or None
        Of WebP, from 0 to 100.
    **colours : Any
        Colour map and limits of values, as ``matplotlib.image.imsave`` takes them.
    """
    more = dict(COMPRESSION.get(kind, {}))
    if quality is not None and kind == "webp":
        more["quality"] = quality
    metadata = METADATA.get(kind)
    imsave(path, pixels, format=kind, dpi=dpi, metadata=metadata, pil_kwargs=more, **colours)


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """Return the pixels of a figure that `save_as` has laid out.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw.

    Returns
    -------
    ndarray of uint8, shape (H, W, 4)
        Red, green, blue and opacity, as in a PNG of the figure.
    """
    with style(), mpl.rc_context(UNCHANGED):
        return _drawn(figure, mpl.rcParams["savefig.dpi"])


def _drawn(figure: Figure, dpi: float) -> NDArray[np.uint8]:
    """The pixels of a figure, (H, W, 4)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    # The canvas knows its size: inches times dots, which matplotlib rounds in its own way.
    shown, own = figure.canvas, figure.dpi
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    figure.set_dpi(dpi)
    canvas.draw()
    figure.set_dpi(own)
    figure.set_canvas(shown)
    return np.array(canvas.buffer_rgba())


def one_axes(ax: Axes | None) -> Axes:
    """Return the given axes, or the axes of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Where to draw.
    """
    if ax is None:
        return subplots(1, 1, 4.0)[0, 0]
    _checks.needed("ax", ax, Axes, "plt.subplots() makes one; None makes a figure")
    if not ax.has_data():  # made outside the style, it would begin with other colours
        ax.set_prop_cycle(STYLE["axes.prop_cycle"])
    return ax


def many_axes(ax: Any, shape: tuple[int, ...], side: float) -> NDArray[Any]:
    """Return the given array of axes, or the axes of a new figure.

    Parameters
    ----------
    ax : array_like of matplotlib.axes.Axes, or None
        Given axes; None makes a figure.
    shape : tuple of int
        The shape that the array must have.
    side : float
        Width and height of each new axes, in inches.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Axes of the given shape.

    Raises
    ------
    ValueError
        If the given array has another shape.
    """
    if ax is None:
        rows, columns = shape if len(shape) == 2 else (1, *shape)
        return subplots(rows, columns, side).reshape(shape)
    array = np.asarray(ax, dtype=object)
    if array.shape != shape or not all(isinstance(one, Axes) for one in array.flat):
        what = f"ax of shape {array.shape}" if array.ndim else f"ax={_checks.brief(ax)}"
        raise ValueError(f"{what} is not {shape} of Axes: plot.new_figure makes them so")
    return array


def subplots(rows: int, columns: int, side: float, **layout: Any) -> NDArray[Any]:
    """Make a pyplot figure with axes, for use in a notebook.

    Parameters
    ----------
    rows : int
        Rows of axes.
    columns : int
        Columns of axes.
    side : float
        Width and height of each axes, in inches.
    **layout : Any
        Further arguments of ``Figure.subplots``.

    Returns
    -------
    ndarray of matplotlib.axes.Axes, shape (rows, columns)
        The axes.
    """
    import matplotlib.pyplot as plt

    with style():
        size = (side * columns + 0.8, side * rows)
        figure = plt.figure(figsize=size, layout="constrained")
        return figure.subplots(rows, columns, squeeze=False, **layout)


def frequency_map(
    ax: Axes,
    cells: FloatArray,
    shape: tuple[int, ...],
    fs: tuple[float, ...],
    norm: LogNorm,
    colours: str,
    labels: Labels | None = None,
) -> AxesImage:
    """Draw a map over frequency with zero in the middle; rows run down, as in the image.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    cells : ndarray, two axes
        Values from `frequency_cells`.
    shape : tuple of int
        (H, W), the shape of the image.
    fs : tuple of float
        Sampling frequency along each axis.
    norm : matplotlib.colors.LogNorm
        Scale of the colours.
    colours : str
        Name of the colour map.
    labels : Labels or None
        Of the axes of the image. Along an axis whose coordinate falls the ticks fall too.

    Returns
    -------
    matplotlib.image.AxesImage
        The map.
    """
    rows, columns = frequencies.shifted_edges(shape, fs)
    if labels is not None:
        rows, columns = rows * labels.directions[0], columns * labels.directions[1]
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
        tick = _round_below(rate / 4)
        axis.set_ticks([-tick, 0, tick])
    for name, axis, place in (("vertical", ax.yaxis, 0), ("horizontal", ax.xaxis, 1)):
        axis.set_label_text(f"{name} frequency ({unit_along(place, fs, labels)})")
    return image


def plane_of(spectrum: Spectrum) -> Spectrum:
    """What a map shows of a spectrum: of a volume the plane of zero frequency along its first axis.

    Parameters
    ----------
    spectrum : Spectrum
        Of an image or a volume.

    Returns
    -------
    Spectrum
        With two axes; that of an image as it is.
    """
    if len(spectrum.shape) < 3:
        return spectrum
    return dataclasses.replace(
        spectrum,
        power=spectrum.power[0],
        shape=spectrum.shape[1:],
        fs=spectrum.fs[1:],
        labels=None if spectrum.labels is None else without_first(spectrum.labels),
    )


def color_bar(
    ax: Axes, image: ScalarMappable, label: str, *, ticks: FloatArray | None = None
) -> None:
    """Draw the colour scale of a map beside it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes of the map.
    image : matplotlib.cm.ScalarMappable
        The map, or its scale of colours.
    label : str
        Quantity and unit.
    ticks : ndarray or None
        Positions of the ticks; None lets matplotlib choose.
    """
    ax.figure.colorbar(image, ax=ax, label=label, shrink=0.9, ticks=ticks)


def shown(power: FloatArray, floor: float = 0.0) -> FloatArray:
    """Replace values that a logarithmic axis cannot show, or that are rounding errors, by NaN.

    NaN appears as a gap in a line.

    Parameters
    ----------
    power : ndarray
        Values.
    floor : float
        Values up to this one are replaced.

    Returns
    -------
    ndarray
        The values, NaN where they are not shown.
    """
    return np.where(power > max(floor, 0.0), power, np.nan)


def unit_of(fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The unit of distances of frequency: cycles per unit of the axes.

    Parameters
    ----------
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes.

    Returns
    -------
    str
        Such as "cycles/mm"; "cycles/pixel" if ``fs`` is 1 and no unit is known.
    """
    return _cycles(ring_unit(labels, fs))


def unit_along(axis: int, fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The unit of frequency along one axis.

    Parameters
    ----------
    axis : int
        Number of the axis.
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes.

    Returns
    -------
    str
        As `unit_of`.
    """
    return _cycles(axis_units(labels, fs)[axis])


def power_label(scaling: str, fs: tuple[float, ...], labels: Labels | None = None) -> str:
    """The axis label of a power: its name and unit.

    Parameters
    ----------
    scaling : str
        "density", "spectrum" or "energy".
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes, and of the pixels.

    Returns
    -------
    str
        The label.
    """
    units = axis_units(labels, fs)
    cells = []
    for unit in dict.fromkeys(units):
        cell = _cycles(unit, one=True)
        times = units.count(unit)
        cells.append(f"({cell})" + "²³"[times - 2] if times > 1 else cell)
    values = None if labels is None else labels.values
    squared = "" if values is None else f"{values if values.isalnum() else f'({values})'}²"
    unit = {"density": f"{squared} per {' · '.join(cells)}".strip()}.get(scaling, squared)
    name = {"density": "power density", "spectrum": "power per frequency", "energy": "|X|²"}
    return f"{name[scaling]} ({unit})" if unit else name[scaling]


def without_first(labels: Labels) -> Labels:
    """Labels of what is left of an array without its first axis.

    Parameters
    ----------
    labels : Labels
        Of two axes or more.

    Returns
    -------
    Labels
        Of one axis less.
    """
    rest = {name: getattr(labels, name)[1:] for name in ("units", "dims", "directions")}
    return dataclasses.replace(labels, **rest)


def _cycles(unit: str | None, *, one: bool = False) -> str:
    """Cycles per unit, in words."""
    if unit is None:
        return "unit of fs" if one else "units of fs"
    return f"cycle{'' if one else 's'}/{unit if unit.isalpha() else f'({unit})'}"


def log_frequency_axis(
    ax: Axes, frequency: FloatArray, fs: tuple[float, ...], labels: Labels | None = None
) -> None:
    """Make the horizontal axis a logarithmic axis of frequency with readable ticks.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to change.
    frequency : ndarray
        Frequencies that the axis must show.
    fs : tuple of float
        Sampling frequency along each axis.
    labels : Labels or None
        Of the axes of the data.
    """
    ax.set_xscale("log")
    ax.set_xlabel(f"frequency ({unit_of(fs, labels)})")
    if _is_empty(ax):
        ax.set_xlim(frequency.min() * 0.9, frequency.max() * 1.1)
    inside = frequency_ticks(frequency.min() * 0.9, frequency.max() * 1.1, min(fs))
    if len(inside) >= 2:
        ax.set_xticks(inside, [f"{t:g}" for t in inside])
        ax.set_xticks([], minor=True)


def frequency_ticks(low: float, high: float, rate: float) -> list[float]:
    """Labelled ticks of a logarithmic axis of frequency.

    Parameters
    ----------
    low : float
        Lower end of the axis.
    high : float
        Upper end of the axis.
    rate : float
        Sampling frequency; there are no ticks below a thousandth of it.

    Returns
    -------
    list of float
        1, 2 and 5 times powers of ten.
    """
    decades = range(math.floor(math.log10(LOWEST_TICK * rate)), math.ceil(math.log10(rate)) + 1)
    ticks = [float(f"{t:g}e{power}") for power in decades for t in FREQUENCY_TICKS]
    return [t for t in ticks if t >= 0.99 * LOWEST_TICK * rate and low <= t <= high]


def few_digits(value: float, place: int | None = None) -> str:
    """Label of a tick of a logarithmic axis that shows few decades: of 1, 2 and 5.

    Parameters
    ----------
    value : float
        Where the tick is.
    place : int or None
        Number of the tick, which matplotlib passes.

    Returns
    -------
    str
        The value for 1, 2 and 5 times a power of ten, else nothing.

    Examples
    --------
    >>> few_digits(0.2), few_digits(0.3)
    ('0.2', '')
    """
    return f"{value:g}" if f"{value:.0e}"[0] in "125" else ""


def _round_below(value: float) -> float:
    """The largest of 1, 2, 2.5 and 5 times a power of ten that is not above a value."""
    power = math.floor(math.log10(value))
    parts = (part for part in (5.0, 2.5, 2.0, 1.0) if part <= 1.000001 * value / 10.0**power)
    return float(f"{next(parts, 1.0):g}e{power}")


def log_power_axis(ax: Axes) -> None:
    """Make the vertical axis logarithmic, also where no power is above rounding.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to change.
    """
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
    """Draw pixels without ticks or frame.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    pixels : ndarray, shape (H, W) or (H, W, 3)
        The image.
    norm : matplotlib.colors.Normalize or None
        Scale of the colours.
    colours : str
        Name of the colour map of gray values.

    Returns
    -------
    matplotlib.image.AxesImage
        The picture.
    """
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax.imshow(pixels, cmap=colours, norm=norm, interpolation="nearest")
