"""What the page of a plan says in words: designs, and what one setting is as hard as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spectral_mae.masks.designs.text_form import FORMS, OTHERS
from spectral_mae.planning.difficulty import Difficulty

FIXED = "a fixed number of patches is kept, chosen at random, and the fraction {ratio} is hidden"


def design_in_words(text: str) -> str:
    """Return what masks of a design hide, in words.

    Parameters
    ----------
    text : str
        Of the design; ``M`` may stand for the mask ratio.

    Returns
    -------
    str
        A sentence without its full stop.

    Examples
    --------
    >>> print(design_in_words("block:4x4"))
    one block of 4 × 4 patches is hidden, at a random place; cut off at a border, it goes on at the opposite one
    >>> design_in_words("fixed:M")
    'a fixed number of patches is kept, chosen at random, and the fraction M is hidden'
    >>> design_in_words("bernoulli:M")
    'hide each patch independently with probability M'
    """  # noqa: E501
    name, _, rest = text.strip().partition(":")
    items = rest.split(",")
    if name == "fixed":
        return FIXED.format(ratio=items[0])
    if name == "block":
        sizes = items[0].split("x")
        block = f"one block of {' × '.join(sizes if len(sizes) > 1 else sizes * 2)} patches"
        what = f"all patches but {block} are hidden" if "keep" in items else f"{block} is hidden"
        if "unrolled" in items:
            return f"{what}, at a random place where it fits inside the image"
        return f"{what}, at a random place; cut off at a border, it goes on at the opposite one"
    if name in FORMS:
        form = FORMS[name]
        general = text.strip() == form.usage
        return form.line if general else f"{form.line} (written {form.usage})"
    usage, line = next(
        (one for one in OTHERS if one[0].startswith(f"{name}:")),
        OTHERS[-1],  # a file of masks
    )
    return f"{line} (written {usage})"


def against(row: Mapping[str, Any], difficulty: Difficulty) -> str:
    """Return what the only setting of a design is as hard as, no surer than its interval.

    Parameters
    ----------
    row : mapping
        Of `Plan.as_hard_as`.
    difficulty : Difficulty
        Of the setting.

    Returns
    -------
    str
        Whether it is easier or harder, and the mask ratio with its interval.

    Examples
    --------
    >>> against({"setting_than": ""}, Difficulty(0.66, 0.42, 0.82, "", 0.1, 0.97))
    '0.66 (0.42–0.82): cannot be told apart'
    >>> against({"setting_than": "easier"}, Difficulty(0.28, 0.1, 0.59, "", 0.1, 0.97))
    '0.28 (<0.10–0.59): easier'
    """
    return f"{difficulty.text}: {row['setting_than'] or 'cannot be told apart'}"
