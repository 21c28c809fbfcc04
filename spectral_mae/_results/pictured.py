"""Results that draw themselves, and their small pictures in notebooks."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEFT = 'style="text-align: left; padding: 0 0.8em 0 0"'
TABLE = 'style="border-collapse: collapse; margin: 0 1em 0 0"'


class Pictured(ABC):
    """A result that a function of `spectral_mae.plot` draws."""

    _drawn_by: ClassVar[str]  # name of that function

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the result with the function of `spectral_mae.plot` that is made for it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None
            Where to draw; None makes a new figure.
        **options : Any
            Further arguments of that function.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes: Axes = getattr(_above("spectral_mae.plot"), self._drawn_by)(self, ax, **options)
        return axes

    @abstractmethod
    def _key_numbers(self) -> dict[str, str]:
        """What the notebook says beside the picture: names and values."""

    def _repr_html_(self) -> str:
        """What Jupyter shows: the key numbers and a small picture.

        The picture needs no pyplot, so figures of the user's stay as they are.
        """
        name = type(self).__name__
        picture = _above("spectral_mae.plot.thumbnails").thumbnail(self)
        rows = "".join(
            f"<tr><th scope='row' {LEFT}>{html.escape(key)}</th>"
            f"<td {LEFT}>{html.escape(value)}</td></tr>"
            for key, value in self._key_numbers().items()
        )
        pixels = base64.b64encode(picture).decode("ascii")
        return (
            '<div style="display: flex; flex-wrap: wrap; align-items: center">'
            f"<table {TABLE}><caption {LEFT}><b>{name}</b></caption>{rows}</table>"
            f'<img alt="Picture of this {name}" width="340" src="data:image/png;base64,{pixels}">'
            "</div>"
        )


def _above(module: str) -> Any:
    """A module of `plot`, which lies above, loaded when a result is first drawn.

    `plot` knows the classes of results; these know only the name of the function that draws them.
    """
    return import_module(module)
