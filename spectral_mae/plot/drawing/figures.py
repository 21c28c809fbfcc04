"""Figures and axes: new ones, those that a caller gives, and what is drawn on any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.plot.drawing.style import SIGNED_MAP, STYLE, style


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
