"""Draw the pictures of the landing page and of the page on power spectra, in ``docs/pictures``.

``python docs/pictures.py``. All are drawn from images inside scikit-image and from random fields of
known spectrum. Their background is transparent and their text gray, so that they can be read on
light and on dark pages.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import spectral_mae as sm

PICTURES = Path(__file__).with_name("pictures")
GRAY, BLUE, ORANGE, GREEN = "#7d7d7d", "#2b86cf", "#e07214", "#1f9d6b"  # 3:1 on white and on black


def _figure(width: float, height: float) -> Figure:
    from matplotlib import rcParams

    rcParams.update({"font.size": 10.5, "axes.edgecolor": GRAY, "axes.linewidth": 0.8})
    for name in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
        rcParams[name] = GRAY
    return Figure(figsize=(width, height), layout="constrained")


def _show(ax: Axes, image: np.ndarray, title: str, visible: np.ndarray | None = None) -> None:
    """Show an image without axes; hidden pixels are see-through, and bordered by gray."""
    low, high = np.quantile(image, (0.005, 0.995))
    gray = np.repeat(np.clip((image - low) / (high - low), 0, 1)[..., None], 4, axis=-1)
    gray[..., 3] = 1.0
    if visible is not None:
        gray[~visible] = (0.5, 0.5, 0.5, 0.25)
    ax.imshow(gray, interpolation="nearest" if visible is not None else "antialiased")
    ax.set_title(title, fontsize="medium")
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)


def _curves(ax: Axes) -> None:
    ax.set_facecolor("none")
    ax.spines[["top", "right"]].set_visible(False)
    ax.minorticks_off()


def landing() -> Figure:
    """An image, a mask over it, and the exact mean spectrum under masks with its leakage."""
    image = sm.resize_and_crop(sm.read_image("builtin:cat"), 224).pixels
    image = image - image.mean()
    visible = sm.sample_visible(sm.PatchGrid(image.shape, 16), 0.75, 1, rng=4)[0]
    figure = _figure(9.2, 2.6)
    first, second, curves = figure.subplots(1, 3, width_ratios=(1, 1, 1.9))
    _show(first, image, "an image")
    _show(second, image, "75 % hidden", visible)
    masked = sm.expected_masked_psd(image, 16, 0.75).radial()
    kept = sm.psd(image).radial()
    share = sm.inclusion_probabilities(196, 0.75)[0] ** 2
    inside = (kept.frequency > 0.004) & (kept.frequency < 0.5)
    f, own, seen = kept.frequency[inside], share * kept.power[inside], masked.power[inside]
    curves.fill_between(f, own, seen, color=ORANGE, alpha=0.3, linewidth=0)
    curves.loglog(f, seen, color=ORANGE, linewidth=1.8)
    curves.loglog(f, own, color=BLUE, linewidth=1.8)
    at = np.searchsorted(f, 0.12)
    curves.text(f[at], 2.2 * seen[at], "seen under the mask", color=ORANGE, fontweight="bold")
    curves.text(
        0.0065, 0.25 * own[2], "kept of\nthe image", color=BLUE, fontweight="bold", va="top"
    )
    curves.annotate(
        "leakage: power from\nother frequencies",
        (0.15, np.sqrt(np.interp(0.15, f, own) * np.interp(0.15, f, seen))),
        (0.018, own[-1] * 1.6),
        color=GRAY,
        arrowprops={"arrowstyle": "-", "color": GRAY},
    )
    curves.set_xlabel("frequency (cycles/pixel)")
    curves.set_title("power spectrum, mean over all masks", fontsize="medium")
    curves.set_yticks([])
    curves.set_xticks([0.01, 0.1, 0.5], ["0.01", "0.1", "0.5"])
    _curves(curves)
    return figure


def map_with_gaps() -> tuple[np.ndarray, np.ndarray]:
    """The map of the page on power spectra, and where it is known."""
    sky = sm.fields.gaussian_fields(sm.fields.power_law((512, 512), -11 / 3), 1, rng=0)[0]
    sky = sky[100:356, 100:356]
    y, x = np.mgrid[:256, :256]
    known = np.abs(y + 0.4 * x - 190) > 10
    rng = np.random.default_rng(2)
    for row, column, radius in rng.uniform((0, 0, 1.5), (256, 256, 7), (150, 3)):
        known &= np.hypot(y - row, x - column) > radius
    return sky, known


def spectra() -> Figure:
    """A map with gaps, and its spectrum: true, of zeros in the gaps, and unmasked."""
    sky, known = map_with_gaps()
    figure = _figure(8.2, 2.9)
    first, second, curves = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    _show(first, sky, "the map")
    _show(second, sky, f"what was measured: {known.mean():.0%}", known)
    true = sm.psd(sky, detrend="constant", window="hann").radial()
    zeros = sm.psd(sky, visible=known, detrend="constant").radial()
    unmasked = sm.unmasked_psd(sky, known, prewhiten="gradient", wrap=False).radial()
    curves.loglog(true.frequency[1:], true.power[1:], color=GRAY, linewidth=3.5, alpha=0.6)
    curves.loglog(zeros.frequency[1:], zeros.power[1:], color=ORANGE, linewidth=1.6)
    curves.loglog(unmasked.frequency[1:], unmasked.power[1:], color=BLUE, linewidth=1.2)
    for text, color, height in (
        ("gaps set to zero", ORANGE, 0.93),
        ("unmasked_psd", BLUE, 0.82),
        ("true spectrum", GRAY, 0.71),
    ):
        curves.text(
            0.97,
            height,
            text,
            color=color,
            fontweight="bold",
            ha="right",
            transform=curves.transAxes,
        )
    curves.set_xlabel("frequency (cycles/pixel)")
    curves.set_ylabel("power density")
    _curves(curves)
    return figure


def wave() -> Figure:
    """Two waves and a photograph, and the power spectrum of each."""
    y, x = np.mgrid[:128, :128]
    slow = np.cos(2 * np.pi * 4 * x / 128)
    fast = np.cos(2 * np.pi * (20 * y + 12 * x) / 128)
    photograph = sm.resize_and_crop(sm.read_image("builtin:camera"), 128).pixels
    figure = _figure(8.2, 4.2)
    above, below = figure.subplots(2, 3)
    names = ("a slow wave", "a slow and a fast wave", "a photograph: all waves at once")
    for image, name, top, bottom in zip(
        (slow, slow + fast, photograph), names, above, below, strict=True
    ):
        _show(top, image, name)
        power = np.fft.fftshift(sm.psd(image, detrend="constant", window="hann").full())
        db = 10 * np.log10(power / power.max() + 1e-12)
        bottom.imshow(db, vmin=-60, vmax=0, cmap="magma", extent=(-0.5, 0.5, 0.5, -0.5))
        bottom.set_xticks([-0.5, 0, 0.5])
        bottom.set_yticks([-0.5, 0, 0.5])
        bottom.set_xlabel("horizontal frequency")
    below[0].set_ylabel("vertical frequency\n(cycles/pixel)")
    return figure


def main() -> None:
    """Draw all."""
    PICTURES.mkdir(exist_ok=True)
    for draw in (landing, spectra, wave):
        path = PICTURES / f"{draw.__name__}.png"
        draw().savefig(path, dpi=160, transparent=True, metadata={"Software": None})


if __name__ == "__main__":
    main()
