"""Partial sums merged as a tree, whose shape depends on nothing but their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar


class Mergeable(Protocol):
    """A partial sum."""

    def merge(self, other: Self) -> Self:
        """Add the sum of the chunks that follow this one's."""


Part = TypeVar("Part", bound=Mergeable)


@dataclass(frozen=True)
class Branch(Generic[Part]):
    """The sum of the parts from ``first`` to ``last``."""

    level: int
    first: int
    last: int
    part: Part


class MergeTree(Generic[Part]):
    """A binary counter: of n parts at most log₂ n sums are kept.

    Parameters
    ----------
    levels : int
        Sums kept at most, but for one; from there on parts are added one behind the other.
    branches : sequence of Branch
        What another tree held.

    Examples
    --------
    >>> class Text(str):
    ...     def merge(self, other):
    ...         return Text(f"({self}{other})")
    >>> tree = MergeTree()
    >>> for letter in "abcde":
    ...     tree.push(Text(letter))
    >>> tree.result()
    '(((ab)(cd))e)'
    """

    def __init__(self, levels: int = 62, branches: tuple[Branch[Part], ...] = ()) -> None:
        self.levels = levels
        self.branches = list(branches)

    def push(self, part: Part) -> None:
        """Add the next part."""
        number = self.branches[-1].last + 1 if self.branches else 0
        branch = Branch(0, number, number, part)
        while self.branches and self.branches[-1].level == branch.level:
            left = self.branches.pop()
            level = min(left.level + 1, self.levels)
            branch = Branch(level, left.first, branch.last, left.part.merge(branch.part))
        self.branches.append(branch)

    def result(self) -> Part | None:
        """The sum of all parts; the tree is then empty."""
        if not self.branches:
            return None
        total = self.branches.pop().part
        while self.branches:
            total = self.branches.pop().part.merge(total)
        return total
