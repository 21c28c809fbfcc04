"""Support for lessons: pictures with sliders that need no kernel, checked answers, photographs.

The lessons in ``notebooks`` use it; so can any other notebook.

- `answers`: `check`, which compares an answer with the right one.
- `photographs`: `photograph`, one of your own or a built-in one.
- `questions/`: what the exercises ask, how the right answers are computed, and hints.
- `sliders`: `slider`, which draws a function for several values of its arguments in advance.
"""

from spectral_mae.lessons.answers import Verdict, check
from spectral_mae.lessons.photographs import photograph
from spectral_mae.lessons.sliders import Slider, slider

__all__ = ["Slider", "Verdict", "check", "photograph", "slider"]
