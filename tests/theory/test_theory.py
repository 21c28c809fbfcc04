"""What the linear lemmas refuse, and how their results are told."""

import json
import math

import masked
import numpy as np
import pytest
from lemmas import bottleneck, options, symmetric, weights_of
from masked import CASES

from spectral_mae.theory import (
    equation_13,
    equation_14,
    explained_matrix,
    lemma_1,
    lemma_2,
    lemma_3,
    subspace_gradient,
    subspace_value,
    theorem_1,
)

IMAGES = np.random.default_rng(0).standard_normal((5, 8))
MAP = np.random.default_rng(1).standard_normal((8, 8))
CHANNELS = IMAGES.reshape(5, 4, 2)
WITH_NAN = np.where(np.arange(8) == 3, np.nan, IMAGES)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: lemma_1(WITH_NAN, MAP, 2, 0.5), ValueError, r"images.*\(0, 3\): nan"),
        (lambda: lemma_1(IMAGES, MAP * np.inf, 2, 0.5), ValueError, "weights holds 64"),
        (lambda: lemma_1(IMAGES, MAP[:4], 2, 0.5), ValueError, r"weights.*\(4, 8\).*\(8, 8\)"),
        (lambda: lemma_1(IMAGES, MAP, 3, 0.5), ValueError, r"patch_size=\(3,\).*shape=\(8,\)"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.9), ValueError, "mask_ratio=0.9.*keeps 0"),
        (lambda: lemma_1(IMAGES, MAP, 2, 1.0), ValueError, "mask_ratio=1.0"),
        (lambda: lemma_1(IMAGES, MAP, 2, math.nan), ValueError, "mask_ratio=nan"),
        (lambda: lemma_1(IMAGES, MAP, 8, 0.5), ValueError, "n_patches=1"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, sampling="x"), ValueError, "sampling='x'"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, n_draws=0), ValueError, "n_draws=0"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, n_draws=2.5), TypeError, "n_draws=2.5"),
        (lambda: lemma_1(IMAGES, MAP, 2, 0.5, channel_axis=7), ValueError, "channel_axis=7|axes"),
        (lambda: lemma_1(IMAGES[0], MAP, 2, 0.5), ValueError, r"shape \(8,\)"),
        (lambda: lemma_1(IMAGES[:0], MAP, 2, 0.5), ValueError, r"shape \(0, 8\)"),
        (lambda: lemma_1(IMAGES.reshape(5, 2, 2, 2), MAP, 1, 0.5), ValueError, r"\(5, 2, 2, 2\)"),
        (lambda: lemma_1(IMAGES * 1j, MAP, 2, 0.5), TypeError, "complex128"),
        (lambda: equation_13(IMAGES, MAP, MAP[:3], 2, 0.5), ValueError, r"\(8, 8\).*\(8, 3\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[:, :3], 2, 0.5), ValueError, r"\(8, 3\).*\(k, 8\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[:0], 2, 0.5), ValueError, r"\(0, 8\)"),
        (lambda: equation_13(IMAGES, MAP, MAP[0], 2, 0.5), ValueError, r"decoder.*\(8,\)"),
        (lambda: equation_13(IMAGES, MAP * np.nan, MAP, 2, 0.5), ValueError, "encoder holds 64"),
        (lambda: equation_14(IMAGES, MAP * np.nan, 2, 0.5), ValueError, "decoder holds 64"),
        (lambda: equation_14(IMAGES, np.ones((3, 8)), 2, 0.5), ValueError, "3 rows.*only 1"),
        (lambda: equation_14(IMAGES, np.ones((2, 8)), 2, 0.5), ValueError, "2 rows.*only 1"),
        (lambda: equation_14(IMAGES, np.ones((9, 8)), 2, 0.5), ValueError, r"\(9, 8\).*at most 8"),
        (lambda: explained_matrix(WITH_NAN, 2, 0.5), ValueError, "nan"),
        (lambda: theorem_1(IMAGES, 2, 0.5, 0), ValueError, "rank=0"),
        (lambda: theorem_1(IMAGES, 2, 0.5, 9), ValueError, "rank=9.*8"),
        (lambda: theorem_1(WITH_NAN, 2, 0.5, 2), ValueError, "nan"),
        (lambda: lemma_2(MAP, 2), ValueError, "not symmetric.*differ by up to"),
        (lambda: lemma_2(MAP[:4], 2), ValueError, r"\(4, 8\)"),
        (lambda: lemma_2(np.zeros((0, 0)), 1), ValueError, r"\(0, 0\)"),
        (lambda: lemma_2(np.full((2, 2), np.nan), 1), ValueError, "matrix holds 4"),
        (lambda: lemma_2(np.eye(3), 4), ValueError, "rank=4.*1 and 3"),
        (lambda: lemma_2(np.eye(3), 0), ValueError, "rank=0"),
        (lambda: lemma_2(np.eye(30), 15), ValueError, "155117520 sets of 15 out of 30.*20000"),
        (lambda: lemma_3(MAP, 2), ValueError, "not symmetric"),
        (lambda: lemma_3(np.eye(3), 4), ValueError, "rank=4"),
        (lambda: lemma_3(np.eye(3), 2, starts=0), ValueError, "starts=0"),
        (lambda: subspace_value(np.ones((1, 4)), np.eye(3)), ValueError, r"\(1, 4\).*\(k, 3\)"),
        (lambda: subspace_value(np.ones((4, 3)), np.eye(3)), ValueError, r"\(4, 3\).*at most 3"),
        (lambda: subspace_value(np.ones((2, 3)), np.eye(3)), ValueError, "2 rows.*only 1"),
        (lambda: subspace_gradient(np.zeros((1, 3)), np.eye(3)), ValueError, "1 rows.*only 0"),
        (lambda: lemma_1(CHANNELS, np.eye(8), 1, 0.5, channel_axis=0), ValueError, "_axis=0"),
        (lambda: lemma_1(CHANNELS, np.eye(8), 1, 0.5, channel_axis=-3), ValueError, "_axis=-3"),
        (lambda: subspace_gradient(np.ones(3), np.eye(3)), ValueError, r"decoder.*\(3,\)"),
        (lambda: subspace_gradient(np.full((1, 3), np.nan), np.eye(3)), ValueError, "nan"),
    ],
)
def test_what_cannot_be_is_refused_with_its_value(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_results_are_plain_enough_for_json():
    case = CASES[2]
    images, (a, b) = masked.photographs(case), bottleneck(case, 2)
    sides = equation_13(images, a, b, 2, 0.5, **options(case, "fixed"))
    told = json.loads(json.dumps(sides.to_dict()))
    assert told["name"] == "Eq. 13"
    assert told["scale"] == sides.scale
    for name in ("formula", "definition", "drawn", "stderr"):
        assert np.array_equal(told[name], getattr(sides, name))
    assert (told["error"], told["sigmas"], told["n_draws"]) == (sides.error, sides.sigmas, 2)
    assert told["terms"] == {}
    number = lemma_1(images, weights_of(case), 2, 0.5, **options(case, "fixed"))
    assert json.loads(json.dumps(number.to_dict()))["terms"] == number.terms
    many = lemma_1(np.ones((1, 20)), np.eye(20), 1, 0.5, n_draws=5)
    assert json.loads(json.dumps(many.to_dict()))["definition"] is None
    matrix = symmetric([3.0, 2.0, 1.0])
    points = lemma_2(matrix, 2, rng=0)
    told = json.loads(json.dumps(points.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 2", points.error)
    assert told["subset"] == points.subset.tolist()
    assert told["smallest_gap"] == points.smallest_gap
    best = lemma_3(matrix, 2, rng=0)
    told = json.loads(json.dumps(best.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 3", best.error)
    assert (told["formula"], told["gap"]) == (best.formula, best.gap)
    names = {
        lemma_1(IMAGES, MAP, 2, 0.5, n_draws=1).name: "Lemma 1",
        equation_14(IMAGES, MAP[:2], 2, 0.5, n_draws=1)[1].name: "Eq. 14",
        theorem_1(IMAGES, 2, 0.5, 1, n_draws=1).name: "Theorem 1",
    }
    assert all(name == truth for name, truth in names.items())


def test_images_of_whole_numbers_and_single_precision_are_taken_as_numbers():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (5, 8), dtype=np.uint8)
    truth = lemma_1(images.astype(float), MAP, 2, 0.5, n_draws=2, rng=0).formula
    assert lemma_1(images, MAP, 2, 0.5, n_draws=2, rng=0).formula == truth
    assert lemma_1(images.astype(np.float32), MAP, 2, 0.5, n_draws=2, rng=0).formula == truth
    assert lemma_1(images, MAP, 2, 0.5, n_draws=2, rng=0).error < 1e-14
