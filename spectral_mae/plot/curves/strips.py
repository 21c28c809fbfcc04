"""Strips of words above the pictures of a page: what their curves mean, titles of their columns.

A page says this in HTML. A picture that is saved alone has to say it itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from spectral_mae._checks import FloatArray
from spectral_mae.plot.drawing.files import pixels_of
from spectral_mae.plot.drawing.style import BLUE, GRAY, GREEN, VERMILION, style

LINE = 0.2  # height of a line of words, in inches
KEY = 0.5  # width of a key and the room beside it, in inches
LETTER = 0.058  # mean width of a letter of a legend, in inches, and a little more


def _line(color: str, line: Literal["-", "--"] = "-") -> Callable[[], Artist]:
    return lambda: Line2D([], [], color=color, linestyle=line)


def _point(color: str, marker: str) -> Callable[[], Artist]:
    return lambda: Line2D([], [], color=color, marker=marker, linestyle="none", markersize=5)


# What a key of a legend looks like, as the style of pages says it in CSS.
KEYS: dict[str, Callable[[], Artist]] = {
    "image": _line(BLUE),
    "seen": _line(VERMILION),
    "kept": _line(GREEN, "--"),
    "foreign": lambda: Patch(facecolor="none", edgecolor=VERMILION, hatch="////", linewidth=0),
    "spread": lambda: Patch(facecolor=GRAY, alpha=0.3, linewidth=0),
    "median": _line(VERMILION),
    "mark": _point(GRAY, "v"),
    "dot": _point(GRAY, "o"),
    "bar": lambda: Line2D([], [], color=GRAY, linewidth=3),
    "zero": _line(GRAY, "--"),
}


def legend_strip(legend: Sequence[tuple[str, str]], width: float) -> Figure:
    """Make a figure of a legend alone, as high as it has to be.

    Parameters
    ----------
    legend : sequence of (str, str)
        Name of a key in `KEYS`, and what it means.
    width : float
        Of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        Without axes.
    """
    widest = KEY + LETTER * max(len(words) for _, words in legend)
    columns = min(len(legend), max(1, int(width / widest)))
    rows = -(-len(legend) // columns)
    with style():
        figure = Figure(figsize=(width, LINE * rows + 0.1))
        figure.legend(
            [KEYS[key]() for key, _ in legend],
            [words for _, words in legend],
            loc="center",
            ncols=columns,
            borderaxespad=0,
            columnspacing=1.2,
        )
    return figure


def title_pixels(titles: Sequence[tuple[float, str]], width: int) -> FloatArray:
    """Titles as a strip of pixels, to stand above columns of pixels.

    Parameters
    ----------
    titles : sequence of (float, str)
        Pixel in the middle of a column, and its title.
    width : int
        Of the strip, in pixels.

    Returns
    -------
    ndarray, shape (h, width, 3)
        Red, green and blue, from 0 to 1.
    """
    lines = 1 + max(words.count("\n") for _, words in titles)
    with style():
        dpi = mpl.rcParams["savefig.dpi"]
        figure = Figure(figsize=((width + 0.5) / dpi, LINE * lines + 0.04))  # it rounds down
        small = mpl.rcParams["legend.fontsize"]
        for middle, words in titles:
            figure.text(middle / width, 0.5, words, ha="center", va="center", fontsize=small)
    return pixels_of(figure)[:, :width, :3] / 255.0
