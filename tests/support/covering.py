"""Fewer cases than a full product of parameters, in which any few values still meet."""

import heapq
from collections.abc import Hashable, Sequence
from itertools import combinations


def covering(
    rows: Sequence[Sequence[Hashable]], strength: int = 2, chosen: Sequence[int] = ()
) -> list[int]:
    """Choose rows that hold every few values that stand together in a row.

    Parameters
    ----------
    rows : sequence of sequences of equal length
        The cases, each with one value of every parameter.
    strength : int
        How many values: with 2 every value, and every two that stand together.
    chosen : sequence of int
        Positions of rows that are chosen already.

    Returns
    -------
    list of int
        Positions of the chosen rows, rising; always the same for the same rows. Each in turn is
        the first of those that add the most. Of the product of 11, 6, 4 and 2 values 66 are left
        of 528 with pairs: the product of the two longest.

    Examples
    --------
    >>> rows = ["ax0", "ax1", "ay0", "ay1", "bx0", "bx1", "by0", "by1"]
    >>> [rows[i] for i in covering(rows)]
    ['ax0', 'ax1', 'ay0', 'bx0', 'by1']
    >>> len(covering(rows, 3))
    8
    """
    held = [
        {some for n in range(1, strength + 1) for some in combinations(enumerate(row), n)}
        for row in rows
    ]
    found = [*chosen]
    missing = set().union(*held).difference(*(held[i] for i in found))
    # A row never adds more than it did before, so only the row that seems best is counted again.
    seeming = [(-len(held[i]), i) for i in range(len(rows))]
    heapq.heapify(seeming)
    while missing:
        seems, best = seeming[0]
        adds = -len(held[best] & missing)
        if adds == seems:
            heapq.heappop(seeming)
            missing -= held[best]
            found.append(best)
        else:
            heapq.heapreplace(seeming, (adds, best))
    return sorted(found)
