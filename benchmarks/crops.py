"""Random crops of photographs, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spectral_mae import read_image

SUFFIXES = {".png", ".jpg", ".jpeg"}


def pictures(folders: Sequence[Path]) -> list[Path]:
    """All pictures in folders, by name."""
    found = sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in SUFFIXES)
    if not found:
        raise SystemExit(f"no pictures in {', '.join(map(str, folders))}")
    return found


def split(paths: Sequence[Path], held_out: float, seed: int = 0) -> tuple[list[Path], list[Path]]:
    """Training and held-out pictures, in random order."""
    order = np.random.default_rng(seed).permutation(len(paths))
    n = round(held_out * len(paths))
    return [paths[i] for i in order[n:]], [paths[i] for i in order[:n]]


def random_crops(
    paths: Sequence[Path], size: int, each: int, seed: int = 0, batch: int = 20
) -> Iterator[NDArray[np.float64]]:
    """``each`` crops of size × size pixels of every picture, colours from 0 to 1."""
    rng = np.random.default_rng(seed)
    crops = []
    for path in paths:
        pixels = read_image(path, color=True).pixels
        for _ in range(each):
            row, column = (rng.integers(0, n - size + 1) for n in pixels.shape[:2])
            crops.append(pixels[row : row + size, column : column + size])
            if len(crops) == batch:
                yield np.stack(crops)
                crops = []
    if crops:
        yield np.stack(crops)
