"""Runs over forty images, and the tables they write when nothing disturbs them."""

import json
from contextlib import contextmanager

import broken
import pytest
from command_runs import run
from PIL import Image

from spectral_mae._files import atomic_file
from spectral_mae.batch.analyze.pictures import Pictures
from spectral_mae.batch.run_folder import FOLDER

SMALL = ["--size", "16", "--patch-size", "4", "--quiet"]
TABLES = ["images.csv", "spectra.csv", "spectra.npz", "mean_spectra.csv"]


def write_forty(folder):
    """Forty images, of which two are broken."""
    for i in range(40):
        Image.fromarray(broken.photograph(i, (20, 24, 3))).save(folder / f"{i:02d}.png")
    (folder / "07.png").write_bytes(b"")
    (folder / "31.png").write_bytes((folder / "30.png").read_bytes()[:200])
    return folder


@contextmanager
def pictures_left_out():
    """Small runs without pictures, and without the process that draws them: most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pictures, "begin", lambda *_: None)
        patch.setattr(Pictures, "begin_chosen", lambda *_: None)
        patch.setattr(Pictures, "all", lambda *_: [])
        yield


def undisturbed(folder, out):
    """The tables of runs that nothing disturbs."""
    assert run("analyze", folder, "--out", out / "a", *SMALL) == 1
    options = [*SMALL, "--mask-ratio", 0.5]
    assert run("sweep", folder, "--out", out / "s", *options) == 1
    assert run("fit", folder, "--out", out / "m.npz", *options) == 1
    return out


def assert_equal_tables(out, quiet):
    for name in TABLES:
        assert (out / name).read_bytes() == (quiet / name).read_bytes(), name
    assert not (out / FOLDER).exists()
    assert not [path for path in out.rglob("*") if path.name.startswith(atomic_file.MARK)]
    record, expected = (json.loads((each / "run.json").read_text()) for each in (out, quiet))
    assert record["counts"] == expected["counts"]
    assert record["files"] == expected["files"]
    for name in record["files"]:
        assert (out / name).stat().st_size > 0
