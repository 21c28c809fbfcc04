"""What a linear model solves: second moments of images, and what happens to the images.

The images stand for their moments, and the parameters of a model for a corruption. All else
follows from the two: the coordinates in which the problem falls into blocks, the best map, what
any map explains of other images, and of what the second moments of those have to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae._checks import FloatArray, is_tensor
from spectral_mae._parallel import blas_for
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import Corruption, Masking, PatchMasking
from spectral_mae.linear.moments.blocks import CentredStack, Stack
from spectral_mae.linear.moments.kinds import KINDS, BandMoments, DenseMoments, Moments
from spectral_mae.linear.moments.shrinkage import ShrinkageChoice, best_shrinkage
from spectral_mae.linear.problems.hidden_target import (
    NoClosedFormError,
    best_for_hidden,
    hidden_loss_by_patch,
)
from spectral_mae.linear.shrinkage_path import losses_by_shrinkage
from spectral_mae.linear.solution import Solution, in_single

FEW = 3  # shrinkages up to which a solve for each takes less than one factorisation for all


@dataclass(frozen=True, eq=False)
class Problem:
    """Find the map of least expected loss on corrupted images.

    Attributes
    ----------
    moments : BandMoments, DenseMoments or StationaryMoments
        Second moments of the images.
    corruption : Corruption
        What happens to them before the map is applied, and which pixels are scored.
    rank : int or None
        Width of the bottleneck; None is none.
    """

    moments: Moments
    corruption: Corruption
    rank: int | None = None

    @cached_property
    def working(self) -> Moments:
        """The moments in whose coordinates the problem is solved."""
        return self.corruption.working(self.moments)

    @property
    def identity(self) -> tuple[Any, ...]:
        """What second moments of other images have to be of: kind of moments, grids, channels."""
        working = self.working
        return type(working).__name__, self.moments.grid, working.grid, working.channels

    @property
    def on_device(self) -> bool:
        """Whether the moments are tensors."""
        return isinstance(self.moments, BandMoments) and self.moments.holds_tensors

    @property
    def masks_in_place(self) -> Masking | None:
        """The masking whose loss on images differs from that over all their shifts, in bands."""
        corruption = self.corruption
        if isinstance(self.moments, DenseMoments) or not corruption.depends_on_place:
            return None
        return corruption if isinstance(corruption, Masking) else None

    def second_moment(self, shrinkage: float) -> Stack:
        """Return the second moment S as the corruption needs it.

        Parameters
        ----------
        shrinkage : float
            Weight of the average over all shifts of pixels, from 0 to 1.

        Returns
        -------
        Stack
            The shrunken second moment; new memory.
        """
        working = self.working
        stack = working.stack().shrunk(shrinkage, working.transform, overwrite=True)
        return self.corruption.prepared(stack, working.transform)

    def solve(self, shrinkage: float) -> Solution:
        """Find the best map.

        Parameters
        ----------
        shrinkage : float
            Weight of the average over all shifts of pixels, from 0 to 1.

        Returns
        -------
        Solution
            The best map for images of the shrunken moments.

        Raises
        ------
        TypeError
            If hidden patches are scored and the moments are tensors.
        ValueError
            If the moments have seen no images, or the rank is larger than the numbers in an image.
        NoClosedFormError
            For a hidden target, if the second moment has no closed form.
        """
        stack, corruption = self.second_moment(shrinkage), self.corruption
        if isinstance(corruption, PatchMasking) and corruption.scores_hidden:
            if is_tensor(stack.blocks):
                raise TypeError(
                    "target='hidden' with moments that are tensors: fit_moments(moments.numpy()) "
                    "solves on the CPU"
                )
            return best_for_hidden(stack, corruption)
        if self.rank is None:
            return solver.full_rank(stack, corruption.mix, overwrite=True)  # made for this alone
        return solver.low_rank(stack, corruption.mix, self.rank)

    def choose_shrinkage(
        self, held_out: CentredStack, tried: Sequence[float], otherwise: float
    ) -> tuple[ShrinkageChoice, Solution | None]:
        """Find the shrinkage whose map explains most of other images.

        Parameters
        ----------
        held_out : CentredStack
            Second moment of images held out, from `second_moment_of`.
        tried : sequence of float
            Shrinkages to try, from 0 to 1.
        otherwise : float
            The shrinkage that is chosen where none has a map in closed form.

        Returns
        -------
        choice : ShrinkageChoice
            The values and what they explain.
        solution : Solution or None
            The best map at the shrinkage that was chosen; None if it was not kept.

        Raises
        ------
        ValueError
            If the images held out have no power about the mean.
        """
        power, known = power_of(held_out), None
        if len(tried) > FEW and self.rank is None and not self.corruption.scores_hidden:
            known = 1.0 - self.losses_by_shrinkage(held_out, tried) / power
        explained = partial(self.explained, held_out)
        return best_shrinkage(tried, self._solve_if_closed, explained, otherwise, known)

    def losses_by_shrinkage(self, held_out: Stack, values: Sequence[float]) -> FloatArray:
        """Return the losses on other images, as far as one factorisation gives them.

        Parameters
        ----------
        held_out : Stack
            Second moment of the other images.
        values : sequence of float
            Shrinkages, from 0 to 1.

        Returns
        -------
        ndarray of float64, shape (len(values),)
            Expected squared errors per image; NaN where a shrinkage needs a solve of its own.
        """
        if self.corruption.replaces_local:
            return np.full(len(values), np.nan)
        working, mix = self.working, self.corruption.mix
        stack = working.stack()
        with blas_for(*stack.blocks.shape[:2]):  # once for all that is in batches
            return losses_by_shrinkage(stack, working.transform, mix, held_out, values)

    def explained(self, stack: Stack, solution: Solution) -> float:
        """Return the explained fraction of power of images, 1 − loss/trace.

        Parameters
        ----------
        stack : Stack
            Second moment of the images, in the coordinates of `working`.
        solution : Solution
            Any map in these coordinates.

        Returns
        -------
        float
            Explained fraction over all draws of the corruption, at most 1.

        Raises
        ------
        ValueError
            If the images have no power.
        """
        corruption, trace = self.corruption, power_of(stack)
        if isinstance(corruption, PatchMasking) and corruption.scored_by_patch:
            loss, trace = hidden_loss_by_patch(stack, corruption.design, solution.weights)
            return 1.0 - loss / trace
        stack = corruption.prepared(stack, self.working.transform)
        return 1.0 - solver.expected_loss(stack, corruption.scored_mix, solution.weights) / trace

    def rounding(self, solution: Solution, shrinkage: float) -> float:
        """Return by how much of itself the loss changes if the map is in single precision.

        Parameters
        ----------
        solution : Solution
            The best map.
        shrinkage : float
            The shrinkage that it is the best for.

        Returns
        -------
        float
            |change|/loss, at least 0; infinity if the loss is zero.
        """
        if solution.loss == 0:
            return math.inf
        stack, corruption = self.second_moment(shrinkage), self.corruption
        if isinstance(corruption, PatchMasking) and corruption.scored_by_patch:
            rounded = in_single(solution.weights)
            loss, _ = hidden_loss_by_patch(stack, corruption.design, rounded)
            return abs(loss - solution.loss) / solution.loss
        change = solver.rounding_loss(stack, corruption.scored_mix, solution.weights)
        return abs(change) / (stack.trace * solution.loss / solution.trace)

    def empty_second_moment(self) -> Moments:
        """Return moments about zero, for the patches of other images minus the mean of these.

        Returns
        -------
        BandMoments or DenseMoments
            Moments that have seen no images yet; `second_moment_of` takes them when they have.
        """
        return self._kind_of_others(self.working.grid, self.working.channels, center=False)

    def second_moment_of(self, others: Moments) -> CentredStack:
        """Return the second moment of other images about the mean of these.

        Parameters
        ----------
        others : BandMoments or DenseMoments
            What `empty_second_moment` returned; it has since taken in images minus the mean.

        Returns
        -------
        CentredStack
            Second moment per image.

        Raises
        ------
        ValueError
            If the moments have seen no images, or are not such ones as `empty_second_moment` makes.
        """
        expected = self._kind_of_others.__name__, self.working.grid, self.working.channels, False
        given = type(others).__name__, others.grid, others.channels, others.center
        if given != expected:
            raise ValueError(
                f"moments of (kind, grid, channels, center) = {given} are not those that "
                f"empty_second_moment makes, {expected}"
            )
        stack = others.stack()
        return CentredStack(
            stack.blocks,
            stack.multiplicity,
            stack.patch_dim,
            problem=self.identity,
            mean=self.working.mean,
        )

    def about_mean(
        self,
        batches: Iterable[ArrayLike],
        each: Callable[[FloatArray], float] = lambda _: 0.0,
        *,
        channel_axis: int | None = None,
    ) -> tuple[CentredStack, float]:
        """Return the second moment of other images about the mean of these, and one more mean.

        Parameters
        ----------
        batches : iterable of array_like, shape (n, *shape)
            Images, with the channels at ``channel_axis``.
        each : callable
            Takes images about the mean, cut into patches, and returns a mean over them.
        channel_axis : int or None
            Axis of the channels in a batch. None means a single channel, or the last axis if there
            are several.

        Returns
        -------
        second_moment : CentredStack
            Second moment per image.
        mean : float
            Mean over all images of what ``each`` returned.

        Raises
        ------
        ValueError
            If there are no images, they do not fit these, or they hold NaN or infinity.
        """
        working, others = self.working, self.empty_second_moment()
        total = 0.0
        for batch in batches:
            patches = working.to_patches(batch, channel_axis=channel_axis) - working.mean
            if n := patches.shape[0]:  # or it has no mean
                others.add_patches(patches)
                total += each(patches) * n
        if others.n_images == 0:
            raise ValueError("no images to score: the batch is empty")
        return self.second_moment_of(others), total / others.n_images

    def expect_taken_for_this(self, stack: CentredStack) -> None:
        """Raise unless a second moment was taken for this problem, about the mean of its images.

        Parameters
        ----------
        stack : CentredStack
            Second moment of other images.

        Raises
        ------
        ValueError
            If it was taken for another problem or mean, or only one of the two is on a device.
        """
        elsewhere = is_tensor(stack.blocks) != self.on_device
        if elsewhere or not stack.fits(self.identity, self.working.mean):
            raise ValueError(
                f"a second moment taken for {stack.problem} does not fit {self.identity}, or was "
                "taken about the mean of a model of other images"
            )

    @property
    def _kind_of_others(self) -> type[Moments]:
        return KINDS["dense" if isinstance(self.moments, DenseMoments) else "banded"]

    def _solve_if_closed(self, shrinkage: float) -> Solution | None:
        """The map at a shrinkage; None without a closed form: some hidden targets need more."""
        try:
            return self.solve(shrinkage)
        except NoClosedFormError:
            return None


def power_of(stack: Stack) -> float:
    """Return the trace of a second moment, to divide by.

    Parameters
    ----------
    stack : Stack
        Second moment of images about a mean.

    Returns
    -------
    float
        Mean squared distance from the mean, per image.

    Raises
    ------
    ValueError
        If it is zero.
    """
    if stack.trace == 0:
        raise ValueError("the images have no power about the fitted mean: nothing to explain")
    return stack.trace
