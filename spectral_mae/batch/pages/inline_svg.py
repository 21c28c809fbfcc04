"""Figures of matplotlib as SVG inside a page: its letters, and its colours in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

# Colours of the package's figures, and the names that templates/colors.css has for them.
COLOURS = {
    "#0072b2": "var(--blue)",
    "#d55e00": "var(--vermilion)",
    "#009e73": "var(--green)",
    "#e69f00": "var(--orange)",
    "#cc79a7": "var(--purple)",
    "#56b4e9": "var(--sky)",
    "#8c8c8c": "var(--gray)",
    "#595959": "var(--soft)",
    "#cccccc": "var(--line)",
    "#e8e8e8": "var(--raised)",
    "#ffffff": "var(--paper)",
    "#000000": "currentColor",
}
_ID = re.compile(r'(\bid="|href="#|url\(#)')
_LETTERS = re.compile(r"font-family: [^;\"]*;?")
_SPACE = re.compile(r"\s+")
_WIDE = re.compile(r'viewBox="0 0 ([\d.]+) ')
SCALE = 1.6  # pixels for a point, at most: letters are then as large as those beside


def inline_svg(path: Path, label: str) -> str:
    """An SVG that matplotlib wrote, for use inside a page.

    Parameters
    ----------
    path : Path
        The file; its name keeps its identifiers apart from those of other figures.
    label : str
        What a screen reader says of it.

    Returns
    -------
    str
        An ``svg`` element on the background of the page, as wide as there is room and its letters
        do not grow beyond those of the page, with the letters of the page and the colours of
        ``colors.css``.
    """
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    opening, _, rest = text.partition(">")
    (box,) = re.findall(r'viewBox="[^"]*"', opening)
    rest = _LETTERS.sub("", rest)
    for colour, name in COLOURS.items():
        rest = rest.replace(colour, name)
    rest = _ID.sub(rf"\g<1>{path.stem}-", rest)
    words = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    widths = _WIDE.findall(box)
    most = f' style="--wide: {SCALE * float(widths[0]):.0f}px"' if widths else ""
    start = (
        f'<svg {box}{most} role="img" aria-label="{words}" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return start + _SPACE.sub(" ", rest).replace("> <", "><").strip()
