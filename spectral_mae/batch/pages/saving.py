"""Figures of a page as files: lines as PNG and SVG, pixels as PNG and a smaller WebP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae import plot
from spectral_mae.plot.cells import pixel_cells
from spectral_mae.plot.drawing import save_as

THUMBNAIL = 160  # pixels of the longer side, about


def save_lines(figure: Any, path: Path) -> str:
    """Save a figure of lines as PNG, as SVG with its text as text, and as a smaller WebP.

    Returns the name of the last, which is for the page.
    """
    save_as(figure, path, (".svg", ".png", ".webp"))
    return path.with_suffix(".webp").name


def save_pixels(figure: Any, path: Path) -> str:
    """Save a figure that shows pixels as PNG, and as a smaller WebP, whose name is returned."""
    save_as(figure, path, (".png", ".webp"))
    return path.with_suffix(".webp").name


def save_thumbnail(gray: Any, path: Path) -> str:
    """Save a small picture of a gray image, and return its name."""
    pixels = pixel_cells(gray, THUMBNAIL)
    height, width = pixels.shape
    dark, bright = min(0.0, float(np.min(gray))), max(1.0, float(np.max(gray)))
    side = THUMBNAIL / 110 / max(height, width)  # 110 dots per inch
    figure, ((axes,),) = plot.new_figure(width=side * width, height=side * height)
    figure.set_layout_engine("none")
    axes.set_position((0.0, 0.0, 1.0, 1.0))
    axes.imshow(pixels, cmap="gray", vmin=dark, vmax=bright, aspect="auto")
    axes.set_axis_off()
    plot.save(figure, path)
    return path.name
