"""The pictures of `benchmarks.nonlinear_cifar`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae._checks import FloatArray


@dataclass(frozen=True)
class Jacobians:
    """What derivatives of models say.

    Attributes
    ----------
    spectra : dict
        Singular values under one mask, by stage; the linear model last.
    fields : dict
        Mean receptive fields by model.
    """

    spectra: Mapping[str, FloatArray]
    fields: Mapping[str, sm.ReceptiveField]


def overview(path: Path, history, errors, responses, jacobians: Jacobians, deviation) -> None:
    """Losses, responses, spectra of Jacobians, receptive fields."""
    figure, axes = plot.new_figure(2, 3, width=12.5, height=7.8)
    scale = float((deviation**2).mean())
    _, *linear = errors
    lines = {name: errors[name] / scale for name in linear}
    plot.training(history, axes[0, 0], lines=lines)
    axes[0, 0].set_title("loss of hidden pixels")
    plot.response(dict(responses), axes[0, 1], curves=("explained", "gain"))
    axes[0, 1].set_title("hidden pixels, by frequency")
    spectra(jacobians.spectra, axes[0, 2])
    for ax, (name, field) in zip(axes[1], jacobians.fields.items(), strict=False):
        plot.receptive_field(field, ax, log=True)
        ax.set_title(f"mean weights of a hidden pixel:\n{name}")
    plot.weight_by_distance(dict(jacobians.fields), axes[1, 2])
    axes[1, 2].set_title("the same against distance")
    plot.save(figure, path)


def spectra(values: Mapping[str, FloatArray], ax: Any) -> None:
    """Singular values by place."""
    *_, last = values
    with plot.style():
        for name, one in values.items():
            colour = {"color": "black", "linestyle": "dashed"} if name == last else {}
            ax.plot(np.arange(1, len(one) + 1), one, label=name, **colour)
        ax.set(xscale="log", yscale="log", ylim=(1e-4, None), xlabel="place")
        ax.set(ylabel="singular value", title="Jacobian at one masked image")
        ax.legend()


def power(path: Path, responses) -> None:
    """Power of reconstructions against that of the images, a panel for each model."""
    figure, axes = plot.new_figure(1, len(responses), width=12.5, height=3.9, sharey=True)
    for ax, (name, one) in zip(axes[0], responses.items(), strict=True):
        plot.response_power(one, ax)
        ax.set_title(name)
        ax.label_outer()
        if ax is not axes[0, 0]:
            ax.get_legend().remove()
    plot.save(figure, path)


def layers(path: Path, alike: Mapping[int, FloatArray], probes) -> None:
    """How alike layers are, and what a probe reads over the stages of training."""
    figure, axes = plot.new_figure(1, 3, width=13, height=4.0)
    last = next(iter(alike))
    for ax, (epoch, values) in zip(axes[0], alike.items(), strict=False):
        plot.layer_similarity(values, ax, rows=f"epoch {last}", columns=f"epoch {epoch}")
        ax.set_title("the trained encoder and itself" if epoch == last else "and before training")
    ax = axes[0, 2]
    *stages, pixels = probes
    with plot.style():
        epochs = [int(name.split()[1]) for name in stages]
        accuracy = [probes[name].accuracy for name in stages]
        stderr = [probes[name].stderr for name in stages]
        ax.errorbar(epochs, accuracy, stderr, marker="o", markersize=4, capsize=2)
        ax.axhline(probes[pixels].accuracy, color="gray", linestyle="dashed", linewidth=1)
        ax.annotate(
            pixels, (1, probes[pixels].accuracy), xycoords=("axes fraction", "data"),
            ha="right", va="bottom",
        )  # fmt: skip
        ax.set(xlabel="epoch", ylabel="accuracy of a linear probe", title="probes over training")
    plot.save(figure, path)
