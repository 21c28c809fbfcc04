"""The glossary: words of the field, which pages of commands and the documentation explain alike."""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    Attributes
    ----------
    name : str
        The word.
    text : str
        What it means, in one or two sentences of Markdown, of which only ``code`` and *emphasis*
        are used.
    more : str
        Details for a list of definitions; may be empty.
    pages : tuple of str
        Commands on whose page it is explained.
    """

    name: str
    text: str
    more: str = ""
    pages: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """What the address of its definition on a page ends with."""
        return "term-" + self.name.lower().replace(" ", "-")

    @property
    def html(self) -> str:
        """`text` as HTML."""
        return as_html(self.text)

    @property
    def definition(self) -> str:
        """`text` and `more` as HTML."""
        return as_html(f"{self.text} {self.more}".strip())


def as_html(text: str) -> str:
    """Turn a text with ``code`` and *emphasis* into HTML.

    Parameters
    ----------
    text : str
        Markdown of these two marks.

    Returns
    -------
    str
        HTML. A star between letters or signs, as in A*B, stays a star.

    Examples
    --------
    >>> as_html("*Power* of A*B < `x*y`")
    '<em>Power</em> of A*B &lt; <code>x*y</code>'
    """
    parts = html.escape(text, quote=False).split("`")
    parts[::2] = [
        re.sub(r"(?<![\w*])\*(\w[^*]*)\*(?![\w*])", r"<em>\1</em>", part) for part in parts[::2]
    ]
    parts[1::2] = [f"<code>{part}</code>" for part in parts[1::2]]
    return "".join(parts)


def glossary() -> dict[str, Term]:
    """All terms by their name, in alphabetical order.

    Returns
    -------
    dict of str to Term

    Examples
    --------
    >>> glossary()["octave"].text
    'A band of frequencies whose upper end is twice its lower end.'
    """
    source = resources.files("spectral_mae.batch.pages") / "glossary.toml"
    listed = tomllib.loads(source.read_text(encoding="utf-8"))["term"]
    terms = [Term(**{**one, "pages": tuple(one.get("pages", ()))}) for one in listed]
    return {term.name: term for term in sorted(terms, key=lambda term: term.name.lower())}
