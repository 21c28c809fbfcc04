"""``plan``: how hard patch sizes, mask ratios and designs are on images, and what they cost."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.batch.errors import ImagesRefused, refused
from spectral_mae.batch.models.model_images import ModelImages, failures_of, size_of
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
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.evaluation import HeldOut, Measured, measured
from spectral_mae.planning.moments_plan import (
    Known,
    any_drawn,
    none_possible,
    plan_moments,
    reference_of,
    settings_left_out,
    sorted_by,
)
from spectral_mae.planning.reference import Reference
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import Design, default_patch_sizes, settings_of

SIZE = 224  # of images from files, unless another is asked for
MOST_SCORED = 512  # images held out: enough for error bars
SCORED_BYTES = 256 * 2**20
LEAST_FITTED = 2  # images of a shape
LARGE = 2**27  # bytes of moments that are not sent between processes
KEPT = "settings"  # table of what was measured


def plan(
    images: Images | Known,
    patch_sizes: Sequence[int] | None = None,
    mask_ratios: Sequence[float] | None = None,
    *,
    designs: Sequence[Design] | None = None,
    reference: Reference | Plan | None = None,
    size: int | Literal["native"] | None = None,
    crops: int = 0,
    color: bool = False,
    max_pixels: int = 50_000_000,
    limit: int | None = None,
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
        patches along each side and whose second moments take at most 1 GiB.
    mask_ratios : sequence of float or None
        Fractions of the patches that are hidden, between 0 and 1. One that hides no patch of a
        size, or all, has no row. None is 0.25, 0.5, 0.6, 0.75 and 0.9.
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
    limit : int or None
        Use only so many images, drawn at random; None is all.
    holdout : float
        Fraction of the images that is held out, above 0 and below 1. At most 512 are used: a third
        chooses the shrinkage, and the others are scored. Crops of one image stay together, and
        count as one image in standard errors.
    shrinkage : float or "auto"
        From 0 to 1; ``"auto"`` lets images held out choose it for each patch size. With a number
        all images held out are scored. With moments it is 0 by default.
    transformer : TransformerSizes or None
        Widths and depths of which the cost is told; None is ViT-Base.
    rng : int
        Seed of the crops, of the choice of images held out, and of drawn masks.
    out : path or None
        Folder for report.html, plan.csv, as_hard_as.csv, plan.json, figures and run.json. None
        writes nothing that stays.
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
            mask_ratios=None if mask_ratios is None else list(mask_ratios),
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
            limit=None if limit is None else _checks.positive_int("limit", limit),
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
    mask_ratios: list[float] | None
    designs: Sequence[Design] | None
    reference: Reference
    reading: Mapping[str, Any]
    holdout: float
    shrinkage: float | None
    transformer: TransformerSizes
    limit: int | None

    @property
    def rng(self) -> int:
        """Seed of the draw of images."""
        return _checks.run_seed(self.reading["rng"])

    def images(self, found: FoundSources) -> ModelImages:
        """How images are read; there are patch sizes and settings from now on."""
        native = self.reading["size"] is None
        sizes = self.patch_sizes
        if sizes is None:
            first = ModelImages(found, StreamOptions(**self.reading), self.holdout)
            channels = 3 if first.options.color else 1
            sizes = default_patch_sizes(first.shape, channels, cropped=native)
        self.settings = settings_of(sizes, self.mask_ratios, self.designs)
        self.sizes = list(dict.fromkeys(setting.patch_size for setting in self.settings))
        multiple = math.lcm(*self.sizes) if native else 1
        data = ModelImages(found, StreamOptions(**self.reading, multiple=multiple), self.holdout)
        self.every = [data.empty_moments(p, "banded") for p in self.sizes]
        if not any(setting.on(data.shape) for setting in self.settings):
            raise ValueError(none_possible(self.settings, [data.shape] * len(self.settings)))
        return data

    def depends(self) -> dict[str, Any]:
        """Settings, and how models are fitted."""
        return {
            "settings": [f"{one.patch_size} {one.text}" for one in self.settings],
            "shrinkage": "auto" if self.shrinkage is None else self.shrinkage,
            "transformer": list(vars(self.transformer).values()),
            "reference": self.reference.name,
            "limit": self.limit,
        }

    def solve(self, data: ModelImages, run: BatchRun) -> Plan:
        """Measure each setting on the images of each shape; what a run before has kept counts."""
        small = [one for one in self.every if size_of(one) <= LARGE]
        # At least the number of images of each shape is asked for.
        first = small or [data.empty_moments(self.sizes[0], "stationary")]
        filled = data.fill(run, first)
        pixels = data.held_out_pixels(run, MOST_SCORED, SCORED_BYTES)
        n_images = {shape: moments[0].n_images for shape, moments in filled.items()}
        scored = {
            shape: n for shape, n in n_images.items() if shape in pixels and n >= LEAST_FITTED
        }
        if not scored:
            raise ImagesRefused(
                f"no shape of images has {LEAST_FITTED} to fit and one held out "
                f"({', '.join(map(_pixels, filled))}): give more images, or a size"
            )
        found = [Measured.from_dict(json.loads(line)) for line in run.kept(KEPT)]
        self._tell_cost(list(scored), data, len(found))
        by_size = {max(one.grid.patch_size): i for i, one in enumerate(small)}

        def moments_of(shape: Shape, patch_size: int) -> Moments:
            if patch_size in by_size:
                return filled[shape][by_size[patch_size]]
            moments = self._empty(data, shape, patch_size)
            data.add_again(run, moments)
            return moments

        with refused(ImagesRefused), run.stage("solving", len(scored) * len(self.settings)) as bar:
            bar.add(len(found))
            for one in self._measured(list(scored), moments_of, pixels, found, data):
                found.append(one)
                run.keep(KEPT, json.dumps(one.to_dict()))
                bar.add(1)
        left_out = sum(n for shape, n in n_images.items() if shape not in scored)
        left_out += sum(len(pixels[shape]) for shape in pixels if shape not in scored)
        if left_out:
            LOGGER.warning("%d images are of shapes that too few others have: left out", left_out)
        return Plan.of(
            sorted_by(found, self.settings),
            reference=self.reference,
            transformer=self.transformer,
            n_fitted=sum(scored.values()),
            counts=self._counts(data, run, scored, pixels, left_out),
            failures=run.tally.failed,
            left_out=settings_left_out(self.settings, list(scored)),
        )

    def load(self, folder: Path, record: Mapping[str, Any]) -> Plan:
        """The plan of plan.json."""
        text = (folder / "plan.json").read_text(encoding="utf-8")
        return Plan.from_json(text, failures=failures_of(record), found_complete=True)

    def write(self, folder: Path, result: Plan, data: ModelImages, run: BatchRun) -> None:
        """The page, its pictures, plan.csv, plan.json and run.json."""
        about = {"versions": run.identity.header["versions"], "fft": fft_library()}
        record = data.record(run, result.counts, about)
        write_plan(folder, result, data, record, run)

    def _measured(
        self,
        shapes: Sequence[Shape],
        moments_of: Callable[[Shape, int], Moments],
        pixels: Mapping[Shape, FloatArray],
        known: Sequence[Measured],
        data: ModelImages,
    ) -> Iterator[Measured]:
        drawn = any(any_drawn(self.settings, shape) for shape in shapes)
        before = {(one.shape, one.setting): one.shrinkage for one in known}
        crops = max(1, data.options.crops)
        for shape in shapes:
            for patch_size in self.sizes:
                mine = [one for one in self.settings if one.patch_size == patch_size]
                left = [one for one in mine if (shape, one) not in before]
                done = [before[shape, one] for one in mine if (shape, one) in before]
                if not any(one.on(shape) for one in left):
                    continue
                moments = moments_of(shape, patch_size)
                assert isinstance(moments, BandMoments)
                held_out = self._split(moments.to_patches(pixels[shape]) - moments.mean, crops)
                yield from measured(
                    left,
                    moments,
                    held_out,
                    drawn=drawn,
                    shrinkage=done[0] if done else self.shrinkage,
                    rng=data.options.rng,
                    groups=len(held_out.scored) // crops if crops > 1 else None,
                )
                del moments  # room for the next

    def _split(self, patches: FloatArray, crops: int) -> HeldOut:
        if self.shrinkage is not None:
            return HeldOut(patches[:0], patches)
        return HeldOut.split(patches, crops)

    def _counts(
        self,
        data: ModelImages,
        run: BatchRun,
        n_fitted: Mapping[Shape, int],
        pixels: Mapping[Shape, FloatArray],
        left_out: int,
    ) -> dict[str, int]:
        """How many images became what; they add up to ``found``."""
        crops = max(1, data.options.crops)
        parts = [self._split(pixels[shape], crops) for shape in n_fitted]
        held_out = sum(len(pixels[shape]) for shape in n_fitted) // crops
        n_scored = sum(len(part.scored) for part in parts) // crops
        counts = {
            "found": len(data.found.references) + self.n_not_drawn,
            "not_drawn": self.n_not_drawn,
            "failed": len({title for title, _ in run.tally.failed}),
            "left_out": left_out,
            "fitted": sum(n_fitted.values()) // crops,
            "choosing": held_out - n_scored,
            "scored": n_scored,
        }
        found, *others = counts.values()
        return {**counts, "unused": found - sum(others)}

    def _empty(self, data: ModelImages, shape: Shape, patch_size: int) -> Moments:
        grid = PatchGrid(shape, patch_size)
        return BandMoments(grid, 3 if data.options.color else 1)

    def _tell_cost(self, shapes: Sequence[Shape], data: ModelImages, n_done: int) -> None:
        n_models = len(self.settings) / len(self.sizes)
        n_models *= 2 if any(any_drawn(self.settings, shape) for shape in shapes) else 1
        every = [self._empty(data, shape, p) for shape in shapes for p in self.sizes]
        seconds = solving_seconds(every, n_models, data.n_held_out, self.shrinkage is None)
        LOGGER.info(
            "%d settings on images of %s%s: about %.0f s to solve",
            len(self.settings),
            " and ".join(map(_pixels, shapes)),
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
