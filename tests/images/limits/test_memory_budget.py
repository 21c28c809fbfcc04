"""Images that would need too much memory are refused before they are decoded."""

import numpy as np
import pytest
from command_runs import read_csv, run
from PIL import Image

from spectral_mae.batch import executors
from spectral_mae.images.limits.memory_budget import READ, WORKED_ON, MemoryBudget
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused


def noise(path, side):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)).save(path)
    return path


@pytest.mark.slow
def test_an_image_that_needs_more_has_a_row_that_says_how_much(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    noise(folder / "large.png", 192)
    noise(folder / "small.png", 128)
    words = ["--size", "native", "--memory-limit", 2, "--jobs", 1, "--no-figures"]
    code = run("analyze", folder, "--out", tmp_path / "out", *words)
    assert code == 1
    large, small = read_csv(tmp_path / "out" / "images.csv")
    assert large["status"] == "failed"
    assert large["error"] == (
        f"needs about {-(-(192**2) * WORKED_ON // 2**20)} MiB of memory, {WORKED_ON} bytes for "
        "each of 0.0369 million pixels; --memory-limit is 2 MiB"
    )
    assert small["status"] == "ok"
    # Resized as soon as it is read, it needs less.
    out = tmp_path / "resized"
    assert run("analyze", folder, "--out", out, "--size", 64, *words[2:]) == 0


@pytest.mark.parametrize("native", [True, False])
def test_pixels_are_allowed_up_to_the_limit(tmp_path, native):
    path = noise(tmp_path / "image.png", 64)
    per_pixel = WORKED_ON if native else READ
    exact = MemoryBudget.for_images(64**2 * per_pixel, native=native, color=False)
    assert Reader(budget=exact).read(path).pixels.shape == (64, 64)
    less = MemoryBudget.for_images(64**2 * per_pixel - 1, native=native, color=False)
    with pytest.raises(ImageRefused, match=r"needs about 1 MiB .* --memory-limit is 0 MiB"):
        Reader(budget=less).read(path)


def test_too_many_pixels_are_still_said_to_be_too_many(tmp_path):
    path = noise(tmp_path / "image.png", 64)
    budget = MemoryBudget.for_images(2**20, native=True, color=False)
    with pytest.raises(ImageRefused, match=r"too large: 64x64 is 0\.0 million pixels; the limit"):
        Reader(max_pixels=100, budget=budget).read(path)


def test_large_files_are_refused_for_the_memory_they_need(tmp_path):
    path = tmp_path / "image.bin"
    path.write_bytes(bytes(2**21))
    budget = MemoryBudget.for_images(2**16, native=True, color=False)
    with pytest.raises(ImageRefused, match="needs about 4 MiB"):
        Reader(budget=budget).read(path)


def test_the_limit_is_that_of_the_container(tmp_path, monkeypatch):
    whole = executors.machine_memory()
    limits = tmp_path / "max", tmp_path / "number", tmp_path / "none"
    limits[0].write_text("max\n")
    monkeypatch.setattr(executors, "CONTAINER_LIMITS", [str(limits[0]), str(limits[2])])
    unlimited = executors.machine_memory()
    assert unlimited >= whole
    limits[1].write_text(f"{3 * 2**30}\n")
    monkeypatch.setattr(executors, "CONTAINER_LIMITS", [str(one) for one in limits])
    assert executors.machine_memory() == min(unlimited, 3 * 2**30)
    monkeypatch.setattr(executors, "machine_memory", lambda: 12 * 2**30)
    assert executors.memory_limit(None, 2) == 4 * 2**30


def test_commands_on_one_image_know_the_memory_of_the_machine(tmp_path, capsys, monkeypatch):
    path = noise(tmp_path / "image.png", 192)
    monkeypatch.setattr(executors, "LEAST_MEMORY", 0)
    monkeypatch.setattr(executors, "machine_memory", lambda: 3 * 2**20)
    assert run("psd", path, "--out", tmp_path / "psd.png") == 3
    assert (
        capsys.readouterr()
        .err.strip()
        .endswith(
            "needs about 3 MiB of memory, 60 bytes for each of 0.0369 million pixels; half of the "
            "machine's memory is 1 MiB"
        )
    )
    assert not (tmp_path / "psd.png").exists()
    assert run("psd", path, "--out", tmp_path / "psd.png", "--size", 64) == 0
