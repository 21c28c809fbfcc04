"""Explained power of hidden pixels of photographs: the scale of difficulty of ``plan``.

    python -m benchmarks.plan_reference [--write]

He et al. mask photographs of 224 × 224 pixels with patches of 16 pixels. The photographs inside
scikit-image are cropped as they crop: squares of 20 to 100 % of the area at random places, resized
to 224 pixels, half of them mirrored. A third of the photographs in turn is held out: models are
fitted to the crops of the others, of which one chooses the shrinkage, and scored on its crops. The
standard error is over photographs. --write puts the numbers into the package.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
from tqdm import tqdm

import spectral_mae as sm
from spectral_mae import planning
from spectral_mae._checks import FloatArray
from spectral_mae._files.atomic_file import write_whole
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage, read_image
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.evaluation import HeldOut, Measured, measured
from spectral_mae.planning.reference import STORED, Curve, Reference
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import UNIFORM, Setting, settings_of

PHOTOGRAPHS = ("astronaut", "camera", "cat", "coffee", "coins", "rocket", "motorcycle")
SIZE = 224
N_PARTS = 3  # each of which is held out in turn
AREA = (0.2, 1.0)  # of a crop, of the square that fits into the photograph
RATIOS = (0.1, 0.25, 0.5, 0.65, 0.75, 0.85, 0.92, 0.97)
NAME = "photographs of scikit-image at 224 × 224 pixels"


def crops_of(name: str, n: int, *, rng: np.random.Generator) -> FloatArray:
    """Random resized crops of a photograph, (n, 224, 224)."""
    pixels = read_image(f"builtin:{name}").pixels
    height, width = pixels.shape[:2]
    found = []
    for area in rng.uniform(*AREA, n):
        side = round(min(height, width) * math.sqrt(area))
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        crop = pixels[top : top + side, left : left + side]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        image = LoadedImage(np.ascontiguousarray(crop), (), (side, side))
        found.append(resize_and_crop(image, SIZE).pixels)
    return np.stack(found)


def measure(
    names: Sequence[str], patch_size: int, ratios: Sequence[float], *, n_crops: int
) -> list[Measured]:
    """All settings with each part of the photographs held out in turn."""
    rng = np.random.default_rng(0)
    crops = [crops_of(name, n_crops, rng=rng) for name in names]
    settings = settings_of([patch_size], ratios, [UNIFORM])
    grid = sm.PatchGrid((SIZE, SIZE), patch_size)
    found: dict[Setting, list[Measured]] = {}
    shrinkage: float | None = None  # that of the first part serves all
    parts = [range(first, len(names), N_PARTS) for first in range(N_PARTS)]
    bar = tqdm(total=N_PARTS * len(settings))
    for held in parts:
        chooses = (held[0] + 1) % len(names)
        moments = sm.BandMoments(grid)
        for other in set(range(len(names))) - {*held, chooses}:
            moments.update(crops[other])
        about = [moments.to_patches(one) - moments.mean for one in crops]
        scored = np.concatenate([about[i] for i in held])
        for one in measured(
            settings,
            moments,
            HeldOut(about[chooses], scored),
            drawn=True,
            shrinkage=shrinkage,
            rng=held[0],
            groups=len(held),
        ):
            shrinkage = one.shrinkage
            bar.update()
            found.setdefault(one.setting, []).append(one)
    return [together(group) for group in found.values()]


def together(group: Sequence[Measured]) -> Measured:
    """One setting over all photographs."""
    first = group[0]
    sums = {}
    for name in ("exact", "drawn"):
        parts = [getattr(one, name) for one in group]
        there = [part for part in parts if part is not None]
        sums[name] = reduce(ErrorSums.merge, there) if there else None
    reach, shrinkage = (np.mean([getattr(m, a) for m in group]) for a in ("reach", "shrinkage"))
    return Measured(
        first.setting,
        first.shape,
        first.hidden,
        first.n_patches,
        float(reach),
        float(shrinkage),
        sums["exact"],
        sums["drawn"],
    )


def reference_of(found: Sequence[Measured], n: int) -> Reference:
    """The curves of what was measured."""
    empty = Reference(NAME, (SIZE, SIZE), n, {16: _flat()})
    plan = Plan.of(found, reference=empty, n_fitted=n)
    return plan.as_reference(NAME)


def _flat() -> Curve:
    ends, level = np.array([0.05, 0.95]), np.array([1.0, 0.0])
    return Curve(ends, level, 0 * level, level, 0 * level)


def main() -> None:
    """Measure, print, and write what the package reads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="into the package")
    parser.add_argument("--crops", type=int, default=32, help="of each photograph (default 32)")
    arguments = parser.parse_args()
    found = measure(PHOTOGRAPHS, 16, RATIOS, n_crops=arguments.crops)
    reference = reference_of(found, len(PHOTOGRAPHS))
    curve = reference.scale
    columns = (curve.mask_ratio, curve.explained, curve.stderr, curve.drawn, curve.drawn_stderr)
    for row in zip(*columns, strict=True):
        print("hidden {:.3f}: {:.4f} ± {:.4f}, drawn {:.4f} ± {:.4f}".format(*row))
    if arguments.write:
        path = Path(planning.__file__).with_name(STORED)
        write_whole(path, json.dumps(reference.to_dict(), indent=1) + "\n")


if __name__ == "__main__":
    main()
