"""Masks, and unmasked spectra by their definition: sums over pairs of pixels, lag by lag."""

import itertools

import laws
import numpy as np
import pytest

PREWHITEN = pytest.mark.parametrize("prewhiten", [None, "gradient"])


def bool_mask(shape, seed=1, visible=0.7):
    mask = np.random.default_rng(seed).random(shape) < visible
    mask.flat[0] = True
    return mask


def soft_mask(shape, seed=1):
    """Weights from 0 to 1, both among them."""
    return np.clip(np.random.default_rng(seed).random(shape) * 1.6 - 0.3, 0, 1)


MASKS = pytest.mark.parametrize("mask", [bool_mask, soft_mask])


def pair_sums(images, masks, shape):
    """Per circular lag, Σ of products of weighted pixels and of weights, one pair at a time."""
    sums, pairs = np.zeros(shape), np.zeros(shape)
    for image, mask in zip(images, masks, strict=True):
        for first, second in itertools.product(np.ndindex(shape), repeat=2):
            lag = tuple((b - a) % n for a, b, n in zip(first, second, shape, strict=True))
            weight = float(mask[first]) * float(mask[second])
            pairs[lag] += weight
            if weight:
                sums[lag] += weight * image[first] * image[second]
    return sums, pairs


def steps(images, masks, axis, wrap):
    """Differences to the next pixel, and the weights of those that are seen."""
    both = masks * np.roll(masks, -1, axis)
    if not wrap:
        both[(slice(None),) * axis + (-1,)] = 0
    return np.roll(images, -1, axis) - images, both


def used_power(images, masks, min_pairs=1.0, taper=1.0):
    """The transform of the estimated covariance, lags of few pairs left out; and which those are"""
    shape = images.shape[1:]
    sums, pairs = pair_sums(images, masks, shape)
    unseen, rare = pairs == 0, (pairs > 0) & (pairs < min_pairs)
    covariance = np.divide(sums, pairs, out=np.zeros(shape), where=pairs > 0)
    used = np.where(unseen | rare, 0.0, covariance) * taper
    return laws.dft(used).real.astype(float), unseen.sum(), rare.sum()


def defined(images, masks, prewhiten, *, wrap=True, **options):
    """Power per pixel on the half-plane, with the numbers of lags unseen and rare."""
    shape = images.shape[1:]
    power, *counts = used_power(images, masks, **options)
    if prewhiten:
        gain = sum(
            np.abs(np.exp(2j * np.pi * k / n) - 1) ** 2
            for k, n in zip(np.indices(shape), shape, strict=True)
        )
        axes = range(1, images.ndim)
        parts = [used_power(*steps(images, masks, axis, wrap), **options) for axis in axes]
        gain.flat[0] = np.inf
        power = np.where(np.isinf(gain), power, sum(part[0] for part in parts) / gain)
        counts = [max(values) for values in zip(counts, *(part[1:] for part in parts), strict=True)]
    return laws.half(power), *counts


ONES = np.ones((4, 6))
ALL = np.ones((4, 6), bool)
NAN = np.where(np.arange(24).reshape(4, 6) == 8, np.nan, 1.0)
