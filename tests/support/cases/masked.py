"""Images of awkward kinds, and all that masks can make of them, by loops over every mask."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import dense
import laws
import numpy as np

Shape = tuple[int, ...]


class Case(NamedTuple):
    """How images are laid out; the channel axis counts that of the images."""

    shape: Shape
    patch: Shape
    channels: int | None = None
    axis: int | None = None

    @property
    def n_patches(self) -> int:
        return math.prod(n // p for n, p in zip(self.shape, self.patch, strict=True))

    @property
    def dim(self) -> int:
        return math.prod(self.shape) * (self.channels or 1)

    @property
    def number(self) -> np.ndarray:
        """The patch of each number of a row, channels last."""
        return np.repeat(dense.patch_number(self.shape, self.patch), self.channels or 1)


CASES = [
    Case((8,), (2,)),
    Case((6,), (2,), 2, 1),
    Case((4, 4), (2, 2)),
    Case((4, 6), (2, 3)),
    Case((2, 6), (1, 2), 2, -1),
    Case((4, 3), (2, 1), 2, -2),
    Case((4, 2), (2, 1), 3, 1),
    Case((2, 2, 3), (1, 1, 3), 2, -1),
]
KINDS = ["many", "few", "one", "constant", "empty"]
# One patch kept, one hidden, and between; nearly all and nearly none.
RATIOS = [("fixed", "one kept"), ("fixed", "half"), ("fixed", "one hidden")]
RATIOS += [("bernoulli", 0.02), ("bernoulli", 0.4), ("bernoulli", 0.97)]


def ratio_of(case: Case, ratio: float | str) -> float:
    kept = {"one kept": 1, "half": case.n_patches // 2, "one hidden": case.n_patches - 1}
    return 1 - kept[ratio] / case.n_patches if isinstance(ratio, str) else ratio


def photographs(case: Case, kind: str = "many", seed: int = 0) -> np.ndarray:
    """Images in the layout of a case: many or few, with a constant pixel, with an empty patch."""
    n = {"many": 40, "few": 3, "one": 1}.get(kind, 9)
    images = dense.photographs(n, case.shape, case.channels or 1, seed)
    if kind == "constant":
        images.reshape(n, -1)[:, 1] = 1.5
    if kind == "empty":
        images.reshape(n, -1)[:, case.number == 1] = 0.0
    return to_layout(case, images)


def to_layout(case: Case, images: np.ndarray) -> np.ndarray:
    """Images with channels last, or rows, in the layout of a case."""
    images = np.reshape(images, (len(images), *case.shape, case.channels or 1))
    return images[..., 0] if case.axis is None else np.moveaxis(images, -1, case.axis)


def to_rows(case: Case, images: np.ndarray) -> np.ndarray:
    """Flattened images, channels last."""
    if case.axis is not None:
        images = np.moveaxis(images, case.axis, -1)
    return images.reshape(len(images), -1)


def maskings(
    case: Case, rows: np.ndarray, ratio: float, sampling: str
) -> list[tuple[np.ndarray, float]]:
    """The rows under every mask, and its probability."""
    return [
        (rows * np.repeat(mask.ravel(), case.channels or 1), probability)
        for mask, probability in dense.masks(case.shape, case.patch, ratio, sampling)
    ]


def inclusion(case: Case, ratio: float, sampling: str) -> tuple[float, float, float]:
    """π₁, π₂−π₁² and π₁−π₂ by counting in exact arithmetic."""
    every = list(laws.every_subset(case.n_patches, ratio, sampling))
    one = sum(p for bits, p in every if bits[0])
    two = sum(p for bits, p in every if bits[0] and bits[1])
    return float(one), float(two - one**2), float(one - two)


def stacked(
    case: Case, rows: np.ndarray, ratio: float, sampling: str
) -> tuple[np.ndarray, np.ndarray]:
    """Input and target rows of all masks, each times the root of its weight."""
    every = maskings(case, rows, ratio, sampling)
    roots = [math.sqrt(probability / len(rows)) for _, probability in every]
    seen = np.concatenate([root * masked for root, (masked, _) in zip(roots, every, strict=True)])
    return seen, np.concatenate([root * rows for root in roots])


def power(rows: np.ndarray) -> float:
    """Sum over numbers, mean over images."""
    return sum(float(row @ row) for row in rows) / len(rows)


def three_terms(
    case: Case, target: np.ndarray, rows: np.ndarray, apply, ratio: float, sampling: str
) -> dict[str, float]:
    """Bias, shared and local of a linear map of rows, patch by patch."""
    pi1, together, alone = inclusion(case, ratio, sampling)
    local = 0.0
    for row, patch in itertools.product(rows, range(case.n_patches)):
        only = np.array([v if b == patch else 0.0 for v, b in zip(row, case.number, strict=True)])
        local += power(apply(only[np.newaxis])) / len(rows)
    return {
        "bias": power(target - pi1 * apply(rows)),
        "shared": together * power(apply(rows)),
        "local": alone * local,
    }
