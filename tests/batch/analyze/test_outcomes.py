"""Many images: what becomes of each, and the same again."""

import numpy as np
import pytest
from PIL import Image

from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import KEPT_ANALYZERS, BatchAnalyzer


def write_image(path, shape=(40, 48), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_row_per_image_and_patch_size(tmp_path):
    path = write_image(tmp_path / "a.png")
    batch = BatchAnalyzer(AnalyzeOptions(patch_sizes=(4, 8), size=32))
    outcomes = batch.analyze(path)
    assert [(o.name, o.patch_size, o.ok) for o in outcomes] == [
        (str(path), 4, True),
        (str(path), 8, True),
    ]
    assert all(o.pixels.shape == (32, 32) for o in outcomes)
    assert outcomes[0].without_pixels().pixels is None


def test_native_size_crops_for_each_patch_size_and_says_so(tmp_path):
    path = write_image(tmp_path / "a.png", (41, 50))
    outcomes = BatchAnalyzer(AnalyzeOptions(patch_sizes=(4, 8), size=None)).analyze(path)
    assert [o.analysis.shape for o in outcomes] == [(40, 48), (40, 48)]
    assert all("41x50" in " ".join(o.notes) for o in outcomes)


def test_unusable_images_keep_their_reason(tmp_path):
    text = tmp_path / "a.png"
    text.write_text("no image")
    tiny = write_image(tmp_path / "b.png", (8, 15))
    few = write_image(tmp_path / "c.png", (8, 16))
    batch = BatchAnalyzer(AnalyzeOptions(patch_sizes=(8,), size=None))
    found = [batch.analyze(path)[0] for path in (text, tiny, few)]
    assert [o.ok for o in found] == [False] * 3
    assert "not an image" in found[0].error
    assert "too small" in found[1].error
    assert "n_patches=2" in found[2].error


@pytest.mark.slow
def test_result_does_not_depend_on_what_else_is_in_the_batch(tmp_path):
    paths = [
        write_image(tmp_path / f"{i}.png", (32, 32 + 8 * i), i) for i in range(KEPT_ANALYZERS + 2)
    ]
    options = AnalyzeOptions(patch_sizes=(8,), size=None, mask_ratio=0.5)
    together = BatchAnalyzer(options)
    rows = [together.analyze(path)[0].analysis.row() for path in paths]
    alone = [BatchAnalyzer(options).analyze(path)[0].analysis.row() for path in reversed(paths)]
    assert rows == alone[::-1]


def test_color_is_kept_by_option(tmp_path):
    path = write_image(tmp_path / "a.png", (32, 32, 3))
    (outcome,) = BatchAnalyzer(AnalyzeOptions((8,), size=32, color=True)).analyze(path)
    assert outcome.pixels.shape == (32, 32, 3)
    assert outcome.ok


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"patch_sizes": (15,)},
            "patch_size=15 does not divide size=224; its divisors are 1, 2, 4",
        ),
        ({"mask_ratio": 1.0}, "mask_ratio=1.0"),
        ({"mask_ratio": 0.999}, "keeps 0 patches"),
        ({"n_draws": 1}, "n_draws=1"),
        ({"sampling": "grid"}, "sampling='grid'"),
        ({"mask_ratio": 1.5, "size": None}, "mask_ratio=1.5"),
        ({"patch_sizes": (0,)}, "patch_size=0"),
    ],
)
def test_options_that_cannot_work_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        AnalyzeOptions(**options)


def test_native_crops_serve_all_patch_sizes_where_they_can(tmp_path):
    path = write_image(tmp_path / "a.png", (100, 103))
    outcomes = BatchAnalyzer(AnalyzeOptions(patch_sizes=(4, 6), size=None)).analyze(path)
    assert [o.analysis.shape for o in outcomes] == [(96, 96), (96, 96)]
    small = write_image(tmp_path / "b.png", (40, 48))
    outcomes = BatchAnalyzer(AnalyzeOptions((16, 10), size=None, mask_ratio=0.5)).analyze(small)
    assert [o.analysis.shape for o in outcomes] == [(32, 48), (40, 40)]


def test_enlarged_images_must_have_held_two_patches(tmp_path):
    path = write_image(tmp_path / "a.png", (20, 20))
    outcomes = BatchAnalyzer(AnalyzeOptions((8, 16), size=64)).analyze(path)
    assert [o.ok for o in outcomes] == [True, False]
    assert outcomes[1].error == "too small for two patches of 16x16: 20x20"
