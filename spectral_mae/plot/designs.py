"""Pictures of mask designs and of audits of masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.masked_spectra.auditing.mask_audit import MaskAudit
from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.plot.cells import frequency_cells
from spectral_mae.plot.drawing.figures import color_bar, many_axes, picture
from spectral_mae.plot.drawing.frequency_axes import PLANE, frequency_map, log_power_axis, shown
from spectral_mae.plot.drawing.style import (
    BLUE,
    CYCLE,
    GRAY,
    HIDDEN,
    POWER_MAP,
    RATIO_MAP,
    VERMILION,
    styled,
)
from spectral_mae.spectra.frequencies import half_from_full

N_MASKS = 2  # drawn masks in a row
COLUMNS = N_MASKS + 3
# Of the largest value at other frequencies than zero.
SPECTRUM_RANGE, POWER_RANGE = 1e-3, 1e-5
PER_PATCH = "cycles/patch"


@styled
def design(design: MaskDesign, ax: NDArray[Any] | None = None, *, rng: Seed = 0) -> NDArray[Any]:
    """Draw a design: two of its masks, the map of π₁, ρ̂ and E|M|².

    ρ̂ is the design's spectrum over the frequencies of the grid of patches, and E|M|² the mean power
    of a mask over those of pixels. Their value at zero frequency is beyond the scale of colours. Of
    volumes the first slice is drawn, the mean of π₁ along the first axis, and zero frequency along
    it.

    Parameters
    ----------
    design : MaskDesign
        What to draw.
    ax : ndarray of Axes, shape (5,), or None
        Where to draw; None makes a new figure.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of the masks.

    Returns
    -------
    ndarray of Axes, shape (5,)
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> grid = sm.PatchGrid((128, 128), 8)
    >>> ax = plot.design(sm.designs.inverse_block(grid, 0.75))
    """
    _needs_design("design", design)
    row = many_axes(ax, (COLUMNS,), 2.6)
    if ax is None:
        row[0].figure.set_figheight(2.75)  # room for a title; bars are then as high as maps
    _draw_rows([design], row[np.newaxis], rng)
    return row


@styled
def designs(
    designs: Sequence[MaskDesign], ax: NDArray[Any] | None = None, *, rng: Seed = 0
) -> NDArray[Any]:
    """Draw designs below each other, each as `design` does, with common scales of colours.

    Parameters
    ----------
    designs : sequence of MaskDesign
        What to draw; usually of one mask ratio.
    ax : ndarray of Axes, shape (n, 5), or None
        Where to draw; None makes a new figure.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed of the masks.

    Returns
    -------
    ndarray of Axes, shape (n, 5)
        The axes.

    Raises
    ------
    ValueError
        If there is no design.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> grid = sm.PatchGrid((96, 96), 8)
    >>> ax = plot.designs([sm.designs.fixed(grid, 0.75), sm.designs.block(grid, 6, keep=True)])
    """
    several = _checks.items("designs", designs)
    if not several:
        raise ValueError("no designs are given")
    for one in several:
        _needs_design("a design", one)
    rows = many_axes(ax, (len(several), COLUMNS), 2.3)
    _draw_rows(several, rows, rng)
    return rows


@styled
def mask_audit(audit: MaskAudit, ax: NDArray[Any] | None = None) -> NDArray[Any]:
    """Draw an audit: masks, the map of π₁, ρ̂, distances from named designs, leakage by octave.

    Parameters
    ----------
    audit : MaskAudit
        What to draw.
    ax : ndarray of Axes, shape (2, 3), or None
        Where to draw; None makes a new figure.

    Returns
    -------
    ndarray of Axes, shape (2, 3)
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> grid = sm.PatchGrid((96, 96), 8)
    >>> masks = sm.designs.inverse_block(grid, 0.75).sample_kept(100, rng=0)
    >>> ax = plot.mask_audit(sm.audit_masks(grid, masks))
    """
    _checks.needed("audit", audit, MaskAudit, "audit_masks(grid, visible) makes one")
    axes = many_axes(ax, (2, 3), 3.6)
    grid, found = audit.grid, audit.moments
    draw_mask(axes[0, 0], grid, audit.kept[0])
    axes[0, 0].set_title(f"the first of {audit.n_masks} masks, white is visible")
    _draw_inclusion(axes[0, 1], grid, found.inclusion)
    title = "probability to be kept"
    if not np.isnan(audit.border_bias):
        often = "less" if audit.border_bias < 0 else "more"
        bias = f"{abs(audit.border_bias):.3f} ± {audit.border_bias_stderr:.1g}"
        title += f"\nat the border {bias} {often} than inside"
    axes[0, 1].set_title(title)
    draw_spectrum(axes[0, 2], grid, found.spectrum, off_zero(found.spectrum))
    axes[0, 2].set_title("ρ̂, spectrum of the masks")
    _draw_ratios(axes[1, 0], audit.ratios)
    _draw_distances(axes[1, 1], audit)
    _draw_leakage(axes[1, 2], audit)
    return axes


def _needs_design(name: str, design: object) -> None:
    how = "the functions of spectral_mae.designs make one"
    _checks.needed(name, design, MaskDesign, how)


def _draw_rows(designs: Sequence[MaskDesign], rows: NDArray[Any], rng: Seed) -> None:
    generator = generator_of(rng)
    powers = [expected_mask_power(design=one) for one in designs]
    spectrum_peak = max(off_zero(one.spectrum) for one in designs)
    power_peak = max(off_zero(power) for power in powers)
    for row, one, power in zip(rows, designs, powers, strict=True):
        grid = one.grid
        for ax, kept in zip(row, one.sample_kept(N_MASKS, generator), strict=False):
            draw_mask(ax, grid, kept)
        row[0].set_title(one.text.replace(",n_draws", ",\nn_draws"), loc="left")
        _draw_inclusion(row[N_MASKS], grid, one.inclusion)
        draw_spectrum(row[N_MASKS + 1], grid, one.spectrum, spectrum_peak)
        _draw_power(row[N_MASKS + 2], grid, power, power_peak)
    first = rows[0]
    first[N_MASKS].set_title(f"π₁; {designs[0].mask_ratio:.1%} hidden")
    for row, one in zip(rows[1:], designs[1:], strict=True):
        row[N_MASKS].set_title(f"{one.mask_ratio:.1%} hidden")
    plane = f" at\n{PLANE}" if designs[0].grid.ndim == 3 else ""
    first[N_MASKS + 1].set_title(f"ρ̂{plane}")
    first[N_MASKS + 2].set_title(f"E|M|²{plane}")
    for row in rows[:-1]:
        for ax in row[N_MASKS + 1 :]:
            ax.set_xlabel("")


def off_zero(values: FloatArray) -> float:
    """Return the largest value at other frequencies than zero.

    Parameters
    ----------
    values : ndarray
        A function of frequency in FFT order.

    Returns
    -------
    float
        Its maximum without the first value.
    """
    return float(values.ravel()[1:].max())


def draw_mask(ax: Axes, grid: PatchGrid, kept: NDArray[np.bool_]) -> None:
    """Draw a mask of patches: white where kept, tinted where hidden; of volumes the first slice.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    grid : PatchGrid
        The patches.
    kept : ndarray of bool, shape (L,)
        True where a patch is kept.
    """
    patches = kept.reshape(grid.counts)
    patches = patches[np.newaxis] if grid.ndim == 1 else patches
    plane = patches[0] if grid.ndim == 3 else patches
    colours = np.where(plane[..., np.newaxis], (1.0, 1.0, 1.0), np.array(HIDDEN) * 0.62)
    picture(ax, colours)
    ax.set_aspect("auto" if grid.ndim == 1 else _aspect(grid))
    ax.spines[:].set_visible(True)


def _aspect(grid: PatchGrid) -> float:
    """Height over width of a patch in the plane that is drawn."""
    return grid.patch_size[-2] / grid.patch_size[-1]


def _draw_inclusion(ax: Axes, grid: PatchGrid, inclusion: FloatArray) -> None:
    if grid.ndim == 1:
        ax.plot(inclusion, marker=".", color=BLUE)
        ax.set_ylim(0, 1)
        ax.set_xlabel("patch")
        ax.set_ylabel("π₁")
        return
    plane = inclusion.mean(axis=0) if grid.ndim == 3 else inclusion
    drawn = picture(ax, plane, Normalize(0, 1), RATIO_MAP)
    ax.set_aspect(_aspect(grid))
    color_bar(ax, drawn, "π₁")


def draw_spectrum(
    ax: Axes, grid: PatchGrid, spectrum: FloatArray, peak: float, *, bar: bool = True
) -> None:
    """Draw ρ̂ over the frequencies of the grid of patches.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    grid : PatchGrid
        The patches.
    spectrum : ndarray, shape ``grid.counts``
        ρ̂ in FFT order.
    peak : float
        Upper end of the scale of colours.
    bar : bool
        Whether to draw the scale of colours beside the map.
    """
    norm = LogNorm(peak * SPECTRUM_RANGE, peak)
    drawn = _draw_frequencies(ax, spectrum, grid.counts, norm, "ρ̂")
    if drawn is not None:
        if bar:
            color_bar(ax, drawn, "ρ̂")
        ax.set_xlabel(PER_PATCH)
        ax.set_ylabel("")
    else:
        ax.set_xlabel(f"frequency ({PER_PATCH})")


def _draw_power(ax: Axes, grid: PatchGrid, power: FloatArray, peak: float) -> None:
    norm = LogNorm(peak * POWER_RANGE, peak)
    drawn = _draw_frequencies(ax, power, grid.shape, norm, "E|M|²")
    if drawn is not None:
        color_bar(ax, drawn, "E|M|²")
        ax.set_xlabel("cycles/pixel")
        ax.set_ylabel("")
    else:
        ax.set_xlabel("frequency (cycles/pixel)")


def _draw_frequencies(
    ax: Axes, values: FloatArray, shape: tuple[int, ...], norm: LogNorm, label: str
) -> AxesImage | None:
    """A map over two frequencies, or None where one frequency makes it a line."""
    if len(shape) == 1:
        half = half_from_full(values)
        frequency = np.fft.rfftfreq(shape[0])[1:]
        low = float(norm.vmin or 0.0)
        ax.plot(frequency, shown(half[1:], low), marker="." if len(half) < 50 else "", color=BLUE)
        log_power_axis(ax)
        ax.set_ylabel(label)
        return None
    plane = values[0] if len(shape) == 3 else values
    cells = frequency_cells(half_from_full(plane), plane.shape)
    return frequency_map(ax, cells, plane.shape, (1.0, 1.0), norm, POWER_MAP)


def _draw_ratios(ax: Axes, ratios: FloatArray) -> None:
    values, counts = np.unique(ratios.round(12), return_counts=True)
    if len(values) == 1:
        ax.axvline(values[0], color=BLUE, linewidth=3)
        ax.set_yticks([])
        ax.set_xlim(max(0.0, values[0] - 0.1), min(1.0, values[0] + 0.1))
        ax.set_title(f"every mask hides {values[0]:.4g} of the patches")
    else:
        if len(values) <= 60:
            width = float(np.diff(values).min()) * 0.9
            ax.bar(values, counts / len(ratios), width=width, color=BLUE)
        else:
            weights = np.full(len(ratios), 1 / len(ratios))
            ax.hist(ratios, bins=40, weights=weights, color=BLUE)
        ax.set_ylabel("share of the masks")
        ax.set_title(f"hidden: {ratios.mean():.3f} on average, ± {ratios.std():.3f}")
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("fraction of the patches hidden")


def _draw_distances(ax: Axes, audit: MaskAudit) -> None:
    near = list(audit.distances[:6])
    place = np.arange(len(near))
    totals = [max(one.total, 1e-4) for one in near]
    noisy = [one.within_noise for one in near]
    ax.barh(place, totals, color=[BLUE if one else GRAY for one in noisy])
    noise = [one.noise for one in near]
    ax.plot(noise, place, "|", color=VERMILION, markersize=16, markeredgewidth=2)
    ax.set_xscale("log")
    ax.set_xlim(min(0.01, 0.5 * min(totals)), max(2.0, 1.5 * max(totals)))
    ax.set_ylim(len(near) - 0.5, -0.5)
    ax.set_yticks(place, [_short(one.design.text) for one in near], fontsize=7)
    ax.set_xlabel("distance (red mark: of its own masks)")
    ax.set_title("nearest named designs" + ("\nblue: may be it" if any(noisy) else ""))


def _short(text: str) -> str:
    """The text of a design without its draws, in two lines where it is long."""
    text = text.split(",n_draws", maxsplit=1)[0]
    return text if len(text) <= 24 else text.replace(",", ",\n", 1)


def _draw_leakage(ax: Axes, audit: MaskAudit) -> None:
    leakage = audit.leakage
    place = np.arange(len(leakage.octaves))
    ax.errorbar(place, leakage.ratio, leakage.stderr, fmt="o", color=CYCLE[0], label="these masks")
    near = audit.nearest.design.text.split(",n_draws", maxsplit=1)[0]
    for values, colour, marker, label in (
        (leakage.nearest, CYCLE[1], "_", near if len(near) < 24 else "nearest design"),
        (leakage.uniform, GRAY, "x", "uniform masks"),
    ):
        ax.plot(place, values, marker, color=colour, markersize=11, label=label)
    ax.set_xticks(place, leakage.octaves, rotation=30, ha="right")
    ax.set_ylim(0, 1.35 * float(max(leakage.ratio.max(), leakage.uniform.max())))
    ax.set_xlabel("frequency (cycles/pixel)")
    ax.set_ylabel("leaked / kept power")
    ax.legend(loc="upper right")
    ax.set_title("leakage")
