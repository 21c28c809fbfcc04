"""Write ``docs/glossary.md`` from the glossary of the package, which pages of commands show too.

``python docs/glossary.py``; ``tests/docs/test_glossary.py`` holds that the page is what this gives.
"""

from __future__ import annotations

from pathlib import Path

from spectral_mae.batch.pages.glossary import glossary

PAGE = Path(__file__).with_name("glossary.md")
INTRODUCTION = """\
# Glossary

Words of the field as this package uses them; the page of `spectral-mae analyze` explains them in
the same words. X is the discrete Fourier transform of an image, Y that of the image under a mask, M
that of the mask; E is the mean over all possible masks.

*This page is written by `python docs/glossary.py`.*
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for term in glossary().values():
        name = term.name[0].upper() + term.name[1:]
        parts.append(
            "\n\n".join(filter(None, (f"## {name}", _escaped(term.text), _escaped(term.more))))
            + "\n"
        )
    return "\n".join(parts)


def _escaped(text: str) -> str:
    """The star in A*B is no mark of emphasis."""
    return text.replace("A*B", "A\\*B")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
