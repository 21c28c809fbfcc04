"""How the page of ``analyze`` rounds numbers, in sentences as in tables."""

from __future__ import annotations

import math


def significant(value: float | None, digits: int = 3) -> str:
    """So many significant digits, those that are zero too; None and NaN are a dash.

    Examples
    --------
    >>> significant(2.999), significant(29.749), significant(194.8), significant(1234.5)
    ('3.00', '29.7', '195', '1,234')
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.{digits}g}".removesuffix(".")
    return text.replace("-", "−")


def percent(part: float) -> str:
    """A part as a whole number of percent; NaN is a dash.

    Examples
    --------
    >>> percent(0.296), percent(-0.051), percent(-0.001)
    ('30 %', '−5 %', '0 %')
    """
    if math.isnan(part):
        return "–"
    text = f"{100 * part:.0f} %"
    return "0 %" if text == "-0 %" else text.replace("-", "−")
