"""Plans: explained power of hidden pixels of each setting, lines of equal difficulty, costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import UNIFORM
from spectral_mae.plot.drawing import CYCLE, GRAY, RATIO_MAP, color_bar, one_axes, styled
from spectral_mae.spectra.octaves import all_octave_names

EQUAL = (0.25, 0.5, 0.75, 0.9)  # mask ratios of the reference whose difficulty is drawn
HOW = "spectral_mae.plan(images) makes one"
EXPLAINED = "explained power of hidden pixels"
COST_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEGEND_INSIDE = 5
LINES = ("-", "--", ":", "-.")


@styled
def plan_curves(
    plan: Plan, ax: Axes | None = None, *, drawn: bool = False, equal: Sequence[float] = EQUAL
) -> Axes:
    """Draw explained power against the hidden fraction, with lines of equal difficulty.

    Parameters
    ----------
    plan : Plan
        What to draw: a line for each patch size and design, with standard errors.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    drawn : bool
        Draw what was measured under drawn masks, which all designs have in a plan that holds
        designs without a closed form.
    equal : sequence of float
        Mask ratios of the reference: a level line for each, and what lies on it is as hard.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    _checks.needed("plan", plan, Plan, HOW)
    drawn, levels = _checks.flag("drawn", drawn), _ratios(equal)
    ax = one_axes(ax)
    sizes = _sizes(plan)
    designs = list(dict.fromkeys(design for _, design in plan.families))
    for (size, design), family in plan.families.items():
        rows = sorted(family, key=lambda one: one.hidden)
        sums = [one.drawn if drawn else one.exact for one in rows]
        found = [(one.hidden, s) for one, s in zip(rows, sums, strict=True) if s is not None]
        if not found:
            continue
        hidden = [x for x, _ in found]
        explained = [float(s.explained[0]) for _, s in found]
        errors = np.nan_to_num([float(s.stderr[0]) for _, s in found])
        name = f"{size} px" if len(designs) == 1 else f"{size} px, {design}"
        ax.errorbar(
            hidden,
            explained,
            errors,
            color=CYCLE[sizes.index(size) % len(CYCLE)],
            linestyle=LINES[designs.index(design) % len(LINES)],
            marker="os^Dv*"[designs.index(design) % 6],
            markersize=4,
            capsize=2,
            label=name,
        )
    reference, curve = plan.reference, plan.reference.scale
    values = curve.drawn if drawn else curve.explained
    ax.plot(
        curve.mask_ratio,
        values,
        color=GRAY,
        linewidth=1,
        label=f"reference, {reference.patch_size} px",
    )
    lowest = min(ax.get_ylim()[0], 0.0)
    for ratio in levels:
        if curve.mask_ratio[0] <= ratio <= curve.mask_ratio[-1]:
            level = curve.at(ratio, drawn=drawn)
            ax.axhline(level, color=GRAY, linewidth=0.7, linestyle=(0, (5, 4)), zorder=0)
            ax.annotate(
                f"{ratio:g}",
                (1.0, level),
                xycoords=("axes fraction", "data"),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize="x-small",
                color=GRAY,
            )
    ax.annotate(
        "as hard as",
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(3, 0),
        textcoords="offset points",
        fontsize="x-small",
        color=GRAY,
        va="bottom",
    )
    ax.set_ylim(lowest, 1.0)
    ax.set_xlabel("hidden fraction of the patches")
    ax.set_ylabel(EXPLAINED + (", drawn masks" if drawn else ""))
    _legend(ax, len(ax.get_legend_handles_labels()[1]))
    return ax


@styled
def plan_map(plan: Plan, ax: Axes | None = None, *, equal: Sequence[float] = EQUAL) -> Axes:
    """Draw patch size against mask ratio, with lines on which settings are as hard.

    Parameters
    ----------
    plan : Plan
        Uniform masks of a fixed number of patches, of two patch sizes and mask ratios or more.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    equal : sequence of float
        Mask ratios of the reference. What lies on the line of one is as hard as it is.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If the plan has fewer patch sizes or mask ratios.
    """
    _checks.needed("plan", plan, Plan, HOW)
    rows = {size: found for (size, design), found in plan.families.items() if design == UNIFORM}
    ratios = sorted({one.mask_ratio for found in rows.values() for one in found if one.mask_ratio})
    sizes = sorted(rows)
    if len(sizes) < 2 or len(ratios) < 2:
        raise ValueError(f"a map needs two patch sizes and mask ratios: {sizes=}, {ratios=}")
    ax = one_axes(ax)
    values = np.full((len(sizes), len(ratios)), np.nan)
    x = np.tile(ratios, (len(sizes), 1))
    for i, size in enumerate(sizes):
        for one in rows[size]:
            place = np.array(ratios) == one.mask_ratio
            values[i, place], x[i, place] = one.explained, one.hidden
    y = np.broadcast_to(np.log2(sizes)[:, np.newaxis], x.shape)
    image: Any = ax.contourf(x, y, values, levels=np.linspace(0, 1, 21), cmap=RATIO_MAP)
    curve = plan.reference.scale
    inside = [m for m in _ratios(equal) if curve.mask_ratio[0] <= m <= curve.mask_ratio[-1]]
    levels = {curve.at(m): f"{m:g}" for m in inside}
    lines = ax.contour(x, y, values, levels=sorted(levels), colors="white", linewidths=1.4)
    for level, segments in zip(lines.levels, lines.allsegs, strict=True):
        longest = max(segments, key=len, default=np.empty((0, 2)))
        if len(longest):  # of no points where the level lies outside
            _label(ax, longest, levels[float(level)])
    known = np.isfinite(values)
    marks = x[known], y[known], "o"
    ax.plot(*marks, color="white", markeredgecolor="black", markersize=4, clip_on=False)
    ax.set_yticks(y[:, 0], [str(size) for size in sizes])
    ax.set_xlabel("hidden fraction of the patches")
    ax.set_title(f"lines: as hard as the reference, {plan.reference.patch_size} px, at this ratio")
    ax.set_ylabel("patch size (pixels)")
    color_bar(ax, image, EXPLAINED)
    return ax


@styled
def plan_octaves(
    plan: Plan, ax: Axes | None = None, *, mask_ratio: float = 0.75, drawn: bool = False
) -> Axes:
    """Draw explained power by octave of frequency, one line for each patch size and design.

    Parameters
    ----------
    plan : Plan
        What to draw.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    mask_ratio : float
        Of each patch size and design the setting whose hidden fraction is the nearest.
    drawn : bool
        Draw what was measured under drawn masks, of the error on hidden pixels alone, rather than
        the exact error as if all patches were hidden. The two are not to be compared.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    _checks.needed("plan", plan, Plan, HOW)
    ratio, drawn = _checks.open_unit("mask_ratio", mask_ratio), _checks.flag("drawn", drawn)
    ax = one_axes(ax)
    nearest = [
        min(rows, key=lambda one: abs(one.hidden - ratio)) for rows in plan.families.values()
    ]
    sums = [(one, one.drawn if drawn else one.exact) for one in nearest]
    chosen = [(one, found) for one, found in sums if found is not None]
    names, sizes = all_octave_names(), _sizes(plan)
    place = np.arange(len(names))
    for number, (one, found) in enumerate(chosen):
        shift = (number - (len(chosen) - 1) / 2) * 0.5 / max(len(chosen), 1)
        ax.errorbar(
            place + shift,
            found.explained[1:],
            np.nan_to_num(found.stderr[1:]),
            color=CYCLE[sizes.index(one.patch_size) % len(CYCLE)],
            marker="os^Dv*"[number % 6],
            markersize=4,
            capsize=2,
            label=f"{one.patch_size} px, {one.setting.text}",
        )
    ax.axhline(0, color=GRAY, linewidth=0.7)
    ax.set_xticks(place, names)
    ax.set_ylim(max(ax.get_ylim()[0], -2.0), 1.0)
    ax.set_xlabel("octave of frequency (cycles/pixel)")
    ax.set_ylabel(EXPLAINED + (", drawn masks" if drawn else ""))
    _legend(ax, len(chosen))
    return ax


@styled
def plan_costs(plan: Plan, ax: Axes | None = None) -> Axes:
    """Draw explained power against the cost of the encoder.

    Parameters
    ----------
    plan : Plan
        What to draw: a point for each setting, with its hidden fraction beside it.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    _checks.needed("plan", plan, Plan, HOW)
    ax = one_axes(ax)
    sizes = _sizes(plan)
    for (size, design), family in plan.families.items():
        rows = sorted(family, key=lambda one: one.relative_encoder)
        cost = [one.relative_encoder for one in rows]
        explained = [one.explained for one in rows]
        color = CYCLE[sizes.index(size) % len(CYCLE)]
        name = f"{size} px" if design == UNIFORM else f"{size} px, {design}"
        ax.plot(cost, explained, "o-" if design == UNIFORM else "s:", color=color, ms=4, label=name)
        for one, x, y in zip(rows, cost, explained, strict=True):
            if design != UNIFORM:  # their points lie below those of the same hidden fraction
                break
            ax.annotate(
                f"{one.hidden:.2g}",
                (x, y),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize="x-small",
                color=color,
            )
    ax.set_xscale("log")
    inside = [t for t in COST_TICKS if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(inside, [f"{t:g}" for t in inside])
    ax.minorticks_off()
    ax.axvline(1.0, color=GRAY, linewidth=0.7)
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.05)
    ax.set_xlabel("cost of the encoder, 1 for 49 of 196 tokens")
    ax.set_ylabel(EXPLAINED)
    _legend(ax, len(plan.families))
    return ax


def _ratios(equal: Sequence[float]) -> list[float]:
    return [_checks.open_unit("equal", ratio) for ratio in _checks.items("equal", equal)]


def _legend(ax: Axes, n: int) -> None:
    """Inside the axes where there is room, else beside them."""
    if n <= LEGEND_INSIDE:
        ax.legend(loc="best")
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(1.05, 1.0))


def _sizes(plan: Plan) -> list[int]:
    return sorted({size for size, _ in plan.families})


def _label(ax: Axes, line: FloatArray, text: str) -> None:
    """Write beside the middle of a line; Matplotlib's own labels of short lines are cut."""
    x, y = line.T
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    middle = along[-1] / 2
    ax.annotate(
        text,
        (float(np.interp(middle, along, x)), float(np.interp(middle, along, y))),
        xytext=(3, 3),
        textcoords="offset points",
        color="white",
        fontsize="small",
    )
