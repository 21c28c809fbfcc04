"""Radial spectra of a batch of images against peers and against the bare transform."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import spectral_mae as sm
from benchmarks.contest import Contest, Ratio, Size, Work
from benchmarks.peers import installed
from spectral_mae._checks import Planner
from spectral_mae.spectra.backends.workspace import Workspace
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.frequencies import half_shape

BARS = {"powerbox": "≥ 15", "pysteps algorithm": "≥ 15", "NumPy recipe": "≥ 4"}
PLANNERS: dict[Planner, str] = {
    "estimate": "≤ 1.15",
    "measure": "≤ 1.5",
}  # with the bar over the bare transforms


def bare(fft: RealFFT, n: int) -> Work:
    """``n`` transforms between FFTW's own buffers, and nothing else: one plan, rows upright."""
    with fft.borrow() as space:
        space.real[...] = 0.0  # what memory happens to hold may be slow to calculate with

    def work(_rows: slice, space: Workspace) -> None:
        space.forward()

    return lambda: fft.each_chunk(n, work)


def least(images: NDArray[np.float32], planner: Planner) -> Work:
    """The numerical steps of `Periodogram.radial` with nothing checked and nothing allocated.

    Transforms of the images where they lie, squares, the sum of all power, and for each plane one
    read in the order of the rings and sums over the rings of the power and of its square.
    """
    shape = images.shape[1:]
    fft = RealFFT(shape, dtype=np.float32, planner=planner, transposed=True, chunk=1)
    side = images.shape[-1]
    radius = np.hypot(*np.meshgrid(np.fft.rfftfreq(side), np.fft.fftfreq(side), indexing="ij"))
    ring = np.rint(radius * side).astype(int).ravel()
    inside = (ring > 0) & (ring <= side // 2)
    order = np.argsort(ring, kind="stable")
    order = order[inside[order]]
    starts = np.flatnonzero(np.diff(ring[order], prepend=0))
    power, other = np.empty((2, radius.size), dtype=np.float32)
    taken, exact = np.empty(len(order), dtype=np.float32), np.empty(len(order))
    sums = np.empty(len(starts))

    def work(rows: slice, space: Workspace) -> None:
        space.forward(images[rows])
        parts = space.half.reshape(-1).view(np.float32)
        np.square(parts[0::2], out=power)
        np.square(parts[1::2], out=other)
        np.add(power, other, out=power)
        np.add.reduce(power)
        power.take(order, out=taken, mode="wrap")
        exact[...] = taken
        np.add.reduceat(exact, starts, out=sums)
        np.square(exact, out=exact)
        np.add.reduceat(exact, starts, out=sums)

    return lambda: fft.each_chunk(len(images), work)


def spectra(size: Size) -> Iterator[Contest]:
    """Radial spectra of a batch against peers and the bare transforms."""
    shape, n = (size.side, size.side), size.images
    images = np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)
    title = f"Radial spectra of {n} images, {size.side}×{size.side} float32"
    peers, missing = installed()
    for planner, bar in PLANNERS.items():
        one = sm.Periodogram(shape, dtype=np.float32, planner=planner)
        # A plan of its own, of as many images at once.
        fft = RealFFT(shape, dtype=np.float32, planner=planner)
        whole = n - n % fft.chunk or fft.chunk
        works: dict[str, Work] = {
            "ours": lambda one=one: one.radial(images),
            "bare": bare(fft, whole),
            "least": least(images, planner),
        }
        ratios = [
            Ratio("time over that of the bare transforms", "ours", "bare", bar, whole / n),
            Ratio("its steps alone, over the same", "least", "bare", "", whole / n),
        ]
        for name, peer in peers.items():
            works[name] = lambda peer=peer: peer(images[0])
            ratios.append(Ratio(f"as fast as {name}", name, "ours", BARS.get(name, ""), float(n)))
        yield Contest(
            f'{title}, planner "{planner}"',
            works,
            ratios,
            rounds=size.rounds,
            note=f"not installed: {', '.join(missing)}" if missing else "",
        )


def workers(size: Size) -> Iterator[Contest]:
    """Radial spectra with two workers against one."""
    shape, n = (size.side, size.side), 4 * size.images
    images = np.random.default_rng(0).standard_normal((n, *shape)).astype(np.float32)
    one, two = (sm.Periodogram(shape, dtype=np.float32, workers=k) for k in (1, 2))
    bare_one, bare_two = (RealFFT(shape, dtype=np.float32, workers=k) for k in (1, 2))
    yield Contest(
        f"Radial spectra of {n} images, {size.side}×{size.side} float32",
        {
            "one": lambda: one.radial(images),
            "two": lambda: two.radial(images),
            "bare one": bare(bare_one, n),
            "bare two": bare(bare_two, n),
        },
        [
            Ratio("two workers: as fast as one", "one", "two", "≥ 1.4"),
            Ratio("bare transforms, which no machine shares out better", "bare one", "bare two"),
        ],
        threads=2,
        rounds=size.rounds,
    )


def expected(size: Size) -> Iterator[Contest]:
    """The expected spectrum under masks against drawn masks."""
    shape, patch, n = (size.side, size.side), size.patch, size.masks
    image = np.random.default_rng(0).random(shape)
    grid = sm.PatchGrid(shape, patch)
    periodogram = sm.Periodogram(shape)
    copies = np.broadcast_to(image, (n, *shape))

    def batch() -> sm.Spectrum:
        return periodogram.mean(copies, visible=sm.sample_visible(grid, 0.75, n, rng=0))

    exact = sm.expected_masked_psd(image, patch, 0.75)
    error = float(np.median(np.abs(batch().power / exact.power - 1)))
    transforms = 10
    yield Contest(
        f"Expected spectrum under masks, {size.side}×{size.side} float64, patches of {patch}",
        {
            "exact": lambda: sm.expected_masked_psd(image, patch, 0.75),
            "loop": _masked_loop(image, grid, n),
            "batch": batch,
            "bare": bare(RealFFT(shape, chunk=1), transforms),
            "least": least_expected(image, patch),
        },
        [
            Ratio(f"as fast as {n} drawn masks, the same FFTW in a loop", "loop", "exact", "≥ 30"),
            Ratio(f"as fast as {n} drawn masks in one Periodogram.mean", "batch", "exact"),
            Ratio("time in bare transforms, planning and all", "exact", "bare", "≤ 10", transforms),
            Ratio("its numerical steps alone, in bare transforms", "least", "bare", "", transforms),
        ],
        rounds=size.rounds,
        note=f"after {n} masks the median error of a frequency is still {error:.0%}",
    )


def least_expected(image: NDArray[np.float64], patch: int) -> Work:
    """The numerical steps of `expected_masked_psd` with nothing checked, planned or allocated.

    One transform and its squares; two passes over the image for sums of patches and what is less
    the mean; waves along the columns of patches, products of their rows (half of them twice, for
    real and imaginary parts), a small product that spreads these over all frequencies; and the sum
    of both, upright. Tables hold any numbers: products take as long with others.
    """
    (height, width), down = image.shape, len(image) // patch
    fft = RealFFT(image.shape, chunk=1, transposed=True)
    half = half_shape(image.shape)
    random = np.random.default_rng(0).standard_normal
    forward, diagonals = random((2 * patch, patch)), random((patch * patch, patch))
    columns, spread = random((patch, half[1])), random((4 * patch + 1, height))
    power, part, mean = np.empty(half[::-1]), np.empty(half[::-1]), np.empty(half)
    terms, ones = random((half[1], 4 * patch + 1)), np.ones(down)
    strip = -(-down // 2)  # two of them stay in the cache
    about = np.empty((strip, patch, width))
    waves = np.empty((2 * patch, strip, width))
    rows = waves.reshape(patch, -1, patch)
    cosines, sines = waves.reshape(patch, 2, -1, patch).swapaxes(0, 1)
    product = np.empty((patch, patch, patch))
    patches = image.reshape(down, patch, width)

    def work() -> None:
        with fft.borrow() as space:
            space.forward(image[np.newaxis])
            parts = space.half[0].view(np.float64)
            np.square(parts, out=parts)
            np.add(parts[:, 0::2], parts[:, 1::2], out=power)
        center = float((ones @ patches.reshape(down, -1)).sum()) / image.size
        for first in (0, down - strip):
            np.subtract(patches[first : first + strip], center, out=about)
            np.matmul(forward, about, out=waves.swapaxes(0, 1))
            for some in slice(None, patch // 2), slice(patch // 2, None):
                np.matmul(rows[..., some].swapaxes(1, 2), rows, out=product[:, some])
            np.matmul(sines.swapaxes(1, 2), cosines, out=product)
        for _ in range(4):  # real and imaginary parts, and both for the mean
            np.matmul(product.reshape(patch, -1) @ diagonals, columns)
        for first in (0, half[1] // 2):
            some = slice(first, first + half[1] // 2 + 1)
            np.matmul(terms[some], spread, out=part[some])
            np.add(power[some], part[some], out=power[some])
        mean[...] = power.T

    return work


def designs(size: Size) -> Iterator[Contest]:
    """The mean spectrum under designs of blocks against that under uniform masks."""
    shape, patch = (size.side, size.side), size.patch
    grid = sm.PatchGrid(shape, patch)
    image = np.random.default_rng(0).standard_normal(shape)
    block = tuple(max(1, round(0.43 * n)) for n in grid.counts)  # 6 of 14 patches along each axis
    periodogram = sm.Periodogram(shape)

    def under(*, rolled: bool) -> sm.Spectrum:
        design = sm.designs.block(grid, block, rolled=rolled)
        return sm.expected_masked_psd(image, design=design)

    def every_mask() -> sm.Spectrum:
        patterns, _ = sm.designs.block(grid, block).enumerate()
        copies = np.broadcast_to(image, (len(patterns), *shape))
        return periodogram.mean(copies, visible=grid.expand(patterns))

    sides = "×".join(map(str, block))
    yield Contest(
        f"Expected spectrum under a block of {sides} patches, {size.side}×{size.side} float64, "
        f"patches of {patch}",
        {
            "uniform": lambda: sm.expected_masked_psd(image, patch, 0.75),
            "rolled": lambda: under(rolled=True),
            "unrolled": lambda: under(rolled=False),
            "masks": every_mask,
        },
        [
            Ratio("rolled: time over that under uniform masks", "rolled", "uniform", "≤ 20"),
            Ratio(f"rolled: as fast as all its {grid.n_patches} masks", "masks", "rolled"),
            Ratio("not rolled: time over that under uniform masks", "unrolled", "uniform"),
        ],
        rounds=size.rounds,
    )


def _masked_loop(image: NDArray[np.float64], grid: sm.PatchGrid, n: int) -> Work:
    """Mask by mask: multiply, transform by one plan that is there already, square, add."""
    import pyfftw

    real = pyfftw.zeros_aligned(grid.shape)
    half = pyfftw.zeros_aligned(half_shape(grid.shape), dtype=complex)
    plan = pyfftw.FFTW(real, half, axes=(0, 1), flags=("FFTW_ESTIMATE",))
    squares = half.view(float)

    def work() -> NDArray[np.float64]:
        total = np.zeros(half.shape)
        for visible in sm.sample_visible(grid, 0.75, n, rng=0):
            np.multiply(image, visible, out=real)
            plan.execute()
            np.square(squares, out=squares)
            total += squares[:, 0::2]
            total += squares[:, 1::2]
        return total / n

    return work


def mask_transforms(size: Size) -> Iterator[Contest]:
    """Transforms of masks in closed form against FFTW's."""
    for side in size.sides:
        mask = sm.PulseMask.random(sm.PatchGrid((side, side), size.patch), 0.75, rng=0)
        for planner in PLANNERS:
            works, ratios = _like_for_like(mask, planner)
            yield Contest(
                f'Transform of a mask, {side}×{side}, patches of {size.patch}, planner "{planner}"',
                works,
                ratios,
                rounds=size.rounds,
            )


def _like_for_like(mask: sm.PulseMask, planner: str) -> tuple[dict[str, Work], list[Ratio]]:
    import pyfftw

    effort = (f"FFTW_{planner.upper()}",)
    real = pyfftw.zeros_aligned(mask.shape)
    half = pyfftw.zeros_aligned(half_shape(mask.shape), dtype=complex)
    whole, out = (pyfftw.zeros_aligned(mask.shape, dtype=complex) for _ in range(2))
    r2c = pyfftw.FFTW(real, half, axes=(0, 1), flags=effort)
    c2c = pyfftw.FFTW(whole, out, axes=(0, 1), flags=effort)

    def fftw_half() -> None:
        real[...] = mask.visible
        r2c.execute()

    def fftw_full() -> None:
        whole[...] = mask.visible
        c2c.execute()

    ours_half, ours_whole = np.empty_like(half), np.empty_like(out)

    def first() -> None:
        sm.PulseMask(mask.shape, mask.patch_size, mask.starts).dft(out=ours_whole)

    works: dict[str, Work] = {
        "r2c": fftw_half,
        "half": lambda: mask.half_dft(out=ours_half),
        "c2c": fftw_full,
        "full": lambda: mask.dft(out=ours_whole),
        "first": first,
    }
    return works, [
        Ratio("half-plane: as fast as FFTW's r2c", "r2c", "half", "≥ 1.5"),
        Ratio("whole grid: as fast as FFTW's c2c", "c2c", "full", "≥ 1.5"),
        Ratio("whole grid, mask and tables made anew: as fast as c2c", "c2c", "first"),
    ]
