"""Linear MAEs of CIFAR-10 in patches of 4 pixels: the dense optimum against the banded one.

    python -m benchmarks.linear_cifar cifar10.zip [--mask-ratio 0.75]

The archive holds the training images in class folders. Four fifths of them train, the rest is held
out; then `fit` streams through all of them. (These files are JPEGs, whose blocks show at period 8:
no claim is made about patches of 8 pixels.)
"""

from __future__ import annotations

import argparse
import io
import resource
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import spectral_mae as sm

BATCH = 1000


def batches(archive: Path, names: list[str]) -> Iterator[NDArray[np.float64]]:
    """Images from 0 to 1, (n, 32, 32, 3)."""
    with zipfile.ZipFile(archive) as file:
        for first in range(0, len(names), BATCH):
            part = names[first : first + BATCH]
            images = [np.asarray(Image.open(io.BytesIO(file.read(name)))) for name in part]
            yield np.stack(images) / 255.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--patch-size", type=int, default=4)
    parser.add_argument("--mask-ratio", type=float, default=0.75)
    parser.add_argument("--ranks", type=int, nargs="*", default=[64, 256])
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.archive) as file:
        names = sorted(n for n in file.namelist() if n.lower().endswith((".jpg", ".jpeg", ".png")))
    order = np.random.default_rng(0).permutation(len(names))
    names = [names[i] for i in order]
    n = len(names) * 4 // 5
    held_out = np.concatenate(list(batches(arguments.archive, names[n:])))
    grid = sm.PatchGrid((32, 32), arguments.patch_size)
    kinds = {"dense": sm.DenseMoments, "banded": sm.BandMoments, "stationary": sm.StationaryMoments}
    moments = {name: kind(grid, 3) for name, kind in kinds.items()}
    for images in batches(arguments.archive, names[:n]):
        for each in moments.values():
            each.update(images)
    print(f"{n} images train, {len(held_out)} are held out; {arguments.mask_ratio:.0%} hidden.")
    print("Loss per image: summed over 3072 numbers from 0 to 1.")
    print()
    print(
        "| rank | covariance | loss, training | loss, held out | explained, training | held out |"
    )
    print("|---|---|---|---|---|---|")
    for rank in (None, *arguments.ranks):
        for name, each in moments.items():
            model = sm.LinearMAE(
                arguments.patch_size, arguments.mask_ratio, rank=rank, covariance=name
            ).fit_moments(each)
            explained = model.score(held_out)
            about = held_out - model.mean_
            trace = float(np.sum(about**2)) / len(held_out)
            # the moments of a stationary model are not the training images themselves
            fitted = 1 - model.loss_ / model.trace_
            print(
                f"| {rank or 'full'} | {name} | {model.loss_:.3f} | {trace * (1 - explained):.3f} "
                f"| {fitted:.4f} | {explained:.4f} |",
                flush=True,
            )
    print()
    start = time.perf_counter()
    model = sm.LinearMAE(arguments.patch_size, arguments.mask_ratio)
    model.fit(batches(arguments.archive, names), channel_axis=-1)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"fit streamed through {model.moments_.n_images} images in {seconds:.0f} s: loss "
        f"{model.loss_:.3f}, explained {1 - model.loss_ / model.trace_:.4f}; "
        f"peak memory of this script {peak:.2f} GiB"
    )


if __name__ == "__main__":
    main()
