"""Panels of curves for pages: each is drawn once, for a file of its own and for that of all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation

from spectral_mae.plot.curves.axes import SUPERSCRIPTS
from spectral_mae.plot.curves.strips import legend_strip
from spectral_mae.plot.drawing.figures import new_figure
from spectral_mae.plot.drawing.files import pixels_of, save_as, save_image
from spectral_mae.plot.drawing.style import style

PAD = 0.04167  # inches around everything, as in matplotlib's constrained layout
_POWER = re.compile(r"\$\\mathdefault\{(?:([\d.]+)\\times)?10\^\{(-?\d+)\}\}\$")
_SIZE = re.compile(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"[^>]*>')
_ID = re.compile(r'(\bid="|href="#|url\(#)')


class PlainPowers(LogFormatterSciNotation):
    """Labels of a logarithmic axis with exponents in raised digits, such as 10⁻³.

    What matplotlib writes is typeset as a formula, which takes several milliseconds for each label.

    Examples
    --------
    >>> PlainPowers()(0.001)
    '10⁻³'
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The label of a tick, which is empty for most of the minor ones."""
        return _POWER.sub(_plain, super().__call__(x, pos))


def _plain(power: re.Match[str]) -> str:
    times, exponent = power.groups()
    return f"{f'{times}×' if times else ''}10{exponent.translate(SUPERSCRIPTS)}"


def draw_panels(
    path: Path,
    draw: Sequence[Callable[[Axes], None]],
    *,
    width: float,
    height: float,
    columns: int = 2,
    legend: Sequence[tuple[str, str]] = (),
) -> list[str]:
    """Draw panels into SVG files, and all of them side by side as PNG and SVG.

    Parameters
    ----------
    path : Path
        Of the PNG of all; a single panel without a legend is all there is.
    draw : sequence of callable
        What draws each panel into axes that it is given.
    width, height : float
        Of a panel, in inches.
    columns : int
        Of panels, in the file of all.
    legend : sequence of (str, str)
        Keys (`strips.KEYS`) and what they mean, which stand above the panels in the file of all:
        who shows single panels says it beside them.

    Returns
    -------
    list of str
        Names of the SVG files of the panels, in which text is text.
    """
    files, pixels = [], []
    for number, into in enumerate(draw, 1):
        figure, ((axes,),) = new_figure(width=width, height=height)
        into(axes)
        label_plainly(axes)
        _lay_out(figure, axes)
        if len(draw) == 1 and not legend:
            save_as(figure, path, (".svg", ".png"))
            return [path.with_suffix(".svg").name]
        file = path.with_name(f"{path.stem}-panel-{number}.svg")
        save_as(figure, file, (".svg",))
        files.append(file)
        pixels.append(pixels_of(figure))
    across = min(columns, len(draw))
    rows = [pixels[i : i + across] for i in range(0, len(pixels), across)]
    texts = [file.read_text(encoding="utf-8") for file in files]
    head = ""
    if legend:
        strip, file = legend_strip(legend, across * width), path.with_suffix(".strip.svg")
        save_as(strip, file, (".svg",))
        rows.insert(0, [pixels_of(strip)])
        head = file.read_text(encoding="utf-8")
        file.unlink()
    with style():
        save_image(path, _mosaic(rows), "png", dpi=mpl.rcParams["savefig.dpi"])
    path.with_suffix(".svg").write_text(_side_by_side(texts, across, head), encoding="utf-8")
    return [file.name for file in files]


def _lay_out(figure: Figure, axes: Axes) -> None:
    """Give axes that are alone in a figure the room that their labels leave.

    As the constrained layout does at first; it does so twice, and each time takes as long as to
    draw the figure. Where there are other axes, as twins, it is left to lay out all of them.
    """
    if len(figure.axes) > 1:
        return
    with style():
        canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
        outer: Any = axes.get_tightbbox(canvas.get_renderer())
        inner, size = axes.bbox, figure.bbox
    figure.set_layout_engine(None)
    pad = PAD * figure.dpi
    left, bottom = inner.x0 - outer.x0 + pad, inner.y0 - outer.y0 + pad
    right, top = outer.x1 - inner.x1 + pad, outer.y1 - inner.y1 + pad
    width, height = size.width, size.height
    axes.set_position(
        (
            left / width,
            bottom / height,
            1 - (left + right) / width,
            1 - (bottom + top) / height,
        )
    )


def label_plainly(axes: Axes) -> None:
    """Put plain labels in the place of formulas.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With a logarithmic axis or two.
    """
    for axis in (axes.xaxis, axes.yaxis):
        if type(axis.get_major_formatter()) is LogFormatterSciNotation:
            axis.set_major_formatter(PlainPowers())
        if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
            axis.set_minor_formatter(PlainPowers(labelOnlyBase=False))


def _mosaic(rows: Sequence[Sequence[np.ndarray[Any, Any]]]) -> np.ndarray[Any, Any]:
    """Rows of panels as one picture; what a row leaves of the width is white."""
    lines = [np.concatenate(row, axis=1) for row in rows]
    width = max(line.shape[1] for line in lines)
    rest = [((0, 0), (0, width - line.shape[1]), (0, 0)) for line in lines]
    return np.concatenate(
        [np.pad(line, pad, constant_values=255) for line, pad in zip(lines, rest, strict=True)]
    )


def _side_by_side(panels: Sequence[str], across: int, head: str) -> str:
    """SVG files of one size as one file, in rows of so many, below another file."""
    width, height = _size(panels[0])
    top = _size(head)[1] if head else 0.0
    down = -(-len(panels) // across)
    opening = (
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{across * width:g}pt" height="{top + down * height:g}pt" '
        f'viewBox="0 0 {across * width:g} {top + down * height:g}" '
        'xmlns="http://www.w3.org/2000/svg" version="1.1">\n'
    )
    found = [panels[0][: panels[0].index("<svg")], opening]
    if head:
        found += _within(head, 0, (0, 0, across * width, top))
    for number, text in enumerate(panels):
        row, column = divmod(number, across)
        found += _within(text, number + 1, (column * width, top + row * height, width, height))
    return "".join([*found, "</svg>\n"])


def _size(text: str) -> tuple[float, float]:
    """Width and height of an SVG."""
    found = _SIZE.search(text)
    if found is None:
        raise ValueError(f"no size in an SVG that begins with {text[:200]!r}")
    return float(found[1]), float(found[2])


def _within(text: str, number: int, place: tuple[float, float, float, float]) -> list[str]:
    """An SVG as a part of another, with identifiers of its own."""
    x, y, width, height = place
    body = text[text.index(">", text.index("<svg")) + 1 :]
    opening = f'<svg x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}">'
    return [opening, _ID.sub(rf"\g<1>panel-{number}-", body.rstrip()), "\n"]
