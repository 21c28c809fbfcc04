"""Figures and pixels in files, with equal bytes for equal figures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._files.made_here import SOFTWARE
from spectral_mae.plot.drawing.style import style

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

# Widths in inches of what papers have room for: one column and the text of a page of two columns.
WIDTHS = {"column": 3.35, "page": 6.9}


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
    # The canvas knows its size: inches times dots, which matplotlib rounds in its own way.
    shown, own = figure.canvas, figure.dpi
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    figure.set_dpi(dpi)
    canvas.draw()
    figure.set_dpi(own)
    figure.set_canvas(shown)
    return np.array(canvas.buffer_rgba())
