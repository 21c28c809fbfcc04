"""Plans beside trainings: the numbers of the comparison, and its script from start to finish."""

import dataclasses
import sys

import numpy as np
import pytest
import scipy.stats

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from benchmarks import plan_evidence, plan_trainings
from benchmarks.plan_comparison import Comparison, Setting, rank_correlation
from benchmarks.plan_evidence import hidden_errors
from spectral_mae import PatchGrid, designs
from spectral_mae.planning.error_sums import ErrorSums

torch.set_num_threads(1)

TINY = plan_trainings.Scale(
    {"width": 16, "depth": 1, "heads": 2, "decoder_width": 16, "decoder_depth": 1,
     "decoder_heads": 2, "mlp_ratio": 2.0},
    {"epochs": 1, "batch": 20, "rate": 1e-3, "warmup": 0},
    (8, 16), ("fixed:0.5", "inverse_block:0.5"), seeds=1, images=120, probe=60, test=30,
)  # fmt: skip


def setting(predicted, found, patch_size=8, hidden=0.5, accuracy=0.5, other=None):
    def sums(error):
        return ErrorSums.by_octave(np.full((2, 6), error), np.ones((2, 6)))

    measured = [sums(found)] if other is None else [sums(found), sums(other)]
    rows = [{"accuracy": accuracy, "accuracy_stderr": 0.0} for _ in measured]
    return Setting("made", patch_size, "fixed:0.5", hidden, sums(predicted), measured, rows)


def test_the_rank_correlation_is_that_of_scipy_with_ties():
    rng = np.random.default_rng(0)
    x, y = rng.integers(6, size=(2, 40))
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(scipy.stats.spearmanr(x, y).statistic)
    assert found.low < found.value < found.high
    assert rank_correlation(range(9), np.exp(range(9))) == pytest.approx((1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="no rank correlation"):
        rank_correlation([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="nan"):
        rank_correlation([1.0, 2.0, np.nan], [1.0, 2.0, 3.0])


def test_the_interval_covers_what_new_settings_give():
    """Of 100 samples of a known correlation about 95 intervals hold it."""
    rng = np.random.default_rng(1)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's of a Gaussian pair with correlation 0.6
    pairs = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=(100, 40))
    found = [rank_correlation(*one.T) for one in pairs]
    assert 85 <= sum(one.low <= truth <= one.high for one in found) <= 100


def test_probes_are_compared_within_a_patch_size_too():
    """Small patches are easy and good here; at each size harder settings are better."""
    settings = [
        setting(
            0.1 * i + 0.5 * (size == 8), 0.5, patch_size=size, accuracy=0.1 * i + 0.9 * (size == 4)
        )
        for size in (4, 8)
        for i in range(4)
    ]
    comparison = Comparison(settings)
    assert comparison.probe.value < 0
    for size in (4, 8):
        assert comparison.probe_at(size).value == pytest.approx(1.0)


def test_pairs_differ_by_their_design_alone():
    settings = [
        setting(0.1, 0.2), setting(0.2, 0.3), setting(0.3, 0.25),  # two of three pairs alike
        setting(0.0, 0.9, patch_size=4), setting(0.9, 0.0, hidden=0.75),  # paired with none
    ]  # fmt: skip
    comparison = Comparison(settings)
    assert comparison.designs_alike() == (2, 3)
    assert comparison.designs_alike(0.06) == (1, 1)
    assert len(comparison.errors) == 7
    assert comparison.probe_at(4) is None
    assert setting(0.1, 0.2, other=0.4).error == pytest.approx(np.full(7, 0.3))
    assert setting(0.1, 0.2, other=0.4).spread_of_error == pytest.approx(0.1)
    seeds = Comparison([setting(0.1, 0.2), setting(0.1, 0.2, other=0.4), setting(0.2, 0.3)])
    assert seeds.spread_of_error == pytest.approx(0.1)


@pytest.mark.parametrize("channels", [1, 3])
def test_errors_count_hidden_pixels_alone(channels):
    grid = PatchGrid((16, 16), 4)
    design = designs.inverse_block(grid, 0.75)
    shape = (9, 16, 16) if channels == 1 else (9, 16, 16, channels)
    images = np.random.default_rng(2).random(shape)
    drawn = []

    def fill(part, kept):
        drawn.append(kept)
        hidden = ~grid.expand(kept).reshape(9, 16, 16, *(1,) * (images.ndim - 3))
        return np.where(hidden, part + 0.1, -7.0)

    found = hidden_errors(fill, images, design, images.mean())
    assert found.error[0] == pytest.approx(9 * 192 * channels * 0.01)
    hidden = ~grid.expand(drawn[0]).reshape(9, 16, 16, *(1,) * (images.ndim - 3))
    assert found.power[0] == pytest.approx(np.sum(((images - images.mean()) * hidden) ** 2))
    assert found.error[1:].sum() == pytest.approx(found.error[0])
    mean = hidden_errors(lambda part, kept: np.full_like(part, 0.5), images, design, 0.5)
    assert mean.explained[np.isfinite(mean.explained)] == pytest.approx(0.0)


def test_crops_held_out_share_no_pixel_with_those_that_train(monkeypatch):
    picture = np.tile(np.arange(200, dtype=np.uint8), (40, 1))  # a pixel's value is its column
    for name in plan_trainings.TEXTURES:
        monkeypatch.setattr(plan_trainings.skimage.data, name, lambda: picture, raising=False)
    train = plan_trainings.texture_crops(60, held_out=False)
    test = plan_trainings.texture_crops(60, held_out=True)
    assert train.pixels.max() < 150 <= test.pixels.min()
    assert np.bincount(train.labels).tolist() == [10] * 6


def test_seeds_come_one_after_the_other():
    scale = dataclasses.replace(plan_trainings.SCALES["cpu"])
    every = plan_trainings.trainings(scale, plan_evidence.DATA)
    assert len(every) == len({one.name for one in every}) >= 30
    assert [one.seed for one in every] == sorted(one.seed for one in every)
    assert len({one.design.split(":")[0] for one in every}) >= 3


@pytest.mark.slow
def test_the_script_trains_compares_writes_and_goes_on(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    names = ("evidence scale", "evidence correlations", "evidence trainings")
    page.write_text("".join(f"<!-- {n} -->\nold\n<!-- end of {n} -->\n" for n in names), "utf-8")
    monkeypatch.setattr(plan_evidence, "PAGE", page)
    monkeypatch.setattr(plan_evidence, "DATA", ("textures",))
    monkeypatch.setitem(plan_trainings.SCALES, "tiny", TINY)
    command = ["plan_evidence", "none.zip", "--folder", str(tmp_path / "run"), "--scale", "tiny"]
    monkeypatch.setattr(sys, "argv", [*command, "--write"])
    plan_evidence.main()
    text = page.read_text("utf-8")
    assert "old" not in text
    assert "nan" not in text
    assert text.startswith("<!-- evidence scale -->\n4 trainings of 4 settings")
    assert text.count("| textures |") == 4 + 1
    assert (tmp_path / "plan_evidence.png").stat().st_size > 10_000
    assert "| pairs of designs, same patches and part hidden |" in text
    assert "of 2 alike |" in text

    def never(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(plan_trainings.nonlinear, "train", never)
    monkeypatch.setattr(plan_evidence, "hidden_errors", never)
    monkeypatch.setattr(plan_evidence.sm, "plan", never)
    monkeypatch.setattr(sys, "argv", [*command, "--report"])
    capsys.readouterr()
    plan_evidence.main()
    printed = capsys.readouterr().out
    assert all(line in text for line in printed.splitlines())


def test_an_interrupted_run_reports_what_is_trained(tmp_path):
    images = {"textures": plan_trainings.images_of("textures", tmp_path, TINY)}
    trained = plan_trainings.Trained(tmp_path, "tiny", TINY, images)
    every = plan_trainings.trainings(TINY, ("textures",))
    row = trained.row(every[0])
    again = plan_trainings.Trained(tmp_path, "tiny", TINY, images)
    assert [again.is_done(one) for one in every] == [True, False, False, False]
    assert again.row(every[0]) == row
    other = dataclasses.replace(TINY, probe=50)
    with pytest.raises(ValueError, match="was written with"):
        plan_trainings.Trained(tmp_path, "tiny", other, images)
