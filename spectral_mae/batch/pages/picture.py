"""One picture of a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

# What a key of a legend looks like: on a page its style says so, in a file `plot.curves.strips`.
Key = Literal["image", "seen", "kept", "foreign", "spread", "median", "mark", "dot", "bar", "zero"]
Legend = tuple[tuple[Key, str], ...]  # keys, and what they mean


@dataclass(frozen=True)
class Panel:
    """A part of a picture that moves below its neighbours where there is no room beside them.

    Attributes
    ----------
    file : str
        Name within the folder ``figures``: SVG, or pixels.
    label : str
        What stands below it; empty if nothing does.
    alt : str
        What a screen reader says of it; empty takes the label.
    heading : str
        What stands before it, over the whole width; empty if nothing does.
    """

    file: str
    label: str = ""
    alt: str = ""
    heading: str = ""


@dataclass(frozen=True)
class Picture:
    """One figure of a page.

    Attributes
    ----------
    file : str
        Name within the folder ``figures``.
    title, caption : str
    vector : bool
        Whether an SVG of the same name is beside it.
    embedded : str
        Name of a smaller file for the page itself; empty takes ``file``.
    data : str
        Table beside the page that holds its numbers; empty if there is none.
    thumbnail : str
        Name of a small picture of the image that it is about; empty if there is none.
    about : str
        Title of the image that it is about; empty if it is about no single one.
    alt : str
        What a screen reader says of it; empty takes the title.
    panels : tuple of Panel
        What the page shows in its place; empty shows the picture as one.
    legend : tuple of (Key, str)
        What curves of the panels mean.
    columns : int
        Of panels of pixels, on any width; 0 lets curves stand beside each other where there is
        room.
    """

    file: str
    title: str
    caption: str
    vector: bool = False
    embedded: str = ""
    data: str = ""
    thumbnail: str = ""
    about: str = ""
    alt: str = ""
    panels: tuple[Panel, ...] = ()
    legend: Legend = ()
    columns: int = 0

    @property
    def on_page(self) -> str:
        """Name of the file that the page shows, if it is one of pixels."""
        return self.embedded or self.file

    @property
    def files(self) -> list[str]:
        """Names of its files in the folder ``figures``."""
        return [self.file, str(Path(self.file).with_suffix(".svg"))] if self.vector else [self.file]


def short_name(name: str) -> str:
    """The end of a path, short enough for a title."""
    last = Path(name).name.removeprefix("builtin:")
    return last if len(last) <= 24 else f"{last[:21]}…"
