"""The figures of the documentation: all there, described, and drawn from images of one's own."""

import ast
import builtins
import importlib.util
import re
import subprocess
import symtable
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectral_mae import plot
from spectral_mae.cli import main
from spectral_mae.images.sources import find_sources
from spectral_mae.plot import gallery
from spectral_mae.plot.gallery import data

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        steps = rng.standard_normal((80, 90)).cumsum(axis=0).cumsum(axis=1)
        levels = np.interp(steps, (steps.min(), steps.max()), (0, 255)).astype(np.uint8)
        Image.fromarray(levels).save(tmp_path / f"{name}.png")
    return tmp_path


def test_every_figure_has_its_script_its_picture_and_its_caption():
    assert {p.stem for p in (ROOT / "figures").glob("*.py")} == set(gallery.FIGURES)
    assert {p.stem for p in (ROOT / "figures").glob("*.png")} == set(gallery.FIGURES)
    for name in gallery.FIGURES:
        first = gallery.caption(name).splitlines()[0]
        assert first.endswith(".")
        text = (ROOT / "figures" / f"{name}.py").read_text("utf-8")
        assert text.startswith(f'"""{first}\n')
        assert f"python figures/{name}.py" in text
        assert (ROOT / "figures" / f"{name}.png").stat().st_size < 700_000


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    spec = importlib.util.spec_from_file_location("gallery_page", ROOT / "docs" / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_figures_is_up_to_date(pages):
    assert pages.PAGE.read_text("utf-8") == pages.page()


def test_every_plot_function_has_an_example_that_needs_nothing_but_its_imports(pages):
    """Doctests see the names of the module too; who copies an example does not have them."""
    listed = " ".join(pages.THEMES.values()).split()
    assert sorted(listed) == sorted(plot.__all__)
    for name in listed:
        code = pages.example(name)
        symbols = symtable.symtable(code, name, "exec")
        known = {one.get_name() for one in symbols.get_symbols() if one.is_assigned()}
        known |= {one.get_name() for one in symbols.get_symbols() if one.is_imported()}
        used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        every = [one for table in tables(symbols) for one in table.get_symbols()]
        inner = {one.get_name() for one in every if one.is_local()}
        assert used <= known | inner | set(dir(builtins)), name
        assert "ax" in known, f"{name}: the gallery shows the figure of ax"
        assert f"plot.{name}(" in code


def tables(symbols):
    """Symbols of functions and comprehensions that are defined in some code."""
    for one in symbols.get_children():
        yield one
        yield from tables(one)


def test_the_gallery_of_the_site_has_a_card_and_a_page_for_each_picture(
    pages, tmp_path, monkeypatch
):
    monkeypatch.setattr(pages, "THEMES", {"Masks": "masked_image filters"})
    monkeypatch.setattr(gallery, "FIGURES", {"masking": "masking.draw"})
    pages.write(tmp_path)
    shown = (tmp_path / "gallery.md").read_text("utf-8")
    links = re.findall(r"- \[!\[\]\((.*?)\)\*\*(.*?)\*\*\]\((.*?)\)", shown)
    assert [title for _, title, _ in links][:2] == ["plot.masked_image", "plot.filters"]
    assert len(links) == 3 + 10
    headings = re.findall("^## (.*)$", (ROOT / "docs/psd_pictures.md").read_text("utf-8"), re.M)
    for small, title, target in links:
        with Image.open(tmp_path / small) as picture:
            assert picture.width <= 560
            assert picture.height <= 420
            assert np.asarray(picture.convert("L")).std() > 5
        if target.startswith("psd_pictures.md#"):
            assert title in headings
        else:
            page = (tmp_path / target).read_text("utf-8")
            (large,) = re.findall(r"{image} (.*)$", page, re.M)
            assert (tmp_path / "gallery" / large).stat().st_size > 10_000
            assert "spectral_mae.plot." in page
    code = (tmp_path / "gallery/plot_filters.md").read_text("utf-8")
    assert pages.example("filters") in code


@pytest.mark.slow
def test_a_script_draws_its_figure_of_images_given(folder):
    script = ROOT / "figures" / "masking.py"
    call = [sys.executable, str(script), "--data", str(folder), "--out", str(folder / "out")]
    subprocess.run(call, check=True, timeout=120)
    mine = np.asarray(Image.open(folder / "out" / "masking.png").convert("L"), float)
    committed = np.asarray(Image.open(ROOT / "figures" / "masking.png").convert("L"), float)
    assert mine.shape == committed.shape
    assert np.abs(mine - committed).mean() > 5


@pytest.mark.slow
def test_the_command_draws_what_is_named_twice_the_same(folder, capsys):
    names = ["masking", "taylor_gap"]
    for out in ("one", "two"):
        call = ["figures", *names, "--data", str(folder / "*.png"), "--out", str(folder / out)]
        assert main.main(call) == 0
        assert sorted(p.stem for p in (folder / out).iterdir()) == sorted(names)
    for name in names:
        one, two = ((folder / out / f"{name}.png").read_bytes() for out in ("one", "two"))
        assert one == two
    assert gallery.caption("taylor_gap").splitlines()[0] in capsys.readouterr().out


@pytest.mark.slow
def test_images_that_do_not_do_are_told_and_the_others_drawn(folder, capsys):
    small = folder / "small"
    small.mkdir()
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(small / "s.png")
    out = folder / "out"
    call = ["figures", "receptive_fields", "masking", "--data", str(small), "--out", str(out)]
    assert main.main(call) == 1
    assert [p.name for p in out.iterdir()] == ["masking.png"]
    error = capsys.readouterr().err
    assert "failed: receptive_fields: no image has crops of 64x64 pixels" in error
    assert "too small for crops of 64x64: 20x20" in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "no figure 'nothing' (there are masking"),
        (["masking", "--data", "nowhere"], "finds 'nowhere'"),
    ],
)
def test_wrong_usage_is_told(arguments, words, tmp_path, capsys):
    assert main.main(["figures", *arguments, "--out", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err
    file = tmp_path / "file"
    file.touch()
    assert main.main(["figures", "masking", "--out", str(file)]) == 2
    assert "is a file" in capsys.readouterr().err


def test_images_may_come_from_archives_arrays_and_lists(tmp_path):
    levels = np.random.default_rng(0).integers(0, 256, (3, 70, 80), dtype=np.uint8)
    archive, array, names = tmp_path / "a.zip", tmp_path / "a.npy", tmp_path / "names.txt"
    with zipfile.ZipFile(archive, "w") as zipped:
        for number, one in enumerate(levels):
            Image.fromarray(one).save(tmp_path / f"{number}.png")
            zipped.write(tmp_path / f"{number}.png", f"{number}.png")
    np.save(array, levels)
    names.write_text("0.png\n1.png\n2.png\n")
    expected = data.crops([str(tmp_path / "*.png")], 32, 2)
    assert expected.shape == (6, 32, 32)
    for given in (archive, f"@{names}"):
        np.testing.assert_array_equal(data.crops([str(given)], 32, 2), expected)
    assert data.crops([str(array)], 32, 2).shape == (6, 32, 32)
    first = data.one_image([str(tmp_path / "0.png")], "builtin:cat", 64)
    for given in ([str(archive)], [str(array)], find_sources([str(archive)]).references):
        np.testing.assert_array_equal(data.one_image(given, "builtin:cat", 64), first)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no image in '.*empty'"):
        data.one_image([str(tmp_path / "empty")], "builtin:cat", 64)


def test_unknown_figures_are_refused():
    with pytest.raises(ValueError, match="no figure 'x'"):
        gallery.draw("x")
