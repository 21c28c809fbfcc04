"""`audit`: what a trained model does to each frequency, beside the best linear models."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray, PerAxis, Sampling
from spectral_mae.linear.model import Covariance
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.patches import kept_patches
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.auditing.audited_model import (
    AuditedModel,
    PatchUnits,
    hiding,
    in_evaluation,
    pixels_of,
)
from spectral_mae.nonlinear.auditing.border_steps import BorderSums
from spectral_mae.nonlinear.auditing.estimate import Estimate
from spectral_mae.nonlinear.auditing.hidden_views import (
    Round,
    hidden_views,
    put_together,
    whole_views,
)
from spectral_mae.nonlinear.auditing.linear_references import (
    LARGE_PATCH,
    FittedReferences,
    LinearReferences,
    folds_of,
)
from spectral_mae.nonlinear.auditing.result import (
    AuditResult,
    Strips,
    curves_of,
    explained_of,
)
from spectral_mae.nonlinear.auditing.words import MODEL, ONE_MAP, ORIGINAL, PER_MASK
from spectral_mae.nonlinear.evaluation.jacobian import mean_receptive_field
from spectral_mae.nonlinear.evaluation.maps import Filler, ImageFunction, from_images
from spectral_mae.nonlinear.evaluation.response_sums import ResponseSums
from spectral_mae.nonlinear.evaluation.token_spectra import TokenSpectra, token_spectra
from spectral_mae.nonlinear.model import Target
from spectral_mae.nonlinear.opening import Opened, open_model
from spectral_mae.nonlinear.vit import MaskedAutoencoder
from spectral_mae.spectra.octaves import octave_names

GROUPS = 48  # of images, for the bootstrap
STRIPS = 4  # images that are shown
POINTS = 24  # images and masks that a receptive field is averaged over
TOKENS = 256  # images whose tokens are analysed
BATCH_NUMBERS = 2**18  # numbers of the images that are reconstructed together


def audit(
    model: Opened | ImageFunction | str | os.PathLike[str],
    images: ArrayLike | torch.Tensor,
    patch_size: PerAxis | None = None,
    mask_ratio: float | None = None,
    *,
    design: MaskDesign | str | None = None,
    sampling: Sampling = "fixed",
    target: Target = "hidden",
    normalised: PatchUnits = "keep",
    covariance: Covariance | None = None,
    n_draws: int = 2,
    n_folds: int | None = None,
    n_resamples: int = 100,
    device: torch.device | str | None = None,
    rng: Seed = 0,
    quiet: bool = True,
) -> AuditResult:
    """Measure what a trained model does to each frequency, and compare it with linear models.

    Each image is reconstructed under several random masks by the model, by the best linear map for
    all masks (`LinearMAE`), and by the best linear map for each mask (`Interpolator`). All see the
    same masks. The reconstructions are compared with the images frequency by frequency, as
    `measured_response` does.

    The linear models never see the images that they are scored on: the images are split into
    ``n_folds`` parts, and each part is scored by linear models fitted to the others. Their
    shrinkage and noise are chosen on a fifth of these others. Use images that the trained model was
    not trained on, for it has no such protection. It may have been trained on many more images than
    the linear models are fitted to here.

    Parameters
    ----------
    model : ImageModel, LinearModel, callable, str or os.PathLike
        A model, a place or name that `open_model` opens, or a function
        ``function(images, visible)``. The function takes a batch of images, float64 of shape
        (n, H, W[, channels]), with pixels from 0 to 1 and zero where they are hidden, and their
        masks, bool of shape (n, H, W), True where a pixel is visible. It returns the
        reconstructions, an array or tensor in the shape of the images.
    images : array_like or Tensor, shape (n, H, W) or (n, H, W, channels)
        Images in eight bits, or floats from 0 to 1. At least 4; error bars mean little below 50.
    patch_size : int, tuple of int or None
        Pixels of a patch along each axis. None takes that of the model; a function has none.
    mask_ratio : float or None
        Fraction of patches hidden, between 0 and 1; None is 0.75.
    design : MaskDesign, str or None
        Distribution of the masks, in the place of ``mask_ratio`` and ``sampling``; or its text, as
        `designs.parse` reads it.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    target : {"hidden", "all"}
        Which patches are scored. For "hidden" each reconstruction is put together from several
        masks, so that every pixel comes from a mask that hides it. "all" takes the whole output
        under one mask, for models that are trained on all patches.
    normalised : {"keep", "visible"}
        Units of a model that predicts standardised patches (``norm_pix_loss``); of no effect on
        others. "keep" compares its output with images whose patches are standardised; the linear
        models then see and predict such images too. "visible" takes mean and deviation from the
        visible patches of each image, as `filler`. The true ones of hidden patches are never used.
    covariance : {"banded", "dense", "stationary"} or None
        Covariance of the linear models, as in `LinearMAE`. None is "banded" if there are at least
        as many images as numbers in a patch, else "stationary".
    n_draws : int
        Reconstructions of each image, at least 2.
    n_folds : int or None
        Parts of the images, at least 2. None is 5, or 2 for patches of more than 256 numbers, where
        a fit takes minutes.
    n_resamples : int
        Bootstrap samples of the images, from which standard errors follow, at least 2.
    device : torch.device, str or None
        Where a network runs; None takes a GPU where there is one.
    rng : int, numpy.random.Generator or None
        Seed or generator of folds, masks and bootstrap samples.
    quiet : bool
        Say nothing. Otherwise the time that the audit will take, and progress, go to stderr.

    Returns
    -------
    AuditResult
        The numbers, their standard errors, and what is needed to draw them.

    Raises
    ------
    TypeError
        If ``model`` is no model.
    ValueError
        If images do not fit the model, there are too few of them, a reconstruction has another
        shape or is not finite, or an option is out of range.

    Examples
    --------
    >>> from spectral_mae.fields import gaussian_fields, power_law
    >>> images = 0.5 + 0.1 * gaussian_fields(power_law((16, 16), -2.0), 60, rng=0)
    >>> def gray(images, visible):  # a model that fills in the mean of the visible pixels
    ...     mean = images.sum((1, 2)) / visible.sum((1, 2))
    ...     return np.where(visible, images, mean[:, None, None])
    >>> found = audit(gray, images, patch_size=4)
    >>> bool(found.total["model"].value < found.total["best linear map per mask"].value)
    True
    """
    started = time.perf_counter()
    given = open_model(model) if isinstance(model, str | os.PathLike) else model
    pixels = pixels_of(images)
    audited = AuditedModel.of(given, pixels.shape[1:3], patch_size, normalised)
    _checks.choice("target", target, Target)
    n_draws = _checks.integer("n_draws", n_draws, least=2, why="noise over masks needs two")
    n_resamples = _checks.integer("n_resamples", n_resamples, least=2)
    if design is None and mask_ratio is None:
        mask_ratio = 0.75
    if isinstance(design, str):
        design = parse(design).on(audited.grid)
    masks = design_on(audited.grid, mask_ratio, sampling=sampling, design=design)
    channels = pixels.shape[3] if pixels.ndim == 4 else 1
    patch_dim = audited.grid.patch_pixels * channels
    if n_folds is None:
        n_folds = min(5 if patch_dim <= LARGE_PATCH else 2, len(pixels))
    n_folds = _checks.integer("n_folds", n_folds, least=2)
    if n_folds > len(pixels):
        raise ValueError(f"{n_folds=} of {len(pixels)} images: a part would be empty")
    if covariance is None:
        enough = len(pixels) * (n_folds - 1) / n_folds >= patch_dim
        covariance = "banded" if enough else "stationary"
    generator = generator_of(rng)
    with in_evaluation(given, device) as place:
        run = _Run(
            audited, pixels, audited.truth(pixels), masks, channels, target, n_draws, generator
        )
        references = LinearReferences(
            masks, channels, _fitted_to(target, masks, covariance), covariance
        )
        linear = run.score(references, n_folds, place, quiet=quiet)
        fields = run.receptive_fields(linear)
        tokens = run.token_spectra()
    bands, total, differences, ratios = _estimates(run.sums, run.borders, n_resamples, generator)
    return AuditResult(
        design=masks,
        channels=channels,
        n_images=len(pixels),
        n_draws=n_draws,
        target=target,
        units=audited.units,
        covariance=covariance,
        n_folds=n_folds,
        responses=run.sums.responses(),
        octaves=tuple(octave_names(audited.grid.shape)),
        bands=bands,
        total=total,
        differences=differences,
        borders=run.borders.steps(),
        border_ratio=ratios,
        fields=fields,
        tokens=tokens,
        strips=run.strips,
        notes=tuple(_notes(len(pixels), masks, target, references.target)),
        seconds=time.perf_counter() - started,
    )


class _Run:
    """The reconstructions of an audit, and the sums over them."""

    def __init__(
        self,
        model: AuditedModel,
        pixels: FloatArray,
        truth: FloatArray,
        design: MaskDesign,
        channels: int,
        target: Target,
        n_draws: int,
        rng: np.random.Generator,
    ) -> None:
        self.model, self.pixels, self.truth = model, pixels, truth
        self.design, self.target, self.n_draws, self.rng = design, target, n_draws, rng
        names = (MODEL, ONE_MAP, PER_MASK)
        n_groups = min(GROUPS, len(pixels))
        self.mean = truth.mean(0)
        self.group = rng.permutation(len(pixels)) % n_groups
        self.sums = ResponseSums(model.grid, channels, names, n_groups)
        self.borders = BorderSums(model.grid, (ORIGINAL, *names), n_groups)
        shown = np.sort(rng.choice(len(pixels), min(STRIPS, len(pixels)), replace=False))
        shape = (len(shown), *truth.shape[1:])
        self._shown = {int(image): row for row, image in enumerate(shown)}
        self.strips = Strips(
            truth[shown],
            np.ones((len(shown), *model.grid.shape), bool),
            {name: np.zeros(shape) for name in names},
        )

    def score(
        self,
        references: LinearReferences,
        n_folds: int,
        place: torch.device | None,
        *,
        quiet: bool,
    ) -> FittedReferences:
        """Reconstruct all images by all models; the linear models of the last fold."""
        folds = folds_of(len(self.pixels), n_folds, self.rng)
        size = max(1, BATCH_NUMBERS // self.truth[0].size)
        n = len(self.pixels)
        begun = time.perf_counter()
        fitted = references.fit(self.truth, folds[0], self.rng)
        fitting = time.perf_counter() - begun
        if not quiet:
            seconds = n_folds * fitting + n * self._seconds_per_image(fitted, size)
            where = "" if place is None else f" on {place}"
            print(
                f"about {_span(seconds)}: {n} images of {_times(self.truth.shape[1:])}, "
                f"{self.n_draws} reconstructions of each by 3 models{where}",
                file=sys.stderr,
                flush=True,
            )
        with tqdm(total=n, unit="image", disable=quiet or None) as bar:
            for number, fold in enumerate(folds):
                if number:
                    fitted = references.fit(self.truth, fold, self.rng)
                fillers = {MODEL: self.model.fill, **fitted.fillers}
                for first in range(0, len(fold.scored), size):
                    index = fold.scored[first : first + size]
                    draws = (self._draw(fillers, index, draw) for draw in range(self.n_draws))
                    self.sums.add(self.truth[index] - self.mean, draws, self.group[index])
                    bar.update(len(index))
        return fitted

    def _seconds_per_image(self, fitted: FittedReferences, size: int) -> float:
        """Time of all reconstructions of an image, from those of a few."""
        few = np.arange(min(size, len(self.pixels), 8))
        # Masks of their own generator: the numbers do not depend on what is said.
        generator = np.random.default_rng(0)
        self.model.fill(self.pixels[few], self.design.sample_kept(len(few), generator))  # warm up
        begun = time.perf_counter()
        rounds = self._views(len(few), generator)
        for fill, source in self._sources({MODEL: self.model.fill, **fitted.fillers}).values():
            for one in rounds:
                fill(source[few][one.images], one.kept)
        return self.n_draws * (time.perf_counter() - begun) / len(few)

    def _sources(self, fillers: dict[str, Filler]) -> dict[str, tuple[Filler, FloatArray]]:
        """Each model with the images that it sees: pixels, or what the linear models see."""
        return {
            name: (fill, self.pixels if name == MODEL else self.truth)
            for name, fill in fillers.items()
        }

    def _views(self, n: int, rng: np.random.Generator) -> list[Round]:
        if self.target == "all":
            return whole_views(n, self.design.sample_kept, rng)
        return hidden_views(n, self.design.sample_kept, rng, disjoint=_has_disjoint(self.design))

    def _draw(
        self, fillers: dict[str, Filler], index: NDArray[np.intp], draw: int
    ) -> dict[str, FloatArray]:
        """Reconstructions of some images about the mean, by each model."""
        rounds = self._views(len(index), self.rng)
        truth = self.truth[index]
        for one in rounds:
            self.borders.add(ORIGINAL, truth[one.images], one.kept, self.group[index[one.images]])
        found = {}
        for name, (fill, source) in self._sources(fillers).items():
            outputs = [fill(source[index[one.images]], one.kept) for one in rounds]
            for one, output in zip(rounds, outputs, strict=True):
                rows = index[one.images]
                filled = np.where(self._seen(one.kept), self.truth[rows], output)
                self.borders.add(name, filled, one.kept, self.group[rows])
            if draw == 0:
                self._show(name, index, rounds[0], outputs[0])
            found[name] = put_together(outputs, rounds, self.model.grid) - self.mean
        return found

    def _seen(self, kept: BoolArray) -> BoolArray:
        seen = self.model.grid.expand(kept)
        return seen.reshape(*seen.shape, *(1,) * (self.truth.ndim - seen.ndim))

    def _show(self, name: str, index: NDArray[np.intp], one: Round, output: FloatArray) -> None:
        for place, image in enumerate(index.tolist()):
            if image in self._shown:
                row = self._shown[image]
                self.strips.visible[row] = self.model.grid.expand(one.kept[place])
                self.strips.outputs[name][row] = output[place]

    def receptive_fields(self, linear: FittedReferences) -> dict[str, ReceptiveField]:
        """Mean field of a pixel in the middle, over masks that hide it."""
        network = self.model.network
        if network is None:
            return {}
        grid = self.model.grid
        (n_rows, n_columns), (p, q) = grid.counts, grid.patch_size
        row, column = n_rows // 2 * p + p // 2, n_columns // 2 * q + q // 2
        patch = n_rows // 2 * n_columns + n_columns // 2
        masks = hiding(self.design, patch, min(POINTS, len(self.pixels)), self.rng)
        if not len(masks):
            return {}
        channel = 1 if network.channels == 3 else 0
        images = from_images(self.pixels[: len(masks)], network)
        points = ((self.model.with_mask(k), x) for k, x in zip(masks, images, strict=True))
        fields = {MODEL: mean_receptive_field(points, grid, (row, column), channel=channel)}
        if self.model.units != "patches":
            field = linear.model.receptive_field((row, column), channel=channel)
            factor = linear.model.corruption_.scored_mix.mu
            fields[ONE_MAP] = dataclasses.replace(field, weights=factor * field.weights)
        return fields

    def token_spectra(self) -> TokenSpectra | None:
        """Spectra of the tokens of whole images, of a model whose layers are known."""
        network = self.model.network
        if not isinstance(network, MaskedAutoencoder):
            return None
        return token_spectra(network, self.pixels[:TOKENS])


def _fitted_to(target: Target, design: MaskDesign, covariance: Covariance) -> Target:
    """What the best linear map is fitted to: hidden patches where that has a closed form."""
    closed = design.uniform_given_hidden is not None or covariance == "dense"
    return target if closed else "all"


def _has_disjoint(design: MaskDesign) -> bool:
    """Whether two masks of this design can hide every patch between them."""
    return (
        isinstance(design, Uniform)
        and design.sampling == "fixed"
        and 2 * kept_patches(design.n_patches, design.nominal_ratio) <= design.n_patches
    )


def _estimates(
    sums: ResponseSums, borders: BorderSums, n_resamples: int, rng: np.random.Generator
) -> tuple[
    dict[str, dict[str, Estimate]], dict[str, Estimate], dict[str, Estimate], dict[str, Estimate]
]:
    """Numbers by octave, explained power, differences of it, and steps at borders."""
    n_groups = len(sums.n_images)
    whole = _numbers(sums, borders, None)
    samples: dict[tuple[str, ...], list[FloatArray]] = {key: [] for key in whole}
    for _ in range(n_resamples):
        weights = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups)).astype(float)
        for key, values in _numbers(sums, borders, weights).items():
            samples[key].append(values)
    found = {
        key: Estimate(value, np.std(np.stack(samples[key]), axis=0, ddof=1))
        for key, value in whole.items()
    }

    def under(kind: str) -> Iterator[tuple[tuple[str, ...], Estimate]]:
        return ((key[1:], one) for key, one in found.items() if key[0] == kind)

    bands: dict[str, dict[str, Estimate]] = {}
    for (name, curve), one in under("band"):
        bands.setdefault(name, {})[curve] = one
    total, differences, ratios = (
        {name: one for (name,), one in under(kind)} for kind in ("total", "difference", "border")
    )
    return bands, total, differences, ratios


def _numbers(
    sums: ResponseSums, borders: BorderSums, weights: FloatArray | None
) -> dict[tuple[str, ...], FloatArray]:
    """All numbers of a weighted sample of the images."""
    responses = sums.responses(weights)
    total = explained_of(responses)
    found: dict[tuple[str, ...], FloatArray] = {}
    explained = {}
    for name, response in responses.items():
        curves = curves_of(response.octaves())
        found |= {("band", name, curve): values for curve, values in curves.items()}
        found["total", name] = np.array(total[name])
        explained[name] = np.append(curves["explained"], total[name])
    for name, values in explained.items():
        if name != MODEL:
            found["difference", name] = explained[MODEL] - values
    for name, steps in borders.steps(weights).items():
        found["border", name] = np.array(steps.ratio)
    return found


def _notes(n: int, design: MaskDesign, target: Target, fitted: Target) -> Iterator[str]:
    if n < 50:
        yield f"{n} images are few: standard errors are rough, and the linear models are worse."
    if target != fitted:
        yield (
            f"The best linear map was fitted to all patches: under {design.text} there is no "
            "closed form for hidden ones alone."
        )


def _span(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
