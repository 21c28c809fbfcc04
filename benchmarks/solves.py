"""Moments and solves of the linear models against the machine's matrix products and SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from benchmarks.contest import Contest, Ratio, Size
from spectral_mae import BandMoments, LinearMAE, PatchGrid, designs
from spectral_mae.linear import solver
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.linear.matrices import lapack
from spectral_mae.linear.matrices.eigenvectors import WIDE
from spectral_mae.linear.matrices.eigenvectors import eigenvectors as eigenvectors_of
from spectral_mae.linear.matrices.inverse import as_real
from spectral_mae.linear.moments.blocks import Stack
from spectral_mae.linear.moments.shrinkage import SHRINKAGES


def rates(size: Size) -> Iterator[Contest]:
    """Accumulation and full-rank solve, in shares of the rate of complex matrix products.

    A product of d × d takes 8 d³ operations, the sums of n images 8 d² n per band as a product
    and 4 d² n as a Hermitian one, a solve 28/3 d³ per band (Cholesky factor and two triangular
    solves).
    """
    rng = np.random.default_rng(0)
    grid = PatchGrid((size.side, size.side), size.patch)
    images = rng.standard_normal((size.band_images, *grid.shape, 3)).cumsum(axis=1).cumsum(axis=2)
    moments = BandMoments(grid, 3).update(images)
    d, n = moments.patch_dim, len(images)
    found = moments.stack()
    # As many images as it takes would take minutes: their mean fills the rest of each band.
    power = np.einsum("bii->b", found.blocks).real / (10 * d)
    blocks = found.blocks + np.eye(d) * power[:, np.newaxis, np.newaxis]
    stack = Stack(blocks, found.multiplicity, found.patch_dim)
    mix = PatchMasking(designs.fixed(grid, 0.75)).mix
    hidden = tuple(max(1, n // 2) for n in grid.counts)
    block = PatchMasking(designs.block(grid, hidden))
    bands = len(blocks)
    a, factor, right = (blocks[1].copy() for _ in "abc")

    def elimination() -> None:
        """What LAPACK alone takes of a block; a map is put where the block was."""
        np.copyto(factor, a)
        np.copyto(right, a)
        lapack.factor(factor)
        lapack.solve(factor, right)
        lapack.solve(factor, right, adjoint=True)

    room = Stack(blocks.copy(), found.multiplicity, found.patch_dim)

    def in_place() -> None:
        np.copyto(room.blocks, blocks)
        solver.full_rank(room, mix, overwrite=True)

    yield Contest(
        f"Linear models of {size.side}×{size.side}×3, patches of {size.patch}",
        {
            "product": lambda: a @ a,
            "update": lambda: moments.update(images),
            "solve": lambda: solver.full_rank(stack, mix),
            "in place": in_place,
            "elimination": elimination,
            "convolve": lambda: block.prepared(stack, moments.transform),
        },
        [
            Ratio(
                f"moments of {n} images: share of the product rate",
                "product",
                "update",
                "≥ 0.5",
                (bands - 1) * n / d,
            ),
            Ratio(
                "the same, counting only a Hermitian product's half of the operations",
                "product",
                "update",
                "",
                (bands - 1) * n / d / 2,
            ),
            Ratio(
                f"full-rank solve of {bands} bands: share of the product rate",
                "product",
                "solve",
                "≥ 0.7",
                bands * 28 / 24,
            ),
            Ratio(
                "the same in place of the bands, with a copy of them: no memory is new",
                "product",
                "in place",
                "",
                bands * 28 / 24,
            ),
            Ratio(
                "Cholesky factor and triangular solves of a block alone: the same share",
                "product",
                "elimination",
                "",
                28 / 24,
            ),
            Ratio(
                f"second moment under masks of blocks, of {bands} bands: faster than the solve",
                "solve",
                "convolve",
                "≥ 1",
            ),
        ],
        rounds=size.slow_rounds,
    )


def shrinkages(size: Size) -> Iterator[Contest]:
    """A fit whose shrinkage held-out images choose, against one whose shrinkage is given."""
    for side, patch in size.shrunken:
        rng = np.random.default_rng(0)
        shape = (size.band_images, side, side, 3)
        images, others = (rng.standard_normal(shape).cumsum(axis=1).cumsum(axis=2) for _ in "ab")
        moments = BandMoments(PatchGrid((side, side), patch), 3).update(images)
        given, model = (LinearMAE(patch, 0.75, shrinkage=0.3) for _ in "ab")
        model.fit_moments(moments)
        held_out = model.second_moment(others)
        tried = len(SHRINKAGES)
        shifted = np.eye(moments.patch_dim)
        blocks, spoiled = as_parts(moments.stack().blocks + shifted), as_parts(held_out.blocks)

        def factors(blocks=blocks) -> None:
            for block in blocks:
                lapack.factor(block.copy())

        def eigenvectors(blocks=blocks) -> None:
            for block in blocks:
                eigenvectors_of(block.copy()[np.newaxis])

        def steps(blocks=blocks, spoiled=spoiled) -> None:
            for block, other in zip(blocks, spoiled, strict=True):
                all_losses(block, other)

        def inverses(blocks=blocks) -> None:
            for block in blocks:
                one_loss(block)

        def one_by_one(moments=moments, held_out=held_out, patch=patch) -> None:
            for value in SHRINKAGES:
                LinearMAE(patch, 0.75, shrinkage=value).fit_moments(moments).score(held_out)

        yield Contest(
            f"Shrinkage of {side}×{side}×3, patches of {patch} (D = {3 * side**2})",
            {
                "fit": lambda given=given, moments=moments: given.fit_moments(moments),
                "choose": lambda model=model, held_out=held_out: model.choose_shrinkage(held_out),
                "one by one": one_by_one,
                "steps": steps,
                "eigenvectors": eigenvectors,
                "factors": factors,
                "inverses": inverses,
            },
            [
                Ratio(
                    f"choice of {tried} and solve, in fits with a given shrinkage",
                    "choose",
                    "fit",
                    "≤ 2",
                ),
                Ratio(
                    "what LAPACK and BLAS take of the losses alone, in such fits", "steps", "fit"
                ),
                Ratio(
                    f"the same of {tried} candidates, each by itself, in such fits",
                    "inverses",
                    "fit",
                    "",
                    tried,
                ),
                Ratio("eigenvectors of all blocks alone, in such fits", "eigenvectors", "fit"),
                Ratio(
                    f"Cholesky factors alone of all blocks at {tried} shrinkages, in such fits",
                    "factors",
                    "fit",
                    "",
                    tried,
                ),
                Ratio(
                    f"choice and solve: faster than a fit and a score for each of {tried}",
                    "one by one",
                    "choose",
                ),
            ],
            rounds=1 if patch > 8 else size.slow_rounds,  # tens of seconds each
            note="all losses are exact, and all are told; see decisions 385 and 408",
        )


def as_parts(blocks: NDArray[Any]) -> list[NDArray[Any]]:
    """Blocks one by one; bands that are their own conjugates as the real matrices that they are."""
    return [as_real(block[np.newaxis])[0] for block in blocks]


def all_losses(block: NDArray[Any], spoiled: NDArray[Any]) -> None:
    """The calls of LAPACK and BLAS that the losses of a block at all shrinkages take."""
    lower, total = block.copy(), np.zeros_like(block)
    lapack.factor(lower)
    lapack.factor(block.copy())  # tells whether it is singular
    first = block.copy()
    lapack.reduce_pencil(first, lower)
    _, (vectors,) = eigenvectors_of(first[np.newaxis])
    lapack.solve(lower, vectors, adjoint=True)
    together = np.concatenate(3 * [block.real])
    fits, shifts, seen = np.split((together @ vectors.view(np.float64)).view(block.dtype), 3)
    thin = lapack.thin_factor(spoiled) if len(block) >= WIDE else None
    right = spoiled @ vectors if thin is None else seen
    lapack.half_product(vectors, right, np.empty_like(block))
    squared = (
        (fits, shifts, fits) if thin is None else (fits, shifts, fits, thin.conj().T @ vectors)
    )
    for one in squared:
        lapack.add_gram(total, one)


def one_loss(block: NDArray[Any]) -> None:
    """Those that the loss at a single shrinkage takes by itself: Tr(P_H Q⁻¹ P_s² Q⁻¹)."""
    lower = block.copy()
    lapack.factor(lower)
    inverse = scipy.linalg.get_lapack_funcs("potri", (lower,))(lower.T, lower=0, overwrite_c=1)[0]
    for root in 2 * [np.asfortranarray(np.tril(block.real))]:  # of P_H and P_s²
        scipy.linalg.blas.dtrmm(1.0, root, inverse.T.view(np.float64).T, side=1, overwrite_b=1)


def dense(size: Size) -> Iterator[Contest]:
    """Banded solves against SciPy's dense ones."""
    rng = np.random.default_rng(0)
    side, p = size.dense_side, size.dense_patch
    grid = PatchGrid((side, side), p)
    images = rng.standard_normal((size.dense_images, side, side, 3)).cumsum(axis=1).cumsum(axis=2)
    stack = BandMoments(grid, 3).update(images).stack()
    mix = PatchMasking(designs.fixed(grid, 0.75)).mix
    second = np.cov(images.reshape(len(images), -1).T)
    second += np.eye(len(second)) * np.trace(second) / (10 * len(second))
    patch = grid.expand(np.arange(grid.n_patches))
    patch = np.repeat(patch.ravel(), 3)
    same = patch[:, np.newaxis] == patch
    corrupted = np.where(same, mix.own + mix.local, mix.own) * second
    dim, rank = len(second), min(64, len(second) // 4)
    product = second @ scipy.linalg.solve(corrupted, second, assume_a="pos")
    product = (product + product.T) / 2
    yield Contest(
        f"Linear models of {side}×{side}×3, patches of {p} (D = {dim})",
        {
            "Cholesky": lambda: scipy.linalg.cho_solve(scipy.linalg.cho_factor(corrupted), second),
            "full": lambda: solver.full_rank(stack, mix),
            "eigh": lambda: scipy.linalg.eigh(product, subset_by_index=(dim - rank, dim - 1)),
            "low": lambda: solver.low_rank(stack, mix, rank),
        },
        [
            Ratio("full rank: as fast as SciPy's dense Cholesky solve", "Cholesky", "full"),
            Ratio(
                f"rank {rank}, solve and all: as fast as SciPy's dense eigh of {rank} alone",
                "eigh",
                "low",
            ),
        ],
        rounds=size.slow_rounds,
    )
