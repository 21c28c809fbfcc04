"""``sweep``: explained power over patch sizes and mask ratios, on images held out."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae._files.atomic_file import replacing, write_whole
from spectral_mae._files.columns import write_rows
from spectral_mae.batch.errors import ImagesRefused, kept_on_disk, refused
from spectral_mae.batch.models.mask_columns import Label, columns_of, some, why_none
from spectral_mae.batch.models.model_images import (
    ModelImages,
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
    check_folder,
    check_resumed,
    find_some,
    place_of,
    scratch_folder,
)
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.sources import Images, image_list
from spectral_mae.images.stream import StreamOptions
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import Moments
from spectral_mae.linear.moments.shrinkage import SHRINKAGES
from spectral_mae.masks.designs.design import MaskDesign

READ = {"patch_size": int, "design": str}  # of sweep.csv; all other columns are of floats


@dataclass(frozen=True, eq=False)
class SweepResult:
    """What `sweep_images` has found.

    Attributes
    ----------
    rows : list of dict
        The rows of sweep.csv, for each patch size and possible mask ratio or design:
        ``patch_size``, ``design`` (its text), ``mask_ratio``, ``shrinkage``, ``explained_fitted``
        and ``explained_held_out`` (fractions of power), ``loss_held_out`` (per image), ``hidden``
        (fraction of the pixels).
    counts : dict of int
        Images: ``found``, ``failed``, ``fitted`` and ``held_out``.
    failures : list of (title, reason)
        Images that could not be used.
    found_complete : bool
        Whether a complete run was there already, so that nothing was left to do.
    """

    rows: list[dict[str, Any]]
    counts: Mapping[str, int]
    failures: list[tuple[str, str]]
    found_complete: bool = False

    def table(self, patch_sizes: Sequence[int], columns: Sequence[Label]) -> FloatArray:
        """Explained power of the images held out, as an array.

        Parameters
        ----------
        patch_sizes : sequence of int
            Rows of the array, in pixels.
        columns : sequence of float or of str
            Columns of the array: mask ratios, or texts of designs.

        Returns
        -------
        ndarray, shape (len(patch_sizes), len(columns))
            Fractions of power; NaN where the sweep has no row.
        """
        found = {
            (row["patch_size"], row[name]): row["explained_held_out"]
            for row in self.rows
            for name in ("mask_ratio", "design")
        }
        return np.array([[found.get((p, c), np.nan) for c in columns] for p in patch_sizes])

    def to_dict(self) -> dict[str, Any]:
        """Rows, counts and failures as plain values.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes, by name.
        """
        return {"rows": self.rows, "counts": dict(self.counts), "failures": self.failures}


def sweep_images(
    images: Images,
    patch_sizes: Sequence[int] = (8, 16, 32),
    mask_ratios: Sequence[float] | None = None,
    *,
    sampling: Sampling = "fixed",
    designs: Sequence[str | MaskDesign] | None = None,
    target: Literal["all", "hidden"] = "all",
    covariance: Literal["banded", "dense", "stationary"] = "banded",
    shrinkage: float | Literal["auto"] = "auto",
    size: int = 224,
    crops: int = 0,
    color: bool = False,
    max_pixels: int = 50_000_000,
    holdout: float = 0.2,
    rng: int = 0,
    out: str | os.PathLike[str] | None = None,
    run: RunOptions | None = None,
) -> SweepResult:
    """Explained power of linear MAEs on images held out; ``spectral-mae sweep``.

    Parameters
    ----------
    images : path, list of paths, array_like or list of array_like
        As of `analyze_images`.
    patch_sizes : sequence of int
        Sides of the square patches in pixels; each divides ``size``.
    mask_ratios : sequence of float or None
        Fractions of the patches that are hidden, between 0 and 1. One that hides no patch of a
        size, or all, has no row. None takes 0.25, 0.5, 0.6, 0.75 and 0.9, or the designs.
    sampling : {"fixed", "bernoulli"}
        Uniform design of the masks, as in `LinearMAE`; the default with ``designs``.
    designs : sequence of str or MaskDesign, or None
        Other designs, in the place of mask ratios: texts, such as ``"block:6x6"``
        (`spectral_mae.designs.help_text` lists them), or designs that have a text. Each is made on
        the patches of every size; one that does not fit them has no row.
    target : {"all", "hidden"}
        Pixels that are scored, as in `LinearMAE`.
    covariance : {"banded", "dense", "stationary"}
        Structure of the second moment, as in `LinearMAE`.
    shrinkage : float or "auto"
        From 0 to 1. ``"auto"`` lets the images held out choose it at the middle mask ratio or
        design of each patch size, which makes their score a little optimistic.
    size : int
        Side of the square images in pixels, as in `fit_images`.
    crops : int
        Random crops of each image; 0 resizes the image instead.
    color : bool
        Keep three channels.
    max_pixels : int
        Larger images are refused.
    holdout : float
        Fraction of the images that is held out, above 0 and below 1.
    rng : int
        Seed of the crops and of the choice of images held out, as in `fit_images`.
    out : path or None
        Folder for sweep.csv, sweep.png and run.json. None writes nothing that stays.
    run : RunOptions or None
        How the run is carried out; None takes the defaults.

    Returns
    -------
    SweepResult
        A row for each patch size and mask ratio or design, counts and failures.

    Raises
    ------
    ValueError
        If no image is found or can be used, the options cannot work, there is no closed form, or
        ``out`` holds another run.
    OSError
        If a path stands for nothing or ``out`` cannot be written.
    RuntimeError
        As of `fit_images`.

    Examples
    --------
    >>> import spectral_mae as sm
    >>> paths = [f"builtin:{name}" for name in ("camera", "cat", "coins", "moon")]
    >>> result = sm.sweep_images(paths, [8], [0.5, 0.75], size=32, holdout=0.25, shrinkage=0.5)
    >>> [(row["patch_size"], row["mask_ratio"]) for row in result.rows]
    [(8, 0.5), (8, 0.75)]
    """
    running = RunOptions() if run is None else run
    sizes = list(dict.fromkeys(some("patch_sizes", patch_sizes)))
    auto = shrinkage == "auto"
    given = image_list(images)
    with scratch_folder(given, out) as scratch:
        target_folder = place_of(out, scratch, "out")
        with refused():
            columns = columns_of(mask_ratios, sampling, designs)
            if holdout == 0:
                raise ValueError("holdout=0: a sweep compares images held out")
            check_resumed(running, out)
            check_folder(target_folder)
            options = StreamOptions(size, crops, color, max_pixels, rng)
            found = find_some(given, output=target_folder, scratch=scratch)
            data = ModelImages(found, options, holdout)
            every = [data.empty_moments(p, covariance) for p in sizes]
            # The first fit of a size is with the shrinkage that hardly anything refuses.
            shared = {
                "target": target,
                "covariance": covariance,
                "shrinkage": 1.0 if shrinkage == "auto" else shrinkage,
            }
            cells = Cells(
                sizes,
                [column.label for column in columns],
                every,
                [[column.model(moments.grid, shared) for column in columns] for moments in every],
            )
            if not any(itertools.chain(*cells.models)):
                raise ValueError(why_none(columns, every[0].grid, sizes, size))
        results = [target_folder / name for name in ("run.json", "sweep.csv", "sweep.png")]
        place = RunPlace(target_folder, target_folder / FOLDER, results[0], results)
        depends = {
            **data.reading,
            "patch_size": sizes,
            "mask_ratio": None if designs is not None else cells.labels,
            "sampling": sampling,
            "design": None if designs is None else _marks(cells),
            "target": target,
            "covariance": covariance,
            "shrinkage": shrinkage,
        }
        try:
            batch_run = BatchRun(
                "sweep", running, place=place, options=depends, references=found.references
            )
        except Done as done:
            record = done.record
            rows = _read_rows(results[1])
            return SweepResult(rows, record["counts"], failures_of(record), found_complete=True)
        with batch_run:
            result = _swept(cells, data, batch_run, auto=auto)
            data.note_enlarged(batch_run)
            if out is not None:
                _write(target_folder, result, cells, data, batch_run)
            batch_run.journal.remove()
        return result


@dataclass
class Cells:
    """Patch sizes, mask ratios or designs, and the moments and models of each size."""

    sizes: list[int]
    labels: list[Label]
    every: list[Moments]
    models: list[list[LinearMAE | None]]


def _marks(cells: Cells) -> list[str]:
    """What the run knows each design by, on the first grid that it fits."""
    return [
        next((design_mark(m.design) for m in column if m is not None and m.design), str(label))
        for label, column in zip(cells.labels, zip(*cells.models, strict=True), strict=True)
    ]


def _swept(cells: Cells, data: ModelImages, run: BatchRun, *, auto: bool) -> SweepResult:
    every = data.fill(run, cells.every)
    rows: list[dict[str, Any]] = []
    with refused(ImagesRefused):
        for size, moments, models in zip(cells.sizes, every, cells.models, strict=True):
            line = _sweep_line(size, (cells.labels, models), moments, data, run, auto=auto)
            rows += [row for _, row in sorted(line, key=lambda found: found[0])]
    return SweepResult(rows, data.counts(run, every[0].n_images), run.tally.failed)


def _write(out: Path, result: SweepResult, cells: Cells, data: ModelImages, run: BatchRun) -> None:
    sizes, labels = cells.sizes, cells.labels
    of_designs = isinstance(labels[0], str)
    with kept_on_disk(), run.stage("drawing pictures", 1) as drawn:
        out.mkdir(parents=True, exist_ok=True)
        width = 2.6 + max(0.85, 0.09 * max(len(str(label)) for label in labels)) * len(labels)
        figure, axes = plot.new_figure(1, 1, width=max(5.0, width), height=1.6 + 0.55 * len(sizes))
        plot.heat_map(
            result.table(sizes, labels),
            sizes,
            labels,
            axes[0, 0],
            column_label="design of the masks" if of_designs else "mask ratio",
        )
        models = (model for model in itertools.chain(*cells.models) if model is not None)
        pixels = f"{next(models).target} pixels"
        axes[0, 0].set_title(f"linear MAE, {pixels}, {data.n_held_out} images held out")
        with replacing(out / "sweep.png") as beside:
            plot.save(figure, beside)
        drawn.add(1)
    with kept_on_disk(), run.stage("writing tables", 2) as written:
        write_rows(out / "sweep.csv", result.rows)
        written.add(1)
        write_whole(out / "run.json", data.record(run, result.counts))
        written.add(1)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: READ.get(name, float)(v) for name, v in row.items()}
            for row in csv.DictReader(file)
        ]


def _sweep_line(
    patch_size: int,
    cells: tuple[Sequence[Label], Sequence[LinearMAE | None]],
    moments: Moments,
    data: ModelImages,
    run: BatchRun,
    *,
    auto: bool,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Place and row of each possible column, the middle one first, which chooses the shrinkage."""
    labels, models = cells
    possible = [model for model in models if model is not None]
    if not possible:
        return
    LOGGER.info("patches of %d pixels: solving for the middle of the masks", patch_size)
    middle = possible[len(possible) // 2].fit_moments(moments)
    held_out = data.second_moment(run, middle)
    if held_out is None:
        raise ValueError("no image is held out")
    if auto:
        LOGGER.info("patches of %d pixels: trying %d shrinkages", patch_size, len(SHRINKAGES))
        middle.choose_shrinkage(held_out)
    chosen = middle.shrinkage
    # The one that is solved already comes first, and leaves before the next one needs the room.
    order = sorted(range(len(labels)), key=lambda place: models[place] is not middle)
    for place in order:
        label, model = labels[place], models[place]
        if model is None:
            continue
        if model is not middle:
            LOGGER.info("patches of %d pixels: solving for masks of %s", patch_size, label)
            model.set_params(shrinkage=chosen).fit_moments(moments)
        explained = score_of(model, held_out, data, run)
        design = model.design_
        hidden = design.mask_ratio  # of whole patches only, where their number is fixed
        scored = hidden if model.target == "hidden" else 1.0
        yield (
            place,
            {
                "patch_size": patch_size,
                "design": label if isinstance(label, str) else design.text,
                "mask_ratio": hidden if isinstance(label, str) else label,
                "shrinkage": chosen,
                "explained_fitted": model.solution_.explained,
                "explained_held_out": explained,
                "loss_held_out": scored * held_out.trace * (1 - explained),
                "hidden": hidden,
            },
        )
        del model.solution_
