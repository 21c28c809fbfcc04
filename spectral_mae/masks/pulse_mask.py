"""Masks in pixels: sums of rectangular pulses, and random masks of patches."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spectral_mae import _checks
from spectral_mae._array_api import constant
from spectral_mae._checks import BoolArray, Sampling, is_tensor, to_numpy
from spectral_mae.masks import pulses
from spectral_mae.masks.conventions import Convention, kept_patterns
from spectral_mae.masks.patches import PatchGrid, expect_grid
from spectral_mae.masks.sampling import Seed, generator_of, sample_kept


class PulseMask:
    """A mask that keeps the pixels under a sum of rectangular pulses (Eqs. 15-16).

    Parameters
    ----------
    shape : int or tuple of int
        Pixels along each axis; one axis for a signal, two for an image, three for a volume.
    patch_size : int or tuple of int
        Pixels of a pulse along each axis. It need not divide ``shape``.
    starts : array_like or tensor of int, shape (N, ndim), or (N,) for signals
        First pixel a_i of each pulse, on a grid of patches or not. None at all hides everything.
        Of a tensor `visible` and the transforms are tensors of the same library on the same device;
        the starts are copied to the CPU once, where they are checked and stay.

    Raises
    ------
    ValueError
        If a pulse leaves the image or two pulses overlap; the message names them.
    TypeError
        If the starts are not integers.

    Examples
    --------
    >>> mask = PulseMask(8, 2, [0, 5])
    >>> mask.visible.astype(int)
    array([1, 1, 0, 0, 0, 1, 1, 0])
    >>> mask.mask_ratio
    0.5
    >>> bool(np.allclose(mask.dft(), np.fft.fft(mask.visible)))
    True
    """

    def __init__(
        self, shape: _checks.PerAxis, patch_size: _checks.PerAxis, starts: ArrayLike
    ) -> None:
        self.shape = _checks.grid_shape(shape)
        self.patch_size = _checks.per_axis("patch_size", patch_size, len(self.shape))
        if any(p > n for p, n in zip(self.patch_size, self.shape, strict=True)):
            raise ValueError(f"{patch_size=} is larger than {shape=}")
        self._like = starts if is_tensor(starts) else None
        self.starts = _starts(
            starts if self._like is None else to_numpy(starts), self.shape, self.patch_size
        )
        painted = _paint(self.shape, self.patch_size, self.starts)
        # The transform is computed from the starts: changed pixels would not agree with it.
        self.starts.flags.writeable = False
        painted.flags.writeable = False
        self._painted = painted

    @cached_property
    def visible(self) -> BoolArray:
        """True where a pixel is kept, shape (*shape); a tensor if the mask was made of one."""
        return self._painted if self._like is None else constant(self._painted, self._like)

    def numpy(self) -> PulseMask:
        """Return this mask with NumPy arrays in the place of tensors.

        Returns
        -------
        PulseMask
            The same mask; this one itself if it was not made of tensors.
        """
        return self if self._like is None else PulseMask(self.shape, self.patch_size, self.starts)

    @classmethod
    def random(
        cls,
        grid: PatchGrid,
        mask_ratio: float,
        *,
        sampling: Sampling = "fixed",
        rng: Seed = None,
    ) -> PulseMask:
        """Draw a mask of whole patches of ``grid``.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.
        mask_ratio : float
            Fraction of patches that is hidden, strictly between 0 and 1.
        sampling : {"fixed", "bernoulli"}
            Keep exactly ⌊L(1−m)⌋ of the L patches, or each one independently.
        rng : int, numpy.random.Generator or None
            Seed or generator. Equal seeds give equal masks.

        Returns
        -------
        PulseMask
            The kept patches are its pulses.

        Raises
        ------
        ValueError
            If the mask ratio is not inside (0, 1), or fixed sampling would keep all or no patches.

        Examples
        --------
        >>> mask = PulseMask.random(PatchGrid((32, 32), 8), 0.75, rng=0)
        >>> len(mask.starts), mask.mask_ratio
        (4, 0.75)
        """
        expect_grid(grid)
        kept = sample_kept(grid.n_patches, mask_ratio, 1, sampling=sampling, rng=rng)[0]
        return cls(grid.shape, grid.patch_size, grid.starts()[kept])

    @classmethod
    def from_patches(cls, grid: PatchGrid, visible: ArrayLike) -> PulseMask:
        """Make the mask that keeps some patches of a grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.
        visible : array_like or tensor of bool, shape (L,), grid.counts or grid.shape
            True or 1 where a patch, or a pixel of whole patches, is kept.

        Returns
        -------
        PulseMask
            The kept patches are its pulses.

        Raises
        ------
        ValueError
            If the shape does not fit, or a mask of pixels cuts a patch.

        Examples
        --------
        >>> PulseMask.from_patches(PatchGrid((4, 4), 2), [[1, 0], [0, 1]]).visible.astype(int)
        array([[1, 1, 0, 0],
               [1, 1, 0, 0],
               [0, 0, 1, 1],
               [0, 0, 1, 1]])
        """
        return cls._of(grid, visible, "visible")

    @classmethod
    def from_hidden(cls, grid: PatchGrid, hidden: ArrayLike) -> PulseMask:
        """Make the mask of which the hidden patches are given, as the masks of MAE give them.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.
        hidden : array_like or tensor of bool, shape (L,), grid.counts or grid.shape
            True or 1 where a patch, or a pixel of whole patches, is hidden.

        Returns
        -------
        PulseMask
            The kept patches are its pulses.

        Raises
        ------
        ValueError
            If the shape does not fit, or a mask of pixels cuts a patch.

        Examples
        --------
        >>> PulseMask.from_hidden(PatchGrid((4, 4), 2), [[0, 1], [1, 1]]).mask_ratio
        0.75
        """
        return cls._of(grid, hidden, "hidden")

    @classmethod
    def from_ids_keep(cls, grid: PatchGrid, ids_keep: ArrayLike) -> PulseMask:
        """Make the mask of which the kept patches are given by their indices.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.
        ids_keep : array_like or tensor of int, shape (K,)
            Indices of the kept patches in row-major order, from 0, in any order.

        Returns
        -------
        PulseMask
            The kept patches are its pulses.

        Raises
        ------
        ValueError
            If an index is out of range or stands twice.
        TypeError
            If the indices are not integers.

        Examples
        --------
        >>> PulseMask.from_ids_keep(PatchGrid((4, 4), 2), [3, 0]).starts
        array([[0, 0],
               [2, 2]])
        """
        return cls._of(grid, ids_keep, "ids_keep")

    @classmethod
    def _of(cls, grid: PatchGrid, mask: ArrayLike, convention: Convention) -> PulseMask:
        like = mask if is_tensor(mask) else None
        array = to_numpy(mask) if is_tensor(mask) else _checks.plain_array("the mask", mask)
        kept = kept_patterns(grid, array[np.newaxis], convention=convention)[0]
        starts = grid.starts()[kept]
        return cls(grid.shape, grid.patch_size, starts if like is None else constant(starts, like))

    @property
    def hidden(self) -> BoolArray:
        """True where a pixel is hidden."""
        return ~self.visible

    @property
    def mask_ratio(self) -> float:
        """Fraction of pixels that this mask really hides."""
        return 1.0 - float(self._painted.mean())

    def dft(self, *, out: NDArray[np.complex128] | None = None) -> NDArray[np.complex128]:
        """Closed-form transform of ``visible`` (Eq. 19), whole grid, FFT order.

        M[k] = R[k] Σ_i e^(−2πi k·a_i/D), with a_i the starts and R the transform of one pulse
        (`dirichlet_kernel`), a product over the axes. The transform of ``hidden`` is D·δ[k] − M[k].

        Parameters
        ----------
        out : ndarray of complex128, shape (*shape), or None
            C-contiguous array for the result; not for masks made of tensors.

        Returns
        -------
        ndarray or tensor of complex128, shape (*shape)
            M[k], unnormalised; ``out`` if it is given.
        """
        return self._transform(half=False, out=out)

    def half_dft(self, *, out: NDArray[np.complex128] | None = None) -> NDArray[np.complex128]:
        """Non-negative half-plane of `dft`, in the layout of ``np.fft.rfftn``.

        Parameters
        ----------
        out : ndarray of complex128, shape (*shape[:-1], shape[-1]//2 + 1), or None
            C-contiguous array for the result; not for masks made of tensors.

        Returns
        -------
        ndarray or tensor of complex128, shape (*shape[:-1], shape[-1]//2 + 1)
            M[k], unnormalised; ``out`` if it is given.

        Examples
        --------
        >>> mask = PulseMask((8, 6), 2, [[0, 2], [4, 4]])
        >>> bool(np.allclose(mask.half_dft(), np.fft.rfft2(mask.visible)))
        True
        """
        return self._transform(half=True, out=out)

    def _transform(
        self, *, half: bool, out: NDArray[np.complex128] | None
    ) -> NDArray[np.complex128]:
        if self._like is None:
            return self._pulses.dft(half=half, out=out)
        if out is not None:
            raise TypeError("out= is for masks made of NumPy arrays; this one was made of a tensor")
        return self._pulses.dft_beside(self._like, half=half)

    @cached_property
    def _pulses(self) -> pulses.PulseSum:
        return pulses.PulseSum(self.shape, self.patch_size, self.starts)

    def __repr__(self) -> str:
        return (
            f"PulseMask(shape={self.shape}, patch_size={self.patch_size}, "
            f"{len(self.starts)} pulses, mask_ratio={self.mask_ratio:.4g})"
        )


def sample_visible(
    grid: PatchGrid,
    mask_ratio: float,
    n: int,
    *,
    sampling: Sampling = "fixed",
    random_offset: bool = False,
    rng: Seed = None,
) -> BoolArray:
    """Draw ``n`` random masks of whole patches.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratio : float
        Fraction of patches that is hidden, strictly between 0 and 1.
    n : int
        Number of masks.
    sampling : {"fixed", "bernoulli"}
        Keep exactly ⌊L(1−m)⌋ of the L patches of each mask (simple random sampling without
        replacement), or each patch independently with probability 1−m.
    random_offset : bool
        Shift the patch grid of each mask by a random number of pixels, cyclically.
    rng : int, numpy.random.Generator or None
        Equal seeds give equal masks.

    Returns
    -------
    ndarray of bool, shape (n, *grid.shape)
        True where a pixel is kept.

    Raises
    ------
    ValueError
        As `inclusion_probabilities`, or if ``n`` is not positive.

    Examples
    --------
    >>> visible = sample_visible(PatchGrid((4, 4), 2), 0.5, 3, rng=0)
    >>> visible.shape, visible.mean(axis=(1, 2))
    ((3, 4, 4), array([0.5, 0.5, 0.5]))
    """
    expect_grid(grid)
    random_offset = _checks.flag("random_offset", random_offset)
    generator = generator_of(rng)
    kept = sample_kept(grid.n_patches, mask_ratio, n, sampling=sampling, rng=generator)
    visible = grid.expand(kept)
    if random_offset:
        offsets = generator.integers(0, grid.patch_size, (n, grid.ndim))
        axes = tuple(range(grid.ndim))
        for one, offset in zip(visible, offsets.tolist(), strict=True):
            one[...] = np.roll(one, offset, axes)
    return visible


def _starts(
    starts: ArrayLike, shape: tuple[int, ...], patch_size: tuple[int, ...]
) -> NDArray[np.int64]:
    array = _checks.plain_array("starts", starts)
    if array.size == 0:
        return np.zeros((0, len(shape)), dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"starts must be integers, not {array.dtype}: {_checks.brief(array)}")
    if array.ndim == 1 and len(shape) == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != len(shape):
        raise ValueError(f"starts of shape {array.shape} are not (N, {len(shape)}) for {shape=}")
    array = array.astype(np.int64)
    outside = ((array < 0) | (array > np.subtract(shape, patch_size))).any(axis=1)
    if outside.any():
        first = tuple(int(a) for a in array[outside][0])
        raise ValueError(
            f"{int(outside.sum())} pulses of {patch_size=} leave {shape=}, the first with "
            f"start {first}"
        )
    return array


def _paint(
    shape: tuple[int, ...], patch_size: tuple[int, ...], starts: NDArray[np.int64]
) -> BoolArray:
    """Cover the pixels of each pulse; a pixel covered twice is an overlap."""
    painted = _paint_patches(shape, patch_size, starts)
    if painted is not None:
        return painted
    corner = np.ravel_multi_index(tuple(starts.T), shape)
    inside = np.ravel_multi_index(tuple(np.indices(patch_size)), shape).ravel()
    pixels = np.add.outer(corner, inside).ravel()
    covered = np.bincount(pixels, minlength=math.prod(shape)).reshape(shape)
    if (covered > 1).any():
        pixel = np.argwhere(covered > 1)[0]
        within = ((starts <= pixel) & (pixel < starts + patch_size)).all(axis=1)
        both = [tuple(int(a) for a in start) for start in starts[within][:2]]
        where = tuple(int(i) for i in pixel)
        raise ValueError(
            f"pulses of {patch_size=} starting at {both[0]} and {both[1]} overlap at pixel {where}"
        )
    return covered == 1


def _paint_patches(
    shape: tuple[int, ...], patch_size: tuple[int, ...], starts: NDArray[np.int64]
) -> BoolArray | None:
    """As `_paint`, for distinct patches of one (shifted) grid; None where they are not that."""
    offset = starts[0] % patch_size if len(starts) else None
    if offset is None or (starts % patch_size != offset).any():
        return None
    counts = (np.array(shape) - offset) // patch_size
    cells = tuple(((starts - offset) // patch_size).T)
    kept = np.zeros(counts, dtype=bool)
    kept[cells] = True
    if np.count_nonzero(kept) < len(starts):
        return None
    grid = PatchGrid(tuple((counts * patch_size).tolist()), patch_size)
    visible = np.zeros(shape, dtype=bool)
    inside = tuple(slice(a, a + n) for a, n in zip(offset.tolist(), grid.shape, strict=True))
    visible[inside] = grid.expand(kept.ravel())
    return visible
