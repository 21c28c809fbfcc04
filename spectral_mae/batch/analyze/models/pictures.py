"""The pictures of a page that show what linear masked autoencoders make of the images."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae._parallel import one_blas_thread
from spectral_mae.batch.analyze.models.fitted import FittedModel, fitted_models
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import PICTURED, Outcome
from spectral_mae.batch.analyze.summary.filling import Explained, Filled
from spectral_mae.batch.analyze.summary.rounding import percent
from spectral_mae.batch.analyze.summary.sample import SampledImage
from spectral_mae.batch.pages.picture import Legend, Panel, Picture, short_name
from spectral_mae.batch.pages.saving import save_panels
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.reconstruction import Reconstruction
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.plot.cells import pixel_cells, save_cells
from spectral_mae.plot.drawing.frequency_axes import log_frequency_axis
from spectral_mae.plot.drawing.style import CYCLE, GRAY, HIDDEN, styled

STRIPS = 4
CELLS = 256  # along an axis of a panel
TOGETHER = 2**20  # numbers of images that go through a model at a time


@dataclass(frozen=True)
class ModelPictures:
    """Pictures of models, and what each model explains, by its patch size."""

    pictures: list[Picture]
    explained: dict[int, Explained]


def pictures_of_models(
    path: Path,
    outcomes: Sequence[Outcome],
    options: AnalyzeOptions,
    moments: StationaryMoments | None,
    sampled: Sequence[SampledImage] = (),
) -> ModelPictures:
    """Fit models for each patch size to the moments of the images, and draw their pictures."""
    with one_blas_thread():  # the other cores have other pictures to draw
        models = fitted_models(moments, options)
        explained = {model.patch_size: _explained(model, options, sampled) for model in models}
        pictures = list(model_pictures(path.parent, outcomes, options, models, explained))
    return ModelPictures(pictures, explained)


def model_pictures(
    folder: Path,
    outcomes: Sequence[Outcome],
    options: AnalyzeOptions,
    models: Sequence[FittedModel],
    explained: Mapping[int, Explained],
) -> Iterator[Picture]:
    """Draw the response of each model, and some images sent through them."""
    if not models:
        return
    yield _responses(folder / "response.png", models, explained)
    picture = _strips(folder / "reconstruction.png", outcomes, options, models)
    if picture is not None:
        yield picture


def _responses(
    path: Path, models: Sequence[FittedModel], explained: Mapping[int, Explained]
) -> Picture:
    images = models[0].moments
    height, width = images.grid.shape
    n_images = images.n_images
    several = len({explained[model.patch_size].visible for model in models}) > 1
    copied = "copying what is visible" if several else _copied(explained[models[0].patch_size])
    legend: Legend = (("image", "recovered by the model"), ("zero", copied))
    draw = [
        (explained[model.patch_size].finding, partial(_draw_response, model=model, found=found))
        for model in models
        for found in [explained[model.patch_size]]
    ]
    return Picture(
        path.name,
        "Which frequencies a linear model can recover",
        "The part of the power of each frequency that the reconstruction of all pixels gets right, "
        "as the model makes it, without putting visible patches back, on average over all masks "
        "and all shifts of the images, for the best linear model of "
        f"{'these' if n_images > 1 else 'this'} {n_images} image{'s' * (n_images > 1)} of "
        f"{height} × {width} pixels, in closed form. Zero frequency, the brightness, is left "
        f"out. The dashed line is what one gets by {copied}: where the curve ends on it, nothing "
        "is filled in.",
        vector=True,
        panels=save_panels(path, draw, height=3.0, legend=legend),
        legend=legend,
    )


def _copied(found: Explained) -> str:
    return f"copying what is visible ({percent(found.visible)})"


@styled
def _draw_response(axis: Any, *, model: FittedModel, found: Explained) -> None:
    axis.plot(found.frequency, found.curve, color=CYCLE[0])
    axis.axhline(0, color=GRAY, linewidth=0.7)
    log_frequency_axis(axis, found.frequency, (1.0,))
    axis.axhline(found.visible, color=GRAY, linestyle="--", linewidth=1.2)
    axis.set_ylabel("part of the power recovered")
    axis.set_ylim(min(0.0, float(np.nanmin(found.curve))) - 0.02, 1.0)
    axis.set_title(f"patches of {model.patch_size} px", size="small")


def _strips(
    path: Path,
    outcomes: Sequence[Outcome],
    options: AnalyzeOptions,
    models: Sequence[FittedModel],
) -> Picture | None:
    chosen = _pictured(outcomes, models)
    if not chosen:
        return None
    strips = [
        next(_filled_in(model, [(outcome.name, pixels)], options))
        for outcome, pixels, model in chosen
    ]
    names = [f"{short_name(outcome.name)}\n{outcome.patch_size} px" for outcome, *_ in chosen]
    figure, axes = plot.new_figure(len(strips), 5, width=11.4, height=2.35 * len(strips) + 0.2)
    plot.reconstructions(strips, axes, names=names)
    # The panels are as wide as they are high: to lay them out takes as long as to draw them.
    figure.set_layout_engine(None)
    top = 1 - 0.22 / figure.get_figheight()
    figure.subplots_adjust(0.036, 0.01, 0.995, top, wspace=0.03, hspace=0.12)
    plot.save(figure, path)
    panels: list[Panel] = []
    for number, (strip, (outcome, *_)) in enumerate(zip(strips, chosen, strict=True), 1):
        panels += _strip_panels(path, number, strip, outcome)
    return Picture(
        path.name,
        "What such a model makes of these images",
        "Each image is under one mask, hidden patches in lilac. The model cannot know whether it "
        "sees a patch or a gray one; it is one linear map for all masks, the best for hidden "
        "pixels. The percentage is the part of the hidden detail that it fills in, as in the table "
        "of images; it is negative where the mean gray of the image itself is nearer to the hidden "
        "pixels than the model. Error: red is too bright, blue too dark, each image "
        "on its own scale. The images are among those whose mean spectrum the model was made of.",
        panels=tuple(panels),
        columns=4,
    )


def _strip_panels(
    path: Path, number: int, strip: Reconstruction, outcome: Outcome
) -> Iterator[Panel]:
    name = f"{short_name(outcome.name)}, {outcome.patch_size}-pixel patches"
    part_filled = percent(_squares(strip).fraction)
    error = strip.output - strip.original
    error = error.mean(axis=-1) if error.ndim == 3 else error
    end = max(float(np.quantile(np.abs(error), 0.995)), 1e-6)
    original, filled = (np.clip(one, 0, 1) for one in (strip.original, strip.filled))
    parts: list[tuple[str, FloatArray, dict[str, Any]]] = [
        ("original", original, {"ends": (0.0, 1.0)}),
        ("masked", _tinted(original, strip.visible), {}),
        ("hidden patches filled in", filled, {"ends": (0.0, 1.0)}),
        ("error of the model", error, {"colours": "RdBu_r", "ends": (-end, end)}),
    ]
    for place, (label, pixels, colours) in enumerate(parts):
        file = path.with_name(f"{path.stem}-panel-{number}-{place}.webp")
        cells = pixels if pixels.ndim == 3 else pixel_cells(pixels, CELLS)
        save_cells(cells, file, **colours)
        heading = f"{name}: {part_filled} of the hidden detail" if place == 0 else ""
        yield Panel(file.name, label, f"{name}: {label}", heading)


def _tinted(pixels: FloatArray, visible: Any) -> FloatArray:
    """An image in colours, with its hidden pixels in a tint."""
    colours = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    found: FloatArray = np.where(visible[..., np.newaxis], colours, HIDDEN)
    return found


def _pictured(
    outcomes: Sequence[Outcome], models: Sequence[FittedModel]
) -> Sequence[tuple[Outcome, FloatArray, FittedModel]]:
    """Images that are sent through the model of their patch size."""
    by_size = {model.patch_size: model for model in models}
    shape = models[0].mean.shape
    return [
        (outcome, outcome.pixels, by_size[outcome.patch_size])
        for outcome in outcomes
        if outcome.pixels is not None
        and outcome.analysis is not None
        and not outcome.analysis.n_missing
        and outcome.pixels.shape == shape
        and outcome.patch_size in by_size
    ][: STRIPS if len(models) > 1 else PICTURED]


def _filled_in(
    model: FittedModel, images: Sequence[tuple[str, FloatArray]], options: AnalyzeOptions
) -> Iterator[Reconstruction]:
    """Images through a model, each under the first mask that is drawn of it; some at a time."""
    grid, mean = model.moments.grid, model.mean
    step = max(1, TOGETHER // mean.size)
    for first in range(0, len(images), step):
        some = images[first : first + step]
        seeds = [mask_seed(options.rng, name, model.patch_size) for name, _ in some]
        masks = np.stack([model.masking.masks(1, seed)[0] for seed in seeds])
        outputs = model.reconstruct(np.stack([pixels for _, pixels in some]), masks)
        for (_, pixels), mask, output in zip(some, masks, outputs, strict=True):
            seen = mask.reshape(*mask.shape, *(1,) * (pixels.ndim - grid.ndim))
            corrupted = np.where(seen, pixels, mean)
            yield Reconstruction(grid, pixels, corrupted, output, mean, mask)


def _explained(
    model: FittedModel, options: AnalyzeOptions, sampled: Sequence[SampledImage]
) -> Explained:
    """What the model explains, and what the best one for hidden pixels does of these."""
    found = Explained(
        model.explained,
        1 - model.masking.design.mask_ratio,
        model.hidden,
        model.frequency,
        model.curve,
    )
    shape, p = model.mean.shape, model.patch_size
    images = [one for one in sampled if one.pixels.shape == shape and p in one.rows]
    if not images:
        return found
    strips = _filled_in(model, [(one.name, one.pixels) for one in images], options)
    sums = np.array([_squares(strip) for strip in strips])
    filled = Filled(tuple(one.rows[p] for one in images), *sums.T)
    return replace(found, filled=filled) if filled.detail.sum() > 0 else found


class _Squares(NamedTuple):
    """Sums of squares of an image and of what a model made of it, as in `Filled`."""

    error: float
    detail: float
    hidden: float
    power: float

    @property
    def fraction(self) -> float:
        """Part of the hidden detail that is filled in; NaN of a constant image."""
        return 1 - self.error / self.detail if self.detail > 0 else math.nan


def _squares(strip: Reconstruction) -> _Squares:
    hidden = ~np.asarray(strip.visible)
    original = strip.original
    own = original.mean(axis=(0, 1))  # of each channel
    away = (original - strip.mean) ** 2
    return _Squares(
        error=float(np.sum((strip.output - original)[hidden] ** 2)),
        detail=float(np.sum((original - own)[hidden] ** 2)),
        hidden=float(away[hidden].sum()),
        power=float(away.sum()),
    )
