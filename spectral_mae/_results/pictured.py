"""Results that draw themselves, and their small pictures in notebooks."""

from __future__ import annotations

import base64
import html
from abc import ABC, abstractmethod
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

LEFT = 'style="text-align: left; padding: 0 0.8em 0 0"'
TABLE = 'style="border-collapse: collapse; margin: 0 1em 0 0"'


class Shown(ABC):
    """A result that a function of `spectral_mae.plot` draws, as notebooks show it."""

    _drawn_by: ClassVar[str]  # name of that function
    _panels: ClassVar[tuple[int, int]] = (1, 1)  # rows and columns of its axes

    def _draw(self, ax: Any, options: dict[str, Any]) -> Any:
        return getattr(_above("spectral_mae.plot"), self._drawn_by)(self, ax, **options)

    @abstractmethod
    def _key_numbers(self) -> dict[str, str]:
        """What the notebook says beside the picture: names and values."""

    def _has_picture(self) -> bool:
        """Whether that function draws this one; some draw results of two axes only."""
        return True

    def _repr_html_(self) -> str:
        """What Jupyter shows: the key numbers and a small picture.

        The picture needs no pyplot, so figures of the user's stay as they are.
        """
        name = type(self).__name__
        rows = "".join(
            f"<tr><th scope='row' {LEFT}>{html.escape(key)}</th>"
            f"<td {LEFT}>{html.escape(value)}</td></tr>"
            for key, value in self._key_numbers().items()
        )
        table = f"<table {TABLE}><caption {LEFT}><b>{name}</b></caption>{rows}</table>"
        picture = ""
        if self._has_picture():
            drawn = _above("spectral_mae.plot.thumbnails").thumbnail(self, self._panels)
            pixels = base64.b64encode(drawn).decode("ascii")
            width = 340 if self._panels == (1, 1) else 680
            picture = (
                f'<img alt="Picture of this {name}" width="{width}" '
                f'src="data:image/png;base64,{pixels}">'
            )
        style = "display: flex; flex-wrap: wrap; align-items: center"
        return f'<div style="{style}">{table}{picture}</div>'


class Pictured(Shown):
    """A result that is drawn in one pair of axes."""

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
        axes: Axes = self._draw(ax, options)
        return axes


class PicturedInPanels(Shown):
    """A result that is drawn in several axes."""

    def plot(self, ax: NDArray[Any] | None = None, **options: Any) -> NDArray[Any]:
        """Draw the result with the function of `spectral_mae.plot` that is made for it.

        Parameters
        ----------
        ax : ndarray of matplotlib.axes.Axes or None
            Where to draw, such as ``figure.subplots(2, 3)``; None makes a new figure.
        **options : Any
            Further arguments of that function.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            The axes.
        """
        axes: NDArray[Any] = self._draw(ax, options)
        return axes


def _above(module: str) -> Any:
    """A module of `plot`, which lies above, loaded when a result is first drawn.

    `plot` knows the classes of results; these know only the name of the function that draws them.
    """
    return import_module(module)
