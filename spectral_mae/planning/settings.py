"""Patch sizes, mask ratios and designs that a plan compares."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from spectral_mae import _checks
from spectral_mae.masks.designs import text_form
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.text_form import ParsedDesign
from spectral_mae.masks.patches import PatchGrid

MASK_RATIOS = (0.25, 0.5, 0.6, 0.75, 0.9)
UNIFORM = "fixed:M"
PATCH_SIZES = (2, 4, 8, 16, 32)
LEAST_COUNT = 4  # patches along the shorter side that a default patch size leaves
MOST_SIZES = 4
MOST_BYTES = 2**30  # of second moments
_NO_RATIO: list[float | None] = [None]
_RATIO = re.compile(r"(?<![\w.])M(?![\w.])")

Item = TypeVar("Item")
Design = str | MaskDesign | ParsedDesign


@dataclass(frozen=True)
class Setting:
    """A patch size and a design of masks, on any grid.

    Attributes
    ----------
    patch_size : int
        Pixels of a patch along each axis.
    design : str
        Text of the design, with ``M`` in the place of the mask ratio if it has one to choose.
    mask_ratio : float or None
        What stands for ``M``; None for designs without.
    """

    patch_size: int
    design: str
    mask_ratio: float | None

    @property
    def text(self) -> str:
        """Text of the design with its mask ratio."""
        if self.mask_ratio is None:
            return self.design
        return _RATIO.sub(f"{self.mask_ratio:g}", self.design)

    def on(self, shape: tuple[int, ...]) -> MaskDesign | None:
        """Return the design on images of a shape.

        Parameters
        ----------
        shape : tuple of int
            Pixels along each axis.

        Returns
        -------
        MaskDesign or None
            None where it is not possible there: masks would hide no patch, or all.
        """
        grid = PatchGrid(shape, self.patch_size)
        try:
            return self._made(grid)
        except ValueError:
            return None

    def refusal(self, shape: tuple[int, ...]) -> str:
        """Return why there is no such design on images of a shape.

        Parameters
        ----------
        shape : tuple of int
            Pixels along each axis.

        Returns
        -------
        str
            A sentence; empty where there is one.
        """
        grid = PatchGrid(shape, self.patch_size)
        try:
            self._made(grid)
        except ValueError as error:
            return f"{self.text} with patches of {self.patch_size} pixels: {error}"
        return ""

    def reason(self, shape: tuple[int, ...]) -> str:
        """Return why there is no such design on images of a shape, without naming it.

        Parameters
        ----------
        shape : tuple of int
            Pixels along each axis.

        Returns
        -------
        str
            Empty where there is one.
        """
        grid = PatchGrid(shape, self.patch_size)
        try:
            self._made(grid)
        except ValueError as error:
            return str(error.__cause__ or error)
        return ""

    def _made(self, grid: PatchGrid) -> MaskDesign:
        design = text_form.parse(self.text).on(grid)
        if not 0.0 < design.mask_ratio < 1.0:
            raise ValueError(f"it hides {design.mask_ratio:.0%} of {grid.n_patches} patches")
        return design


def settings_of(
    patch_sizes: Sequence[int],
    mask_ratios: Sequence[float] | None,
    designs: Sequence[Design] | None,
) -> list[Setting]:
    """Return all settings of a plan: every patch size with every design at every mask ratio.

    Parameters
    ----------
    patch_sizes : sequence of int
        Sides of square patches in pixels.
    mask_ratios : sequence of float or None
        Fractions of patches that are hidden, strictly between 0 and 1. None is 0.25, 0.5, 0.6, 0.75
        and 0.9.
    designs : sequence of str or MaskDesign, or None
        Designs as ``--design`` has them. Where a text holds ``M``, it stands for each mask ratio,
        as in ``gaussian_field:M,green``; the others are compared as they are. None is ``fixed:M``.

    Returns
    -------
    list of Setting
        In the order of patch sizes, designs and mask ratios, each once.

    Raises
    ------
    ValueError
        If there is nothing to compare, a number is out of its range, a text is no design, or mask
        ratios are given and no design holds ``M``.

    Examples
    --------
    >>> [setting.text for setting in settings_of([8], [0.5, 0.75], ["fixed:M", "block:2x2"])]
    ['fixed:0.5', 'fixed:0.75', 'block:2x2']
    """
    sizes = [_checks.positive_int("patch_sizes", p) for p in _some("patch_sizes", patch_sizes)]
    wanted = MASK_RATIOS if mask_ratios is None else _some("mask_ratios", mask_ratios)
    ratios = [_checks.open_unit("mask_ratios", m) for m in wanted]
    texts = [UNIFORM] if designs is None else [_text(d) for d in _some("designs", designs)]
    if mask_ratios is not None and not any(map(_RATIO.search, texts)):
        raise ValueError(
            f"mask ratios {ratios} with {' and '.join(texts)}, whose mask ratio is in the text: "
            f"write M where the ratios are to stand, as in {UNIFORM}, or give none"
        )
    found = [
        Setting(size, text, ratio)
        for size in sizes
        for text in texts
        for ratio in (sorted(ratios) if _RATIO.search(text) else _NO_RATIO)
    ]
    for setting in found:
        text_form.parse(setting.text)
    return list(dict.fromkeys(found))


def default_patch_sizes(
    shape: tuple[int, ...], channels: int = 1, *, cropped: bool = False
) -> list[int]:
    """Return powers of two, at most four and at most 32, with four patches along each side.

    Of these, larger ones whose second moments in bands would take more than 1 GiB are left out:
    nobody asked for them, and solving them takes about three times as much.

    Parameters
    ----------
    shape : tuple of int
        Pixels along each axis.
    channels : int
        Numbers per pixel.
    cropped : bool
        Images are cropped to a multiple of the patches, which then need not divide them.

    Returns
    -------
    list of int
        Patch sizes, ascending; where no power of two divides the images, the divisor nearest to an
        eighth of the shorter side.

    Raises
    ------
    ValueError
        If no patch size divides the images.

    Examples
    --------
    >>> default_patch_sizes((224, 224)), default_patch_sizes((32, 32))
    ([4, 8, 16, 32], [2, 4, 8])
    >>> default_patch_sizes((45, 45)), default_patch_sizes((321, 481), cropped=True)
    ([5], [4, 8, 16])
    >>> default_patch_sizes((224, 224), channels=3)
    [4, 8, 16]
    """
    divisors = [p for p in range(1, min(shape) + 1) if all(n % p == 0 for n in shape)]
    small = [p for p in PATCH_SIZES if p * LEAST_COUNT <= min(shape)]
    fitting = [p for p in small if cropped or p in divisors]
    if fitting:
        # Half of the bands, in complex numbers: 16 · (pixels / p²) / 2 · (channels · p²)² bytes.
        each = 8 * math.prod(shape) * channels**2
        largest = fitting[-MOST_SIZES:]
        return [p for p in largest if each * p**2 <= MOST_BYTES] or largest[:1]
    several = [p for p in divisors if 2 <= p < min(shape)]
    if not several:
        raise ValueError(f"no patch size divides images of {shape}: give other sizes of images")
    return [min(several, key=lambda p: abs(p - min(shape) / 8))]


def _some(name: str, values: Sequence[Item]) -> list[Item]:
    found = _checks.items(name, values)
    if not found:
        raise ValueError(f"{name} is empty")
    return found


def _text(design: Design) -> str:
    if isinstance(design, str | ParsedDesign | MaskDesign):
        return design if isinstance(design, str) else design.text
    raise TypeError(f"{_checks.brief(design)} is no design: give texts such as {UNIFORM!r}")
