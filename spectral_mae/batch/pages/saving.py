"""Figures of a page as files: lines as PNG and SVG, pixels as PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae._files.atomic_file import replacing
from spectral_mae.batch.pages.picture import Legend, Panel
from spectral_mae.plot.cells import pixel_cells, save_cells
from spectral_mae.plot.curves.panels import draw_panels
from spectral_mae.plot.drawing.files import save_as

PANEL_WIDTH = 4.3  # inches
THUMBNAIL = 160  # pixels of the longer side, about


def save_panels(
    path: Path,
    draw: Sequence[tuple[str, Callable[[Any], None]]],
    *,
    height: float = 3.0,
    legend: Legend = (),
) -> tuple[Panel, ...]:
    """Draw axes as panels, and all of them beside each other as PNG and SVG.

    Parameters
    ----------
    path : Path
        Of the PNG of all.
    draw : sequence of (str, callable)
        What each panel shows in words, and what draws it into axes that it is given.
    height : float
        Of a panel, in inches.
    legend : tuple of (Key, str)
        What stands above them all in the files of all; the page says it itself.

    Returns
    -------
    tuple of Panel
        Letters are legible where a panel is 340 pixels wide.
    """
    words, into = zip(*draw, strict=True)
    files = draw_panels(path, into, width=PANEL_WIDTH, height=height, legend=legend)
    return tuple(Panel(file, alt=of) for file, of in zip(files, words, strict=True))


def save_lines(figure: Any, path: Path) -> None:
    """Save a figure of lines as PNG, and as SVG, which a page shows in its own colours."""
    with replacing(path) as png, replacing(path.with_suffix(".svg")) as svg:
        save_as(figure, png, (".png",))
        save_as(figure, svg, (".svg",))


def save_thumbnail(gray: Any, path: Path) -> str:
    """Save a small picture of a gray image, and return its name."""
    ends = min(0.0, float(np.min(gray))), max(1.0, float(np.max(gray)))
    save_cells(pixel_cells(gray, THUMBNAIL), path, ends=ends)
    return path.name
