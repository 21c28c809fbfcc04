"""`Plan`: a table of settings with their difficulty and cost."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from spectral_mae import _checks
from spectral_mae._files.columns import write_rows
from spectral_mae.planning.costs import TransformerCost, TransformerSizes
from spectral_mae.planning.difficulty import Difficulty, equal_ratio
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.evaluation import Measured
from spectral_mae.planning.reference import MASK_RATIO, PATCH_SIZE, Curve, Reference
from spectral_mae.planning.settings import UNIFORM, Setting
from spectral_mae.spectra.octaves import all_octave_names

HE_PATCHES = 196  # of He et al.: 224 / 16 along each axis, a quarter of them visible
OPPOSITE = {"": "", "easier": "harder", "harder": "easier"}
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
    relative_encoder, relative_attention : float
        Cost of the encoder and of its attention, 1 for He et al. (196 patches, 49 visible).
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
    relative_encoder: float
    relative_attention: float

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
        exact = _numbers("explained", self.exact)
        drawn = _numbers("drawn", self.drawn)
        octaves = self.sums
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
            "beyond": self.difficulty.beyond,
            "reach": self.reach,
            "shrinkage": self.shrinkage,
            "visible_tokens": self.cost.visible_tokens,
            "encoder_gflops": self.cost.encoder,
            "attention_gflops": self.cost.attention,
            "decoder_gflops": self.cost.decoder,
            "relative_encoder": self.relative_encoder,
            "relative_attention": self.relative_attention,
            **by_octave,
            **errors,
        }


def _numbers(name: str, sums: ErrorSums | None) -> dict[str, float]:
    if sums is None:
        return {name: math.nan, f"{name}_stderr": math.nan}
    return {name: float(sums.explained[0]), f"{name}_stderr": float(sums.stderr[0])}


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """How hard each setting is on given images, as hard as what, and what it costs.

    `spectral_mae.plan` makes one. It never says which setting is best: explained power is a
    difficulty, not the quality of what a model learns.

    Attributes
    ----------
    settings : list of PlannedSetting
        In the order of patch sizes, designs and mask ratios.
    measured : list of Measured
        The same for each shape of images.
    reference : Reference
        Scale of the difficulty.
    transformer : TransformerSizes
        Widths and depths of which the cost is told.
    n_fitted, n_scored : int
        Images that were fitted, and images held out that were scored. 0 where moments were given.
    counts : dict of int
        Images: ``found``, ``failed``, ``fitted`` and ``held_out``; empty without a run.
    failures : list of (title, reason)
        Images that could not be used.
    found_complete : bool
        Whether a complete run was there already, so that nothing was left to do.
    """

    settings: list[PlannedSetting]
    measured: list[Measured]
    reference: Reference
    transformer: TransformerSizes
    n_fitted: int
    n_scored: int
    counts: Mapping[str, int]
    failures: Sequence[tuple[str, str]]
    found_complete: bool = False

    @classmethod
    def of(
        cls,
        measured: Iterable[Measured],
        *,
        reference: Reference,
        transformer: TransformerSizes | None = None,
        n_fitted: int = 0,
        counts: Mapping[str, int] | None = None,
        failures: Sequence[tuple[str, str]] = (),
        found_complete: bool = False,
    ) -> Plan:
        """Make a plan of what was measured; images of several shapes are put together.

        Parameters
        ----------
        measured : iterable of Measured
            Settings on images of one shape each.
        reference : Reference
            Scale of the difficulty.
        transformer : TransformerSizes or None
            Whose cost is told; None is ViT-Base.
        n_fitted : int
            Images that were fitted.
        counts, failures, found_complete : optional
            As in `Plan`.

        Returns
        -------
        Plan
            With a row for each setting.
        """
        sizes = TransformerSizes() if transformer is None else transformer
        found = list(measured)
        by_setting: dict[Setting, list[Measured]] = {}
        for one in found:
            by_setting.setdefault(one.setting, []).append(one)
        settings = [_together(group, reference, sizes) for group in by_setting.values()]
        n_scored = max((one.sums.n_images for one in settings), default=0)
        return cls(
            settings,
            found,
            reference,
            sizes,
            n_fitted,
            n_scored if n_fitted else 0,
            dict(counts or {}),
            list(failures),
            found_complete,
        )

    def __repr__(self) -> str:
        sizes = sorted({one.patch_size for one in self.settings})
        return f"Plan({len(self.settings)} settings, patch sizes {sizes}, {self.n_scored} images)"

    def __str__(self) -> str:
        head = (
            "patch",
            "design",
            "hidden",
            "explained",
            "as hard as",
            "tokens",
            "encoder",
            "reach",
        )
        lines = [head]
        for one in self.settings:
            error = "" if math.isnan(one.stderr) else f" ± {one.stderr:.3f}"
            lines.append(
                (
                    str(one.patch_size),
                    one.setting.text,
                    f"{one.hidden:.3f}",
                    f"{one.explained:.3f}{error}" + ("" if one.exact else " (drawn)"),
                    one.difficulty.text,
                    f"{one.cost.visible_tokens:.0f}",
                    f"{one.relative_encoder:.2f}",
                    f"{one.reach:.1f}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    @property
    def has_drawn(self) -> bool:
        """Whether settings were measured under drawn masks."""
        return any(one.drawn is not None for one in self.settings)

    @cached_property
    def families(self) -> dict[tuple[int, str], list[PlannedSetting]]:
        """The settings of each patch size and design, by mask ratio."""
        found: dict[tuple[int, str], list[PlannedSetting]] = {}
        for one in self.settings:
            found.setdefault((one.patch_size, one.design), []).append(one)
        return found

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each setting.

        Returns
        -------
        list of dict
            Numbers by name: the columns of plan.csv. ``pandas.DataFrame`` takes it.
        """
        return [one.row() for one in self.settings]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with a row for each setting.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_rows(path, self.table())

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain values.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes; NaN is None.
        """
        return {
            "settings": [{k: _plain(v) for k, v in row.items()} for row in self.table()],
            "measured": [one.to_dict() for one in self.measured],
            "reference": self.reference.to_dict(),
            "transformer": vars(self.transformer),
            "n_fitted": self.n_fitted,
            "n_scored": self.n_scored,
            "counts": dict(self.counts),
        }

    def to_json(self) -> str:
        """Return the text of a JSON file, which `from_json` reads.

        Returns
        -------
        str
            Without NaN.
        """
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(
        cls,
        text: str,
        *,
        failures: Sequence[tuple[str, str]] = (),
        found_complete: bool = False,
    ) -> Plan:
        """Undo `to_json`.

        Parameters
        ----------
        text : str
            Contents of a plan.json.
        failures, found_complete : optional
            As in `Plan`.

        Returns
        -------
        Plan
            The plan.

        Raises
        ------
        ValueError
            If the text is not that of a plan.
        """
        try:
            plain = json.loads(text)
            return cls.of(
                map(Measured.from_dict, plain["measured"]),
                reference=Reference.from_dict(plain["reference"]),
                transformer=TransformerSizes(**plain["transformer"]),
                n_fitted=plain["n_fitted"],
                counts=plain["counts"],
                failures=failures,
                found_complete=found_complete,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no plan: {error}") from error

    def as_hard_as(
        self, patch_size: int = PATCH_SIZE, mask_ratio: float = MASK_RATIO
    ) -> list[dict[str, Any]]:
        """Return what is as hard, on these images, as a setting of the reference.

        Parameters
        ----------
        patch_size : int
            Patch size of the reference.
        mask_ratio : float
            Mask ratio of the reference.

        Returns
        -------
        list of dict
            For each patch size and design of the plan: ``mask_ratio``, at which it explains as much
            of hidden pixels as the reference does (linear between the ratios of the plan),
            ``beyond`` ("easier" or "harder" where these images are so at all ratios, else ""),
            ``visible_tokens``, ``relative_encoder`` and ``reach`` there.

        Raises
        ------
        ValueError
            If the reference has no such setting.
        """
        curve = self.reference.curve(_checks.positive_int("patch_size", patch_size))
        return [self._equal(key, rows, curve, mask_ratio) for key, rows in self.families.items()]

    def as_reference(self, name: str, patch_size: int | None = None) -> Reference:
        """Return this plan as the scale of difficulty for other images.

        Parameters
        ----------
        name : str
            What the images are, for people.
        patch_size : int or None
            Whose curve is the scale; None is 16, or the largest where there is no 16.

        Returns
        -------
        Reference
            The settings of uniform masks with a fixed number of patches.

        Raises
        ------
        ValueError
            If the plan has no such settings.
        """
        curves = {
            p: _curve(rows) for (p, design), rows in self.families.items() if design == UNIFORM
        }
        if not curves:
            raise ValueError(f"a reference needs settings of the design {UNIFORM!r}")
        default = PATCH_SIZE if PATCH_SIZE in curves else max(curves)
        scale = default if patch_size is None else patch_size
        shape = self.measured[0].shape
        found = Reference(name, shape, self.n_scored, curves, scale)
        found.curve(scale)
        return found

    def _equal(
        self,
        key: tuple[int, str],
        rows: Sequence[PlannedSetting],
        curve: Curve,
        mask_ratio: float,
    ) -> dict[str, Any]:
        rows = sorted(rows, key=lambda one: one.hidden)
        wanted = curve.at(mask_ratio, drawn=rows[0].exact is None)
        hidden = np.array([one.hidden for one in rows])
        explained = np.array([one.explained for one in rows])
        found, beyond = equal_ratio(hidden, explained, wanted)
        n_patches = float(np.mean([one.n_patches for one in rows]))
        cost = self.transformer.cost(round(n_patches), n_patches * (1 - found))
        return {
            "patch_size": key[0],
            "design": key[1],
            "mask_ratio": found,
            "beyond": OPPOSITE[beyond],
            "visible_tokens": cost.visible_tokens,
            "relative_encoder": cost.encoder / _he(self.transformer).encoder,
            "reach": float(np.interp(found, hidden, [one.reach for one in rows])),
        }


def _together(
    group: Sequence[Measured], reference: Reference, sizes: TransformerSizes
) -> PlannedSetting:
    """One setting over all shapes of images."""
    exact, drawn = (_merged([getattr(one, name) for one in group]) for name in ("exact", "drawn"))
    weights = np.array([_n_images(one) for one in group], dtype=float)

    def mean(values: Iterable[float]) -> float:
        return float(np.average(list(values), weights=weights))

    hidden, n_patches = mean(one.hidden for one in group), mean(one.n_patches for one in group)
    costs = [sizes.cost(one.n_patches, one.n_patches * (1 - one.hidden)) for one in group]
    names = [field.name for field in dataclasses.fields(TransformerCost)]
    cost = TransformerCost(**{n: mean(getattr(one, n) for one in costs) for n in names})
    sums = drawn if exact is None else exact
    assert sums is not None
    difficulty = reference.scale.difficulty(
        float(sums.explained[0]), float(sums.stderr[0]), drawn=exact is None
    )
    setting, he = group[0].setting, _he(sizes)
    return PlannedSetting(
        setting.patch_size,
        setting.design,
        setting.mask_ratio,
        hidden,
        exact,
        drawn,
        mean(one.reach for one in group),
        mean(one.shrinkage for one in group),
        n_patches,
        difficulty,
        cost,
        cost.encoder / he.encoder,
        cost.attention / he.attention,
    )


def _he(sizes: TransformerSizes) -> TransformerCost:
    return sizes.cost(HE_PATCHES, HE_PATCHES * (1 - MASK_RATIO))


def _n_images(one: Measured) -> int:
    sums = one.drawn if one.exact is None else one.exact
    return 1 if sums is None else sums.n_images


def _merged(sums: Sequence[ErrorSums | None]) -> ErrorSums | None:
    there = [one for one in sums if one is not None]
    return reduce(ErrorSums.merge, there) if there else None


def _curve(rows: Sequence[PlannedSetting]) -> Curve:
    rows = sorted(rows, key=lambda one: one.hidden)
    exact = [_numbers("exact", one.exact) for one in rows]
    drawn = [_numbers("drawn", one.drawn) for one in rows]
    return Curve(
        np.array([one.hidden for one in rows]),
        np.array([one["exact"] for one in exact]),
        np.array([one["exact_stderr"] for one in exact]),
        np.array([one["drawn"] for one in drawn]),
        np.array([one["drawn_stderr"] for one in drawn]),
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
