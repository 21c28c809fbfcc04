"""The gallery: every picture that the package draws, by theme, with the code that draws it.

``python docs/gallery.py`` writes ``docs/gallery.md``, the figures of the documentation with their
captions. ``python docs/build.py`` calls `write`, which puts the whole gallery into the site: it
runs the example in the docstring of each function of `spectral_mae.plot`, saves what it draws, and
writes a page for each picture and one with thumbnails of all.
"""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageChops

from spectral_mae import plot
from spectral_mae.plot import gallery

DOCS = Path(__file__).parent
PAGE = DOCS / "gallery.md"
FIGURES = DOCS.parent / "figures"
INTRODUCTION = """\
# Gallery

Each figure is computed in closed form, without training, from images that scikit-image installs,
without a download. `spectral-mae figures --out DIR` draws all of them. With `--data` it draws them
from your own images. On the documentation site this page also shows a picture of each function of
`spectral_mae.plot`, with its code.

*This page is written by `python docs/gallery.py`.*
"""
SITE = """\
# Gallery

All pictures that `spectral_mae` draws, with the code that draws them. A click leads to a larger
picture, its code, and all options of the function. Each piece of code runs as it stands; put your
own images in the place of those that scikit-image installs.

```{raw} html
<style>
.gallery > ul {
  display: grid; gap: 0.9rem; padding: 0; margin: 0; list-style: none;
  grid-template-columns: repeat(auto-fill, minmax(min(12.5rem, 44%), 1fr));
}
.gallery li {
  position: relative; margin: 0; overflow: hidden; border-radius: 0.4rem;
  border: 1px solid var(--color-background-border); background: var(--color-background-secondary);
}
.gallery li:hover, .gallery li:focus-within { border-color: var(--color-link); }
.gallery li img {
  display: block; box-sizing: border-box; width: 100%; aspect-ratio: 4 / 3; object-fit: contain;
  padding: 0.4rem; margin-bottom: 0.5rem; background: white; border-radius: 0;
}
.gallery li a { display: block; font-weight: 600; text-decoration: none; overflow-wrap: anywhere; }
.gallery li a::after { content: ""; position: absolute; inset: 0; } /* all of the card */
.gallery li a strong { display: block; margin: 0 0.7rem; line-height: 1.3; }
.gallery > ul > li > p { margin: 0 0 0.6rem; font-size: 0.82rem; line-height: 1.4; }
.gallery li p em { display: block; margin: 0.2rem 0.7rem 0; font-style: normal; }
</style>
```
"""
THEMES = {
    "Power spectra": "psd radial summary slopes sectors rose ratio radial_ratio power_limits",
    "Masks": "masking masked_image grating design designs mask_audit",
    "Leakage, and the way back": "leakage octaves masked_radial unmasked_radial",
    "Linear models": (
        "response response_power receptive_field receptive_fields weight_by_distance filters "
        "eigenvalues weight_matrix encoder_energy heat_map gap"
    ),
    "Reconstructions and comparison": (
        "reconstruction reconstructions comparison compared_power power_ratio image_detail"
    ),
    "Audit of trained models": (
        "strips estimates token_spectra training loss_and_accuracy label_efficiency "
        "layer_similarity"
    ),
    "Plans": "plan_curves plan_map plan_octaves plan_costs",
    "Style and files": "style use_style new_figure save",
}
WIDTH, HEIGHT = 560, 420  # of thumbnails at most; they are shown at half of this
RESOLUTION = 150  # dots per inch
MARGIN = 12  # dots around a picture


class Card(NamedTuple):
    """A thumbnail: where a click leads, its picture, its title, and what it shows."""

    link: str
    picture: Path
    title: str
    text: str


def page() -> str:
    """The page of the repository: the figures of the documentation."""
    parts = [INTRODUCTION]
    for name in gallery.FIGURES:
        title, text = _caption(name)
        parts.append(
            f"## {title}\n\n![{name}](../figures/{name}.png)\n\n"
            f"{text}\n\n`spectral-mae figures {name} --out DIR`\n"
        )
    return "\n".join(parts)


def write(source: Path) -> None:
    """Write the gallery of the site.

    Parameters
    ----------
    source : Path
        The folder that Sphinx reads. `gallery.md` in it is replaced, and a folder `gallery` is
        made.
    """
    folder = source / "gallery"
    folder.mkdir()
    parts, pages = [SITE], []
    for theme, names in THEMES.items():
        cards = [_function(name, folder) for name in names.split()]
        parts.append(_cards(theme, cards, folder))
        pages += cards
    parts.append(_cards("As papers show them", list(_papers()), folder))
    figures = [_figure(name, folder) for name in gallery.FIGURES]
    parts.append(_cards("Figures of this documentation", figures, folder))
    listed = "\n".join(card.link.removesuffix(".md") for card in (*pages, *figures))
    parts.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n")
    (source / "gallery.md").write_text("\n".join(parts), encoding="utf-8")


def example(name: str) -> str:
    """The code of the example of a function of `plot`, without lines that only print."""
    parsed = doctest.DocTestParser().get_examples(inspect.getdoc(getattr(plot, name)) or "")
    return "".join(one.source for one in parsed if not _only_prints(one))


def _only_prints(one: doctest.Example) -> bool:
    return bool(one.want) and isinstance(ast.parse(one.source).body[0], ast.Expr)


def draw(code: str) -> Any:
    """Run code that knows nothing but what it imports, and return the figure of its ``ax``."""
    names: dict[str, Any] = {}
    exec(code, names)
    return np.ravel(names["ax"])[0].figure


def _function(name: str, folder: Path) -> Card:
    """Draw a picture by a function of `plot`, and write its page."""
    import matplotlib.pyplot as plt

    code, picture = example(name), folder / f"plot_{name}.png"
    draw(code).savefig(picture, dpi=RESOLUTION)
    plt.close("all")
    _crop(picture)
    text = (inspect.getdoc(getattr(plot, name)) or "").partition("\n\n")[0].replace("\n", " ")
    _page(
        picture,
        f"plot.{name}",
        f"{text} All options: {{py:func}}`spectral_mae.plot.{name}`.\n\n```python\n{code}```\n",
    )
    return Card(f"gallery/{picture.stem}.md", picture, f"plot.{name}", text)


def _figure(name: str, folder: Path) -> Card:
    """Copy a figure of the documentation, and write its page."""
    picture = folder / f"figure_{name}.png"
    picture.write_bytes((FIGURES / f"{name}.png").read_bytes())
    title, text = _caption(name)
    module = gallery.FIGURES[name].partition(".")[0]
    code = inspect.getsource(import_module(f"{gallery.__name__}.{module}"))
    how = (
        f"```\nspectral-mae figures {name} --out DIR\n```\n\nIn Python it is "
        f"{{py:func}}`spectral_mae.plot.gallery.draw` of `{name!r}`; this is its code:"
    )
    _page(picture, title, f"{text}\n\n{how}\n\n```python\n{code}```\n")
    return Card(f"gallery/{picture.stem}.md", picture, title, "")


def _papers() -> Iterator[Card]:
    """The pictures that papers show, which have a page together."""
    import psd_pictures

    for one in psd_pictures.PICTURES:
        anchor = "".join(c for c in one.title.lower().replace(" ", "-") if c.isalnum() or c in "-_")
        picture = DOCS / "psd_pictures" / f"{one.name}.png"
        yield Card(f"psd_pictures.md#{anchor}", picture, one.title, "")


def _caption(name: str) -> tuple[str, str]:
    """Title and text of a figure of the documentation."""
    title, _, text = inspect.cleandoc(gallery.caption(name)).partition("\n\n")
    return title.removesuffix("."), text


def _page(picture: Path, title: str, text: str) -> None:
    """A page with one picture, which opens alone when it is clicked."""
    name = picture.name
    picture.with_suffix(".md").write_text(
        f"# {title}\n\n```{{image}} {name}\n:alt: {title}\n:target: ../_images/{name}\n"
        f":class: gallery-picture\n```\n\n{text}\n[All pictures](../gallery.md)\n",
        encoding="utf-8",
    )


def _cards(theme: str, cards: list[Card], folder: Path) -> str:
    """A section of thumbnails."""
    listed = []
    for card in cards:
        small = folder / f"small_{card.picture.name}"
        _thumbnail(card.picture, small)
        shown = f"[![](gallery/{small.name})**{card.title}**]({card.link})"
        listed.append(f"- {shown} *{card.text}*" if card.text else f"- {shown}")
    return f"## {theme}\n\n```{{container}} gallery\n" + "\n".join(listed) + "\n```\n"


def _crop(picture: Path) -> None:
    """Cut off the white around a picture but for a margin (to draw it twice takes longer)."""
    with Image.open(picture) as image:
        pixels = image.convert("RGB")
    left, top, right, bottom = ImageChops.invert(pixels).getbbox() or (0, 0, *pixels.size)
    left, top = max(0, left - MARGIN), max(0, top - MARGIN)
    right, bottom = min(pixels.width, right + MARGIN), min(pixels.height, bottom + MARGIN)
    pixels.crop((left, top, right, bottom)).save(picture)


def _thumbnail(picture: Path, small: Path) -> None:
    """A small copy of a picture, on white, in the colours of a palette."""
    with Image.open(picture) as image:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
    paper.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    paper.convert("RGB").quantize(128).save(small, optimize=True)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
