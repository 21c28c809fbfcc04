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
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae.batch.columns.models import SWEEP
from spectral_mae.batch.errors import ImagesRefused, kept_on_disk, refused
from spectral_mae.batch.models.mask_columns import Column, Label, columns_of, some, why_none
from spectral_mae.batch.models.model_images import (
    ModelImages,
    design_mark,
    failures_of,
    score_of,
)
from spectral_mae.batch.models.settings_run import SettingsRun
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run import BatchRun
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.sources import FoundSources, Images
from spectral_mae.images.stream import StreamOptions
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.blocks import CentredStack
from spectral_mae.linear.moments.kinds import Moments
from spectral_mae.linear.moments.shrinkage import SHRINKAGES
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.planning.evaluation import solved

READ = {"patch_size": int, "design": str}  # of sweep.csv; all other columns are of floats
FILES = ("run.json", "sweep.csv", "sweep.png", COLUMNS_JSON)
N_TRIED = len(SHRINKAGES)


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

    Examples
    --------
    >>> import spectral_mae as sm
    >>> images = np.random.default_rng(0).standard_normal((40, 8, 8)).cumsum(axis=1)
    >>> result = sm.sweep_images(images, [2, 4], [0.5, 0.75], size=8, holdout=0.25)
    >>> explained = result.table([2, 4], [0.5, 0.75])  # a row for each patch size
    >>> explained.shape, bool((explained[0] > explained[1]).all())
    ((2, 2), True)
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
    with refused():
        sweep = _Sweep(
            sizes=list(dict.fromkeys(some("patch_sizes", patch_sizes))),
            columns=columns_of(mask_ratios, sampling, designs),
            sampling=sampling,
            target=target,
            covariance=covariance,
            shrinkage=shrinkage,
            reading={
                "size": size,
                "crops": crops,
                "color": color,
                "max_pixels": max_pixels,
                "rng": rng,
            },
            holdout=holdout,
        )
    return sweep.carry_out(images, out, run)


@dataclass
class _Sweep(SettingsRun[SweepResult]):
    """Models of each patch size and mask ratio or design."""

    command = "sweep"
    files = FILES

    sizes: list[int]
    columns: list[Column]
    sampling: Sampling
    target: Literal["all", "hidden"]
    covariance: Literal["banded", "dense", "stationary"]
    shrinkage: float | Literal["auto"]
    reading: Mapping[str, Any]
    holdout: float

    @property
    def labels(self) -> list[Label]:
        """Mask ratios, or texts of designs."""
        return [column.label for column in self.columns]

    @property
    def of_designs(self) -> bool:
        """Whether designs are compared, rather than mask ratios."""
        return isinstance(self.columns[0].label, str)

    def images(self, found: FoundSources) -> ModelImages:
        """How images are read; there are moments and models of each patch size from now on."""
        data = ModelImages(found, StreamOptions(**self.reading), self.holdout)
        self.every = [data.empty_moments(p, self.covariance) for p in self.sizes]
        # The first fit of a size is with the shrinkage that hardly anything refuses.
        shared = {
            "target": self.target,
            "covariance": self.covariance,
            "shrinkage": 1.0 if self.shrinkage == "auto" else self.shrinkage,
        }
        self.models = [
            [column.model(moments.grid, shared) for column in self.columns]
            for moments in self.every
        ]
        if not any(itertools.chain(*self.models)):
            size = data.shape[0]
            raise ValueError(why_none(self.columns, self.every[0].grid, self.sizes, size))
        return data

    def depends(self) -> dict[str, Any]:
        """Sizes, ratios or designs, and how models are fitted."""
        return {
            "patch_size": self.sizes,
            "mask_ratio": None if self.of_designs else self.labels,
            "sampling": self.sampling,
            "design": self._marks() if self.of_designs else None,
            "target": self.target,
            "covariance": self.covariance,
            "shrinkage": self.shrinkage,
        }

    def solve(self, data: ModelImages, run: BatchRun) -> SweepResult:
        """A row for each possible model."""
        (every,) = data.fill(run, self.every).values()
        rows: list[dict[str, Any]] = []
        with refused(ImagesRefused):
            for moments, models in zip(every, self.models, strict=True):
                line = self._line(moments, models, data, run)
                rows += [row for _, row in sorted(line, key=lambda found: found[0])]
        return SweepResult(rows, data.counts(run, every[0].n_images), run.tally.failed)

    def load(self, folder: Path, record: Mapping[str, Any]) -> SweepResult:
        """The rows of sweep.csv."""
        rows = _read_rows(folder / "sweep.csv")
        return SweepResult(rows, record["counts"], failures_of(record), found_complete=True)

    def write(self, folder: Path, result: SweepResult, data: ModelImages, run: BatchRun) -> None:
        """sweep.png, sweep.csv and run.json."""
        sizes, labels = self.sizes, self.labels
        with kept_on_disk(), run.stage("drawing pictures", 1) as drawn:
            folder.mkdir(parents=True, exist_ok=True)
            each = max(0.85, 0.09 * max(len(str(label)) for label in labels))
            figure, axes = plot.new_figure(
                1, 1, width=max(5.0, 2.6 + each * len(labels)), height=1.6 + 0.55 * len(sizes)
            )
            plot.heat_map(
                result.table(sizes, labels),
                sizes,
                labels,
                axes[0, 0],
                column_label="design of the masks" if self.of_designs else "mask ratio",
            )
            pixels = f"{self.target} pixels"
            axes[0, 0].set_title(
                f"linear MAE, {pixels}, {data.n_held_out} images held out", size="medium"
            )
            with replacing(folder / "sweep.png") as beside:
                plot.save(figure, beside)
            drawn.add(1)
        with kept_on_disk(), run.stage("writing tables", 2) as written:
            write_rows(folder / "sweep.csv", result.rows)
            write_column_notes(folder, {"sweep.csv": SWEEP})
            written.add(1)
            write_whole(folder / "run.json", data.record(run, result.counts))
            written.add(1)

    def _marks(self) -> list[str]:
        """What the run knows each design by, on the first grid that it fits."""
        return [
            next((design_mark(m.design) for m in column if m is not None and m.design), str(label))
            for label, column in zip(self.labels, zip(*self.models, strict=True), strict=True)
        ]

    def _line(
        self,
        moments: Moments,
        models: Sequence[LinearMAE | None],
        data: ModelImages,
        run: BatchRun,
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Place and row of each possible model; the middle one chooses the shrinkage."""
        patch_size = moments.grid.patch_size[0]
        possible = [(place, model) for place, model in enumerate(models) if model is not None]
        if not possible:
            return
        held_out: list[CentredStack] = []

        def choose(model: LinearMAE) -> None:
            found = data.second_moment(run, model)
            if found is None:
                raise ValueError("no image is held out")
            held_out.append(found)
            if self.shrinkage == "auto":
                LOGGER.info("patches of %d pixels: trying %d shrinkages", patch_size, N_TRIED)
                model.choose_shrinkage(found)

        LOGGER.info("patches of %d pixels: solving %d models", patch_size, len(possible))
        first = len(possible) // 2
        for index, model in solved([one for _, one in possible], moments, first, choose):
            place, (others,) = possible[index][0], held_out
            explained, design = score_of(model, others, data, run), model.design_
            hidden = design.mask_ratio  # of whole patches only, where their number is fixed
            scored = hidden if model.target == "hidden" else 1.0
            label = self.labels[place]
            yield (
                place,
                {
                    "patch_size": patch_size,
                    "design": label if isinstance(label, str) else design.text,
                    "mask_ratio": hidden if isinstance(label, str) else label,
                    "shrinkage": model.shrinkage,
                    "explained_fitted": model.solution_.explained,
                    "explained_held_out": explained,
                    "loss_held_out": scored * others.trace * (1 - explained),
                    "hidden": hidden,
                },
            )


def _read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: READ.get(name, float)(v) for name, v in row.items()}
            for row in csv.DictReader(file)
        ]
