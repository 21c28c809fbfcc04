"""Pictures of masks and of what they do: Fig. 22, the grating, leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae.masked_spectra.expectation import expected_mask_power
from spectral_mae.masked_spectra.leaked_power import Leakage, RadialLeakage
from spectral_mae.masks import pulses
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.plot.cells import frequency_cells, pixel_cells
from spectral_mae.plot.drawing.figures import color_bar, many_axes, one_axes
from spectral_mae.plot.drawing.frequency_axes import (
    PLANE,
    frequency_map,
    log_frequency_axis,
    log_power_axis,
    plane_of,
    unit_of,
)
from spectral_mae.plot.drawing.style import BLUE, CYCLE, GRAY, HIDDEN, POWER_MAP, RATIO_MAP, styled
from spectral_mae.plot.spectra import common_limits, power_range
from spectral_mae.spectra.frequencies import half_from_full
from spectral_mae.spectra.periodogram import psd

PANEL = 512  # cells along an axis, of one of many small pictures


@styled
def masking(
    image: FloatArray, masks: Sequence[PulseMask], ax: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Draw an image and masked copies of it above their power spectra, as in the paper's Fig. 22.

    The columns are the image, then mask and masked image for each mask. Below each stands its power
    spectral density. All densities share one colour scale; its bar is at the right.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Gray values. Values outside [0, 1] widen the gray scale of the pictures and do not change
        the spectra.
    masks : sequence of PulseMask
        Masks of the shape of the image.
    ax : ndarray of Axes, shape (2, 1 + 2·len(masks)), or None
        Where to draw; None makes a new figure.

    Returns
    -------
    ndarray of Axes, shape (2, 1 + 2·len(masks))
        The axes.

    Raises
    ------
    ValueError
        If ``image`` is not an image of gray values, or ``ax`` has another shape.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels[:256, :256]
    >>> masks = [sm.PulseMask.random(sm.PatchGrid(image.shape, p), 0.75, rng=0) for p in (8, 32)]
    >>> ax = plot.masking(image, masks)
    """
    image = _checks.real_array("image", image).astype(np.float64)
    if image.ndim != 2:
        raise ValueError(f"an image of shape {image.shape} is not one of gray values, (H, W)")
    if isinstance(masks, PulseMask):
        raise TypeError(f"masks={masks!r} is one mask; give a list, [mask]")
    masks = _checks.items("masks", masks)
    for mask in masks:
        _checks.needed("a mask", mask, PulseMask, "PulseMask.random(grid, mask_ratio) makes one")
        if mask.shape != image.shape:
            raise ValueError(f"{mask!r} does not fit an image of shape {image.shape}")
    ax = many_axes(ax, (2, 1 + 2 * len(masks)), 2.1)
    # Of large images only what is drawn is kept of a column when the next one is made.
    columns = [_Column.of("image", image)]
    for mask in masks:
        patch = "×".join(str(p) for p in mask.patch_size)
        columns.append(_Column.of(f"mask, {patch} px", mask.visible))
        title = f"masked, {mask.mask_ratio:.0%} hidden"
        columns.append(_Column.of(title, image * mask.visible))
    low, high = common_limits(column.range for column in columns)
    norm = LogNorm(low, high)
    dark, bright = min(0.0, float(image.min())), max(1.0, float(image.max()))
    drawn = None
    for column, content in enumerate(columns):
        top, bottom = ax[:, column]
        ends = (0.0, 1.0) if content.title.startswith("mask,") else (dark, bright)
        top.imshow(
            content.pixels,
            cmap="gray",
            vmin=ends[0],
            vmax=ends[1],
            interpolation="nearest",
        )
        top.set_title(content.title)
        top.spines[:].set_visible(True)  # of a mask that keeps nearly all
        top.set_xticks([])
        top.set_yticks([])
        drawn = frequency_map(bottom, content.power, image.shape, (1.0, 1.0), norm, POWER_MAP)
        if column:
            bottom.set_ylabel("")
            bottom.set_yticklabels([])
        bottom.set_xlabel("horizontal\n(cycles/pixel)")
    ax[1, 0].set_ylabel("vertical\n(cycles/pixel)")
    bar = ax[1, -1].figure.colorbar(drawn, ax=list(ax[1]), shrink=0.9, pad=0.01, extend="both")
    bar.set_label("power density\n(per (cycle/pixel)²)")
    return ax


@dataclass(frozen=True, eq=False)
class _Column:
    """Pixels and power density as cells of a picture, and the range of the density."""

    title: str
    pixels: NDArray[Any]
    power: FloatArray
    range: tuple[float, float] | None

    @classmethod
    def of(cls, title: str, pixels: NDArray[Any]) -> Self:
        """Of some pixels."""
        density = psd(pixels)
        cells = frequency_cells(density.power, density.shape, PANEL)
        return cls(title, pixel_cells(pixels, PANEL), cells, power_range(density))


@styled
def masked_image(image: FloatArray, weights: FloatArray, ax: Axes | None = None) -> Axes:
    """Draw a gray image under a mask, with hidden pixels in a tint.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Gray values. Those from 0 to 1 are shown from black to white; other ranges are stretched
        from the smallest to the largest hundredth of the visible ones. Hidden pixels may be NaN.
    weights : ndarray, shape (H, W)
        The mask (0 hides, 1 keeps), or weights between 0 and 1.
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
    >>> image = sm.read_image("builtin:camera").pixels
    >>> visible = sm.PulseMask.random(sm.PatchGrid(image.shape, 32), 0.75, rng=0).visible
    >>> ax = plot.masked_image(image, visible)
    """
    seen = _checks.real_array("weights", weights)
    pixels = _checks.real_pixels("image", image)
    if pixels.ndim != 2 or seen.shape != pixels.shape:
        raise ValueError(
            f"image of shape {pixels.shape} and weights of shape {seen.shape} are not both (H, W)"
        )
    _checks.expect_finite("image", pixels, seen)
    ax = one_axes(ax)
    pixels = np.where(seen != 0, pixels, 0.0)
    low, high = 0.0, 1.0
    visible = pixels[seen != 0]
    if visible.size and (visible.min() < 0 or visible.max() > 1):
        low, high = np.percentile(visible, [1, 99]).tolist()
    gray = np.clip((pixels - low) / ((high - low) or 1.0), 0, 1)[..., np.newaxis]
    share = seen[..., np.newaxis]
    ax.imshow(gray * share + np.array(HIDDEN) * (1 - share), interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_title(f"{1 - share.mean():.0%} hidden")
    return ax


@styled
def grating(
    grid: PatchGrid | None = None,
    mask_ratio: float | None = None,
    ax: NDArray[Any] | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
) -> NDArray[Any]:
    """Draw E|M|² of a random mask over frequency: a map with its zeros marked, and a section.

    The zeros form a grid of lines, the *grating*.

    Parameters
    ----------
    grid : PatchGrid or None
        The grid of an image; None with ``design=``.
    mask_ratio : float or None
        Fraction of patches hidden, between 0 and 1; None with ``design=``.
    ax : ndarray of Axes, shape (2,), or None
        Axes of the map and of the cut; None makes a new figure.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    design : MaskDesign or None
        In place of grid, mask ratio and sampling: any design of `spectral_mae.designs`.

    Returns
    -------
    ndarray of Axes, shape (2,)
        The axes.

    Raises
    ------
    ValueError
        If the grid does not have two axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> ax = plot.grating(sm.PatchGrid((128, 128), 16), 0.75)
    """
    design = design_on(grid, mask_ratio, sampling=sampling, design=design)
    grid = design.grid
    if grid.ndim != 2:
        raise ValueError(f"a grating has two axes; the grid has shape={grid.shape}")
    power = expected_mask_power(design=design)
    height, width = grid.shape
    peak = float(np.max(power.ravel()[1:]))
    ax = many_axes(ax, (2,), 4.2)
    norm = LogNorm(peak * 1e-5, peak)
    cells = frequency_cells(half_from_full(power), grid.shape)
    image = frequency_map(ax[0], cells, grid.shape, (1.0, 1.0), norm, POWER_MAP)
    color_bar(ax[0], image, "E|M|² (pixels²)")
    zeros = [
        np.fft.fftfreq(n)[pulses.grating_zeros(n, p)]
        for n, p in zip((height, width), grid.patch_size, strict=True)
    ]
    for axis, at in ((ax[0].xaxis, zeros[1]), (ax[0].yaxis, zeros[0])):
        axis.set_ticks(at, minor=True)
        axis.remove_overlapping_locs = False  # a zero on a labelled tick is shown too
    ax[0].tick_params(which="minor", color=BLUE, length=5, width=1)
    grating_section(power, np.abs(zeros[1]), ax[1])
    marked = " (blue ticks: zeros)" if len(zeros[0]) + len(zeros[1]) else ""
    named = "" if design.uniform is not None else f"{design.text}, "
    ax[0].set_title(f"{named}patches of {'×'.join(map(str, grid.patch_size))} px{marked}")
    ax[1].set_title("cut along the horizontal axis")
    if len(zeros[1]):
        ax[1].legend(loc="upper right")
    return ax


@styled
def grating_section(power: FloatArray, zeros: FloatArray, ax: Axes) -> Axes:
    """Draw the power of a random mask along the horizontal axis of frequency.

    Parameters
    ----------
    power : ndarray, shape (H, W)
        E|M|², as `expected_mask_power` returns it.
    zeros : ndarray
        Where it is zero for every mask, in cycles/pixel.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.
    """
    width = power.shape[1]
    peak = float(np.max(power.ravel()[1:]))
    frequency = np.fft.rfftfreq(width)[1:]
    cut = power[0, 1 : width // 2 + 1]
    # A design may have no power at every other frequency: the line falls to zeros, with no gaps.
    ax.semilogy(frequency, np.maximum(cut, peak * 1e-9), color=BLUE)
    ax.vlines(
        zeros,
        peak * 1e-5,
        peak,
        color=GRAY,
        linewidth=0.7,
        linestyles="dashed",
        label="zeros of every mask",
    )
    ax.set_ylim(peak * 1e-5, peak * 10)
    ax.set_xlim(0, 0.505)  # a zero at 0.5 is not hidden by the end of the axis
    ax.set_ylabel("E|M|² at vertical frequency 0 (pixels²)")
    ax.set_xlabel("horizontal frequency (cycles/pixel)")
    return ax


@styled
def leakage(
    result: Leakage | RadialLeakage, ax: Axes | None = None, *, label: str | None = None
) -> Axes:
    """Draw leakage: a map over the frequencies of an image, or a line over rings.

    Of a volume the map is the plane of zero frequency along the first axis, as the title says.
    Leakage is the power that masking moves to a frequency, relative to what the mask leaves of the
    original power there.

    Parameters
    ----------
    result : Leakage or RadialLeakage
        What to draw.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    label : str or None
        Label of the line.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:camera").pixels[:256, :256]
    >>> figure, axes = plot.new_figure(1, 2, width=9, height=4)
    >>> ax = plot.leakage(sm.leakage(image, 16, 0.75, detrend="constant"), axes[0, 0])
    >>> for size in (8, 16, 32):
    ...     leak = sm.leakage(image, size, 0.75, detrend="constant")
    ...     ax = plot.leakage(leak.radial(), axes[0, 1], label=f"{size} px")
    >>> legend = ax.legend()
    """
    kinds = Leakage, RadialLeakage
    _checks.needed("result", result, kinds, "leakage(image, patch_size, mask_ratio) makes one")
    ax = one_axes(ax)
    if isinstance(result, RadialLeakage):
        ax.plot(result.frequency, _finite(result.ratio), label=label)
        log_frequency_axis(ax, result.frequency, result.fs, result.labels)
        log_power_axis(ax)
        ax.set_ylabel("leaked / kept power")
        return ax
    if len(result.shape) == 1:
        ax.plot(result.frequencies[0], _finite(result.power), label=label)
        log_power_axis(ax)
        ax.set_xlabel(f"frequency ({unit_of(result.kept.fs, result.labels)})")
        ax.set_ylabel("leaked / kept power")
        return ax
    leaked, kept = (plane_of(part) for part in result.parts)
    ratio = result.ratio_of(*(frequency_cells(s.power, s.shape) for s in (leaked, kept)))
    usable = ratio[np.isfinite(ratio) & (ratio > 0)]
    low, high = np.quantile(usable, [0.01, 0.99]) if usable.size else (0.1, 10.0)
    norm = LogNorm(low, max(high, low * 1.01))
    image = frequency_map(ax, ratio, kept.shape, kept.fs, norm, RATIO_MAP, kept.labels)
    if kept is not result.kept:
        ax.set_title(PLANE)
    color_bar(ax, image, "leaked / kept power")
    return ax


@styled
def octaves(
    values: Mapping[str, Sequence[Sequence[float]]],
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    legend: bool = True,
) -> Axes:
    """Draw the leakage of many images by octave: a dot for each image and a bar at the median.

    An octave is a band of frequencies whose upper end is twice its lower end. Infinite values are
    triangles at the top edge; the median includes them.

    Parameters
    ----------
    values : mapping of str to sequence of sequence of float
        For each label and each octave, the numbers of the images.
    names : sequence of str
        Names of the octaves.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    legend : bool
        Whether to draw a legend.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(4, 128, 4, 128).swapaxes(1, 2).reshape(-1, 128, 128)
    >>> edges = sm.octave_edges((128, 128))
    >>> def by_octave(size):
    ...     leaks = [sm.leakage(tile, size, 0.75, detrend="constant") for tile in tiles]
    ...     return list(zip(*(leak.radial(edges).ratio for leak in leaks)))
    >>> values = {f"{size} px": by_octave(size) for size in (8, 16)}
    >>> ax = plot.octaves(values, sm.octave_names((128, 128)))
    """
    if not isinstance(values, Mapping) or not values:
        raise ValueError(f"values={_checks.brief(values)} holds no numbers by octave under a label")
    names = _checks.items("names", names)
    found_by = {
        label: [
            _checks.real_pixels(f"values[{label!r}]", found)
            for found in _checks.items(f"values[{label!r}]", by_octave)
        ]
        for label, by_octave in values.items()
    }
    for label, by_octave in found_by.items():
        if len(by_octave) != len(names) or any(found.ndim != 1 for found in by_octave):
            raise ValueError(
                f"values[{label!r}] are not {len(names)} sequences of numbers, one for each name"
            )
    legend = _checks.flag("legend", legend)
    ax = one_axes(ax)
    step = 0.8 / len(values)
    spread = np.random.default_rng(0)
    for i, (label, by_octave) in enumerate(found_by.items()):
        colour = CYCLE[i % len(CYCLE)]
        middle = np.arange(len(names)) + (i - (len(values) - 1) / 2) * step
        for x, found in zip(middle, by_octave, strict=True):
            if len(found) == 0:
                continue
            value = found
            place = x + spread.uniform(-0.25, 0.25, value.size) * step
            bar = [x - 0.4 * step, x + 0.4 * step]
            ax.plot(bar, _finite(np.array([np.median(value)] * 2)), color=colour, linewidth=2)
            ax.plot(place, _finite(value), ".", color=colour, markersize=5, alpha=0.5)
            for at in place[np.isposinf(value)]:
                ax.annotate(
                    "▲",
                    (at, 0.985),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    va="top",
                    color=colour,
                    fontsize=6,
                    in_layout=False,
                )
        ax.plot([], [], color=colour, linewidth=2.5, label=label)
    log_power_axis(ax)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlabel("frequency (cycles/pixel)")
    ax.set_ylabel("leaked / kept power")
    if legend:
        ax.legend()
    return ax


def _finite(ratio: FloatArray) -> FloatArray:
    """Values that a logarithmic axis can show, NaN (a gap) elsewhere."""
    return np.where(np.isfinite(ratio) & (ratio > 0), ratio, np.nan)
