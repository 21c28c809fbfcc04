"""Images too large for several of them, or their tables, to be kept at a time."""

import numpy as np
import pytest
from command_runs import run, write_images
from PIL import Image

from spectral_mae.batch.analyze import outcomes
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer
from spectral_mae.batch.analyze.work import AnalyzeWork
from spectral_mae.batch.chunks import Chunk


@pytest.mark.slow
def test_pictures_of_images_that_were_read_again_are_the_same(tmp_path, monkeypatch):
    folder = write_images(tmp_path / "images")
    words = ["--size", "native", "--patch-size", 8, "--masks", 2, "--color", "--quiet"]
    assert run("analyze", folder, "--out", tmp_path / "kept", *words) == 1
    monkeypatch.setattr(outcomes, "PICTURE_PIXELS", 100)
    assert run("analyze", folder, "--out", tmp_path / "again", *words) == 1
    for name in ("masking-1.png", "masking-2.png", "radial.png"):
        kept, again = (
            (tmp_path / out / "figures" / name).read_bytes() for out in ("kept", "again")
        )
        assert kept == again


def test_pixels_of_large_images_do_not_outlive_their_analysis(tmp_path, monkeypatch):
    folder = write_images(tmp_path / "images")
    monkeypatch.setattr(outcomes, "PICTURE_PIXELS", 40 * 56 - 1)
    work = AnalyzeWork(AnalyzeOptions((8,), size=None, n_draws=2, checks=0))
    assert all(o.pixels is None for o in work(Chunk(0, 0, (folder / "0.png",))).shown)
    monkeypatch.setattr(outcomes, "PICTURE_PIXELS", 40 * 56)
    assert all(o.pixels is not None for o in work(Chunk(0, 0, (folder / "0.png",))).shown)


def test_an_image_that_is_gone_has_no_picture(tmp_path):
    analyzer = BatchAnalyzer(AnalyzeOptions((8,), size=None))
    assert analyzer.read_again(tmp_path / "gone.png", 8) is None


def test_tables_of_large_shapes_are_not_kept_for_others(tmp_path, monkeypatch):
    for number, side in enumerate((32, 48, 64)):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{side}.png")
    analyzer = BatchAnalyzer(AnalyzeOptions((8, 16), size=None, n_draws=2))
    shapes = []
    for limit in (10**6, 64**2, 32**2 + 48**2):
        monkeypatch.setattr(outcomes, "KEPT_PIXELS", limit)
        for side in (32, 48, 64, 32, 48):
            assert all(o.ok for o in analyzer.analyze(tmp_path / f"{side}.png", check=False))
        shapes.append([shape[0] for shape, _ in analyzer._analyzers._analyzers])
    assert shapes == [[64, 64, 32, 32, 48, 48], [48], [48]]
