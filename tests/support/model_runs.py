"""Photographs for ``fit``, ``reconstruct`` and ``sweep``, and what these print and draw."""

import re

import numpy as np
from PIL import Image

from spectral_mae import plot
from spectral_mae._files import atomic_file
from spectral_mae.images.files import walk
from spectral_mae.images.stream import ImageStream, StreamOptions, split_held_out

SMALL = ["--size", 16, "--patch-size", 4]


def photograph(path, shape, seed):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal(shape).cumsum(axis=0).cumsum(axis=1)
    pixels = 128 + 120 * smooth / np.abs(smooth).max()
    Image.fromarray(pixels.astype(np.uint8)).save(path)


def write_photographs(folder):
    """Ten colour photographs of three shapes."""
    for i in range(10):
        photograph(folder / f"{i}.png", [(20, 26, 3), (24, 18, 3), (16, 16, 3)][i % 3], i)
    return folder


def keep_figures(monkeypatch):
    """Figures by path, which are not saved, to be quick."""
    figures = {}

    def save(figure, path):
        path.touch()
        figures[path.with_name(path.name.removeprefix(atomic_file.MARK))] = figure

    monkeypatch.setattr(plot, "save", save)
    return figures


def add_broken(folder, copy):
    """The photographs, and two files that cannot be read; neither is held out with seed 0."""
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    held_out = {path.name for path in parts(copy, n_more=2)[1]}
    for name in ("bad&.png", "bent.png"):
        (copy / name).write_bytes((folder / "0.png").read_bytes()[:100])
        assert name not in held_out
    return copy


def parts(folder, share=0.2, seed=0, n_more=0):
    """Files that are fitted, and those that are held out."""
    paths = [*walk(folder), *[folder / f"more{i}" for i in range(n_more)]]
    return split_held_out(sorted(paths), share, seed)


def read(paths, **options):
    stream = ImageStream(StreamOptions(**{"size": 16, **options}))
    return np.concatenate(list(stream.batches(paths)))


def integers(text):
    """Whole numbers in what was printed."""
    return [int(number) for number in re.findall(r"\d+", text)]


def shares(text):
    """Numbers of four decimals in what was printed."""
    return re.findall(r"-?\d+\.\d{4}", text)
