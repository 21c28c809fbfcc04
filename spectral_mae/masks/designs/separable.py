"""What designs have in common that are products of independent designs along different axes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.designs.design import MaskDesign, at_most_patterns

Scalar = TypeVar("Scalar", bound=np.generic)
# A factor: the axes that it speaks of, in their order, and its design; None keeps everything.
Part = tuple[tuple[int, ...], MaskDesign | None]


class Separable(MaskDesign):
    """A patch is kept where independent designs along different axes all keep its index."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Part, ...]:
        """The designs, and the axes of each; together every axis once."""

    @property
    def _designs(self) -> list[MaskDesign]:
        return [design for _, design in self.parts if design is not None]

    @property
    def shift_invariant(self) -> bool:
        """Whether every factor is."""
        return all(design.shift_invariant for design in self._designs)

    @property
    def uniform(self) -> tuple[float, float] | None:
        """Pair (π₁, π₂) of the only factor, where it holds all axes; else None."""
        ((_, design), *others) = self.parts
        return None if others or design is None else design.uniform

    @cached_property
    def inclusion(self) -> FloatArray:
        """Probability π₁ that a patch is kept, the product over the factors."""
        return self._outer(lambda design: design.inclusion)

    @cached_property
    def pair_inclusion(self) -> FloatArray:
        """Mean probability ρ of pairs by offset, the product over the factors."""
        return self._outer(lambda design: design.pair_inclusion)

    @property
    def inclusion_stderr(self) -> FloatArray | None:
        """Standard error of each value of π₁; None where π₁ is exact."""
        return self._outer_stderr(lambda d: d.inclusion, lambda d: d.inclusion_stderr)

    @property
    def pair_inclusion_stderr(self) -> FloatArray | None:
        """Standard error of each value of ρ, to first order; None where ρ is exact."""
        return self._outer_stderr(lambda d: d.pair_inclusion, lambda d: d.pair_inclusion_stderr)

    def _outer(self, values: Callable[[MaskDesign], FloatArray]) -> FloatArray:
        """The product over the factors of a map over their own axes."""
        product = np.ones(self.grid.counts)
        for axes, design in self.parts:
            if design is not None:
                product = product * self._along(values(design), axes)
        return product

    def _outer_stderr(
        self,
        values: Callable[[MaskDesign], FloatArray],
        errors: Callable[[MaskDesign], FloatArray | None],
    ) -> FloatArray | None:
        """Errors of a product of independent estimates, to first order."""
        squared, estimated = np.zeros(self.grid.counts), False
        for one in self._designs:
            error = errors(one)
            if error is not None:
                estimated = True
                squared = (
                    squared
                    + self._outer(
                        lambda d, one=one, error=error: error if d is one else values(d)  # type: ignore[misc]
                    )
                    ** 2
                )
        return np.sqrt(squared) if estimated else None

    def _along(self, values: NDArray[Scalar], axes: tuple[int, ...]) -> NDArray[Scalar]:
        """A map over some axes with length 1 along the others; leading axes stay."""
        lead = values.shape[: values.ndim - len(axes)]
        shape = [1] * self.grid.ndim
        for axis in axes:
            shape[axis] = self.grid.counts[axis]
        return values.reshape(*lead, *shape)

    def _matrix(self) -> FloatArray:
        first = np.indices(self.grid.counts).reshape(self.grid.ndim, -1)
        matrix = np.ones((self.n_patches,) * 2)
        for axes, design in self.parts:
            if design is not None:
                counts = design.grid.counts
                index = np.ravel_multi_index(tuple(first[axis] for axis in axes), counts)
                matrix *= design.matrix()[index[:, np.newaxis], index]
        return matrix

    def _draw(self, n: int, generator: Generator) -> BoolArray:
        kept = np.ones((n, *self.grid.counts), dtype=bool)
        for axes, design in self.parts:
            if design is not None:
                drawn = design.sample_kept(n, generator)
                kept &= self._along(drawn.reshape(n, *design.grid.counts), axes)
        return kept.reshape(n, -1)

    def enumerate(self) -> tuple[BoolArray, FloatArray]:
        """List every combination of the sets of the factors, with its probability.

        Returns
        -------
        patterns : ndarray of bool, shape (n, L)
            True where a patch is kept.
        weights : ndarray of float64, shape (n,)
            Probability of each set.

        Raises
        ------
        ValueError
            If there are too many sets, or those of a factor cannot be listed.
        """
        kept, weights = np.ones((1, *self.grid.counts), dtype=bool), np.ones(1)
        for axes, design in self.parts:
            if design is None:
                continue
            patterns, each = design.enumerate()
            at_most_patterns(len(kept) * len(patterns), self)
            along = self._along(patterns.reshape(-1, *design.grid.counts), axes)
            kept = (kept[:, np.newaxis] & along).reshape(-1, *self.grid.counts)
            weights = np.outer(weights, each).ravel()
        return kept.reshape(len(kept), -1), weights
