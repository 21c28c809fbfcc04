"""What Lemmas 4-6 refuse, and how their results are told."""

import csv
import json
import math

import numpy as np
import pytest
from lemmas import smooth, wave

from spectral_mae.theory import (
    TanhNetwork,
    complex_step_jacobian,
    fisher_matrix,
    function_space_loss,
    gap_by_mask_ratio,
    lemma_4,
    lemma_5,
    lemma_6,
    patch_local_trace,
)

IMAGES = np.random.default_rng(0).standard_normal((5, 8))
WITH_NAN = np.where(np.arange(8) == 3, np.nan, IMAGES)
MOVES = np.random.default_rng(1).standard_normal((2, 8))


@pytest.mark.parametrize("lemma", [lemma_4, lemma_5, lemma_6])
@pytest.mark.parametrize(
    ("images", "how", "error", "words"),
    [
        (WITH_NAN, {}, ValueError, r"images.*\(0, 3\): nan"),
        (IMAGES[0], {}, ValueError, r"shape \(8,\)"),
        (IMAGES, {"mask_ratio": 0.0}, ValueError, "mask_ratio=0.0"),
        (IMAGES, {"mask_ratio": math.nan}, ValueError, "mask_ratio=nan"),
        (IMAGES, {"patch_size": 3}, ValueError, r"patch_size=\(3,\)"),
        (IMAGES, {"sampling": "some"}, ValueError, "sampling='some'"),
        (IMAGES, {"n_draws": 0}, ValueError, "n_draws=0"),
        (IMAGES, {"channel_axis": 4}, ValueError, r"\(5, 8\)"),
        (IMAGES, {"function": lambda x: x + np.nan}, ValueError, "nan"),
        (IMAGES, {"function": lambda x: np.concatenate([x, x], axis=1)}, ValueError, "shape"),
    ],
)
def test_what_the_lemmas_refuse(lemma, images, how, error, words):
    call = {"function": np.tanh, "patch_size": 2, "mask_ratio": 0.5} | how
    with pytest.raises(error, match=words):
        lemma(images=images, **call)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: lemma_4(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.ones((8, 4))),
            r"jacobian has shape \(8, 4\); \(outputs, 8\)",
        ),
        (
            lambda: lemma_5(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.full((8, 8), np.nan)),
            "jacobian holds 64",
        ),
        (lambda: lemma_4(lambda x: x[:1], IMAGES, 2, 0.5, jacobian=lambda x: np.eye(8)),
         r"returns shape \(1, 8\) for images of shape \(5, 8\)"),
        (lambda: lemma_6(lambda x: x[:, :3], IMAGES, 2, 0.5), r"\(1, 3\).*\(5, 8\)"),
        (lambda: lemma_6(lambda x: x[:1], IMAGES, 2, 0.5), r"\(1, 8\).*\(5, 8\)"),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=IMAGES[:4]), r"\(4, 8\) for 5 images"),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=WITH_NAN), "target holds 5"),
        (
            lambda: lemma_4(np.tanh, IMAGES, 2, 0.5, jacobian=lambda x: np.ones((4, 8))),
            r"jacobian has shape \(4, 8\); \(8, 8\)",
        ),
        (
            lambda: fisher_matrix(np.tanh, IMAGES[0], jacobian=lambda x: np.ones(8)),
            r"jacobian has shape \(8,\)",
        ),
        (lambda: lemma_4(lambda x: x[:, :4], IMAGES, 2, 0.5), r"\(1, 4\).*\(1, 8\)"),
        (lambda: lemma_5(lambda x: x[:, :4], IMAGES, 2, 0.5), r"\(5, 4\).*\(5, 8\)"),
        (
            lambda: lemma_6(lambda x: x.sum(), IMAGES, 2, 0.5, target=IMAGES[:, 0]),
            r"returns shape \(\) for a target of shape \(5,\)",
        ),
        (lambda: lemma_6(np.tanh, IMAGES, 2, 0.5, target=1.0), r"shape \(\) for 5 images"),
        (
            lambda: lemma_6(lambda x: np.multiply(x, 2, out=x), IMAGES, 2, 0.5),
            "read-only",  # or the images would change under the lemma's hands
        ),
        (lambda: complex_step_jacobian(np.sum, np.ones(3)), r"shape \(\) for a batch of 3"),
        (lambda: complex_step_jacobian(lambda x: x * np.nan, np.ones(3)), "not finite"),
        (lambda: TanhNetwork(MOVES, MOVES, 1, np.ones(3)), r"bias.*\(3,\).*\(8,\)"),
        (lambda: TanhNetwork(MOVES, MOVES)(np.ones((3, 5))), r"\(3, 5\).*\(8,\)"),
        (
            lambda: function_space_loss(wave, lambda t, s: t * s * np.nan, 4, 0.5),
            "kernel holds 4096",
        ),
        (
            lambda: function_space_loss(wave, lambda t, s: np.ones(3), 4, 0.5),
            r"kernel returns shape \(3,\)",
        ),
        (
            lambda: function_space_loss(lambda t: t[:3], smooth, 4, 0.5),
            r"signal returns shape \(3,\)",
        ),
        (lambda: fisher_matrix(np.tanh, WITH_NAN[0]), "image holds 1"),
        (lambda: complex_step_jacobian(np.tanh, WITH_NAN[0]), "image holds 1"),
        (lambda: patch_local_trace(np.eye(3), IMAGES[0], 2), r"\(3, 3\); \(8, 8\)"),
        (lambda: patch_local_trace(np.eye(8), IMAGES[0], 3), r"patch_size=\(3,\)"),
        (lambda: patch_local_trace(np.eye(8), WITH_NAN[0], 2), "image holds 1"),
        (lambda: patch_local_trace(np.full((8, 8), np.nan), IMAGES[0], 2), "fisher holds 64"),
        (lambda: gap_by_mask_ratio(lemma_4, np.tanh, IMAGES, 2, []), "mask_ratios is empty"),
        (lambda: gap_by_mask_ratio(lemma_4, np.tanh, IMAGES, 2, [0.5, 1.5]), "mask_ratio=1.5"),
        (lambda: TanhNetwork(MOVES, MOVES[:1]), r"encoder \(2, 8\) and decoder \(1, 8\)"),
        (lambda: TanhNetwork(MOVES[0], MOVES[0]), r"\(8,\)"),
        (lambda: TanhNetwork(MOVES, MOVES, -0.5), "strength=-0.5"),
        (lambda: TanhNetwork(MOVES, MOVES, math.nan), "strength=nan"),
        (lambda: TanhNetwork(MOVES, MOVES, math.inf), "strength=inf"),
        (lambda: TanhNetwork(MOVES * np.nan, MOVES), "encoder holds 16"),
        (lambda: TanhNetwork(MOVES, MOVES * np.nan), "decoder holds 16"),
        (lambda: TanhNetwork(MOVES, MOVES, 1, np.nan), "bias holds 1"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64,)), r"samples=\(64,\)"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64, 64)), "not at least two"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, samples=(64, 66)),
         "samples=66.*n_patches=4"),
        (lambda: function_space_loss(wave, smooth, 0, 0.5), "n_patches=0"),
        (lambda: function_space_loss(wave, smooth, 1, 0.5), "n_patches=1"),
        (lambda: function_space_loss(wave, smooth, 4, 0.9), "mask_ratio=0.9"),
        (lambda: function_space_loss(wave, smooth, 4, 0.5, sampling="x"), "sampling='x'"),
        (lambda: function_space_loss(lambda t: t * np.nan, smooth, 4, 0.5), "signal holds 64.*nan"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_value(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_results_are_plain_enough_for_json(tmp_path):
    sides = lemma_5(np.tanh, IMAGES, 2, 0.5, n_draws=5, rng=0)
    told = json.loads(json.dumps(sides.to_dict()))
    assert told["terms"] == sides.terms
    assert (told["formula"], told["definition"]) == (sides.formula, sides.definition)
    split = lemma_6(np.tanh, IMAGES, 2, 0.5, n_draws=5, rng=0)
    told = json.loads(json.dumps(split.to_dict()))
    assert (told["name"], told["error"]) == ("Lemma 6", split.error)
    assert (told["cross"], told["spread"]) == (split.cross, split.spread)
    assert told["terms"] == split.terms
    found = function_space_loss(wave, smooth, 4, 0.5, samples=(16, 32, 64))
    told = json.loads(json.dumps(found.to_dict()))
    assert told["samples"] == [16, 32, 64]
    for name in ("loss", "bias", "shared", "local"):
        assert told[name] == getattr(found, name).tolist()
    assert (told["limit"], told["order"]) == (found.limit, found.order)
    found.to_csv(tmp_path / "loss.csv")
    with (tmp_path / "loss.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["samples"]) for row in rows] == [16, 32, 64]
    for name in ("loss", "bias", "shared", "local"):
        assert [float(row[name]) for row in rows] == getattr(found, name).tolist()
