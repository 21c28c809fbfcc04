"""Designs along axes: the same patches along one axis, stripes across others, products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, SupportsIndex

from spectral_mae import _checks
from spectral_mae._checks import Sampling
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.separable import Part, Separable
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.patches import PatchGrid, expect_grid


@dataclass(frozen=True, repr=False)
class Tube(Separable):
    """The same set of patches is kept all along one axis.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    design : MaskDesign
        On the grid of the other axes.
    axis : int
        Axis along which nothing changes.
    """

    design: MaskDesign
    axis: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """The design along the other axes, and everything along the axis."""
        others = tuple(axis for axis in range(self.grid.ndim) if axis != self.axis)
        return ((others, self.design), ((self.axis,), None))

    def on(self, grid: PatchGrid) -> Self:
        """Make the same design on another grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            With the same design along the other axes.

        Raises
        ------
        ValueError
            If the grid has one axis, or the design does not fit the others.
        """
        axis = axis_of(self.axis, grid)
        return type(self)(grid, self.design.on(without_axis(grid, axis)), axis)

    @property
    def text(self) -> str:
        """``tube:0/fixed:0.9``."""
        return f"tube:{self.axis}/{nested(self.design)}"


@dataclass(frozen=True, repr=False)
class Stripes(Separable):
    """Whole rows, columns or planes of patches are hidden, independently along each axis.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    ratios : tuple of float
        Fraction that is hidden along each axis; 0 hides nothing along it.
    sampling : {"fixed", "bernoulli"}
        Hide a fixed number of them, or each one independently.
    """

    ratios: tuple[float, ...]
    sampling: Sampling = "fixed"

    def __post_init__(self) -> None:
        super().__post_init__()
        given = _checks.items("mask_ratios", self.ratios)
        ratios = tuple(_checks.closed_unit("mask_ratios", ratio) for ratio in given)
        if len(ratios) != self.grid.ndim or not any(ratios):
            raise ValueError(
                f"mask_ratios={ratios} for {self.grid.ndim} axes: one is needed for each, and one "
                "that is above 0"
            )
        object.__setattr__(self, "ratios", ratios)
        _ = self.parts

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """A uniform design along each axis that has a ratio."""
        return tuple(
            (
                (axis,),
                Uniform(axis_grid(self.grid, (axis,)), ratio, self.sampling) if ratio else None,
            )
            for axis, ratio in enumerate(self.ratios)
        )

    @property
    def text(self) -> str:
        """``stripes:0.5x0.25`` with ``,bernoulli`` where it applies."""
        ratios = "x".join(f"{ratio!r}" for ratio in self.ratios)
        return f"stripes:{ratios}{',bernoulli' * (self.sampling == 'bernoulli')}"


@dataclass(frozen=True, repr=False)
class Product(Separable):
    """Independent designs along consecutive axes.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    designs : tuple of MaskDesign
        The first one on the first axes, and so on.
    """

    designs: tuple[MaskDesign, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """The designs, each with its axes."""
        parts, first = [], 0
        for design in self.designs:
            parts.append((tuple(range(first, first + design.grid.ndim)), design))
            first += design.grid.ndim
        return tuple(parts)

    def on(self, grid: PatchGrid) -> Self:
        """Make the same design on another grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden, with as many axes.

        Returns
        -------
        MaskDesign
            With the same factors.

        Raises
        ------
        ValueError
            If the grid has another number of axes, or a factor does not fit its axes.
        """
        if grid.ndim != self.grid.ndim:
            raise ValueError(f"{self} has {self.grid.ndim} axes, not {grid.ndim} as {grid}")
        factors = tuple(
            one.on(axis_grid(grid, axes)) for axes, one in self.parts if one is not None
        )
        return type(self)(grid, factors)

    @property
    def text(self) -> str:
        """``product:fixed:0.5/block:3``; with ``1+2`` first where factors have several axes."""
        axes = [design.grid.ndim for design in self.designs]
        first = "" if set(axes) == {1} else f"{'+'.join(map(str, axes))}/"
        return f"product:{first}{'/'.join(map(nested, self.designs))}"


def nested(design: MaskDesign) -> str:
    """Return the text of a design inside that of another, in parentheses where it needs them.

    Parameters
    ----------
    design : MaskDesign
        The inner design.

    Returns
    -------
    str
        Its text.
    """
    return f"({design.text})" if "/" in design.text else design.text


def axis_of(axis: SupportsIndex, grid: PatchGrid) -> int:
    """Return an axis of a grid as a number of 0 or more.

    Parameters
    ----------
    axis : int
        The axis; negative ones count from the last.
    grid : PatchGrid
        With at least two axes.

    Returns
    -------
    int
        The same axis.

    Raises
    ------
    ValueError
        If there is no such axis, or no other.
    """
    axis = _checks.integer("axis", axis)
    if grid.ndim < 2:
        raise ValueError(f"a tube needs two axes or more, and {grid} has one")
    if not -grid.ndim <= axis < grid.ndim:
        raise ValueError(f"{axis=} is out of range for {grid}")
    return axis % grid.ndim


def axis_grid(grid: PatchGrid, axes: Sequence[int]) -> PatchGrid:
    """Return the grid of some axes of a grid.

    Parameters
    ----------
    grid : PatchGrid
        The whole grid.
    axes : sequence of int
        Axes of it.

    Returns
    -------
    PatchGrid
        Patches along these axes.
    """
    shape = tuple(grid.shape[axis] for axis in axes)
    return PatchGrid(shape, tuple(grid.patch_size[axis] for axis in axes))


def without_axis(grid: PatchGrid, axis: int) -> PatchGrid:
    """Return the grid of all axes but one.

    Parameters
    ----------
    grid : PatchGrid
        The whole grid.
    axis : int
        The axis that is left out.

    Returns
    -------
    PatchGrid
        Patches along the others.
    """
    return axis_grid(grid, [one for one in range(grid.ndim) if one != axis])


def tube(
    design: MaskDesign,
    axis: SupportsIndex,
    length: int | None = None,
    patch_size: int | None = None,
) -> Tube:
    """Keep the same patches all along one axis, as VideoMAE does along time.

    ρ is that of the other axes, and constant along this one. ``tube(fixed(grid, 0.9), 0)`` on a
    grid of (time, height, width) hides the same 90 % of the patches of every frame, the published
    masks of VideoMAE (Tong et al., 2022).

    Parameters
    ----------
    design : MaskDesign
        Without ``length`` a design on the whole grid: it is made again, with `MaskDesign.on`, on
        the grid of the other axes. With ``length`` a design on the grid of the other axes.
    axis : int
        Axis along which nothing changes; of the whole grid.
    length : int or None
        Pixels (or frames) along that axis, if the design is not on the whole grid.
    patch_size : int or None
        Pixels of a patch along that axis; with ``length`` only. None means 1.

    Returns
    -------
    MaskDesign
        The design, on the whole grid.

    Raises
    ------
    TypeError
        If ``design`` is no design.
    ValueError
        If the grid has one axis or no such axis, the design does not fit the other axes, or a
        patch size is given without a length.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> stack = PatchGrid((32, 96), 8)
    >>> tube(designs.fixed(stack, 0.5), 0)
    <design tube:0/fixed:0.5 on 4×12 patches, mask_ratio=0.5>
    >>> tube(designs.bernoulli(PatchGrid((32, 32), 8), 0.9), 0, 16, 2).grid.counts
    (8, 4, 4)
    """
    _checks.needed("design", design, MaskDesign, "the functions of spectral_mae.designs make one")
    if length is None:
        if patch_size is not None:
            raise ValueError(f"{patch_size=} is given without a length: the design's grid says it")
        place = axis_of(axis, design.grid)
        return Tube(design.grid, design.on(without_axis(design.grid, place)), place)
    axis = _checks.integer("axis", axis)
    ndim = design.grid.ndim + 1
    if not -ndim <= axis < ndim:
        raise ValueError(f"{axis=} is out of range for {ndim} axes")
    shape, patches = list(design.grid.shape), list(design.grid.patch_size)
    shape.insert(axis % ndim, _checks.positive_int("length", length))
    patches.insert(axis % ndim, 1 if patch_size is None else patch_size)
    return Tube(PatchGrid(shape, patches), design, axis % ndim)


def stripes(
    grid: PatchGrid, mask_ratios: Sequence[float], *, sampling: Sampling = "fixed"
) -> Stripes:
    """Hide whole rows, columns or planes of patches, chosen independently along each axis.

    A patch is kept if none of the stripes through it is hidden, so ρ is the product of those of
    uniform designs along the axes. On a grid of (time, frequency) these are the structured masks
    of AudioMAE (Huang et al., 2022) and SpecAugment (Park et al., 2019).

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    mask_ratios : sequence of float
        For each axis the fraction of its positions that is hidden all across the other axes, from
        0 (none) to below 1.
    sampling : {"fixed", "bernoulli"}
        Hide a fixed number of positions, or each one independently.

    Returns
    -------
    MaskDesign
        The design. Its mask ratio is 1 − Π(1 − m) over the axes.

    Raises
    ------
    ValueError
        If there is not one ratio for each axis, all are 0, or all or no positions would be kept.

    Examples
    --------
    >>> stripes(PatchGrid((128, 64), 16), (0.5, 0.25))
    <design stripes:0.5x0.25 on 8×4 patches, mask_ratio=0.625>
    """
    expect_grid(grid)
    return Stripes(grid, tuple(_checks.items("mask_ratios", mask_ratios)), sampling)


def product(*designs: MaskDesign) -> Product:
    """Combine independent designs along consecutive axes: a patch is kept if all of them keep it.

    ρ is the product of theirs.

    Parameters
    ----------
    *designs : MaskDesign
        The first on the grid of the first axes, the second on that of the next ones, and so on.

    Returns
    -------
    MaskDesign
        The design, on the grid of all axes.

    Raises
    ------
    TypeError
        If something else than designs is given.
    ValueError
        If none is given, or there are more axes than a grid may have.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> time, frequency = PatchGrid(128, 16), PatchGrid(64, 16)
    >>> product(designs.block(time, 2), designs.bernoulli(frequency, 0.5))
    <design product:block:2/bernoulli:0.5 on 8×4 patches, mask_ratio=0.625>
    """
    for one in designs:
        _checks.needed(
            "a design", one, MaskDesign, "the functions of spectral_mae.designs make one"
        )
    if not designs:
        raise ValueError("a product of no designs has no axes")
    shape = [size for one in designs for size in one.grid.shape]
    patches = [size for one in designs for size in one.grid.patch_size]
    return Product(PatchGrid(shape, patches), designs)
