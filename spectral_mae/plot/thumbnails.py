"""Small pictures of results, for notebooks."""

from __future__ import annotations

import io
from typing import Any

from spectral_mae.plot.drawing import METADATA, new_figure, style


def thumbnail(result: Any) -> bytes:
    """Draw a small picture of a result, without pyplot.

    Parameters
    ----------
    result : object with ``plot``
        What to draw.

    Returns
    -------
    bytes
        A PNG file.
    """
    figure, axes = new_figure(width=4.4, height=3.0)
    result.plot(axes[0, 0])
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", dpi=100, metadata=METADATA["png"])
    return file.getvalue()
