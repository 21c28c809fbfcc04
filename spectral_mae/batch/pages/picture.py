"""One picture of a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """One figure of a page.

    Attributes
    ----------
    file : str
        Name within the folder ``figures``.
    title, caption : str
    """

    file: str
    title: str
    caption: str


def short_name(name: str) -> str:
    """The end of a path, short enough for a title."""
    last = Path(name).name.removeprefix("builtin:")
    return last if len(last) <= 24 else f"{last[:21]}…"
