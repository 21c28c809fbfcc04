"""Steps of pixel values at the borders of patches, in what models put into hidden patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae.masks.patches import PatchGrid


@dataclass(frozen=True)
class BorderSteps:
    """Root mean square differences of neighbouring pixels, in units of pixels.

    Attributes
    ----------
    inside : float
        Steps between two pixels of the same hidden patch.
    hidden : float
        Steps across a border between two hidden patches.
    seam : float
        Steps across a border between a visible patch, as it is, and a hidden one, as it was filled
        in.
    """

    inside: float
    hidden: float
    seam: float

    @property
    def ratio(self) -> float:
        """Steps across borders between hidden patches, relative to those inside hidden patches.

        It is `border_gradient_ratio` on hidden pixels. For images without borders it is about 1.
        """
        return self.hidden / self.inside if self.inside > 0 else float("nan")

    @property
    def seam_ratio(self) -> float:
        """Steps across the borders of visible patches, relative to those inside hidden patches."""
        return self.seam / self.inside if self.inside > 0 else float("nan")

    def to_dict(self) -> dict[str, float]:
        """Convert the steps and their ratios to plain numbers.

        Returns
        -------
        dict of str to float
            The attributes by name, and ``ratio`` and ``seam_ratio``.
        """
        return asdict(self) | {"ratio": self.ratio, "seam_ratio": self.seam_ratio}


class BorderSums:
    """Sums of squared steps over images, masks and pixels, for groups of images.

    Parameters
    ----------
    grid : PatchGrid
        Grid of the images.
    names : sequence of str
        What the steps are of.
    n_groups : int
        Number of groups of images.
    """

    def __init__(self, grid: PatchGrid, names: Sequence[str], n_groups: int = 1) -> None:
        self.grid = grid
        self.names = tuple(names)
        self._sums = {name: np.zeros((n_groups, 3)) for name in self.names}
        self._counts = {name: np.zeros((n_groups, 3)) for name in self.names}

    def add(
        self,
        name: str,
        images: FloatArray,
        kept: BoolArray,
        group: np.ndarray[tuple[int], np.dtype[np.integer]],
    ) -> None:
        """Take in images whose hidden patches were filled in.

        Parameters
        ----------
        name : str
            What made them.
        images : ndarray, shape (n, *shape[, channels])
            Visible patches as they are, hidden ones filled in.
        kept : ndarray of bool, shape (n, n_patches)
            True where a patch is visible.
        group : ndarray of int, shape (n,)
            Group of each image.
        """
        seen = self.grid.expand(kept)
        for axis, p in enumerate(self.grid.patch_size):
            squares = np.diff(images, axis=axis + 1) ** 2
            squares = squares.reshape(*squares.shape[: self.grid.ndim + 1], -1).mean(-1)
            length = self.grid.shape[axis]
            first = np.take(seen, range(length - 1), axis=axis + 1)
            second = np.take(seen, range(1, length), axis=axis + 1)
            border = (np.arange(1, length) % p == 0).reshape(
                (-1,) + (1,) * (self.grid.ndim - axis - 1)
            )
            kinds = (
                ~first & ~second & ~border,
                ~first & ~second & border,
                (first != second) & border,
            )
            over = tuple(range(1, squares.ndim))
            for place, kind in enumerate(kinds):
                np.add.at(self._sums[name][:, place], group, np.sum(squares * kind, axis=over))
                np.add.at(self._counts[name][:, place], group, np.sum(kind, axis=over))

    def steps(self, weights: FloatArray | None = None) -> dict[str, BorderSteps]:
        """The steps in the images taken in.

        Parameters
        ----------
        weights : ndarray, shape (n_groups,), or None
            How often each group counts; None counts each once.

        Returns
        -------
        dict of str to BorderSteps
            The steps by name; NaN where there are none of a kind.
        """
        found = {}
        for name in self.names:
            sums, counts = self._sums[name], self._counts[name]
            count = np.ones(len(sums)) if weights is None else weights
            with np.errstate(invalid="ignore"):
                inside, hidden, seam = np.sqrt((count @ sums) / (count @ counts)).tolist()
            found[name] = BorderSteps(inside, hidden, seam)
        return found
