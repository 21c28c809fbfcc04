"""The columns of a sweep's table: mask ratios, or designs of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from spectral_mae import _checks
from spectral_mae._checks import Sampling
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid

Number = TypeVar("Number", int, float)
Label = float | str
MASK_RATIOS = (0.25, 0.5, 0.6, 0.75, 0.9)


@dataclass(frozen=True)
class Column:
    """A mask ratio, or the text of a design: what is made of it on each grid.

    Parameters
    ----------
    label : float or str
        Mask ratio, or the text of a design.
    sampling : {"fixed", "bernoulli"}
        Uniform design of a mask ratio.
    """

    label: Label
    sampling: Sampling = "fixed"

    def design(self, grid: PatchGrid) -> MaskDesign:
        """Return the design on a grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            The design.

        Raises
        ------
        ValueError
            If it does not fit the grid.
        """
        if isinstance(self.label, str):
            return MaskChoice(design=self.label).on(grid)
        return MaskChoice(self.label, self.sampling).on(grid)

    def model(self, grid: PatchGrid, shared: Mapping[str, Any]) -> LinearMAE | None:
        """Return the model on a grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.
        shared : mapping of str to object
            Other arguments of the model.

        Returns
        -------
        LinearMAE or None
            The model, not fitted; None where the design does not fit the grid.

        Raises
        ------
        ValueError
            If there is no closed form for the design and the other arguments.
        """
        try:
            design = self.design(grid)
        except ValueError:
            return None
        if isinstance(self.label, str):
            return LinearMAE(design=design, **shared)
        return LinearMAE(grid.patch_size[0], self.label, sampling=self.sampling, **shared)


def columns_of(
    mask_ratios: Sequence[float] | None,
    sampling: Sampling,
    designs: Sequence[str | MaskDesign] | None,
) -> list[Column]:
    """Return the columns that the arguments of a sweep name.

    Parameters
    ----------
    mask_ratios : sequence of float or None
        Mask ratios; None takes `MASK_RATIOS`, or the designs.
    sampling : {"fixed", "bernoulli"}
        Their uniform design; the default with ``designs``.
    designs : sequence of str or MaskDesign, or None
        Texts of designs, or designs that have one.

    Returns
    -------
    list of Column
        Mask ratios in ascending order, or designs as they are given; each once.

    Raises
    ------
    TypeError
        If ``designs`` is a single one.
    ValueError
        If there are none, a value is out of its range, or both are given.
    """
    if designs is None:
        given = MASK_RATIOS if mask_ratios is None else some("mask_ratios", mask_ratios)
        _checks.choice("sampling", sampling, Sampling)
        ratios = sorted({_checks.open_unit("mask_ratio", ratio) for ratio in given})
        return [Column(ratio, sampling) for ratio in ratios]
    if mask_ratios is not None or sampling != "fixed":
        raise ValueError(f"{mask_ratios=} and {sampling=} are given with designs, which say both")
    if isinstance(designs, str | MaskDesign):
        raise TypeError(f"designs={_checks.brief(designs)} is one; a sequence of them is needed")
    texts = [MaskChoice(design=design).text for design in _checks.items("designs", designs)]
    if not texts:
        raise ValueError("designs is empty")
    return [Column(text) for text in dict.fromkeys(texts)]


def why_none(columns: Sequence[Column], grid: PatchGrid, sizes: Sequence[int], size: int) -> str:
    """Return why no cell of the table is possible.

    Parameters
    ----------
    columns : sequence of Column
        All columns.
    grid : PatchGrid
        Patches of the first row.
    sizes : sequence of int
        Patch sizes of the rows, in pixels.
    size : int
        Side of the images in pixels.

    Returns
    -------
    str
        For a message.
    """
    if isinstance(columns[0].label, str):
        try:
            columns[0].design(grid)
        except ValueError as error:
            return str(error)
    return (
        f"no mask ratio of {[column.label for column in columns]} hides some patches of {sizes} "
        f"pixels and keeps others at {size} pixels"
    )


def some(name: str, values: Sequence[Number]) -> list[Number]:
    """Return the values of an argument as a list.

    Parameters
    ----------
    name : str
        Name of the argument.
    values : sequence of int or float
        The values.

    Returns
    -------
    list of int or float
        At least one.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = _checks.items(name, values)
    if not found:
        raise ValueError(f"{name} is empty")
    return found
