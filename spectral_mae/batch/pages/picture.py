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
    vector : bool
        Whether an SVG of the same name is beside it.
    embedded : str
        Name of a smaller file for the page itself; empty takes ``file``.
    data : str
        Table beside the page that holds its numbers; empty if there is none.
    thumbnail : str
        Name of a small picture of the image that it is about; empty if there is none.
    """

    file: str
    title: str
    caption: str
    vector: bool = False
    embedded: str = ""
    data: str = ""
    thumbnail: str = ""

    @property
    def files(self) -> list[str]:
        """Names of its files in the folder ``figures``."""
        return [self.file, str(Path(self.file).with_suffix(".svg"))] if self.vector else [self.file]


def short_name(name: str) -> str:
    """The end of a path, short enough for a title."""
    last = Path(name).name.removeprefix("builtin:")
    return last if len(last) <= 24 else f"{last[:21]}…"
