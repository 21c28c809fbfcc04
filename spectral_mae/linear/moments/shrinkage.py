"""How far second moments are shrunken, chosen by images that are held out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from spectral_mae import _checks
from spectral_mae._checks import FloatArray

SHRINKAGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
Solved = TypeVar("Solved")


@dataclass(frozen=True, eq=False)
class ShrinkageChoice:
    """What held-out images say of shrinkage.

    Attributes
    ----------
    shrinkage : ndarray, shape (n,)
        Values that were tried, in their order.
    explained : ndarray, shape (n,)
        Explained fraction of power on the held-out images; NaN where there is no model.
    best : float
        The shrinkage of the largest; the one before where there is no model at any.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((60, 8, 8)).cumsum(axis=1)
    >>> choice = sm.LinearMAE(4, 0.5).fit(images[:40]).choose_shrinkage(images[40:], [0.01, 0.1])
    >>> float(choice.shrinkage[choice.explained.argmax()]) == choice.best
    True
    """

    shrinkage: FloatArray
    explained: FloatArray
    best: float


def checked_shrinkages(values: Sequence[float]) -> list[float]:
    """Return shrinkages to try as floats.

    Parameters
    ----------
    values : sequence of float
        At least one, from 0 to 1.

    Returns
    -------
    list of float
        The values.

    Raises
    ------
    ValueError
        If there are none, or one is outside of 0 to 1.
    """
    tried = [_checks.closed_unit("shrinkage", value) for value in _checks.items("values", values)]
    if not tried:
        raise ValueError("no shrinkage to try: values is empty")
    return tried


def best_shrinkage(
    tried: Sequence[float],
    solve: Callable[[float], Solved | None],
    explained: Callable[[Solved], float],
    otherwise: float,
    known: FloatArray | None = None,
) -> tuple[ShrinkageChoice, Solved | None]:
    """Solve a problem at each shrinkage, and take the one that explains most of other images.

    One solution is held at a time, which may be as large as the second moment.

    Parameters
    ----------
    tried : sequence of float
        Shrinkages, in the order in which they are tried.
    solve : callable
        Takes a shrinkage, and gives a solution, or None where there is none in closed form.
    explained : callable
        Takes a solution, and gives the explained fraction of power on other images.
    otherwise : float
        The shrinkage that is chosen where none has a solution.
    known : ndarray, shape (n,), or None
        What is known already of the explained fractions; NaN where it is not.

    Returns
    -------
    choice : ShrinkageChoice
        The values and what they explain.
    solution : object or None
        The solution at the best shrinkage, if that is the last that was solved; else it was not
        kept.
    """
    found = np.full(len(tried), np.nan) if known is None else known.copy()
    solution: Solved | None = None
    solved: float | None = None
    for place in np.flatnonzero(np.isnan(found)).tolist():
        solution = None  # room for the next
        solved = tried[place]
        solution = solve(solved)
        if solution is not None:
            found[place] = explained(solution)
    best = tried[int(np.nanargmax(found))] if np.isfinite(found).any() else otherwise
    choice = ShrinkageChoice(np.array(tried), found, best)
    return choice, solution if best == solved else None
