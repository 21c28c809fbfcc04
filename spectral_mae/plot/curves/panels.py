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
from spectral_mae.plot.drawing import new_figure, pixels_of, save_as, save_image, style

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
) -> list[str]:
    """Draw panels into SVG files, and all of them side by side as PNG and SVG.

    Parameters
    ----------
    path : Path
        Of the PNG of all; a single panel is all there is.
    draw : sequence of callable
        What draws each panel into axes that it is given.
    width, height : float
        Of a panel, in inches.
    columns : int
        Of panels, in the file of all.

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
        if len(draw) == 1:
            save_as(figure, path, (".svg", ".png"))
            return [path.with_suffix(".svg").name]
        file = path.with_name(f"{path.stem}-panel-{number}.svg")
        save_as(figure, file, (".svg",))
        files.append(file)
        pixels.append(pixels_of(figure))
    with style():
        dpi = mpl.rcParams["savefig.dpi"]
        mosaic = _mosaic(pixels, columns)
        save_image(path, mosaic, "png", dpi=dpi)
    whole = _side_by_side([file.read_text(encoding="utf-8") for file in files], columns)
    path.with_suffix(".svg").write_text(whole, encoding="utf-8")
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


def _mosaic(panels: Sequence[np.ndarray[Any, Any]], columns: int) -> np.ndarray[Any, Any]:
    """Panels of one size as rows of so many; what is left of the last row is white."""
    white = np.full_like(panels[0], 255)
    padded = [*panels, *[white] * (-len(panels) % columns)]
    rows = [padded[i : i + columns] for i in range(0, len(padded), columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _side_by_side(panels: Sequence[str], columns: int) -> str:
    """SVG files of one size as one file, in rows of so many."""
    first = _SIZE.search(panels[0])
    if first is None:
        raise ValueError(f"no size in an SVG that begins with {panels[0][:200]!r}")
    width, height = map(float, first.groups())
    across, down = min(columns, len(panels)), -(-len(panels) // columns)
    head = panels[0][: first.start()]
    opening = (
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{across * width:g}pt" height="{down * height:g}pt" '
        f'viewBox="0 0 {across * width:g} {down * height:g}" '
        'xmlns="http://www.w3.org/2000/svg" version="1.1">\n'
    )
    found = [head, opening]
    for number, text in enumerate(panels):
        body = text[text.index(">", text.index("<svg")) + 1 :]
        row, column = divmod(number, columns)
        place = f'x="{column * width:g}" y="{row * height:g}" width="{width:g}" height="{height:g}"'
        found += [f"<svg {place}>", _ID.sub(rf"\g<1>panel-{number + 1}-", body.rstrip()), "\n"]
    return "".join([*found, "</svg>\n"])
