"""Pictures with sliders that need no running kernel: every picture is drawn in advance."""

from __future__ import annotations

import base64
import html
import inspect
import json
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import product
from math import prod
from typing import Any

from spectral_mae import _checks
from spectral_mae.plot.thumbnails import captured

MOST_FRAMES = 64  # so that a notebook stays a file of some hundred kilobytes


@dataclass(frozen=True)
class Frame:
    """One of the pictures.

    Attributes
    ----------
    picture : bytes
        A WebP file.
    says : str
        What the picture shows, in a sentence.
    """

    picture: bytes
    says: str

    @property
    def source(self) -> str:
        """The picture as a ``data:`` address.

        Returns
        -------
        str
            For the attribute ``src`` of an image.
        """
        return f"data:image/webp;base64,{base64.b64encode(self.picture).decode('ascii')}"


@dataclass(frozen=True)
class Slider:
    """Pictures for all combinations of some values, with a control for each argument.

    In a notebook it shows itself. The controls are made by a script of its own and work without a
    kernel, without a network, and with the keyboard. Where scripts do not run, as in notebooks that
    are not trusted, the first picture is shown with its sentence.

    Attributes
    ----------
    alt : str
        What all of the pictures show, for those who cannot see them.
    values : dict of str to tuple
        The values of each argument.
    start : tuple of int
        The place in ``values`` of what is shown at first, for each argument.
    frames : tuple of Frame
        A picture for each combination; the last argument varies fastest.

    Examples
    --------
    >>> import numpy as np
    >>> from spectral_mae.lessons import slider
    >>> def wave(k):
    ...     "A wave over 16 pixels."
    ...     import matplotlib.pyplot as plt
    ...
    ...     plt.figure(figsize=(1, 1)).gca().plot(np.cos(2 * np.pi * k * np.arange(16) / 16))
    ...     return f"It turns {k} times."
    >>> shown = slider(wave, k=[1, 2])
    >>> len(shown.frames), shown.frame(k=2).says
    (2, 'It turns 2 times.')
    """

    alt: str
    values: Mapping[str, tuple[Any, ...]]
    start: tuple[int, ...]
    frames: tuple[Frame, ...]

    def frame(self, **chosen: Any) -> Frame:
        """Return the picture of some values.

        Parameters
        ----------
        **chosen : Any
            A value for each argument that is not to be as at the start.

        Returns
        -------
        Frame
            The picture and its sentence.

        Raises
        ------
        ValueError
            If there is no such argument or value.
        """
        if unknown := chosen.keys() - self.values.keys():
            raise ValueError(f"no argument {sorted(unknown)}; there are {list(self.values)}")
        place = 0
        for (name, values), start in zip(self.values.items(), self.start, strict=True):
            value = chosen.get(name, values[start])
            if value not in values:
                raise ValueError(f"{name}={_checks.brief(value)} is none of {values}")
            place = place * len(values) + values.index(value)
        return self.frames[place]

    def __repr__(self) -> str:
        return f"<Slider of {len(self.frames)} pictures over {', '.join(self.values)}>"

    def _repr_html_(self) -> str:
        first = self.frame()
        data = {
            "controls": [
                {
                    "name": name.replace("_", " "),
                    "values": [_text(value) for value in values],
                    "numbers": all(isinstance(value, numbers.Real) for value in values),
                    "at": at,
                }
                for (name, values), at in zip(self.values.items(), self.start, strict=True)
            ],
            # The picture that is shown at first is in the page already.
            "frames": [
                ["" if frame is first else frame.source, frame.says] for frame in self.frames
            ],
        }
        # A text that ends a script would end this one.
        packed = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
        return (
            f'<div class="spectral-mae-slider" role="group" aria-label="Picture with controls">'
            f"<style>{_web('slider.css')}</style>"
            f'<img src="{first.source}" alt="{html.escape(self.alt)}">'
            f'<p class="says" aria-live="polite">{html.escape(first.says)}</p>'
            f'<script type="application/json">{packed}</script>'
            f"<script>{_web('slider.js')}</script></div>"
        )


def slider(
    draw: Callable[..., str],
    /,
    *,
    alt: str | None = None,
    start: Mapping[str, Any] | None = None,
    **values: Sequence[Any],
) -> Slider:
    """Draw a figure for all combinations of some values, and show them with sliders.

    Parameters
    ----------
    draw : callable
        Takes one value for each of ``values`` by name, makes one figure with pyplot, and returns a
        sentence which says what that figure shows. The sentence stands below the picture, and
        screen readers speak it when the picture changes.
    alt : str or None
        What all of the figures show, for those who cannot see them. None takes the first line of
        the docstring of ``draw``.
    start : mapping of str to Any, or None
        Values that are shown at first; of arguments that are not named, the first.
    **values : sequence
        The values of each argument. Numbers get a slider and texts a list to choose from. At most
        64 combinations.

    Returns
    -------
    Slider
        The pictures. As the last value of a cell it shows itself.

    Raises
    ------
    ValueError
        If there are no values, too many combinations, no description, or ``draw`` makes another
        number of figures than one.
    TypeError
        If ``draw`` does not return a text.

    Examples
    --------
    >>> def wave(k):
    ...     "A wave over 32 pixels."
    ...     import matplotlib.pyplot as plt
    ...
    ...     plt.figure(figsize=(2, 1)).gca().plot(np.cos(2 * np.pi * k * np.arange(32) / 32))
    ...     return f"It turns {k} times."
    >>> import numpy as np
    >>> shown = slider(wave, k=[1, 2, 4], start={"k": 2})
    >>> shown, shown.frame(k=4).says
    (<Slider of 3 pictures over k>, 'It turns 4 times.')
    """
    _checks.function("draw", draw)
    described = (inspect.getdoc(draw) or "").partition("\n")[0] if alt is None else alt
    if not described.strip():
        raise ValueError("the figures have no description: give alt, or draw a docstring")
    several = {name: _some(name, given) for name, given in values.items()}
    count = prod(map(len, several.values()))
    if not several or count > MOST_FRAMES:
        raise ValueError(
            f"{count} combinations of values are too many; the limit is {MOST_FRAMES}"
            if several
            else "no values to draw for: name an argument of draw and its values"
        )
    first = dict(start or {})
    if unknown := first.keys() - several.keys():
        raise ValueError(f"start names {sorted(unknown)}; the arguments are {list(several)}")
    places = tuple(
        _place(name, first.get(name, options[0]), options) for name, options in several.items()
    )
    frames = []
    for chosen in product(*several.values()):
        arguments = dict(zip(several, chosen, strict=True))
        picture, says = captured(partial(draw, **arguments))
        if not isinstance(says, str) or not says.strip():
            raise TypeError(f"draw returned {_checks.brief(says)} for {arguments}, not a sentence")
        frames.append(Frame(picture, says))
    return Slider(described, several, places, tuple(frames))


def _some(name: str, given: Any) -> tuple[Any, ...]:
    """The values of an argument, each once."""
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ValueError(f"{name}={_checks.brief(given)} is no list of values")
    options = tuple(given)
    if any(one in options[:place] for place, one in enumerate(options)):
        raise ValueError(f"{name}={_checks.brief(given)} has a value twice")
    return options


def _place(name: str, value: Any, options: tuple[Any, ...]) -> int:
    if value not in options:
        raise ValueError(f"start has {name}={_checks.brief(value)}, which is none of {options}")
    return options.index(value)


def _text(value: Any) -> str:
    """A value as the control shows it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _web(name: str) -> str:
    return files("spectral_mae.lessons").joinpath("web", name).read_text("utf-8").strip()
