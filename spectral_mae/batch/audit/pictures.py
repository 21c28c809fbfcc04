"""The pictures of an audit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spectral_mae import plot
from spectral_mae.batch.pages.picture import Picture
from spectral_mae.batch.pages.saving import save_lines

if TYPE_CHECKING:
    from spectral_mae.nonlinear.auditing.result import AuditResult

PANELS = (
    ("explained", "explained"),
    ("gain", "gain"),
    ("coherence", "coherence γ²"),
    ("aliased", "aliased / original"),
    ("noise", "noise / original"),
    ("reconstructed", "reconstructed / original"),
)
SHORT = {"best linear map": "linear", "best linear map per mask": "linear, per mask"}
LOWEST, HIGHEST = -1.0, 1.05  # of the axis of explained power; what is below leaves it


def draw_pictures(folder: Path, result: AuditResult) -> Iterator[Picture]:
    """Draw the pictures of an audit into a folder.

    Parameters
    ----------
    folder : Path
        Where to write; it exists.
    result : AuditResult
        What was found.

    Yields
    ------
    Picture
        One after the other.
    """
    yield _strips(folder / "strips.png", result)
    yield _octaves(folder / "octaves.png", result)
    yield _responses(folder / "responses.png", result)
    if result.fields:
        yield _fields(folder / "fields.png", result)
    if result.tokens is not None:
        yield _tokens(folder / "tokens.png", result)


def _strips(path: Path, result: AuditResult) -> Picture:
    strips = result.strips
    outputs = {SHORT.get(name, name): one for name, one in strips.outputs.items()}
    n, columns = len(strips.originals), 2 + len(outputs)
    height = 2.0 * n * result.design.grid.shape[0] / result.design.grid.shape[1]
    figure, axes = plot.new_figure(n, columns, width=2.0 * columns, height=height + 0.3)
    plot.strips(strips.originals, strips.visible, outputs, axes)
    plot.save(figure, path)
    what = "standardised patches" if result.units == "patches" else "pixels"
    return Picture(
        path.name,
        "What the models make of some images",
        f"The image, what is visible of it, and the hidden {what} as the model, the best linear "
        "map and the best linear map per mask fill them in. The linear models were fitted to other "
        "images.",
    )


def _octaves(path: Path, result: AuditResult) -> Picture:
    figure, axes = plot.new_figure(1, 2, width=12.0, height=4.0)
    explained = {
        name: (curves["explained"].value, curves["explained"].stderr)
        for name, curves in result.bands.items()
    }
    plot.estimates(explained, result.octaves, axes[0, 0], label="explained")
    _from_lowest_to_one(axes[0, 0])
    gaps = {
        f"model − {name}": (one.value[:-1], one.stderr[:-1])
        for name, one in result.differences.items()
    }
    plot.estimates(gaps, result.octaves, axes[0, 1], label="difference of explained")
    _from_lowest_to_one(axes[0, 1], min(HIGHEST, axes[0, 1].get_ylim()[1]))
    for axis in axes[0]:
        axis.set_xlabel("frequency (cycles/pixel)")
        axis.tick_params(axis="x", labelsize="small")
    save_lines(figure, path)
    return Picture(
        path.name,
        "Explained power by octave of frequency",
        "1 − error/original in each octave, with bars of one standard error over the images. "
        "Left: each model; at 0 a reconstruction is as far from the image as the mean image is, "
        "below 0 farther. Right: the model minus each linear model, on the same images and masks. "
        "Above 0 the model is better. Points below −1 are not shown.",
        vector=True,
    )


def _from_lowest_to_one(axis: Any, highest: float = HIGHEST) -> None:
    """Give the axis of explained power ends of its own: an outlier below would squeeze the rest."""
    axis.set_ylim(max(LOWEST, axis.get_ylim()[0]), highest)


def _responses(path: Path, result: AuditResult) -> Picture:
    figure, axes = plot.new_figure(2, 3, width=12.0, height=6.4)
    for axis, (curve, label) in zip(axes.flat, PANELS, strict=True):
        plot.response(result.responses, axis, curves=[curve])
        axis.set_ylabel(label)
        if curve == "explained":
            _from_lowest_to_one(axis)
        lines, labels = axis.get_legend_handles_labels()
        axis.get_legend().remove()
    figure.legend(lines, labels, loc="outside upper center", ncols=len(labels))
    save_lines(figure, path)
    together = (
        " Each reconstruction is put together from outputs under several masks, so that every "
        "patch is hidden from what fills it in. Patches of different masks do not fit each other "
        "exactly; the steps between them add to the noise of all models at high frequencies."
        if result.target == "hidden"
        else ""
    )
    return Picture(
        path.name,
        "What becomes of each frequency",
        "Over rings of frequency. Explained: the part of the power that is reconstructed right. "
        "Gain: what is left of the amplitude. Coherence: the part of the reconstructed power that "
        "the image predicts at the same frequency. Aliased: power that comes from other "
        "frequencies, linearly or not. Noise: power that changes with the mask. Reconstructed: all "
        f"power of the reconstruction, passed + aliased + noise.{together}",
        vector=True,
    )


def _fields(path: Path, result: AuditResult) -> Picture:
    n = len(result.fields)
    rows, columns = result.design.grid.shape
    height = min(max(3.5 * rows / columns, 1.2), 8.0) + 0.4
    figure, axes = plot.new_figure(1, n, width=4.4 * n + 0.6, height=height)
    for axis, (name, field) in zip(axes[0], result.fields.items(), strict=True):
        plot.receptive_field(field, axis, log=True)
        axis.set_title(f"{name}: mean distance {field.mean_distance:.1f} px", size="medium")
    plot.save(figure, path)
    channels = " (green out, all channels in, summed)" if result.channels == 3 else ""
    return Picture(
        path.name,
        "Receptive field of a hidden pixel",
        "The derivative of the pixel marked + with respect to each input pixel, averaged over "
        f"images and over masks that hide its patch (outlined){channels}. The scale is "
        "logarithmic in both signs. Directions in which images have almost no power leave the "
        "weights of the linear map there undetermined, so compare where weights lie rather than "
        "how large they are.",
    )


def _tokens(path: Path, result: AuditResult) -> Picture:
    assert result.tokens is not None
    figure, axes = plot.new_figure(1, 1, width=7.6, height=4.2)
    frequency, power = result.tokens.radial()
    plot.token_spectra(frequency, dict(zip(result.tokens.layers, power, strict=True)), axes[0, 0])
    plot.save(figure, path)  # its darkest colours need a white page
    return Picture(
        path.name,
        "Spectra of the tokens, layer by layer",
        "Power of the output of each block over frequency on the grid of patches, for whole "
        "images, about the mean token at each place, summed over features. Each line is divided by "
        "its mean. A line that falls more steeply is of tokens that are more alike in neighbouring "
        "patches.",
    )
