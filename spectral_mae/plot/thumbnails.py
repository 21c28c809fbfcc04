"""Pictures as bytes, for notebooks: small ones of results, and figures that a function makes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imsave

from spectral_mae import _checks
from spectral_mae.plot.drawing.figures import new_figure
from spectral_mae.plot.drawing.files import METADATA
from spectral_mae.plot.drawing.style import style

QUALITY = 80  # of WebP: around lines and letters nothing is smeared that one sees


def thumbnail(result: Any, panels: tuple[int, int] = (1, 1)) -> bytes:
    """Draw a small picture of a result, without pyplot.

    Parameters
    ----------
    result : object with ``plot``
        What to draw.
    panels : tuple of int
        Rows and columns of its axes.

    Returns
    -------
    bytes
        A PNG file.
    """
    rows, columns = panels
    alone = panels == (1, 1)
    figure, axes = new_figure(
        rows, columns, width=4.4 if alone else 3.6 * columns, height=3.0 if alone else 3.4 * rows
    )
    result.plot(axes[0, 0] if alone else axes)
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", dpi=100 if alone else 75, metadata=METADATA["png"])
    return file.getvalue()


def captured(draw: Callable[[], Any], *, dpi: float = 100.0) -> tuple[bytes, Any]:
    """Call a function that makes one figure with pyplot, and encode and close the figure.

    Parameters
    ----------
    draw : callable
        Without arguments.
    dpi : float
        Dots per inch of the picture.

    Returns
    -------
    picture : bytes
        A WebP file. Equal figures give equal bytes.
    result : Any
        What the function returned.

    Raises
    ------
    ValueError
        If the function made no figure, or several; those that it made are closed.
    """
    import matplotlib.pyplot as plt

    before = set(plt.get_fignums())
    made = []
    try:
        result = draw()
    finally:
        made = [plt.figure(number) for number in sorted(set(plt.get_fignums()) - before)]
        for figure in made:
            plt.close(figure)
    if len(made) != 1:
        raise ValueError(f"{len(made)} figures were made with pyplot by {draw!r}, not one")
    made[0].set_dpi(_checks.positive_number("dpi", dpi))
    canvas: Any = FigureCanvasAgg(made[0])  # its methods have no types
    canvas.draw()  # `savefig` would draw twice, and drawing is what takes the time
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    file = io.BytesIO()
    imsave(file, pixels, format="webp", pil_kwargs={"quality": QUALITY, "method": 4})
    return file.getvalue(), result
