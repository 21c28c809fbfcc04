"""Designs as functions and commands name them: a patch size and a mask ratio, a design, a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import PerAxis, Sampling
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.patches import PatchGrid, expect_grid


def design_on(
    grid: PatchGrid | None,
    mask_ratio: float | None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
) -> MaskDesign:
    """Return the design that the arguments of a function name.

    Parameters
    ----------
    grid : PatchGrid or None
        Patches that are kept or hidden; with ``design=`` None, or its own grid.
    mask_ratio : float or None
        Fraction of patches that is hidden; None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        How patches are chosen; the default with ``design=``.
    design : MaskDesign or None
        The design itself.

    Returns
    -------
    MaskDesign
        The design, or the uniform one of the other arguments.

    Raises
    ------
    TypeError
        If neither a design nor a grid and a mask ratio are given, or ``design`` is no design.
    ValueError
        If both a design and a mask ratio are given, or the design is of another grid.
    """
    _checks.choice("sampling", sampling, Sampling)
    if design is None:
        if grid is None or mask_ratio is None:
            raise TypeError("a mask design is needed: patch_size and mask_ratio, or design=")
        expect_grid(grid)
        return Uniform(grid, mask_ratio, sampling)
    _checks.needed("design", design, MaskDesign, "the functions of spectral_mae.designs make one")
    if mask_ratio is not None or sampling != "fixed":
        raise ValueError(
            f"{mask_ratio=} and {sampling=} are given with design={design}: the design says both"
        )
    if grid is not None and grid != design.grid:
        raise ValueError(f"design={design} is of {design.grid}, not of {grid}")
    return design


def design_for(
    shape: tuple[int, ...],
    patch_size: PerAxis | None,
    mask_ratio: float | None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
) -> MaskDesign:
    """Return the design that the arguments of a function of one image name.

    Parameters
    ----------
    shape : tuple of int
        Pixels of the image along each axis.
    patch_size : int or tuple of int or None
        Pixels of a patch along each axis; None with ``design=``.
    mask_ratio : float or None
        Fraction of patches that is hidden; None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        How patches are chosen; the default with ``design=``.
    design : MaskDesign or None
        The design itself.

    Returns
    -------
    MaskDesign
        The design, or the uniform one of the other arguments.

    Raises
    ------
    TypeError, ValueError
        As `design_on`, and if the design is of images of another shape.
    """
    if design is None:
        grid = None if patch_size is None else PatchGrid(shape, patch_size)
        return design_on(grid, mask_ratio, sampling=sampling)
    design = design_on(None, mask_ratio, sampling=sampling, design=design)
    if patch_size is not None:
        raise ValueError(f"{patch_size=} is given with design={design}: the design says it")
    if design.grid.shape != shape:
        raise ValueError(f"design={design} is of images of {design.grid.shape}, not of {shape}")
    return design


def image_and_design(
    array: NDArray[Any],
    patch_size: PerAxis | None,
    mask_ratio: float | None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    channel_axis: int | None = None,
    several: str,
) -> tuple[NDArray[Any], MaskDesign]:
    """Return one image as a view with the channels last, and the design of its masks.

    Parameters
    ----------
    array : ndarray, shape (D,), (H, W) or (T, H, W), and the channels at ``channel_axis``
        The image. Three axes are a volume only if the patches have three.
    patch_size, mask_ratio, sampling, design : optional
        As in `design_for`.
    channel_axis : int or None
        Axis of the channels.
    several : str
        What the error recommends for several images.

    Returns
    -------
    image : ndarray, shape (*shape, channels)
        The image.
    design : MaskDesign
        On a grid of its shape.

    Raises
    ------
    TypeError, ValueError
        As `design_for`, and if the array is no single image.
    """
    if design is None and patch_size is not None:
        patch = patch_size
    else:
        patch = design_on(None, mask_ratio, sampling=sampling, design=design).grid.patch_size
    last = _checks.image_of_patches("image", array, channel_axis, patch, several)
    shape = last.shape[:-1]
    return last, design_for(shape, patch_size, mask_ratio, sampling=sampling, design=design)


MASK_RATIO = 0.75  # that of MAE, where none is given


@dataclass(frozen=True)
class MaskChoice:
    """How masks are chosen on grids to come: by a mask ratio and a sampling, or a text.

    Parameters
    ----------
    mask_ratio : float or None
        Fraction of patches that is hidden, strictly between 0 and 1. None is 0.75, or what the
        design says.
    sampling : {"fixed", "bernoulli"}
        How patches are chosen; the default with a design.
    design : str, MaskDesign or None
        In place of both: the text of a design, or a design that has one. Its text is kept.

    Raises
    ------
    TypeError, ValueError
        If a value is out of its range, the text cannot be read, or a design is given beside a mask
        ratio.

    Examples
    --------
    >>> grid = PatchGrid((224, 224), 16)
    >>> MaskChoice(0.5).on(grid)
    <design fixed:0.5 on 14×14 patches, mask_ratio=0.5>
    >>> MaskChoice(design="block:6x6,keep").on(grid)
    <design block:6x6,keep on 14×14 patches, mask_ratio=0.8163>
    """

    mask_ratio: float | None = None
    sampling: Sampling = "fixed"
    design: str | MaskDesign | None = None

    def __post_init__(self) -> None:
        _checks.choice("sampling", self.sampling, Sampling)
        if self.design is None:
            ratio = MASK_RATIO if self.mask_ratio is None else self.mask_ratio
            object.__setattr__(self, "mask_ratio", _checks.open_unit("mask_ratio", ratio))
            return
        if self.mask_ratio is not None or self.sampling != "fixed":
            raise ValueError(
                f"mask_ratio={self.mask_ratio!r} and sampling={self.sampling!r} are given with "
                f"design={self.design!r}: the design says both"
            )
        object.__setattr__(self, "design", _text_of(self.design))

    @property
    def text(self) -> str:
        """The text of the design, also of a uniform one."""
        return f"{self.sampling}:{self.mask_ratio!r}" if self.design is None else str(self.design)

    def on(self, grid: PatchGrid) -> MaskDesign:
        """Make the design on a grid.

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
        if self.design is None:
            return design_on(grid, self.mask_ratio, sampling=self.sampling)
        return parse(self.text).on(grid)


def _text_of(design: str | MaskDesign) -> str:
    """The text of a design, from which it can be made again."""
    if isinstance(design, str):
        return parse(design).text
    if not isinstance(design, MaskDesign):
        raise TypeError(f"design={_checks.brief(design)} is neither a MaskDesign nor its text")
    try:
        again = parse(design.text).on(design.grid)
    except ValueError:
        again = None
    if again != design:
        raise ValueError(
            f"{design} has no text: write its masks to an .npy file, and give the name of the file"
        )
    return design.text
