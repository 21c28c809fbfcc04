"""Plans: explained power of hidden pixels of each setting, lines of equal difficulty, costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.planning.reference import MASK_RATIO
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import UNIFORM
from spectral_mae.plot.drawing.figures import color_bar, one_axes
from spectral_mae.plot.drawing.style import CYCLE, GRAY, RATIO_MAP, styled
from spectral_mae.spectra.octaves import all_octave_names

EQUAL = (0.25, 0.5, 0.75, 0.9)  # mask ratios of the reference whose difficulty is drawn
HOW = "spectral_mae.plan(images) makes one"
EXPLAINED = "explained power of hidden pixels"
TOP = 1.05  # of axes of explained power, so that marks at 1 are whole
COST_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
LEGEND_INSIDE = 5
LINES = ("-", "--", ":", "-.")
MARKERS = "os^Dv*"  # of patch sizes
DARK = "#595959"  # of what is not measured on these images
NOT_MEASURED = "#E8E8E8"
LIGHT = "#FEFEFE"  # of lines on colours; pages put their background in the place of white
ON_COLOURS = "#404040"  # behind words on colours
SHADES = 256
EDGE = (0.035, 0.04)  # of the axes, that labels keep free
BESIDE = 0.055  # of the axes, from a line to the middle of its label
BEHIND = {"facecolor": "white", "linewidth": 0, "pad": 0.5}


@styled
def plan_curves(
    plan: Plan, ax: Axes | None = None, *, drawn: bool = False, equal: Sequence[float] = EQUAL
) -> Axes:
    """Draw explained power against the hidden fraction, with lines of equal difficulty.

    Parameters
    ----------
    plan : Plan
        What to draw: a line for each patch size and design, with standard errors. A patch size has
        one colour and marker, hollow for all designs but the first.
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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> fields = sm.fields.gaussian_fields(sm.fields.power_law((32, 32), -2.0), 60, rng=0)
    >>> plan = sm.plan(fields, [2, 4, 8], [0.5, 0.75, 0.9])
    >>> ax = plot.plan_curves(plan)
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
            marker=_marker(sizes, size),
            markerfacecolor=None if design == designs[0] else "white",
            markersize=4,
            capsize=2,
            label=name,
        )
    _reference(ax, plan, drawn=drawn)
    ax.set_ylim(min(ax.get_ylim()[0], 0.0), TOP)
    _levels(ax, plan, levels, drawn=drawn)
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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> fields = sm.fields.gaussian_fields(sm.fields.power_law((32, 32), -2.0), 60, rng=0)
    >>> plan = sm.plan(fields, [2, 4, 8], [0.5, 0.75, 0.9])
    >>> ax = plot.plan_map(plan)
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
    # So many levels that no edge of one is taken for a line of equal difficulty.
    shades = np.linspace(0, 1, SHADES)
    image: Any = ax.contourf(x, y, np.clip(values, 0, 1), levels=shades, cmap=RATIO_MAP)
    image.set_rasterized(True)  # as pixels also in SVG and PDF, where so many areas are large
    ax.set_facecolor(NOT_MEASURED)
    curve = plan.reference.scale
    levels = {curve.at(m): f"{m:g}" for m in _ratios(equal) if curve.covers(m)}
    lines = ax.contour(x, y, values, levels=sorted(levels), colors=LIGHT, linewidths=1.4)
    for level, segments in zip(lines.levels, lines.allsegs, strict=True):
        longest = max(segments, key=len, default=np.empty((0, 2)))
        if len(longest):  # of no points where the level lies outside
            _label(ax, longest, levels[float(level)])
    known = np.isfinite(values)
    marks = x[known], y[known], "o"
    ax.plot(*marks, color="white", markeredgecolor="black", markersize=4, clip_on=False)
    ax.set_yticks(y[:, 0], [str(size) for size in sizes])
    ax.set_xlabel("hidden fraction of the patches")
    others = any(design != UNIFORM for _, design in plan.families)
    words = [f"{UNIFORM} only"] if others else []
    crossed = any(len(one) for segments in lines.allsegs for one in segments)
    words += ["white lines: as hard as the reference at this mask ratio"] if crossed else []
    ax.set_title("; ".join(words))
    ax.set_ylabel("patch size (pixels)")
    color_bar(ax, image, EXPLAINED, ticks=np.linspace(0, 1, 6))
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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> fields = sm.fields.gaussian_fields(sm.fields.power_law((32, 32), -2.0), 60, rng=0)
    >>> plan = sm.plan(fields, [2, 4, 8], [0.5, 0.75, 0.9])
    >>> ax = plot.plan_octaves(plan)
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
    designs = list(dict.fromkeys(design for _, design in plan.families))
    place = np.arange(len(names))
    for number, (one, found) in enumerate(chosen):
        shift = (number - (len(chosen) - 1) / 2) * 0.5 / max(len(chosen), 1)
        ax.errorbar(
            place + shift,
            found.explained[1:],
            np.nan_to_num(found.stderr[1:]),
            color=CYCLE[sizes.index(one.patch_size) % len(CYCLE)],
            linestyle=LINES[designs.index(one.design) % len(LINES)],
            marker=_marker(sizes, one.patch_size),
            markerfacecolor=None if one.design == designs[0] else "white",
            markersize=4,
            capsize=2,
            label=f"{one.patch_size} px, {one.setting.text}",
        )
    ax.axhline(0, color=GRAY, linewidth=0.7)
    ax.set_xticks(place, names)
    ax.set_ylim(max(ax.get_ylim()[0], -2.0), TOP)
    ax.set_xlabel("octave of frequency (cycles/pixel)")
    ax.set_ylabel(EXPLAINED + (", drawn masks" if drawn else ""))
    _legend(ax, len(chosen))
    return ax


@styled
def plan_costs(plan: Plan, ax: Axes | None = None) -> Axes:
    """Draw explained power against the cost of encoder and decoder together.

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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> fields = sm.fields.gaussian_fields(sm.fields.power_law((32, 32), -2.0), 60, rng=0)
    >>> plan = sm.plan(fields, [2, 4, 8], [0.5, 0.75, 0.9])
    >>> ax = plot.plan_costs(plan)
    """
    _checks.needed("plan", plan, Plan, HOW)
    ax = one_axes(ax)
    sizes = _sizes(plan)
    for (size, design), family in plan.families.items():
        rows = sorted(family, key=lambda one: one.relative_total)
        cost = [one.relative_total for one in rows]
        explained = [one.explained for one in rows]
        color = CYCLE[sizes.index(size) % len(CYCLE)]
        name = f"{size} px" if design == UNIFORM else f"{size} px, {design}"
        style = _marker(sizes, size) + ("-" if design == UNIFORM else ":")
        hollow = color if design == UNIFORM else "white"
        ax.plot(cost, explained, style, color=color, ms=4, mfc=hollow, label=name)
        for one, x, y in zip(rows, cost, explained, strict=True):
            if design != UNIFORM:  # their points lie below those of the same hidden fraction
                break
            ax.annotate(
                f"{one.hidden:.0%}",
                (x, y),
                xytext=(-3, 3),  # a line rises to the right: beside it is room on the left
                textcoords="offset points",
                ha="right",
                fontsize="x-small",
                color=color,
                bbox=BEHIND,
                zorder=4,  # above the lines of other sizes
            )
    ax.axvline(1.0, color=GRAY, linewidth=0.7, zorder=0)
    ax.margins(x=0.1)  # for the first label
    ax.set_xscale("log")
    inside = [t for t in COST_TICKS if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(inside, [f"{t:g}" for t in inside])
    ax.minorticks_off()
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), TOP)
    ax.annotate(
        "49 of 196 tokens",
        (1.0, 0.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, 4),
        textcoords="offset points",
        fontsize="x-small",
        color=DARK,
    )
    _levels(ax, plan, (MASK_RATIO,))
    ax.set_xlabel("cost of encoder and decoder, 1 for 49 of 196 tokens (He et al.)")
    ax.set_ylabel(EXPLAINED)
    _legend(ax, len(plan.families))
    return ax


def _ratios(equal: Sequence[float]) -> list[float]:
    return [_checks.open_unit("equal", ratio) for ratio in _checks.items("equal", equal)]


def _reference(ax: Axes, plan: Plan, *, drawn: bool) -> None:
    """The curve of the reference, with a band of one standard error."""
    curve = plan.reference.scale
    values = curve.drawn if drawn else curve.explained
    errors = np.nan_to_num(curve.drawn_stderr if drawn else curve.stderr)
    band = values - errors, values + errors
    ax.fill_between(curve.mask_ratio, *band, color=GRAY, alpha=0.25, linewidth=0, zorder=0)
    name = f"reference, {plan.reference.patch_size} px"
    ax.plot(curve.mask_ratio, values, color=DARK, linewidth=2, zorder=1, label=name)


def _levels(ax: Axes, plan: Plan, ratios: Sequence[float], *, drawn: bool = False) -> None:
    """Dashed lines on which settings are as hard as the reference, and an axis that names them."""
    curve = plan.reference.scale
    levels = {m: curve.at(m, drawn=drawn) for m in ratios if curve.covers(m)}
    levels = {m: level for m, level in levels.items() if np.isfinite(level)}
    for m, level in levels.items():
        width = 1.6 if m == MASK_RATIO else 0.8
        ax.axhline(level, color=DARK, linewidth=width, linestyle=(0, (5, 4)), zorder=0)
    side = ax.secondary_yaxis("right")
    side.set_yticks(list(levels.values()), [f"{m:g}" for m in levels])
    side.tick_params(length=0, colors=DARK)
    side.spines["right"].set_visible(False)
    side.set_ylabel("as hard as the reference at a mask ratio of", color=DARK)


def _legend(ax: Axes, n: int) -> None:
    """Inside the axes where there is room, else beside them."""
    if n <= LEGEND_INSIDE:
        ax.legend(loc="best")
    else:
        ax.legend(loc="upper left", bbox_to_anchor=(1.12, 1.0))


def _sizes(plan: Plan) -> list[int]:
    return sorted({size for size, _ in plan.families})


def _marker(sizes: Sequence[int], size: int) -> str:
    """Of a patch size, the same in all pictures of a plan."""
    return MARKERS[sizes.index(size) % len(MARKERS)]


def _label(ax: Axes, line: FloatArray, text: str) -> None:
    """Write beside the middle of a line, inside the axes; Matplotlib leaves short lines without."""
    x, y = line.T
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    middle = along[-1] / 2
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    points = (line - low) / (high - low)  # fractions of the axes
    here = np.array([np.interp(middle, along, points[:, axis]) for axis in (0, 1)])
    after = min(int(np.searchsorted(along, middle)), len(points) - 1)
    step = points[after] - points[max(after - 1, 0)]
    across = np.array([-step[1], step[0]]) / (np.hypot(*step) or 1.0) * BESIDE
    # On the side of the line where there is more room.
    beside = [np.clip(here + sign * across, EDGE, np.subtract(1.0, EDGE)) for sign in (1, -1)]
    far = [float(np.hypot(*(place - here))) for place in beside]
    place = low + beside[int(far[1] > far[0] + 1e-9)] * (high - low)
    ax.text(
        float(place[0]),
        float(place[1]),
        text,
        color=LIGHT,
        fontsize="small",
        ha="center",
        va="center",
        bbox={"facecolor": ON_COLOURS, "linewidth": 0, "pad": 1.5},
    )
