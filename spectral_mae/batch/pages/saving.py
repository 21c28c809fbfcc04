"""Figures of a page as files: lines as PNG and SVG, pixels as PNG and a smaller WebP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae.batch.pages.picture import Panel
from spectral_mae.plot.cells import pixel_cells, save_cells
from spectral_mae.plot.drawing import save_as

PANEL_WIDTH = 4.3  # inches
THUMBNAIL = 160  # pixels of the longer side, about


def save_lines(figure: Any, path: Path) -> str:
    """Save a figure of lines as PNG, and as SVG with its text as text, whose name is returned."""
    save_as(figure, path, (".svg", ".png"))
    return path.with_suffix(".svg").name


def save_panels(
    path: Path, draw: Sequence[tuple[str, Callable[[Any], None]]], *, height: float = 3.0
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

    Returns
    -------
    tuple of Panel
        Letters are legible where a panel is 340 pixels wide.
    """
    if len(draw) > 1:
        columns = 2
        rows = -(-len(draw) // columns)
        size = {"width": PANEL_WIDTH * columns, "height": height * rows}
        figure, axes = plot.new_figure(rows, columns, **size)
        for (_, into), axis in zip(draw, axes.flat, strict=False):
            into(axis)
        for unused in axes.flat[len(draw) :]:
            unused.set_axis_off()
        save_lines(figure, path)
    panels = []
    for number, (words, into) in enumerate(draw, 1):
        figure, ((axis,),) = plot.new_figure(width=PANEL_WIDTH, height=height)
        into(axis)
        if len(draw) == 1:
            panels.append(Panel(save_lines(figure, path), alt=words))
            break
        file = path.with_name(f"{path.stem}-panel-{number}.svg")
        plot.save(figure, file)
        panels.append(Panel(file.name, alt=words))
    return tuple(panels)


def save_pixels(figure: Any, path: Path) -> str:
    """Save a figure that shows pixels as PNG, and as a smaller WebP, whose name is returned."""
    save_as(figure, path, (".png", ".webp"))
    return path.with_suffix(".webp").name


def save_thumbnail(gray: Any, path: Path) -> str:
    """Save a small picture of a gray image, and return its name."""
    ends = min(0.0, float(np.min(gray))), max(1.0, float(np.max(gray)))
    save_cells(pixel_cells(gray, THUMBNAIL), path, ends=ends)
    return path.name
