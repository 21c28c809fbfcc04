"""``fit``: a linear model fitted to many images, with a score on images held out."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._checks import flag
from spectral_mae._files.atomic_file import replacing, write_whole
from spectral_mae.batch.errors import ImagesRefused, NothingUsable, kept_on_disk, refused
from spectral_mae.batch.models.model_images import (
    ModelImages,
    check_file,
    design_mark,
    failures_of,
    score_of,
)
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run import BatchRun
from spectral_mae.batch.run_folder import (
    FOLDER,
    Done,
    RunPlace,
    check_parents,
    check_resumed,
    find_some,
    place_of,
    scratch_folder,
)
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.sources import Images, image_list
from spectral_mae.images.stream import StreamOptions
from spectral_mae.linear.estimators import LinearMAE, load_linear_model
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.moments.kinds import Moments
from spectral_mae.linear.moments.shrinkage import SHRINKAGES


@dataclass(frozen=True, eq=False)
class FitResult:
    """What `fit_images` has made of the images.

    Attributes
    ----------
    model : LinearMAE, LinearDAE or LinearAE
        Fitted.
    score : float or None
        Explained fraction of power of the images held out, exact over all corruptions; None
        where none is held out. It is a little optimistic where they chose the shrinkage.
    counts : dict of int
        Images: ``found``, ``failed``, ``fitted`` and ``held_out``.
    failures : list of (title, reason)
        Images that could not be used.
    found_complete : bool
        Whether a complete run was there already, so that nothing was left to do.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)
    >>> result = sm.fit_images(images, sm.LinearMAE(4, 0.5), size=8, holdout=0.25)
    >>> result.counts["fitted"], result.counts["held_out"], 0 < result.score < 1
    (30, 10, True)
    """

    model: LinearModel
    score: float | None
    counts: Mapping[str, int]
    failures: list[tuple[str, str]]
    found_complete: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The model's parameters and scores, counts and failures as plain values.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes, by name.
        """
        parameters = self.model.get_params()
        if parameters.get("design") is not None:
            parameters["design"] = parameters["design"].text
        return {
            "model": type(self.model).__name__,
            "parameters": parameters,
            "explained_fitted": self.model.solution_.explained,
            "explained_held_out": self.score,
            "counts": dict(self.counts),
            "failures": self.failures,
        }


def fit_images(
    images: Images,
    model: LinearModel,
    *,
    size: int = 224,
    crops: int = 0,
    color: bool = False,
    max_pixels: int = 50_000_000,
    holdout: float = 0.2,
    rng: int = 0,
    choose_shrinkage: bool = False,
    keep_moments: bool | None = None,
    out: str | os.PathLike[str] | None = None,
    figure: str | os.PathLike[str] | None = None,
    run: RunOptions | None = None,
) -> FitResult:
    """Fit a linear model to images that need not fit into memory; ``spectral-mae fit``.

    Parameters
    ----------
    images : path, list of paths, array_like or list of array_like
        As of `analyze_images`.
    model : LinearMAE, LinearDAE or LinearAE
        It is fitted, as by its own ``fit``.
    size : int
        Side of the square images in pixels: the shorter side is resized to it and the middle
        cropped.
    crops : int
        Instead of resizing, take so many random crops of each image; 0 resizes.
    color : bool
        Keep three channels; False takes ITU-R 601 luma.
    max_pixels : int
        Larger images are refused before they are decoded.
    holdout : float
        Fraction of the images that is held out for the score, at least 0 and below 1.
    rng : int
        Seed of what is held out and of the crops, at least 0. It is stored, so that the run can be
        resumed: a generator is refused.
    choose_shrinkage : bool
        Let the images held out choose the shrinkage, in place of the model's.
    keep_moments : bool or None
        Whether the file holds the second moment too, as of `LinearMAE.save`.
    out : path or None
        The model's file, ``FILE.npz``, beside which ``FILE.run.json`` is written. None writes
        nothing that stays.
    figure : path or None
        A picture of the model, ``FILE.png``.
    run : RunOptions or None
        How the run is carried out; None takes the defaults.

    Returns
    -------
    FitResult
        The fitted model, its scores, counts and failures.

    Raises
    ------
    ValueError
        If no image is found or can be used, the options cannot work, there is no closed form, or
        ``out`` holds another run.
    OSError
        If a path stands for nothing or ``out`` cannot be written.
    RuntimeError
        If an image failed and ``run.fail_fast`` is set, or workers cannot go on. What is done is
        kept beside ``out``; the same call with ``resume=True`` goes on.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> paths = [f"builtin:{name}" for name in ("camera", "cat", "coins", "moon")]
    >>> result = sm.fit_images(paths, sm.LinearMAE(8, 0.75, shrinkage=0.5), size=32, holdout=0.25)
    >>> result.counts["fitted"], result.counts["held_out"], round(result.model.loss_, 1)
    (3, 1, 9.5)
    """
    running = RunOptions() if run is None else run
    given = image_list(images)
    with scratch_folder(given, out) as scratch:
        target = place_of(out, scratch, "model.npz")
        drawn = None if figure is None else Path(figure)
        with refused():
            check_file(target, ".npz")
            check_file(drawn, ".png")
            check_resumed(running, out)
            check_parents(target)
            options = StreamOptions(size, crops, color, max_pixels, rng)
            if choose_shrinkage and holdout == 0:
                raise ValueError(f"{choose_shrinkage=} asks images held out, and {holdout=}")
            if keep_moments is not None:
                keep_moments = flag("keep_moments", keep_moments)
            found = find_some(given, output=target, scratch=scratch)
            data = ModelImages(found, options, holdout)
            moments = data.empty_moments(
                model.effective_patch_size, model.covariance, center=model.center
            )
            _check_possible(model, moments)
        results = [target, _record(target), *filter(None, [drawn])]
        parameters = model.get_params()
        if choose_shrinkage:
            parameters["shrinkage"] = "auto"
        if parameters.get("design") is not None:
            parameters["design"] = design_mark(parameters["design"])
        if keep_moments is not None:
            parameters["keep_moments"] = keep_moments
        try:
            batch_run = BatchRun(
                "fit",
                running,
                place=RunPlace(
                    target, target.with_name(f".{target.name}{FOLDER}"), results[1], results
                ),
                options={
                    **data.reading,
                    "model": type(model).__name__,
                    **parameters,
                },
                references=found.references,
            )
        except Done as done:
            record = done.record
            return FitResult(
                load_linear_model(target),
                record["explained_held_out"],
                record["counts"],
                failures_of(record),
                found_complete=True,
            )
        with batch_run:
            result = _fitted(model, data, batch_run, moments, choose_shrinkage=choose_shrinkage)
            data.note_enlarged(batch_run)
            if out is not None:
                _write(target, drawn, result, data, batch_run, keep_moments)
            elif drawn is not None:
                _write_figure(drawn, model, batch_run)
            batch_run.journal.remove()
        return result


def _fitted(
    model: LinearModel,
    data: ModelImages,
    run: BatchRun,
    empty: Moments,
    *,
    choose_shrinkage: bool,
) -> FitResult:
    ((moments,),) = data.fill(run, [empty]).values()
    with refused(ImagesRefused):
        LOGGER.info("solving for the model")
        if choose_shrinkage:  # the one that hardly anything refuses, if no other has a solution
            held_out = data.second_moment(
                run, model.set_params(shrinkage=1.0).with_moments(moments)
            )
            LOGGER.info("trying %d shrinkages", len(SHRINKAGES))
            if held_out is None:
                model.fit_moments(moments)
            else:
                model.choose_shrinkage(held_out)
        else:
            held_out = data.second_moment(run, model.fit_moments(moments))
        score = None if held_out is None else score_of(model, held_out, data, run)
    if math.isnan(model.solution_.explained):
        raise NothingUsable("the images have no power about their mean: nothing to explain")
    return FitResult(model, score, data.counts(run, moments.n_images), run.tally.failed)


def _write(
    out: Path,
    figure: Path | None,
    result: FitResult,
    data: ModelImages,
    run: BatchRun,
    keep_moments: bool | None,
) -> None:
    with kept_on_disk(), run.stage("writing the model", 1) as written:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as beside:
            result.model.save(beside, keep_moments=keep_moments)
        written.add(1)
    if figure is not None:
        _write_figure(figure, result.model, run)
    with kept_on_disk():
        more = {"explained_held_out": result.score}
        write_whole(_record(out), data.record(run, result.counts, more))


def _write_figure(figure: Path, model: LinearModel, run: BatchRun) -> None:
    with kept_on_disk(), run.stage("drawing pictures", 1) as drawn:
        figure.parent.mkdir(parents=True, exist_ok=True)
        with replacing(figure) as beside:
            _draw_model(beside, model)
        drawn.add(1)


def _record(out: Path) -> Path:
    return out.with_suffix(".run.json")


def _check_possible(model: LinearModel, moments: Moments) -> None:
    """Raise what the fit would raise, before images are read."""
    if isinstance(model, LinearMAE):
        model.masking(moments.grid)
    rank = getattr(model, "rank", None)
    size = moments.grid.n_patches * moments.patch_dim
    if rank is not None and rank > size:
        raise ValueError(f"{rank=} is not between 1 and the {size} numbers in an image")


def _draw_model(path: Path, model: LinearModel) -> None:
    """Responses, a receptive field, its decay, and eigenvalues where there are any."""
    grid = model.moments_.grid
    counts = zip(grid.counts, grid.patch_size, strict=True)
    middle = tuple(count // 2 * p + p // 2 for count, p in counts)
    field = model.receptive_field(middle)
    with plot.style():
        figure, axes = plot.new_figure(2, 2, width=9.6, height=7.4)
        plot.response(model.frequency_response(), axes[0, 0])
        axes[0, 0].set_title("what becomes of each frequency")
        plot.receptive_field(field, axes[0, 1], log=True, around=3)
        axes[0, 1].set_title(f"weights of output pixel {middle}, own patch outlined")
        plot.weight_by_distance(
            {"all weights": field, "without the own patch": field.without_own_patch()}, axes[1, 0]
        )
        axes[1, 0].set_title("these weights against distance")
        if model.eigenvalues_ is None:
            plot.response_power(model.frequency_response(), axes[1, 1])
            axes[1, 1].set_title("power")
        else:
            plot.eigenvalues(model, axes[1, 1])
            axes[1, 1].set_title("eigenvalues: what each number of a code explains")
        plot.save(figure, path)
