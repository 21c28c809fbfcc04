"""Options of what needs PyTorch: checked as strictly as all others."""

import numpy as np
import pytest

pytest.importorskip("torch")

from spectral_mae.masks.patches import PatchGrid
from spectral_mae.nonlinear import (
    ClassifyConfig,
    DescentConfig,
    LabelledImages,
    LinearAutoencoder,
    MAEConfig,
    MaskedAutoencoder,
    TrainConfig,
    filler,
    layer_similarity,
    linear_probe,
    measured_response,
    read_labelled,
)

GRID = PatchGrid((4, 4), 2)
MODEL = MaskedAutoencoder(MAEConfig((4, 4), 2, channels=1, width=8, depth=1, decoder_width=8))
PIXELS = np.zeros((8, 4, 4, 1), np.uint8)
IMAGES = np.random.default_rng(0).random((6, 4, 4))
LABELS = np.arange(20) % 2
FEATURES = np.random.default_rng(1).random((20, 2))


def probe(**options):
    return linear_probe(FEATURES, LABELS, FEATURES, LABELS, **options)


def response(**options):
    return measured_response(
        filler(LinearAutoencoder(GRID)), IMAGES, GRID, **{"mask_ratio": 0.5} | options
    )


INTEGERS = [
    ("epochs", lambda v: TrainConfig(epochs=v)),
    ("batch", lambda v: TrainConfig(batch=v)),
    ("rng", lambda v: TrainConfig(rng=v)),
    ("epochs", lambda v: ClassifyConfig(epochs=v)),
    ("batch", lambda v: ClassifyConfig(batch=v)),
    ("rng", lambda v: ClassifyConfig(rng=v)),
    ("steps", lambda v: DescentConfig(steps=v)),
    ("batch", lambda v: DescentConfig(batch=v)),
    ("rank", lambda v: LinearAutoencoder(GRID, rank=v)),
    ("width", lambda v: MAEConfig((4, 4), 2, width=v)),
    ("batch", lambda v: layer_similarity(MODEL, MODEL, PIXELS, batch=v)),
    ("n_draws", lambda v: response(n_draws=v)),
    ("limit", lambda v: read_labelled(["nowhere"], limit=v)),
    ("rng", lambda v: response(rng=v)),
    ("rng", lambda v: probe(rng=v)),
]
NUMBERS = [
    ("rate", lambda v: TrainConfig(rate=v)),
    ("warmup", lambda v: TrainConfig(warmup=v)),
    ("mask_ratio", lambda v: TrainConfig(mask_ratio=v)),
    ("weight_decay", lambda v: ClassifyConfig(weight_decay=v)),
    ("rate", lambda v: DescentConfig(rate=v)),
    ("warmup", lambda v: DescentConfig(warmup=v)),
    ("holdout", lambda v: probe(holdout=v)),
    ("penalties", lambda v: probe(penalties=[v])),
    ("share", LabelledImages(PIXELS).split),
    ("mask_ratio", lambda v: response(mask_ratio=v)),
]
FLAGS = [
    ("flip", lambda v: TrainConfig(flip=v)),
    ("flip", lambda v: ClassifyConfig(flip=v)),
]


@pytest.mark.parametrize("value", [True, 2.5, "4", np.nan, -1])
@pytest.mark.parametrize(("name", "call"), INTEGERS)
def test_integers_are_integers(name, call, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}="):
        call(value)


@pytest.mark.parametrize("value", [True, "0.5", np.nan, np.inf, -0.5])
@pytest.mark.parametrize(("name", "call"), NUMBERS)
def test_numbers_are_finite_and_no_truth_values(name, call, value):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}="):
        call(value)


@pytest.mark.parametrize("value", [1, "no", None])
@pytest.mark.parametrize(("name", "call"), FLAGS)
def test_truth_values_are_no_numbers(name, call, value):
    with pytest.raises(TypeError, match=rf"^{name}="):
        call(value)


def test_sound_options_pass():
    assert TrainConfig(np.int64(2), 4, np.float32(0.5), 0, 0, 0.5, flip=np.True_).epochs == 2
    assert 0 <= probe(penalties=(0.1, 1), holdout=0.5, rng=np.int8(3)).accuracy <= 1
