"""Second moments of images, streamed and merged: all that the linear models see of the data.

Pixels are in patch order (`PatchGrid.to_patches`): row-major patches, row-major pixels within a
patch, channels last. Every kind of moments gives its second moment as a `Stack` of Hermitian
matrices that the solver treats alike: one matrix for dense moments, one per spectral band for
banded ones.

A covariance that does not change when images shift cyclically by whole patches is block diagonal
under the DFT over the patch index. With x̂_q the unnormalised DFT, band q is
S_q = E[x̂_q x̂_qᴴ]/L, and Tr S = Σ_q Tr S_q.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.bands import BandTransform
from spectral_mae.grid import PatchGrid

# Images are transformed and added up in parts of this size; it bounds the memory of an update.
PART_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Stack:
    """A second moment as a stack of Hermitian matrices.

    Attributes
    ----------
    blocks : ndarray, shape (n_blocks, d, d)
        One real matrix for dense moments, one complex matrix per band for banded ones.
    multiplicity : ndarray of int, shape (n_blocks,)
        How many blocks of the whole stack each stands for: 2 where its conjugate is left out.
    patch_dim : int
        Numbers in a patch: d for banded moments, a divisor of d for dense ones.
    """

    blocks: NDArray[Any]
    multiplicity: NDArray[np.integer[Any]]
    patch_dim: int

    @property
    def dim(self) -> int:
        """Size of the matrix that the whole stack stands for: the numbers in an image."""
        return int(self.multiplicity.sum()) * self.blocks.shape[-1]

    @property
    def trace(self) -> float:
        """Tr S, over the whole stack."""
        return float(np.einsum("bii->b", self.blocks).real @ self.multiplicity)

    @cached_property
    def local(self) -> FloatArray:
        """Blkdiag_p(S), shape (d, d): S with everything between different patches set to zero."""
        return self.local_part(self.blocks)

    def local_part(self, blocks: NDArray[Any]) -> FloatArray:
        """Blkdiag_p of any stack like this one: the same real matrix for every block.

        The mean over all bands is what a band matrix holds within a patch; between patches of a
        dense matrix everything is set to zero.
        """
        mean = np.tensordot(self.multiplicity, blocks.real, axes=1) / self.multiplicity.sum()
        patch = np.arange(len(mean)) // self.patch_dim
        return np.where(patch[:, np.newaxis] == patch, mean, 0.0)


class _Moments(ABC):
    """What the kinds of moments share: checking, counting, saving.

    Parameters
    ----------
    grid : PatchGrid
    channels : int
        Numbers per pixel.
    center : bool
        Take moments about the mean (whose form depends on the kind), or about zero.
    """

    kind: ClassVar[str]

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        self.grid = grid
        self.channels = _checks.positive_int("channels", channels)
        self.center = bool(center)
        self.n_images = 0

    @property
    def patch_dim(self) -> int:
        """Numbers in a patch, d."""
        return self.grid.patch_pixels * self.channels

    def update(self, images: ArrayLike, *, channel_axis: int | None = None) -> Self:
        """Take in a batch of images.

        Parameters
        ----------
        images : array_like, shape (n, *grid.shape), with the channels at ``channel_axis`` if given
            Any real type; sums are in double precision.
        channel_axis : int or None
            None means a single channel, or the last axis if these moments have several.

        Raises
        ------
        ValueError
            If the images do not fit the grid and the channels, or hold NaN or infinity.
        """
        batch = self._batch(images, channel_axis)
        size = max(1, PART_BYTES // (8 * self.grid.n_patches * self.patch_dim))
        for first in range(0, len(batch), size):
            self.add_patches(self._cut(batch[first : first + size]))
        return self

    def to_patches(self, images: ArrayLike, channel_axis: int | None = None) -> FloatArray:
        """Check a batch of images as `update` does, and cut it: (n, n_patches, patch_dim)."""
        return self._cut(self._batch(images, channel_axis))

    def add_patches(self, patches: FloatArray) -> Self:
        """Take in images that are cut into patches already, (n, n_patches, patch_dim)."""
        if len(patches):
            self._add(patches)
            self.n_images += len(patches)
        return self

    def merge(self, other: Self) -> Self:
        """Take in what another accumulator of the same kind has seen.

        Raises
        ------
        ValueError
            If the two differ in grid, channels or centring.
        """
        mine, theirs = self._identity(), other._identity()
        if mine != theirs:
            raise ValueError(f"moments do not fit: {mine} and {theirs}")
        if other.n_images:
            self._merge(other)
            self.n_images += other.n_images
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an npz file, without pickles."""
        np.savez(
            path,
            kind=np.array(self.kind),
            shape=np.array(self.grid.shape),
            patch_size=np.array(self.grid.patch_size),
            channels=np.array(self.channels),
            center=np.array(self.center),
            n_images=np.array(self.n_images),
            **self._arrays(),
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file holds moments of another kind, or none.
        """
        with np.load(path, allow_pickle=False) as file:
            kind = str(file["kind"]) if "kind" in file else None
            if kind != cls.kind:
                raise ValueError(f"{os.fspath(path)!r} holds {kind=}, not {cls.kind!r}")
            grid = PatchGrid(file["shape"].tolist(), file["patch_size"].tolist())
            moments = cls(grid, int(file["channels"]), bool(file["center"]))
            moments.n_images = int(file["n_images"])
            moments._restore({name: file[name] for name in moments._arrays()})
        return moments

    def _batch(self, images: ArrayLike, channel_axis: int | None) -> NDArray[Any]:
        array = np.asarray(images)
        if channel_axis is None and self.channels > 1:
            channel_axis = -1
        batch = _checks.channels_last("images", array, channel_axis, self.grid.ndim + 1)
        if batch.shape[1:] != (*self.grid.shape, self.channels):
            raise ValueError(
                f"images of shape {array.shape} with {channel_axis=} do not fit "
                f"shape={self.grid.shape} with channels={self.channels}"
            )
        return batch

    def _cut(self, batch: NDArray[Any]) -> FloatArray:
        pixels = _checks.real_array("images", batch).astype(np.float64, copy=False)
        return self.grid.to_patches(pixels, channel_axis=-1)

    @property
    @abstractmethod
    def mean(self) -> FloatArray:
        """What is subtracted from images, in patch order, shape (n_patches, patch_dim)."""

    @abstractmethod
    def stack(self) -> Stack:
        """The second moment about the mean (or zero), divided by the number of images."""

    @abstractmethod
    def apply(self, weights: NDArray[Any], patches: FloatArray) -> FloatArray:
        """Map (centred) images, (n, n_patches, patch_dim), with the blocks of a `Solution`."""

    @abstractmethod
    def _add(self, patches: FloatArray) -> None: ...

    @abstractmethod
    def _merge(self, other: Self) -> None: ...

    @abstractmethod
    def _arrays(self) -> dict[str, Any]: ...

    @abstractmethod
    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None: ...

    def _identity(self) -> tuple[str, PatchGrid, int, bool]:
        return self.kind, self.grid, self.channels, self.center

    def _counted(self) -> int:
        if self.n_images == 0:
            raise ValueError("no images yet: call update first")
        return self.n_images


class _Scatter:
    """Mean and sum of outer products about it, for real vectors (Chan, Golub and LeVeque 1983).

    Parts merge without the cancellation of E[xxᵀ] − E[x]E[x]ᵀ. Uncentred, the mean stays zero.
    """

    def __init__(self, dim: int, center: bool) -> None:
        self.center = center
        self.count = 0
        self.mean = np.zeros(dim)
        self.scatter = np.zeros((dim, dim))

    def add(self, rows: FloatArray) -> None:
        """Take in vectors, shape (n, dim)."""
        mean = rows.mean(axis=0) if self.center else np.zeros_like(self.mean)
        centred = rows - mean
        self.merge(len(rows), mean, centred.T @ centred)

    def merge(self, count: int, mean: FloatArray, scatter: FloatArray) -> None:
        """Take in a part that is known by its own count, mean and scatter."""
        total = self.count + count
        step = mean - self.mean
        self.scatter += scatter
        self.scatter += np.multiply.outer(step, step * (self.count * count / total))
        self.mean += step * (count / total)
        self.count = total


class DenseMoments(_Moments):
    """The full second moment, D × D, about the mean of every pixel.

    For small images: D = pixels × channels, and memory is 8 D² bytes.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 4, 6))
    >>> moments = DenseMoments(PatchGrid((4, 6), 2)).update(images)
    >>> moments.stack().blocks.shape
    (1, 24, 24)
    """

    kind = "dense"

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        super().__init__(grid, channels, center)
        self._scatter = _Scatter(grid.n_patches * self.patch_dim, self.center)

    @property
    def mean(self) -> FloatArray:
        """Mean of every pixel, in patch order, shape (n_patches, patch_dim)."""
        return self._scatter.mean.reshape(self.grid.n_patches, self.patch_dim)

    def stack(self) -> Stack:
        """A stack of one matrix."""
        second = self._scatter.scatter / self._counted()
        return Stack(second[np.newaxis], np.array([1]), self.patch_dim)

    def apply(self, weights: NDArray[Any], patches: FloatArray) -> FloatArray:
        """x̂ = x̃ W on flattened images."""
        return (patches.reshape(len(patches), -1) @ weights[0]).reshape(patches.shape)

    def _add(self, patches: FloatArray) -> None:
        self._scatter.add(patches.reshape(len(patches), -1))

    def _merge(self, other: Self) -> None:
        part = other._scatter
        self._scatter.merge(part.count, part.mean, part.scatter)

    def _arrays(self) -> dict[str, Any]:
        return {"mean": self._scatter.mean, "scatter": self._scatter.scatter}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._scatter.count = self.n_images
        self._scatter.mean = arrays["mean"]
        self._scatter.scatter = arrays["scatter"]


class BandMoments(_Moments):
    """One d × d second moment per spectral band, about the mean of every position in the patch.

    What images shifted cyclically by whole patches have in common: memory L·d² instead of (L·d)²,
    and of the conjugate bands q and −q only one.

    Examples
    --------
    >>> images = np.random.default_rng(0).standard_normal((50, 6, 8))
    >>> moments = BandMoments(PatchGrid((6, 8), 2)).update(images)
    >>> moments.stack().blocks.shape
    (7, 4, 4)
    >>> centred = images.reshape(50, 3, 2, 4, 2) - images.reshape(50, 3, 2, 4, 2).mean((0, 1, 3))[
    ...     :, None, :
    ... ]
    >>> bool(np.isclose(moments.stack().trace, np.sum(centred**2) / 50))
    True
    """

    kind = "banded"

    def __init__(self, grid: PatchGrid, channels: int = 1, center: bool = True) -> None:
        super().__init__(grid, channels, center)
        self.transform = BandTransform(grid, channels)
        # Only band 0 has a mean: it is the sum over patches, and real.
        self._zero = _Scatter(self.patch_dim, self.center)
        n_others = len(self.transform.multiplicity) - 1
        self._others = np.zeros((n_others, self.patch_dim, self.patch_dim), dtype=np.complex128)

    @property
    def mean(self) -> FloatArray:
        """Mean of every position in the patch, the same for each patch."""
        row = self._zero.mean / self.grid.n_patches
        return np.broadcast_to(row, (self.grid.n_patches, self.patch_dim))

    def stack(self) -> Stack:
        """One block per kept band."""
        blocks = np.concatenate([self._zero.scatter[np.newaxis], self._others])
        blocks /= self._counted() * self.grid.n_patches
        return Stack(blocks, self.transform.multiplicity, self.patch_dim)

    def apply(self, weights: NDArray[Any], patches: FloatArray) -> FloatArray:
        """x̂_q = x̃_q conj(W_q) in every band."""
        return self.transform.inverse(self.transform.forward(patches) @ weights.conj())

    def _add(self, patches: FloatArray) -> None:
        bands = self.transform.forward(patches)
        self._zero.add(bands[0].real)
        for band, rows in enumerate(bands[1:]):
            self._others[band] += rows.T @ rows.conj()

    def _merge(self, other: Self) -> None:
        part = other._zero
        self._zero.merge(part.count, part.mean, part.scatter)
        self._others += other._others

    def _arrays(self) -> dict[str, Any]:
        return {"mean": self._zero.mean, "scatter": self._zero.scatter, "others": self._others}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._zero.count = self.n_images
        self._zero.mean = arrays["mean"]
        self._zero.scatter = arrays["scatter"]
        self._others = arrays["others"]
