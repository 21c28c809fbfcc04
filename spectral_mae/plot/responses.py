"""Pictures of what models do to each frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.linear.frequency_response import FrequencyResponse, RadialResponse
from spectral_mae.plot.drawing.figures import named, one_axes
from spectral_mae.plot.drawing.frequency_axes import (
    log_frequency_axis,
    log_power_axis,
    power_label,
    shown,
)
from spectral_mae.plot.drawing.style import CYCLE, GRAY, styled

CURVES = ("gain", "explained", "aliased", "noise")
LABELS = {
    "gain": "gain",
    "explained": "explained",
    "coherence": "coherence",
    "passed": "passed / original",
    "aliased": "aliased / original",
    "noise": "noise / original",
    "error": "error / original",
    "reconstructed": "reconstructed / original",
}
DASHES = ("solid", "dashed", "dotted", "dashdot")

Response = FrequencyResponse | RadialResponse
KINDS = FrequencyResponse, RadialResponse
HOW = "model.frequency_response() of a fitted model makes one"


@styled
def response(
    responses: Response | Mapping[str, Response],
    ax: Axes | None = None,
    *,
    curves: Sequence[str] = CURVES,
) -> Axes:
    """Draw what models do to each frequency, over rings, as fractions of the original power.

    Parameters
    ----------
    responses : FrequencyResponse, RadialResponse, or mapping of str to either
        One response, or responses by label.
    ax : matplotlib.axes.Axes or None
        Where to draw; None makes a new figure.
    curves : sequence of str
        Any of "gain", "explained", "coherence", "passed", "aliased", "noise", "error" and
        "reconstructed". With one model each curve has a colour; with several, each model has one.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    ValueError
        If a curve has another name.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> from spectral_mae import plot
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> def response(ratio):
    ...     return sm.LinearMAE(8, ratio, covariance="stationary").fit(tiles).frequency_response()
    >>> responses = {f"{m:.0%} hidden": response(m) for m in (0.5, 0.9)}
    >>> ax = plot.response(responses, curves=["gain", "aliased"])
    """
    if isinstance(curves, str):
        raise TypeError(f"{curves=} is one name; give a list, [{curves!r}]")
    curves = _checks.items("curves", curves)
    unknown = [curve for curve in curves if not isinstance(curve, str) or curve not in LABELS]
    if unknown:
        raise ValueError(f"curves={_checks.brief(unknown)} are not among {', '.join(LABELS)}")
    several = named("responses", responses, KINDS, HOW)
    if not curves:
        raise ValueError("no curves to draw")
    ax = one_axes(ax)
    frequency: FloatArray = np.empty(0)
    for i, (name, one) in enumerate(several.items()):
        rings = one.radial() if isinstance(one, FrequencyResponse) else one
        frequency = rings.frequency
        for j, curve in enumerate(curves):
            values = _part(rings, curve)
            colour, dash = (j, "solid") if len(several) == 1 else (i, DASHES[j % len(DASHES)])
            label = (
                f"{name}: {LABELS[curve]}" if name and len(curves) > 1 else name or LABELS[curve]
            )
            (line,) = ax.plot(
                frequency, values, color=CYCLE[colour % len(CYCLE)], linestyle=dash, label=label
            )
            if len(several) == 1 and curve == "gain":
                # Gain and explained may be one curve; both are to be seen.
                line.set(linestyle=(0, (4, 4)), zorder=3)
    ax.axhline(0, color=GRAY, linewidth=0.7)
    log_frequency_axis(ax, frequency, (1.0,))
    one_curve = len(curves) == 1
    ax.set_ylabel(LABELS[curves[0]] if one_curve else "part of the original power")
    if len(several) == 1:
        ax.legend()
    else:  # many lines leave no room inside
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return ax


@styled
def response_power(one: Response, ax: Axes | None = None) -> Axes:
    """Draw the power density of the originals, of a model's output, and of its error.

    Channels are summed.

    Parameters
    ----------
    one : FrequencyResponse or RadialResponse
        The response of a model.
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
    >>> image = sm.read_image("builtin:astronaut").pixels
    >>> tiles = image.reshape(8, 64, 8, 64).swapaxes(1, 2).reshape(-1, 64, 64)
    >>> model = sm.LinearMAE(8, 0.75, covariance="stationary").fit(tiles)
    >>> ax = plot.response_power(model.frequency_response())
    """
    _checks.needed("one", one, KINDS, HOW)
    ax = one_axes(ax)
    rings = one.radial() if isinstance(one, FrequencyResponse) else one
    floor = 1e-14 * float(rings.original.max(initial=0.0))
    for name, dash in (
        ("original", "solid"),
        ("reconstructed", "solid"),
        ("error", "solid"),
        ("passed", "dashed"),
        ("aliased", "dashed"),
        ("noise", "dashed"),
    ):
        ax.plot(rings.frequency, shown(getattr(rings, name), floor), linestyle=dash, label=name)
    log_frequency_axis(ax, rings.frequency, (1.0,))
    log_power_axis(ax)
    ndim = len(one.shape) if isinstance(one, FrequencyResponse) else 2
    ax.set_ylabel(power_label("density", (1.0,) * ndim))
    ax.legend()
    return ax


def _part(rings: RadialResponse, curve: str) -> FloatArray:
    """A curve as part of the original power."""
    values: FloatArray = getattr(rings, curve)
    if curve in ("gain", "explained", "coherence"):
        return values
    none = np.full(values.shape, np.nan)
    return np.divide(values, rings.original, out=none, where=rings.original > 0)
