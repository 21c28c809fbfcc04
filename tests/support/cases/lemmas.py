"""What tests of the lemmas share: cases to go through, maps and matrices."""

import math

import masked
import numpy as np
import pytest
from masked import CASES

OVER_CASES = pytest.mark.parametrize("case", CASES, ids=lambda case: "x".join(map(str, case.shape)))
OVER_KINDS = pytest.mark.parametrize("kind", masked.KINDS)
OVER_RATIOS = pytest.mark.parametrize(("sampling", "ratio"), masked.RATIOS)
SMALL = [CASES[1], CASES[2]]
OVER_SMALL = pytest.mark.parametrize("case", SMALL, ids=["signals in two channels", "images"])


def weights_of(case, seed=7):
    return np.random.default_rng(seed).standard_normal((case.dim, case.dim)) / case.dim


def bottleneck(case, rank, seed=3):
    """An encoder and a decoder that have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((case.dim, rank)), rng.standard_normal((rank, case.dim))


def options(case, sampling, *, n_draws=2):
    return {"sampling": sampling, "channel_axis": case.axis, "n_draws": n_draws, "rng": 0}


def rotation(dim, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def symmetric(values, seed=0):
    """A matrix of these eigenvalues, in no order, along no axis."""
    basis = rotation(len(values), seed)
    return (basis * np.random.default_rng(seed).permutation(values)) @ basis.T


def slopes(function, start, step=1.0):
    """Central differences: exact for squares, whatever the step."""
    found = np.zeros_like(start)
    for index in np.ndindex(start.shape):
        move = np.zeros_like(start)
        move[index] = step
        found[index] = (function(start + move) - function(start - move)) / (2 * step)
    return found


OVER_DESIGNS = pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
# Signals in two channels, channels first; channels in the middle.
LAYOUTS = pytest.mark.parametrize("case", [CASES[1], CASES[5]], ids=["first", "middle"])
SQUARE = CASES[2]


def photographs(case, kind="many", size=0.3):
    """A few images, small enough for curves to be curves and not steps."""
    return size * masked.photographs(case, kind)[:6]


def mixings(case, seed=7):
    return np.random.default_rng(seed).standard_normal((3, case.dim, case.dim)) / math.sqrt(
        case.dim
    )


def curved(case):
    """A map of rows with a constant, a slope and a bend, none of which knows of patches."""
    one, two, _ = mixings(case)
    constant = np.linspace(-0.2, 0.3, case.dim)
    return lambda rows: constant + np.sin(rows @ one) + 0.5 * (rows @ two) ** 2


def of_images(case, apply):
    """A map of rows, as one of batches in the layout of a case; linear maps may be complex."""
    return lambda images: masked.to_layout(case, apply(masked.to_rows(case, images)))


def differences(function, image, step=1e-5):
    """The Jacobian by central differences, one number of the image after the other."""
    columns = []
    for index in np.ndindex(image.shape):
        move = np.zeros_like(image)
        move[index] = step
        ahead, behind = function((image + move)[np.newaxis]), function((image - move)[np.newaxis])
        columns.append(((ahead - behind) / (2 * step)).ravel())
    return np.array(columns).T


def enumerated(case, rows, target, apply, ratio, sampling):
    every = masked.maskings(case, rows, ratio, sampling)
    return sum(p * masked.power(target - apply(seen)) for seen, p in every)


def wave(t):
    return np.sin(2 * np.pi * t)


def smooth(t, s):
    return np.exp(-((t - s) ** 2))
