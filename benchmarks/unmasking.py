"""How well the spectra and slopes of masked Gaussian fields are recovered.

    python -m benchmarks.unmasking [--fields 500]

Fields of 128×128 pixels, patches of 8; fixed seeds.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

import spectral_mae as sm
from spectral_mae.fields import gaussian_fields, power_law

SHAPE, PATCH = (128, 128), 8


def holes(n: int) -> NDArray[np.bool_]:
    """Irregular masks: what lies below the median of smooth noise, and some discs, is hidden."""
    noise = gaussian_fields(power_law(SHAPE, -4.0), n, rng=5)
    visible = noise > np.median(noise, axis=(1, 2), keepdims=True)
    rng = np.random.default_rng(6)
    rows, columns = np.indices(SHAPE)
    for place in range(n):
        for row, column in rng.integers(0, 128, (10, 2)):
            visible[place] &= (rows - row) ** 2 + (columns - column) ** 2 > 36
    return visible


def spectra(n: int) -> None:
    """Means over fields of unmasked and naive radial spectra."""
    grid = sm.PatchGrid(SHAPE, PATCH)
    masks = {
        "75 % of patches hidden": sm.sample_visible(grid, 0.75, n, rng=1),
        "90 % of patches hidden": sm.sample_visible(grid, 0.9, n, rng=1),
        "irregular holes": holes(n),
    }
    print(
        "| mask | slope | estimator | rings within 3 SE | largest SE / truth (rings of 30+) "
        "| naive off by > 10 SE |"
    )
    print("|---|---|---|---|---|---|")
    for name, visible in masks.items():
        for slope in (-1.0, -2.0, -3.0, -4.0):
            model = power_law(SHAPE, slope)
            truth = model.radial()
            fields = gaussian_fields(model, n, rng=0)
            share = visible.mean(axis=(1, 2))
            naive = np.array(
                [
                    sm.psd(x, visible=v).radial().power / s
                    for x, v, s in zip(fields, visible, share, strict=True)
                ]
            )
            away = np.abs(naive.mean(axis=0) - truth.power) / stderr(naive)
            for prewhiten in (None, "gradient"):
                found = np.array(
                    [
                        sm.unmasked_psd(x, v, prewhiten=prewhiten).radial().power
                        for x, v in zip(fields, visible, strict=True)
                    ]
                )
                within = np.abs(found.mean(axis=0) - truth.power) <= 3 * stderr(found)
                relative = (stderr(found) / truth.power)[truth.count >= 30]
                print(
                    f"| {name} | {slope:g} | {prewhiten or 'plain'} | {within.mean():.0%} "
                    f"| {relative.max():.1%} | {np.mean(away > 10):.0%} |",
                    flush=True,
                )


def slopes(n: int) -> None:
    """Means over fields of forward fits, and of straight lines."""
    grid = sm.PatchGrid(SHAPE, PATCH)
    print(
        "| slope | hidden | forward fit: mean ± SE | SD, predicted | straight line, naive: mean |"
    )
    print("|---|---|---|---|---|")
    for slope in (-2.0, -3.0, -4.0):
        fields = gaussian_fields(power_law(SHAPE, slope), n, rng=2)
        for ratio in (0.25, 0.75, 0.9):
            visible = sm.sample_visible(grid, ratio, n, rng=3)
            fits = [
                sm.fit_masked_slope(x, v, rng=i)
                for i, (x, v) in enumerate(zip(fields, visible, strict=True))
            ]
            found = np.array([fit.slope for fit in fits])
            predicted = np.mean([fit.stderr for fit in fits])
            lines = [
                sm.psd(x, visible=v).radial().fit_slope().slope
                for x, v in zip(fields, visible, strict=True)
            ]
            print(
                f"| {slope:g} | {ratio:.0%} | {found.mean():.4f} ± {stderr(found):.4f} "
                f"| {found.std(ddof=1):.4f}, {predicted:.4f} | {np.mean(lines):.3f} |",
                flush=True,
            )


def coverage(n: int) -> None:
    """How often the predicted standard errors hold."""
    grid = sm.PatchGrid(SHAPE, PATCH)
    visible = sm.sample_visible(grid, 0.75, 1, rng=4)[0]
    for slope, prewhiten in ((-1.0, None), (-2.0, "gradient")):
        model = power_law(SHAPE, slope)
        truth = model.radial()
        predicted = sm.unmasked_covariance(
            model, visible, prewhiten=prewhiten, n_draws=1000, rng=7
        ).stderr
        found = np.array(
            [
                sm.unmasked_psd(x, visible, prewhiten=prewhiten).radial().power
                for x in gaussian_fields(model, n, rng=8)
            ]
        )
        chosen = truth.count >= 30
        away = np.abs(found - truth.power)[:, chosen] / predicted[chosen]
        print(
            f"slope {slope:g}, {prewhiten or 'plain'}: within 1 SE {np.mean(away <= 1):.1%} "
            f"(single rings {np.mean(away <= 1, axis=0).min():.1%} to "
            f"{np.mean(away <= 1, axis=0).max():.1%}), within 1.96 SE {np.mean(away <= 1.96):.1%} "
            f"({np.mean(away <= 1.96, axis=0).min():.1%} to "
            f"{np.mean(away <= 1.96, axis=0).max():.1%})",
            flush=True,
        )


def stderr(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard error of the mean over the first axis."""
    return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=500)
    parser.add_argument("--draws", type=int, default=2000)
    arguments = parser.parse_args()
    spectra(arguments.fields)
    print()
    slopes(2 * arguments.fields // 5)
    print()
    coverage(arguments.draws)
