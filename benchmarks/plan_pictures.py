"""The picture of predictions beside trainings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.plan_comparison import Comparison, Correlation
from spectral_mae import plot

MARKERS = "osD^v"
TITLES = {"cifar10": "CIFAR-10", "textures": "textures"}


def draw(comparisons: Sequence[Comparison], octaves: Sequence[str], path: Path) -> None:
    """A row for each set of images: errors, rank correlations by octave, and probes."""
    figure, axes = plot.new_figure(len(comparisons), 3, width=15, height=4.6 * len(comparisons))
    for comparison, row in zip(comparisons, axes, strict=True):
        title = TITLES.get(comparison.data, comparison.data)
        with plot.style():
            _errors(comparison, row[0])
            row[0].set_title(f"{title}: rank correlation {_short(comparison.errors[0])}")
            _octaves(comparison, octaves, row[1])
            row[1].set_title(f"{title}: rank correlation of errors by octave")
            _probes(comparison, row[2])
            row[2].set_title(f"{title}: rank correlation {_short(comparison.probe)}")
    plot.save(figure, path)


def _short(found: Correlation) -> str:
    return f"{found.value:+.2f}".replace("-", "−")


def _points(
    comparison: Comparison, ax: Any, values: Sequence[float], bars: Sequence[float]
) -> None:
    """Predicted errors against something: colours are kinds of designs, markers patch sizes."""
    kinds = list(dict.fromkeys(one.design.split(":")[0] for one in comparison.settings))
    sizes = sorted({one.patch_size for one in comparison.settings})
    half = np.median([one.hidden for one in comparison.settings])
    for one, value, bar in zip(comparison.settings, values, bars, strict=True):
        color = f"C{kinds.index(one.design.split(':')[0])}"
        ax.errorbar(
            one.predicted_error[0], value, bar, marker=MARKERS[sizes.index(one.patch_size)],
            color=color, markerfacecolor=color if one.hidden > half else "white",
            linestyle="none", elinewidth=0.8, capsize=2,
        )  # fmt: skip
    for i, kind in enumerate(kinds):
        ax.plot([], [], marker="s", linestyle="none", color=f"C{i}", label=kind.replace("_", " "))
    for size in sizes:
        ax.plot([], [], marker=MARKERS[sizes.index(size)], linestyle="none", color="gray",
                label=f"patches of {size}")  # fmt: skip
    ax.set_xlabel("predicted error / power of hidden pixels")


def _errors(comparison: Comparison, ax: Any) -> None:
    settings = comparison.settings
    _points(
        comparison, ax, [one.error[0] for one in settings],
        [one.spread_of_error for one in settings],
    )  # fmt: skip
    predicted = [one.predicted_error[0] for one in settings]
    ends = [min(predicted), max(predicted)]
    ax.plot(ends, ends, color="gray", linewidth=0.8, label="equal")
    ax.set_ylabel("error / power, trained models")
    ax.legend(fontsize="small")


def _octaves(comparison: Comparison, octaves: Sequence[str], ax: Any) -> None:
    names = ["all", *octaves]
    value, low, high = np.array(comparison.errors).T
    place = np.arange(len(names))
    ax.errorbar(place, value, [value - low, high - value], marker="o", linestyle="none", capsize=3)
    ax.axhline(0, color="gray", linewidth=0.8)
    ax.set_xticks(place, names, rotation=30, ha="right")
    ax.set(ylim=(-1.05, 1.05), xlabel="octave (cycles/pixel)", ylabel="rank correlation")


def _probes(comparison: Comparison, ax: Any) -> None:
    settings = comparison.settings
    bars = [max(one.spread_of_accuracy, one.rows[0]["accuracy_stderr"]) for one in settings]
    _points(comparison, ax, [one.accuracy for one in settings], bars)
    ax.set_ylabel("accuracy of a linear probe")
