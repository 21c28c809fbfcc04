"""`Plan`: a table of settings with their difficulty and cost."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spectral_mae import _checks
from spectral_mae._files.columns import write_rows
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.evaluation import Measured
from spectral_mae.planning.planned_setting import PlannedSetting, equal_setting, numbers_of
from spectral_mae.planning.reference import MASK_RATIO, PATCH_SIZE, Curve, Reference
from spectral_mae.planning.resampling import Resamples
from spectral_mae.planning.settings import UNIFORM, Setting


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
    left_out : list of str
        Settings that were asked for and are not possible on the images, each with the reason.
    found_complete : bool
        Whether a complete run was there already, so that nothing was left to do.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)
    >>> plan = sm.plan(images, [4], [0.5])
    >>> [one.patch_size for one in plan.settings], plan.n_fitted, plan.n_scored
    ([4], 32, 5)
    """

    settings: list[PlannedSetting]
    measured: list[Measured]
    reference: Reference
    transformer: TransformerSizes
    n_fitted: int
    n_scored: int
    counts: Mapping[str, int]
    failures: Sequence[tuple[str, str]]
    left_out: Sequence[str] = ()
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
        left_out: Sequence[str] = (),
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
        counts, failures, left_out, found_complete : optional
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
        resamples = Resamples.of((one.shape, one.sums) for one in found)
        settings = [
            PlannedSetting.of(group, reference, sizes, resamples) for group in by_setting.values()
        ]
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
            list(left_out),
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
            "cost",
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
                    f"{one.relative_total:.3g}",
                    f"{one.relative_encoder:.3g}",
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
            "settings": [_plain(row) for row in self.table()],
            "as_hard_as": [_plain(row) for row in self.as_hard_as_he()],
            "measured": [one.to_dict() for one in self.measured],
            "reference": self.reference.to_dict(),
            "transformer": vars(self.transformer),
            "n_fitted": self.n_fitted,
            "n_scored": self.n_scored,
            "counts": dict(self.counts),
            "left_out": list(self.left_out),
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
                left_out=plain.get("left_out", ()),
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
            of hidden pixels as the reference does (linear between the ratios of the plan);
            ``mask_ratio_low`` and ``mask_ratio_high``, its interval of 95 % over bootstrap samples
            of the images and the error of the reference; ``mask_ratio_bound`` and the same of
            ``low`` and ``high``: "" where the number is measured, ``<`` or ``>`` where it is an end
            of the ratios of the plan and the true one lies below or above; ``beyond`` ("easier" or
            "harder" where these images are estimated to be so at all ratios, else "");
            ``nearest_mask_ratio``, the nearest that whole patches allow, and ``visible_tokens``,
            ``relative_total``, ``relative_encoder`` (costs, 1 for He et al.) and ``reach`` there;
            ``text``, the ratio with its interval for people. Where the design has
            one setting alone, ``mask_ratio`` is its hidden fraction without an interval, and
            ``setting_as_hard_as`` with ``low``, ``high`` and their bounds is the mask ratio of the
            reference that is as hard as it; ``setting_than`` is "easier" or "harder" than
            ``mask_ratio`` of the reference, or "" where the interval holds that. NaN otherwise.

        Raises
        ------
        ValueError
            If the reference has no such setting.
        """
        curve = self.reference.curve(_checks.positive_int("patch_size", patch_size))
        return [
            equal_setting(rows, self.reference, curve, mask_ratio, self.transformer)
            for rows in self.families.values()
        ]

    def as_hard_as_he(self) -> list[dict[str, Any]]:
        """Return `as_hard_as` of the scale of the reference at 0.75, as He et al. mask.

        Returns
        -------
        list of dict
            Empty where the reference does not reach that mask ratio.
        """
        if not self.reference.scale.covers(MASK_RATIO):
            return []
        return self.as_hard_as(self.reference.patch_size)

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


def _curve(rows: Sequence[PlannedSetting]) -> Curve:
    rows = sorted(rows, key=lambda one: one.hidden)
    exact = [numbers_of("exact", one.exact) for one in rows]
    drawn = [numbers_of("drawn", one.drawn) for one in rows]
    return Curve(
        np.array([one.hidden for one in rows]),
        np.array([one["exact"] for one in exact]),
        np.array([one["exact_stderr"] for one in exact]),
        np.array([one["drawn"] for one in drawn]),
        np.array([one["drawn_stderr"] for one in drawn]),
    )


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without NaN."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row.items()
    }
