"""A page from a template: HTML with its pictures inside, in the style of all pages."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spectral_mae.batch.pages.glossary import glossary
from spectral_mae.batch.pages.inline_svg import inline_svg
from spectral_mae.batch.pages.picture import Panel, Picture

if TYPE_CHECKING:
    from markupsafe import Markup


def render_page(
    package: str, template: str, figures: Path, pictures: Sequence[Picture], **values: Any
) -> str:
    """Make a page from a template, which extends ``page.html`` of this package.

    Parameters
    ----------
    package : str
        Package in whose folder ``templates`` the template is.
    template : str
        Name of the template.
    figures : Path
        Folder of the pictures.
    pictures : sequence of Picture
        The pictures, which the template finds as ``pictures``; ``thumbnails`` are addresses that
        hold the bytes of small ones, by the file of a picture.
    **values : Any
        What else the template uses. The functions ``number`` and ``measured`` and the
        ``glossary`` are there too, and ``drawn``, which makes the element of a panel or of a
        picture.

    Returns
    -------
    str
        The page.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("spectral_mae.batch.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def drawn(one: Panel | Picture) -> Markup:
        return _element(figures, one)

    environment.globals["drawn"] = drawn  # also in macros
    thumbnails = {
        picture.file: file_address(figures / picture.thumbnail)
        for picture in pictures
        if picture.thumbnail
    }
    return environment.get_template(template).render(
        pictures=pictures,
        thumbnails=thumbnails,
        number=for_people,
        measured=with_error,
        glossary=glossary(),
        **values,
    )


def _element(figures: Path, one: Panel | Picture) -> Markup:
    """A figure of lines as SVG, which takes the colours of the page, or pixels as an image."""
    from markupsafe import Markup, escape

    if isinstance(one, Panel):
        path, words = figures / one.file, one.alt or one.label
    else:
        path, words = figures / one.file, one.alt or one.title
        path = path.with_suffix(".svg") if one.vector else figures / one.on_page
    if path.suffix == ".svg":
        return Markup(inline_svg(path, words))
    return Markup('<img src="{}" alt="{}">').format(file_address(path), escape(words))


def file_address(path: Path) -> str:
    """A picture as the address that stands for its bytes.

    Parameters
    ----------
    path : Path
        The picture.

    Returns
    -------
    str
        A ``data:`` URL.
    """
    kind = path.suffix.removeprefix(".")
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def for_people(value: float | str | None, digits: int = 3) -> str:
    """Write a number with so many digits, and without an exponent where that is possible.

    Parameters
    ----------
    value : float, str or None
        The number; None or an empty text is none.
    digits : int
        Significant digits.

    Returns
    -------
    str
        The number, or a dash.

    Examples
    --------
    >>> for_people(0.12345), for_people(12345.6), for_people(None)
    ('0.123', '12,346', '–')
    """
    if value is None or value == "":
        return "–"
    number = float(value)
    if math.isnan(number):
        return "–"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    text = f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}g}"
    return text.replace("-", "−")


def with_error(value: float, stderr: float = math.nan, most: int = 4) -> str:
    """Write a number and its standard error with the same decimals.

    Parameters
    ----------
    value, stderr : float
        The number, and its error; NaN is none.
    most : int
        Decimals, at most.

    Returns
    -------
    str
        The error has two digits if its first is 1, else one.

    Examples
    --------
    >>> with_error(0.91234, 0.0122), with_error(0.99996, 9e-5), with_error(-12.3, 4.1)
    ('0.912 ± 0.012', '1.0000 ± 0.0001', '−12 ± 4')
    >>> with_error(0.00241, 0.00061, most=6), with_error(0.5), with_error(math.nan, 1.0)
    ('0.0024 ± 0.0006', '0.500', '–')
    """
    if math.isnan(value):
        return "–"
    if not math.isfinite(stderr):
        return for_people(value) if abs(value) >= 1000 else f"{value:.3f}".replace("-", "−")
    first = f"{stderr:.0e}"
    decimals = -int(first[2:]) + (first[0] == "1") if stderr > 0 else 3
    decimals = min(max(decimals, 0), most)
    return f"{value:,.{decimals}f} ± {stderr:,.{decimals}f}".replace("-", "−")
