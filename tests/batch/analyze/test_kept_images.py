"""Images that the page shows are kept where there is room, and give the same page as read again."""

import re

import numpy as np
import pytest
from PIL import Image

from spectral_mae.batch.analyze import run as runs
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.run import analyze_images
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.reader import Reader

pytestmark = pytest.mark.slow  # whole pages
OPTIONS = AnalyzeOptions(patch_sizes=(8,), size=32, n_draws=2)
TIMES = re.compile(r"started</dt>.*|[\d.]+ (s|ms)\b|[\d.,]+ images a second")


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(5):
        pixels = rng.integers(0, 255, (40, 36 + number)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    return [tmp_path / f"{number}.png" for number in range(5)]


@pytest.fixture
def reads(monkeypatch):
    found, read = [], Reader.read

    def counted(self, source):
        found.append(source)
        return read(self, source)

    monkeypatch.setattr(Reader, "read", counted)
    return found


def page_of(files, out):
    result = analyze_images(files, OPTIONS, out=out, run=RunOptions(jobs=1, quiet=True))
    return TIMES.sub("", result.page.read_text("utf-8"))


def test_each_image_is_read_once(files, tmp_path, reads, monkeypatch):
    kept = page_of(files, tmp_path / "kept")
    assert len(reads) == len(files)
    reads.clear()
    monkeypatch.setattr(runs, "KEPT_NUMBERS", 0)
    again = page_of(files, tmp_path / "kept-not")
    assert len(reads) > len(files)
    assert kept.replace("kept-not", "kept") == again.replace("kept-not", "kept")


def test_images_beyond_the_room_are_read_again(files, tmp_path, reads, monkeypatch):
    monkeypatch.setattr(runs, "KEPT_NUMBERS", 2 * 32**2)
    page_of(files, tmp_path / "out")
    assert len(files) < len(reads) <= 3 * len(files)
