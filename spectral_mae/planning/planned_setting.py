"""`PlannedSetting`: a row of a plan, over images of all shapes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.planning.costs import TransformerCost, TransformerSizes
from spectral_mae.planning.difficulty import NONE, Difficulty, equal_ratio, equal_ratios
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.evaluation import Measured
from spectral_mae.planning.reference import MASK_RATIO, Curve, Reference
from spectral_mae.planning.resampling import Resamples
from spectral_mae.planning.settings import Setting
from spectral_mae.spectra.octaves import all_octave_names

OPPOSITE = {"": "", "easier": "harder", "harder": "easier"}
HE_PATCHES = 196  # of He et al.: 224 / 16 along each axis, a quarter of them visible
OCTAVE_COLUMNS = tuple(
    name.replace(" ", "_").replace("/", "").replace("–", "_") for name in all_octave_names()
)


@dataclass(frozen=True, eq=False)
class PlannedSetting:
    """One row of a plan.

    Attributes
    ----------
    patch_size : int
        Pixels of a patch along each axis.
    design : str
        Text of the design, with ``M`` in the place of the mask ratio if it has one to choose.
    mask_ratio : float or None
        What stands for ``M``.
    hidden : float
        Mean fraction of the patches that is hidden: whole patches only.
    exact, drawn : ErrorSums or None
        Errors on hidden pixels of images held out: exact over all masks (uniform designs), and
        under drawn masks.
    reach : float
        Mean distance in pixels of the weights from their output pixel, outside of its patch.
    shrinkage : float
        Of the second moment, as images held out chose it; the mean over shapes.
    n_patches : float
        Patches of an image, on average over shapes.
    difficulty : Difficulty
        The mask ratio of the reference that is as hard.
    cost : TransformerCost
        What one image costs the encoder and the decoder.
    relative_total, relative_encoder, relative_attention : float
        Cost of encoder and decoder together, of the encoder, and of its attention, each 1 for the
        same part of He et al. (196 patches, 49 visible).
    resampled : ndarray, shape (2000,)
        Explained power in bootstrap samples of the images; they are the same samples for all
        settings of a plan, so that differences between settings can be taken.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)
    >>> (setting,) = sm.plan(images, [2], [0.5]).settings
    >>> setting.hidden, setting.n_patches, 0 < setting.explained < 1, setting.resampled.shape
    (0.5, 16.0, True, (2000,))
    """

    patch_size: int
    design: str
    mask_ratio: float | None
    hidden: float
    exact: ErrorSums | None
    drawn: ErrorSums | None
    reach: float
    shrinkage: float
    n_patches: float
    difficulty: Difficulty
    cost: TransformerCost
    relative_total: float
    relative_encoder: float
    relative_attention: float
    resampled: FloatArray

    @classmethod
    def of(
        cls,
        group: Sequence[Measured],
        reference: Reference,
        sizes: TransformerSizes,
        resamples: Resamples,
    ) -> Self:
        """Put together what was measured of one setting on images of several shapes.

        Parameters
        ----------
        group : sequence of Measured
            The setting on images of each shape.
        reference : Reference
            Scale of the difficulty.
        sizes : TransformerSizes
            Whose cost is told.
        resamples : Resamples
            Bootstrap samples of the images of the plan.

        Returns
        -------
        PlannedSetting
            Means over shapes have the weights of their images.
        """
        exact, drawn = (_merged([getattr(m, name) for m in group]) for name in ("exact", "drawn"))
        weights = np.array([one.sums.n_images for one in group], dtype=float)

        def mean(values: Iterable[float]) -> float:
            return float(np.average(list(values), weights=weights))

        hidden, n_patches = mean(m.hidden for m in group), mean(m.n_patches for m in group)
        costs = [sizes.cost(m.n_patches, m.n_patches * (1 - m.hidden)) for m in group]
        names = [field.name for field in dataclasses.fields(TransformerCost)]
        cost = TransformerCost(**{n: mean(getattr(one, n) for one in costs) for n in names})
        resampled = resamples.explained([(one.shape, one.sums) for one in group])
        sums = drawn if exact is None else exact
        assert sums is not None  # a setting has one of them
        difficulty = reference.scale.difficulty(
            float(sums.explained[0]), resampled, reference.wrong, drawn=exact is None
        )
        setting, he = group[0].setting, cost_of_he(sizes)
        return cls(
            setting.patch_size,
            setting.design,
            setting.mask_ratio,
            hidden,
            exact,
            drawn,
            mean(m.reach for m in group),
            mean(m.shrinkage for m in group),
            n_patches,
            difficulty,
            cost,
            cost.total / he.total,
            cost.encoder / he.encoder,
            cost.attention / he.attention,
            resampled,
        )

    @property
    def setting(self) -> Setting:
        """Patch size and design."""
        return Setting(self.patch_size, self.design, self.mask_ratio)

    @property
    def sums(self) -> ErrorSums:
        """What the difficulty is made of: exact where there is a closed form, else drawn."""
        found = self.drawn if self.exact is None else self.exact
        assert found is not None  # a setting has one of them
        return found

    @property
    def explained(self) -> float:
        """Explained fraction of the power of hidden pixels of images held out."""
        return float(self.sums.explained[0])

    @property
    def stderr(self) -> float:
        """Standard error of `explained` over the images held out."""
        return float(self.sums.stderr[0])

    def row(self) -> dict[str, Any]:
        """Return the numbers of the setting by name, as `Plan.table` has them.

        Returns
        -------
        dict
            Plain values; NaN where something was not measured.
        """
        exact = numbers_of("explained", self.exact)
        drawn = numbers_of("drawn", self.drawn)
        octaves, bounds = self.sums, self.difficulty.bounds
        by_octave = {
            f"explained_{name}": value
            for name, value in zip(OCTAVE_COLUMNS, octaves.explained[1:].tolist(), strict=True)
        }
        errors = {
            f"stderr_{name}": value
            for name, value in zip(OCTAVE_COLUMNS, octaves.stderr[1:].tolist(), strict=True)
        }
        return {
            "patch_size": self.patch_size,
            "design": self.design,
            "mask_ratio": math.nan if self.mask_ratio is None else self.mask_ratio,
            "hidden": self.hidden,
            **exact,
            **drawn,
            "as_hard_as": self.difficulty.mask_ratio,
            "as_hard_as_low": self.difficulty.low,
            "as_hard_as_high": self.difficulty.high,
            "as_hard_as_bound": bounds["mask_ratio"],
            "as_hard_as_low_bound": bounds["low"],
            "as_hard_as_high_bound": bounds["high"],
            "beyond": self.difficulty.beyond,
            "reach": self.reach,
            "shrinkage": self.shrinkage,
            "visible_tokens": self.cost.visible_tokens,
            "encoder_gflops": self.cost.encoder,
            "attention_gflops": self.cost.attention,
            "decoder_gflops": self.cost.decoder,
            "relative_total": self.relative_total,
            "relative_encoder": self.relative_encoder,
            "relative_attention": self.relative_attention,
            "octaves_of": "drawn" if self.exact is None else "exact",
            **by_octave,
            **errors,
        }


def equal_setting(
    rows: Sequence[PlannedSetting],
    reference: Reference,
    curve: Curve,
    mask_ratio: float,
    sizes: TransformerSizes,
) -> dict[str, Any]:
    """Return what is as hard, among the settings of one patch size and design, as a mask ratio.

    Parameters
    ----------
    rows : sequence of PlannedSetting
        The settings.
    reference : Reference
        Whose error the interval has in it.
    curve : Curve
        Of the reference.
    mask_ratio : float
        Of the reference.
    sizes : TransformerSizes
        Whose cost is told.

    Returns
    -------
    dict
        A row of `Plan.as_hard_as`.
    """
    rows = sorted(rows, key=lambda one: one.hidden)
    first, alone = rows[0], len(rows) == 1
    drawn = first.exact is None
    wanted, error = (get(mask_ratio, drawn=drawn) for get in (curve.at, curve.stderr_at))
    hidden = np.array([one.hidden for one in rows])
    found, beyond = equal_ratio(hidden, np.array([one.explained for one in rows]), wanted)
    if alone:  # no ratio can be chosen, so that there is no interval of one
        difficulty = Difficulty(found, math.nan, math.nan, beyond, found, found)
        own, visible, cost = first.difficulty, first.cost.visible_tokens, first.cost
    else:
        resampled = np.stack([one.resampled for one in rows], axis=1)
        levels = wanted + error * reference.wrong
        difficulty = Difficulty.of(found, beyond, equal_ratios(hidden, resampled, levels), hidden)
        own, n_patches = NONE, round(first.n_patches)
        visible = float(np.clip(round(first.n_patches * (1 - found)), 1, n_patches - 1))
        cost = sizes.cost(n_patches, visible)
    he, ratio = cost_of_he(sizes), 1 - visible / first.n_patches
    bounds, own_bounds = difficulty.bounds, own.bounds
    return {
        "patch_size": first.patch_size,
        "design": first.design,
        "mask_ratio": found,
        "mask_ratio_low": difficulty.low,
        "mask_ratio_high": difficulty.high,
        "mask_ratio_bound": bounds["mask_ratio"],
        "mask_ratio_low_bound": bounds["low"],
        "mask_ratio_high_bound": bounds["high"],
        "beyond": OPPOSITE[beyond],
        "setting_as_hard_as": own.mask_ratio,
        "setting_as_hard_as_low": own.low,
        "setting_as_hard_as_high": own.high,
        "setting_as_hard_as_bound": own_bounds["mask_ratio"],
        "setting_as_hard_as_low_bound": own_bounds["low"],
        "setting_as_hard_as_high_bound": own_bounds["high"],
        "setting_than": own.than(mask_ratio),
        "nearest_mask_ratio": ratio,
        "visible_tokens": visible,
        "relative_total": cost.total / he.total,
        "relative_encoder": cost.encoder / he.encoder,
        "reach": float(np.interp(ratio, hidden, [one.reach for one in rows])),
        "text": difficulty.text,
    }


def numbers_of(name: str, sums: ErrorSums | None) -> dict[str, float]:
    """Return the explained power over all frequencies and its standard error, by name.

    Parameters
    ----------
    name : str
        Name of the first; the second ends in ``_stderr``.
    sums : ErrorSums or None
        None has NaN.

    Returns
    -------
    dict of float
        Two numbers.
    """
    if sums is None:
        return {name: math.nan, f"{name}_stderr": math.nan}
    return {name: float(sums.explained[0]), f"{name}_stderr": float(sums.stderr[0])}


def cost_of_he(sizes: TransformerSizes) -> TransformerCost:
    """Return what an image of He et al. costs: 49 of 196 patches are visible.

    Parameters
    ----------
    sizes : TransformerSizes
        Whose cost is told.

    Returns
    -------
    TransformerCost
        In 10⁹ operations.
    """
    return sizes.cost(HE_PATCHES, HE_PATCHES * (1 - MASK_RATIO))


def _merged(sums: Sequence[ErrorSums | None]) -> ErrorSums | None:
    there = [one for one in sums if one is not None]
    return reduce(ErrorSums.merge, there) if there else None
