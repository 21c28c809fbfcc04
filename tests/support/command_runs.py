"""The command as its user runs it, in this process, on a few images."""

import csv

import numpy as np
from PIL import Image

from spectral_mae.cli import main


def run(*arguments):
    return main.main([str(a) for a in arguments])


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def usage_error(capsys, *arguments):
    """The one line that a run with impossible arguments prints."""
    capsys.readouterr()
    assert run(*arguments) == main.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    line = printed.err.splitlines()[-1]
    assert line.startswith(f"spectral-mae {arguments[0]}: ")
    assert not line.endswith(": ")
    return line


def write_images(folder):
    """Two photographs of different orientation, one broken file, one that is no image."""
    folder.mkdir()
    for i, shape in enumerate([(40, 56), (56, 40)]):
        rng = np.random.default_rng(i)
        smooth = np.cumsum(np.cumsum(rng.standard_normal(shape), 0), 1)
        gray = 128 + 60 * smooth / np.abs(smooth).max()
        Image.fromarray(gray.astype(np.uint8)).save(folder / f"{i}.png")
    (folder / "<b>bad&.png").write_bytes((folder / "0.png").read_bytes()[:200])
    (folder / "readme.txt").write_text("not looked at")
    return folder
