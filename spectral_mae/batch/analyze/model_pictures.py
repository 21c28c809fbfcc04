"""The pictures of a report that show what linear masked autoencoders make of the images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spectral_mae import plot
from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.outcomes import PICTURED, AnalyzeOptions, Outcome, linear_models
from spectral_mae.batch.analyze.summary.answer import Explained
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.batch.pages.saving import save_lines, save_pixels
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.reconstruction import reconstruct_image
from spectral_mae.masks.sampling import mask_seed

STRIPS = 4


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
) -> ModelPictures:
    """Fit a model for each patch size to the moments of the images, and draw their pictures."""
    models = linear_models(moments, options)
    pictures = list(model_pictures(path.parent, outcomes, options, models))
    return ModelPictures(pictures, {_size(model): _explained(model, options) for model in models})


def model_pictures(
    folder: Path,
    outcomes: Sequence[Outcome],
    options: AnalyzeOptions,
    models: Sequence[LinearMAE],
) -> Iterator[Picture]:
    """Draw the response of each model, and some images sent through them."""
    if not models:
        return
    yield _responses(folder / "response.png", models)
    picture = _strips(folder / "reconstruction.png", outcomes, options, models)
    if picture is not None:
        yield picture


def _responses(path: Path, models: Sequence[LinearMAE]) -> Picture:
    n = len(models)
    figure, axes = plot.new_figure(1, n, width=max(5.4, 4.2 * n), height=3.7, sharey=True)
    for axis, model in zip(axes[0], models, strict=True):
        plot.response(model.frequency_response(), axis)
        (p, _), explained = model.moments_.grid.patch_size, 1 - model.loss_ / model.trace_
        axis.set_title(f"patches of {p} px: {explained:.0%} of all power explained")
        axis.label_outer()
    embedded = save_lines(figure, path)
    images = models[0].moments_
    height, width = images.grid.shape
    n_images = images.n_images
    return Picture(
        path.name,
        "How a model can interpolate the frequencies that masking hides",
        "The best linear masked autoencoder for images with the mean power spectrum of "
        f"{'these' if n_images > 1 else 'this'} {n_images} image{'s' * (n_images > 1)} of "
        f"{height} × {width} pixels, in closed form: one small problem for each band of "
        "frequencies that land on each other when an image is sampled once per patch. Explained "
        "is the part of a frequency's power that the reconstruction gets right, on average over "
        "all masks and all shifts of the images; gain is what the mean reconstruction keeps of "
        "its amplitude (without a bottleneck the two are one curve); aliased is power that "
        "arrives from other frequencies of the band (below zero where they take away from what "
        "is passed, as they may in images that are not stationary); noise is what the "
        "randomness of the masks adds. A model that only copied what is visible would explain no "
        "more than the fraction of patches that is kept.",
        vector=True,
        embedded=embedded,
    )


def _strips(
    path: Path,
    outcomes: Sequence[Outcome],
    options: AnalyzeOptions,
    models: Sequence[LinearMAE],
) -> Picture | None:
    chosen = _pictured(outcomes, models)
    if not chosen:
        return None
    strips = [
        reconstruct_image(
            model,
            pixels,
            rng=mask_seed(options.rng, outcome.name, outcome.patch_size),
        )
        for outcome, pixels, model in chosen
    ]
    names = [f"{short_name(outcome.name)}\n{outcome.patch_size} px" for outcome, *_ in chosen]
    figure, axes = plot.new_figure(len(strips), 5, width=11.4, height=2.35 * len(strips) + 0.2)
    plot.reconstructions(strips, axes, names=names)
    embedded = save_pixels(figure, path)
    explained = ", ".join(f"{strip.explained:.0%}" for strip in strips)
    return Picture(
        path.name,
        "What such a model makes of these images",
        "Original, one mask, the model's output, the output with visible patches put back, and the "
        "output's error (red is too bright, blue too dark; each on its own scale). The images are "
        "among those whose mean spectrum the model was made of. It is one linear map for all "
        "masks, so that it cannot tell a hidden patch from a gray one. Of the power of hidden "
        f"pixels it explains, from the top: {explained}.",
        embedded=embedded,
    )


def _pictured(
    outcomes: Sequence[Outcome], models: Sequence[LinearMAE]
) -> Sequence[tuple[Outcome, FloatArray, LinearMAE]]:
    """Images that are sent through the model of their patch size."""
    by_size = {model.moments_.grid.patch_size[0]: model for model in models}
    shape = models[0].mean_.shape
    return [
        (outcome, outcome.pixels, by_size[outcome.patch_size])
        for outcome in outcomes
        if outcome.pixels is not None
        and outcome.analysis is not None
        and not outcome.analysis.n_missing
        and outcome.pixels.shape == shape
        and outcome.patch_size in by_size
    ][: STRIPS if len(models) > 1 else PICTURED]


def _size(model: LinearMAE) -> int:
    return int(model.moments_.grid.patch_size[0])


def _explained(model: LinearMAE, options: AnalyzeOptions) -> Explained:
    """What a model explains, and what the best one for hidden pixels does of these."""
    of_all, visible = 1 - model.loss_ / model.trace_, 1 - model.design_.mask_ratio
    if options.design is not None:  # the closed form is of uniform designs
        return Explained(of_all, visible, None)
    hidden = LinearMAE(
        _size(model),
        options.mask_ratio,
        sampling=options.sampling,
        covariance="stationary",
        target="hidden",
    ).fit_moments(model.moments_)
    return Explained(of_all, visible, 1 - hidden.loss_ / hidden.trace_)
