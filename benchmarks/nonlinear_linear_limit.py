"""Linear autoencoders, trained by gradient descent from a random start, against their closed forms.

    python -m benchmarks.nonlinear_linear_limit cifar10.zip [--size 8] [--steps 5000]

Gray crops of CIFAR-10 images, patches of a quarter of their side. Both losses are expectations over
all masks (or all noise), computed from the weights and the second moment of the crops: neither is a
sample. Exit 1 if a trained loss is more than 0.1 % above the closed form.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import spectral_mae as sm
from spectral_mae.linear.corruption import GaussianNoise, NoCorruption, PatchMasking
from spectral_mae.masks.designs.short_form import design_on
from spectral_mae.nonlinear.linear_autoencoder import (
    DescentConfig,
    LinearAutoencoder,
    descend,
    exact_hidden_loss,
    exact_loss,
)

BOUND = 1e-3


def crops(archive: Path, size: int, each: int, n_files: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    found = []
    with zipfile.ZipFile(archive) as file:
        names = sorted(n for n in file.namelist() if n.lower().endswith((".jpg", ".jpeg", ".png")))
        for i in rng.permutation(len(names))[:n_files]:
            pixels = np.asarray(Image.open(io.BytesIO(file.read(names[i]))).convert("L")) / 255.0
            for _ in range(each):
                row, column = (rng.integers(0, n - size + 1) for n in pixels.shape)
                found.append(pixels[row : row + size, column : column + size])
    return np.stack(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rate", type=float, default=3e-3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    size, patch = arguments.size, arguments.size // 4
    images = crops(arguments.archive, size, 2, arguments.files)
    grid = sm.PatchGrid((size, size), patch)
    moments = sm.DenseMoments(grid)
    moments.update(images)
    rank = size * size // 8
    dense = {"covariance": "dense"}
    cases = []
    for design in ("fixed", "bernoulli"):
        for m in (0.5, 0.75):
            for k in (None, rank):
                masks = PatchMasking(design_on(grid, m, sampling=design))
                model = sm.LinearMAE(patch, m, sampling=design, rank=k, **dense)
                cases.append((f"MAE, {design}, m={m}", k, masks, model))
            hidden = sm.LinearMAE(patch, m, sampling=design, target="hidden", **dense)
            cases.append((f"MAE, {design}, m={m}, hidden only", None, masks, hidden))
    for sigma in (0.05, 0.2):
        for k in (None, rank):
            model = sm.LinearDAE(patch, sigma, rank=k, **dense)
            cases.append((f"DAE, σ={sigma}", k, GaussianNoise(sigma), model))
    cases.append(("AE", rank, NoCorruption(), sm.LinearAE(patch, rank, **dense)))
    config = DescentConfig(arguments.steps, arguments.batch, arguments.rate)
    print(
        f"{len(images)} gray crops of {size}x{size}, patches of {patch}x{patch}; {config.steps} "
        f"steps of Adam on batches of {config.batch}, rate {config.rate:g} to 0, seed 0."
    )
    print("Loss per image, pixels from 0 to 1; expectation over all corruptions.\n")
    print("| model | rank | closed form | random start | trained | above | seconds |")
    print("|---|---|---|---|---|---|---|")
    worst = 0.0
    for name, k, corruption, closed in cases:
        closed.fit_moments(moments)
        torch.manual_seed(0)
        model = LinearAutoencoder(grid, rank=k).double()
        hidden_only = getattr(closed, "target", "all") == "hidden"

        def expected(model=model, corruption=corruption, hidden_only=hidden_only):
            if hidden_only:
                return exact_hidden_loss(model, moments, corruption)
            return exact_loss(model, moments, corruption)

        before = expected()
        start = time.perf_counter()
        descend(model, images, corruption, hidden_only=hidden_only, config=config, rng=0)
        seconds = time.perf_counter() - start
        loss = expected()
        above = loss / closed.loss_ - 1
        worst = max(worst, above)
        print(
            f"| {name} | {k or 'full'} | {closed.loss_:.6f} | {before:.3f} | {loss:.6f} "
            f"| {above:+.4%} | {seconds:.0f} |",
            flush=True,
        )
    print(f"\nlargest excess {worst:.4%}, bound {BOUND:.1%}")
    return int(worst > BOUND)


if __name__ == "__main__":
    sys.exit(main())
