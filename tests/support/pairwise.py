"""Fewer cases than a full product of parameters, in which any two values still meet."""

from collections.abc import Hashable, Sequence
from itertools import combinations


def pairwise(rows: Sequence[Sequence[Hashable]]) -> list[int]:
    """Choose rows that hold every value, and every two values that stand together in a row.

    Parameters
    ----------
    rows : sequence of sequences of equal length
        The cases, each with one value of every parameter.

    Returns
    -------
    list of int
        Positions of the chosen rows, rising; always the same for the same rows. Each in turn is
        the first of those that add the most pairs. Of the product of 11, 6, 4 and 2 values 66 are
        left of 528: the product of the two longest.

    Examples
    --------
    >>> rows = ["ax0", "ax1", "ay0", "ay1", "bx0", "bx1", "by0", "by1"]
    >>> [rows[i] for i in pairwise(rows)]
    ['ax0', 'ax1', 'ay0', 'bx0', 'by1']
    """
    pairs = [{*enumerate(row), *combinations(enumerate(row), 2)} for row in rows]
    missing: set[object] = set().union(*pairs)
    chosen = []
    while missing:
        best = max(range(len(rows)), key=lambda i: len(pairs[i] & missing))
        missing -= pairs[best]
        chosen.append(best)
    return sorted(chosen)
