"""Write ``docs/gallery.md``: every figure with its caption.

``python docs/gallery.py``; ``tests/plot/test_gallery.py`` holds that the page is what this gives.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from spectral_mae.plot import gallery

PAGE = Path(__file__).with_name("gallery.md")
INTRODUCTION = """\
# Gallery

Each figure is computed in closed form, without training, from images that scikit-image installs,
without a download. `spectral-mae figures --out DIR` draws all of them. With `--data` it draws them
from your own images.

*This page is written by `python docs/gallery.py`.*
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for name in gallery.FIGURES:
        title, _, text = inspect.cleandoc(gallery.caption(name)).partition("\n\n")
        parts.append(
            f"## {title.removesuffix('.')}\n\n![{name}](../figures/{name}.png)\n\n"
            f"{text}\n\n`spectral-mae figures {name} --out DIR`\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
