"""Bands of stationary images of one channel, in coordinates in which they are real.

The covariance of such images at a lag is that at the opposite lag. So to turn a patch by 180°, J,
conjugates the matrix of a band, J S J = S̄, and in the basis of sums (x + Jx)/√2 and differences
i(x − Jx)/√2 of opposite pixels it is real (Lee, "Centrohermitian and skew-centrohermitian
matrices", 1980). Products of real matrices take a quarter of the operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._parallel import in_batches
from spectral_mae.linear.moments.blocks import Stack, make_real

if TYPE_CHECKING:
    from spectral_mae._checks import FloatArray


@dataclass(frozen=True, eq=False)
class EvenStack(Stack):
    """A stack of bands for which J S J = S̄, of patches of an even number of pixels.

    Examples
    --------
    >>> from spectral_mae.linear.moments.kinds import StationaryMoments
    >>> from spectral_mae.masks.patches import PatchGrid
    >>> moments = StationaryMoments(PatchGrid((8, 8), 2), 1)
    >>> _ = moments.update(np.random.default_rng(0).random((5, 8, 8)))
    >>> stack = moments.stack()
    >>> real = stack.real()
    >>> real.blocks.dtype, bool(np.allclose(stack.of_pixels(real.blocks), stack.blocks))
    (dtype('float64'), True)
    """

    @property
    def unmixed(self) -> bool:
        """Whether real coordinates serve: nothing else stands in the place of Blkdiag_p(S)."""
        return self.mixed_in is None and self.inclusion is None

    def real(self) -> Stack:
        """Return the same second moment in real coordinates.

        Returns
        -------
        Stack
            Its losses and traces are those of this stack. The conjugate of a band has the same
            sums, and differences of the opposite sign: what all bands have in common does not mix
            the two, as if they were two patches.
        """
        n, d = self.blocks.shape[:2]
        blocks = np.empty((n, d, d))

        def turn(rows: slice) -> None:
            blocks[rows] = sums_and_differences(self.blocks[rows])

        in_batches(turn, n, d)
        return Stack(blocks, self.multiplicity, self.patch_dim // 2)

    def of_pixels(self, matrices: FloatArray, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return matrices in real coordinates, such as a map, in those of the pixels of a patch.

        Parameters
        ----------
        matrices : ndarray of float64, shape (n_blocks, d, d)
            One for each block.
        out : ndarray of complex128, shape (n_blocks, d, d), or None
            Where to put them, such as `blocks`; None makes new memory.

        Returns
        -------
        ndarray of complex128, shape (n_blocks, d, d)
            The same maps.
        """
        n, d = matrices.shape[:2]
        found = np.empty((n, d, d), np.complex128) if out is None else out

        def turn(rows: slice) -> None:
            from_sums_and_differences(matrices[rows], found[rows])

        in_batches(turn, n, d)
        make_real(found, self.multiplicity)
        return found


def sums_and_differences(blocks: NDArray[Any]) -> FloatArray:
    """Return matrices M for which J M J = M̄ in real coordinates.

    Parameters
    ----------
    blocks : ndarray of complex128, shape (n, d, d)
        Matrices on the pixels of a patch. Only the upper half of their rows is read.

    Returns
    -------
    ndarray of float64, shape (n, d, d)
        Rows and columns of the d/2 sums come first, then those of the differences.
    """
    n = blocks.shape[-1] // 2
    own, opposite = blocks[:, :n, :n], blocks[:, :n, : n - 1 : -1]
    found = np.empty(blocks.shape)
    np.add(own.real, opposite.real, out=found[:, :n, :n])
    np.subtract(own.real, opposite.real, out=found[:, n:, n:])
    np.subtract(opposite.imag, own.imag, out=found[:, :n, n:])
    np.add(opposite.imag, own.imag, out=found[:, n:, :n])
    return found


def from_sums_and_differences(matrices: FloatArray, out: NDArray[Any]) -> None:
    """Undo `sums_and_differences`, of any real matrices.

    Parameters
    ----------
    matrices : ndarray of float64, shape (n, d, d)
        Matrices in real coordinates.
    out : ndarray of complex128, shape (n, d, d)
        Filled with the matrices on the pixels of a patch.
    """
    n = matrices.shape[-1] // 2
    halves = 0.5 * matrices
    sums, mixed = halves[:, :n, :n], halves[:, :n, n:]
    crossed, differences = halves[:, n:, :n], halves[:, n:, n:]
    own, opposite = out[:, :n, :n], out[:, :n, : n - 1 : -1]
    np.add(sums, differences, out=own.real)
    np.subtract(crossed, mixed, out=own.imag)
    np.subtract(sums, differences, out=opposite.real)
    np.add(crossed, mixed, out=opposite.imag)
    np.conjugate(out[:, n - 1 :: -1, ::-1], out=out[:, n:])
