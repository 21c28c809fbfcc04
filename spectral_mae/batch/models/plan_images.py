"""``plan``: how hard patch sizes, mask ratios and designs are on images, and what they cost."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.batch.errors import ImagesRefused, refused
from spectral_mae.batch.models.model_images import ModelImages, failures_of
from spectral_mae.batch.models.moments_work import Shape
from spectral_mae.batch.models.plan_page import FILES, write_plan
from spectral_mae.batch.models.settings_run import SettingsRun
from spectral_mae.batch.models.solving_time import solving_seconds
from spectral_mae.batch.progress import LOGGER
from spectral_mae.batch.run import BatchRun
from spectral_mae.batch.run_identity import fft_library
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.sources import FoundSources, Images, image_list
from spectral_mae.images.stream import StreamOptions
from spectral_mae.linear.moments.kinds import BandMoments, Moments, StationaryMoments
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.evaluation import HeldOut, Measured, measured
from spectral_mae.planning.moments_plan import (
    Known,
    any_drawn,
    plan_moments,
    reference_of,
    sorted_by,
)
from spectral_mae.planning.reference import Reference
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import (
    MASK_RATIOS,
    Design,
    default_patch_sizes,
    settings_of,
)

SIZE = 224  # of images from files, unless another is asked for
MOST_SCORED = 512  # images held out: enough for error bars
SCORED_BYTES = 256 * 2**20
LEAST_FITTED = 2  # images of a shape
KEPT = "settings"  # table of what was measured


def plan(
    images: Images | Known,
    patch_sizes: Sequence[int] | None = None,
    mask_ratios: Sequence[float] = MASK_RATIOS,
    *,
    designs: Sequence[Design] | None = None,
    reference: Reference | Plan | None = None,
    size: int | Literal["native"] | None = None,
    crops: int = 0,
    color: bool = False,
    max_pixels: int = 50_000_000,
    holdout: float = 0.2,
    shrinkage: float | Literal["auto"] = "auto",
    transformer: TransformerSizes | None = None,
    rng: int = 0,
    out: str | os.PathLike[str] | None = None,
    run: RunOptions | None = None,
) -> Plan:
    """Say how hard patch sizes, mask ratios and designs are on images; ``spectral-mae plan``.

    A setting is as hard as little of the power of hidden pixels can be explained by the best linear
    masked autoencoder, on images held out. The scale of difficulty is the mask ratio at which
    photographs of 224 × 224 pixels are as hard with patches of 16 pixels, as He et al. mask them
    (0.75 there). It is a difficulty and not the quality of what a model learns; a plan says how
    hard, as hard as what, and what it costs, and never what is best.

    Parameters
    ----------
    images : path, list of paths, array_like, list of array_like, or moments
        As of `analyze_images`; or StationaryMoments, or a list of BandMoments, where only the
        second moments are known. Options below that concern reading then have no effect.
    patch_sizes : sequence of int or None
        Sides of the square patches in pixels. None takes powers of two, at most 32, that leave four
        patches along each side.
    mask_ratios : sequence of float
        Fractions of the patches that are hidden, between 0 and 1. One that hides no patch of a
        size, or all, has no row.
    designs : sequence of str or None
        Designs of masks as ``--design`` has them. Where a text holds ``M`` it stands for each mask
        ratio, as in ``gaussian_field:M,green``; others are compared as they are. None is
        ``fixed:M``, masks of a fixed number of patches. Designs that are not uniform have no
        closed form on hidden pixels, so that all are then measured under drawn masks too.
    reference : Reference, Plan or None
        Scale of the difficulty; None is photographs that come with the package.
    size : int, "native" or None
        Side of the square images in pixels: the shorter side is resized to it and the middle
        cropped. ``"native"`` keeps the pixels and crops the middle to a multiple of the patches;
        each shape of images is fitted by itself, and scores are put together. None is 224 for
        files and ``"native"`` for arrays.
    crops : int
        Random crops of each image; 0 resizes the image instead.
    color : bool
        Keep three channels.
    max_pixels : int
        Larger images are refused.
    holdout : float
        Fraction of the images that is held out, above 0 and below 1. At most 512 are used: a third
        chooses the shrinkage, and the others are scored.
    shrinkage : float or "auto"
        From 0 to 1; ``"auto"`` lets images held out choose it for each patch size. With moments it
        is 0 by default.
    transformer : TransformerSizes or None
        Widths and depths of which the cost is told; None is ViT-Base.
    rng : int
        Seed of the crops, of the choice of images held out, and of drawn masks.
    out : path or None
        Folder for report.html, plan.csv, plan.json, figures and run.json. None writes nothing that
        stays.
    run : RunOptions or None
        How the run is carried out; None takes the defaults, and for arrays this process alone.

    Returns
    -------
    Plan
        A row for each setting.

    Raises
    ------
    ValueError
        If no image is found or can be used, the options cannot work, or ``out`` holds another run.
    OSError
        If a path stands for nothing or ``out`` cannot be written.
    RuntimeError
        As of `fit_images`.

    Examples
    --------
    >>> import numpy as np
    >>> import spectral_mae as sm
    >>> images = np.cumsum(np.random.default_rng(0).standard_normal((60, 16, 16)), axis=2)
    >>> plan = sm.plan(images, [2, 4], [0.5, 0.75])
    >>> [(one.patch_size, one.mask_ratio) for one in plan.settings]
    [(2, 0.5), (2, 0.75), (4, 0.5), (4, 0.75)]
    >>> small, large = plan.settings[1], plan.settings[3]
    >>> small.explained > large.explained  # larger patches are harder at the same ratio
    True
    """
    if _are_moments(images):
        if out is not None:
            raise ValueError(f"{out=} with moments: Plan.to_csv and to_json write what is wanted")
        return plan_moments(
            images,  # type: ignore[arg-type]  # checked there
            patch_sizes,
            mask_ratios,
            designs=designs,
            reference=reference,
            shrinkage=0.0 if shrinkage == "auto" else shrinkage,
            transformer=transformer,
            rng=rng,
        )
    with refused():
        planned = _PlanRun(
            patch_sizes=None if patch_sizes is None else list(patch_sizes),
            mask_ratios=list(mask_ratios),
            designs=designs,
            reference=reference_of(reference),
            reading={
                "size": _size(images, size),
                "crops": crops,
                "color": _checks.flag("color", color),
                "max_pixels": max_pixels,
                "rng": rng,
            },
            holdout=holdout,
            shrinkage=None if shrinkage == "auto" else _checks.closed_unit("shrinkage", shrinkage),
            transformer=TransformerSizes() if transformer is None else transformer,
        )
    if run is None and not _any_paths(images):  # nothing has to be decoded
        run = RunOptions(jobs=1)
    return planned.carry_out(images, out, run)  # type: ignore[arg-type]  # no moments


@dataclass
class _PlanRun(SettingsRun[Plan]):
    """Settings of each shape and patch size."""

    command = "plan"
    files = ("run.json", *FILES)

    patch_sizes: list[int] | None
    mask_ratios: list[float]
    designs: Sequence[Design] | None
    reference: Reference
    reading: Mapping[str, Any]
    holdout: float
    shrinkage: float | None
    transformer: TransformerSizes

    def images(self, found: FoundSources) -> ModelImages:
        """How images are read; there are patch sizes and settings from now on."""
        native = self.reading["size"] is None
        sizes = self.patch_sizes
        if sizes is None:
            first = ModelImages(found, StreamOptions(**self.reading), self.holdout)
            sizes = default_patch_sizes(first.shape, cropped=native)
        self.settings = settings_of(sizes, self.mask_ratios, self.designs)
        self.sizes = list(dict.fromkeys(setting.patch_size for setting in self.settings))
        multiple = math.lcm(*self.sizes) if native else 1
        data = ModelImages(found, StreamOptions(**self.reading, multiple=multiple), self.holdout)
        self.every = [data.empty_moments(p, "banded") for p in self.sizes]
        if not any(setting.on(data.shape) for setting in self.settings):
            raise ValueError(
                f"no setting of {[setting.text for setting in self.settings]} hides some patches "
                f"of {self.sizes} pixels and keeps others at {_pixels(data.shape)} pixels"
            )
        return data

    def depends(self) -> dict[str, Any]:
        """Settings, and how models are fitted."""
        return {
            "settings": [f"{one.patch_size} {one.text}" for one in self.settings],
            "shrinkage": "auto" if self.shrinkage is None else self.shrinkage,
            "transformer": list(vars(self.transformer).values()),
            "reference": self.reference.name,
        }

    def solve(self, data: ModelImages, run: BatchRun) -> Plan:
        """Measure each setting on the images of each shape; what a run before has kept counts."""
        filled = data.fill(run, self.every)
        pixels = data.held_out_pixels(run, MOST_SCORED, SCORED_BYTES)
        groups = {
            shape: moments
            for shape, moments in filled.items()
            if shape in pixels and moments[0].n_images >= LEAST_FITTED
        }
        if not groups:
            raise ImagesRefused(
                f"no shape of images has {LEAST_FITTED} to fit and one held out "
                f"({', '.join(map(_pixels, filled))}): give more images, or a size"
            )
        found = [Measured.from_dict(json.loads(line)) for line in run.kept(KEPT)]
        self._tell_cost(groups, data, len(found))
        with refused(ImagesRefused), run.stage("settings", len(groups) * len(self.settings)) as bar:
            bar.add(len(found))
            for one in self._measured(groups, pixels, found, data.options.rng):
                found.append(one)
                run.keep(KEPT, json.dumps(one.to_dict()))
                bar.add(1)
        n_fitted = sum(moments[0].n_images for moments in groups.values())
        every = sum(moments[0].n_images for moments in filled.values())
        left_out = every - n_fitted + sum(len(pixels[s]) for s in pixels if s not in groups)
        if left_out:
            LOGGER.warning("%d images are of shapes that too few others have: left out", left_out)
        return Plan.of(
            sorted_by(found, self.settings),
            reference=self.reference,
            transformer=self.transformer,
            n_fitted=n_fitted,
            counts={**data.counts(run, n_fitted), "left_out": left_out},
            failures=run.tally.failed,
        )

    def load(self, folder: Path, record: Mapping[str, Any]) -> Plan:
        """The plan of plan.json."""
        text = (folder / "plan.json").read_text(encoding="utf-8")
        return Plan.from_json(text, failures=failures_of(record), found_complete=True)

    def write(self, folder: Path, result: Plan, data: ModelImages, run: BatchRun) -> None:
        """The page, its pictures, plan.csv, plan.json and run.json."""
        about = {"versions": run.identity.header["versions"], "fft": fft_library()}
        record = data.record(run, result.counts, about)
        write_plan(folder, result, data, record, run.stage)

    def _measured(
        self,
        groups: Mapping[Shape, Sequence[Moments]],
        pixels: Mapping[Shape, FloatArray],
        known: Sequence[Measured],
        rng: int,
    ) -> Iterator[Measured]:
        drawn = any(any_drawn(self.settings, shape) for shape in groups)
        before = {(one.shape, one.setting): one.shrinkage for one in known}
        for shape, every in groups.items():
            for patch_size, moments in zip(self.sizes, every, strict=True):
                mine = [one for one in self.settings if one.patch_size == patch_size]
                left = [one for one in mine if (shape, one) not in before]
                done = [before[shape, one] for one in mine if (shape, one) in before]
                if left and isinstance(moments, BandMoments):
                    patches = moments.to_patches(pixels[shape]) - moments.mean
                    yield from measured(
                        left,
                        moments,
                        HeldOut.split(patches),
                        drawn=drawn,
                        shrinkage=done[0] if done else self.shrinkage,
                        rng=rng,
                    )

    def _tell_cost(
        self, groups: Mapping[Shape, Sequence[Moments]], data: ModelImages, n_done: int
    ) -> None:
        n_models = len(self.settings) / len(self.sizes)
        n_models *= 2 if any(any_drawn(self.settings, shape) for shape in groups) else 1
        every = [moments for line in groups.values() for moments in line]
        seconds = solving_seconds(every, n_models, data.n_held_out, self.shrinkage is None)
        LOGGER.info(
            "%d settings on images of %s%s: about %.0f s to solve",
            len(self.settings),
            " and ".join(map(_pixels, groups)),
            f" ({n_done} are done already)" if n_done else "",
            seconds,
        )


def _are_moments(images: object) -> bool:
    kinds = (BandMoments, StationaryMoments)
    several = isinstance(images, list | tuple) and bool(images)
    return isinstance(images, kinds) or (
        several and all(isinstance(one, kinds) for one in images)  # type: ignore[attr-defined]
    )


def _size(images: Any, size: int | Literal["native"] | None) -> int | None:
    if size == "native":
        return None
    if size is not None:
        return _checks.positive_int("size", size)
    return SIZE if _any_paths(images) else None


def _any_paths(images: Any) -> bool:
    return any(isinstance(one, str | os.PathLike) for one in image_list(images))


def _pixels(shape: Shape) -> str:
    return "x".join(map(str, shape))
