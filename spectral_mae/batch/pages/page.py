"""A page from a template: HTML with its pictures inside, in the style of all pages."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spectral_mae.batch.pages.glossary import glossary
from spectral_mae.batch.pages.picture import Picture


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
        The pictures, which the template finds as ``pictures``: pairs of a picture and its address,
        which holds its bytes; ``thumbnails`` are such addresses by the file of a picture.
    **values : Any
        What else the template uses. The function ``number`` and the ``glossary`` are there too.

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
    encoded = [
        (picture, _uri(figures / (picture.embedded or picture.file))) for picture in pictures
    ]
    thumbnails = {
        picture.file: _uri(figures / picture.thumbnail) for picture in pictures if picture.thumbnail
    }
    return environment.get_template(template).render(
        pictures=encoded,
        thumbnails=thumbnails,
        number=for_people,
        glossary=glossary(),
        **values,
    )


def _uri(path: Path) -> str:
    """A picture as the address that stands for its bytes."""
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
        return "∞" if number > 0 else "-∞"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.{digits}g}"
