"""``analyze`` as its user runs it: tables, pictures, a page, and how it ends."""

import html.parser
import io
import json
import re
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from command_runs import read_csv, run, write_images
from long_runs import pictures_left_out
from PIL import Image

from spectral_mae.batch.analyze.outcomes import BatchAnalyzer
from spectral_mae.batch.analyze.tables import COLUMNS
from spectral_mae.cli import main
from spectral_mae.cli.console import answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("here") / "images")


def analyze(folder, out, *more):
    return run("analyze", folder, "--out", out, "--size", 32, "--patch-size", 4, 8, *more)


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """A run with all that it writes, which no test changes; what it printed."""
    out = tmp_path_factory.mktemp("whole") / "out"
    printed, error = io.StringIO(), io.StringIO()
    with redirect_stdout(printed), redirect_stderr(error):
        assert analyze(folder, out) == answer.SOME_FAILED
    return out, printed.getvalue(), error.getvalue()


@pytest.fixture
def without_pictures():
    with pictures_left_out():
        yield


class Tags(html.parser.HTMLParser):
    """Collects the start tags of a page and checks that they are closed in order."""

    VOID = frozenset({"meta", "img", "br", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.slow
def test_analyze_writes_everything(whole):
    out, printed, error = whole
    assert "2 of 3 images analysed, 1 failed, 1 other files passed over" in printed
    assert f"page: {out / 'report.html'}" in printed
    assert "bad&.png: " in error

    rows = read_csv(out / "images.csv")
    assert tuple(rows[0]) == COLUMNS
    assert [(r["status"], r["patch_size"]) for r in rows].count(("ok", "4")) == 2
    assert len(rows) == 6
    bad = [r for r in rows if r["status"] == "failed"]
    assert len(bad) == 2
    assert all(r["error"] and not r["leakage"] for r in bad)
    good = [r for r in rows if r["status"] == "ok"]
    assert all(float(r["eq18_error"]) < 2e-15 and r["height"] == "32" for r in good)

    spectra = read_csv(out / "spectra.csv")
    assert set(spectra[0]) == {"path", "patch_size", "series", "frequency", "power"}
    assert {r["series"] for r in spectra} == {"original", "masked", "expected"}
    with np.load(out / "spectra.npz") as arrays:
        chosen = (arrays["image"] == 0) & (arrays["patch_size"] == 8)
        name = arrays["paths"][0]
        expected = arrays["expected"][chosen]
    tidy = [
        float(r["power"])
        for r in spectra
        if (r["path"], r["patch_size"], r["series"]) == (name, "8", "expected")
    ]
    np.testing.assert_allclose(tidy, expected, rtol=1e-7)

    run_record = json.loads((out / "run.json").read_text())
    assert run_record["status"] == "complete"
    assert run_record["counts"] == {
        "found": 3,
        "analysed": 2,
        "failed": 1,
        "checks_failed": 0,
        "with_missing_pixels": 0,
        "passed_over": 1,
    }
    page = (out / "report.html").read_text()
    assert '2 of 3 images analysed (<a href="#failed">1 could not be</a>)' in page
    assert run_record["options"]["patch_sizes"] == [4, 8]
    assert json.dumps(run_record).count("patch_sizes") == 1
    assert run_record["versions"]["numpy"] == np.__version__
    for name in run_record["files"]:
        assert (out / name).stat().st_size > 0
    assert sorted(p.name for p in (out / "figures").iterdir()) == sorted(
        name.removeprefix("figures/") for name in run_record["files"] if "/" in name
    )


@pytest.mark.slow
def test_page_is_whole_offline_and_escaped(whole):
    out = whole[0]
    text = (out / "report.html").read_text("utf-8")
    tags = Tags(text)
    assert tags.open == []
    assert "&lt;b&gt;bad&amp;.png" in text
    assert "<b>bad" not in text
    images = [attrs for tag, attrs in tags.seen if tag == "img"]
    # Of two images and two patch sizes: panels of masks and of models, gratings, thumbnails.
    assert len(images) == 2 * 2 * 6 + 4 * 4 + 2 + 2
    assert all(a["src"].startswith("data:image/webp;base64,") and a["alt"] for a in images)
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:|//)", text)
    assert "None" not in re.sub(r"base64,[^\"]*", "", text)


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_equal_seeds_give_equal_tables(folder, tmp_path):
    outs = [tmp_path / name for name in ("a", "b", "c")]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        analyze(folder, out, "--seed", seed, "--quiet")
    first, again, other = ((out / "images.csv").read_bytes() for out in outs)
    assert first == again
    assert first != other
    assert (outs[0] / "spectra.csv").read_bytes() == (outs[1] / "spectra.csv").read_bytes()


@pytest.mark.slow
def test_second_run_removes_the_pictures_of_the_first_and_nothing_else(folder, whole, tmp_path):
    out = shutil.copytree(whole[0], tmp_path / "out")
    assert (out / "figures" / "masking-2.png").exists()
    (out / "figures" / "mine.png").write_bytes(b"mine")
    again = ["analyze", folder / "0.png", "--out", out, "--size", 32, "--patch-size", 8]
    assert run(*again) == main.USAGE
    assert (out / "figures" / "masking-2.png").exists()
    assert run(*again, "--overwrite") == 0
    assert not (out / "figures" / "masking-2.png").exists()
    assert (out / "figures" / "mine.png").exists()


def test_nothing_usable(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("analyze", folder / "<b>bad&.png", "--out", out) == answer.NOTHING
    assert read_csv(out / "images.csv")[0]["error"]
    assert "0 of 1 images analysed" in capsys.readouterr().out
    assert Tags((out / "report.html").read_text("utf-8")).open == []


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_interrupt_keeps_what_was_done(folder, tmp_path, monkeypatch, capsys):
    sound = BatchAnalyzer.measure

    def interrupted(self, path, **options):
        if path.name == "1.png":
            raise KeyboardInterrupt
        return sound(self, path, **options)

    monkeypatch.setattr(BatchAnalyzer, "measure", interrupted)
    out = tmp_path / "out"
    assert analyze(folder, out) == answer.INTERRUPTED
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"
    assert [r["status"] for r in read_csv(out / "images.csv")].count("ok") == 2
    assert "interrupted" in (out / "report.html").read_text("utf-8")
    assert "interrupted" in capsys.readouterr().err


def test_out_that_is_a_file(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("here")
    assert run("analyze", folder, "--out", tmp_path / "file") == main.USAGE
    assert "file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_progress_bar_on_a_terminal(folder, tmp_path, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    analyze(folder, tmp_path / "out")
    assert "3/3" in terminal.getvalue()


@pytest.mark.slow
def test_patch_size_that_fails_everywhere_leaves_the_others(tmp_path, folder):
    out = tmp_path / "out"
    images = [folder / "0.png", folder / "1.png"]
    arguments = ["--size", "native", "--patch-size", "8,32", "--mask-ratio", 0.5, "--quiet"]
    assert run("analyze", *images, "--out", out, *arguments) == answer.SOME_FAILED
    rows = read_csv(out / "images.csv")
    assert [(r["patch_size"], r["status"]) for r in rows] == [("8", "ok"), ("32", "failed")] * 2
    assert Tags((out / "report.html").read_text("utf-8")).open == []


@pytest.mark.slow
def test_constant_images_are_drawn_and_have_no_slope(tmp_path, capsys):
    Image.fromarray(np.full((48, 48), 77, np.uint8)).save(tmp_path / "c.png")
    for name in ("x.png", "x.csv"):
        assert run("psd", tmp_path / "c.png", "--out", tmp_path / name) == 0
        assert "no slope" in capsys.readouterr().out
    for detrend in ("none", "constant"):
        out = tmp_path / detrend
        options = ["--size", 32, "--patch-size", 8, "--detrend", detrend]
        assert run("analyze", tmp_path / "c.png", "--out", out, *options) == 0
        (row,) = read_csv(out / "images.csv")
        assert (row["status"], row["slope"], row["std"]) == ("ok", "", "0")
        assert "no slope" in row["notes"]
        assert row["leakage"] == ("inf" if detrend == "none" else "0")


@pytest.mark.slow
def test_pictures_show_values_beyond_one_as_they_are(tmp_path, monkeypatch):
    from spectral_mae.batch.analyze import pictures

    seen, cells = [], []
    for name, taken in (("psd", seen), ("pixel_cells", cells)):
        sound = getattr(pictures, name)
        monkeypatch.setattr(
            pictures,
            name,
            lambda image, *rest, taken=taken, sound=sound: (
                taken.append(image) or sound(image, *rest)
            ),
        )
    pixels = np.random.default_rng(0).uniform(950, 1015, (32, 32)).astype(np.float32)
    Image.fromarray(pixels).save(tmp_path / "f.tif")
    assert (
        run(
            "analyze",
            tmp_path / "f.tif",
            "--size",
            "native",
            "--patch-size",
            8,
            "--out",
            tmp_path / "out",
            "--quiet",
        )
        == 0
    )
    np.testing.assert_allclose(seen[0], pixels - pixels.astype(float).mean(), atol=1e-4)
    np.testing.assert_allclose(cells[0], pixels / pixels.max(), atol=1e-6)  # black is 0


@pytest.mark.slow
def test_masks_for_comparison_differ_from_image_to_image(tmp_path, folder, monkeypatch):
    from spectral_mae.batch.analyze import pictures

    drawn = []
    sound = pictures._masking_picture

    def seen(path, name, pixels, analyses, options):
        drawn.append([analysis.mask for analysis in analyses])
        return sound(path, name, pixels, analyses, options)

    monkeypatch.setattr(pictures, "_masking_picture", seen)
    images = [folder / "0.png", folder / "1.png"]
    sizes = ["--patch-size", 2, 4, 8]
    run("analyze", *images, "--size", 32, *sizes, "--out", tmp_path / "o", "--quiet")
    first, second = drawn
    assert [m.patch_size[0] for m in first] == [2, 4, 8]
    for one, other in zip(first, second, strict=True):
        assert (one.visible != other.visible).any()


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_patch_sizes_add_up(tmp_path, folder):
    out = tmp_path / "out"
    sizes = ["--patch-size", 8, "--patch-size", "4,8", "--patch-size", 16]
    run("analyze", folder / "0.png", "--size", 32, *sizes, "--out", out, "--quiet")
    assert json.loads((out / "run.json").read_text())["options"]["patch_sizes"] == [8, 4, 16]


def page_table(page):
    """What the script of a page is given of its images."""
    (line,) = re.findall("^const DATA = (.*);$", page.read_text("utf-8"), re.MULTILINE)
    return json.loads(line)


def red_cells(page):
    """Of the table of checks, and of the table of images, which the script makes."""
    text, table = page.read_text("utf-8"), page_table(page)
    of_images = [table["rows"][int(row)][i] for row, some in table["bad"].items() for i in some]
    return re.findall(r'<td class="bad">([^<]*)</td>', text) + of_images


@pytest.mark.usefixtures("without_pictures")
def test_sound_formulas_are_never_red(tmp_path, capsys):
    """Also where shapes, and so bounds, differ."""
    out = tmp_path / "out"
    images = [f"builtin:{name}" for name in ("camera", "page", "rocket", "brick")]
    sizes = ["--patch-size", 8, 16, "--masks", 2]
    assert run("analyze", *images, "--out", out, "--size", 112, *sizes) == 0
    assert red_cells(out / "report.html") == []
    assert "FAILED" not in capsys.readouterr().err


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("wrong", ["Eq. 18", "Eqs. 19-20"])
def test_a_defect_is_red_named_and_ends_with_its_own_code(
    folder, tmp_path, monkeypatch, capsys, wrong
):
    """A transform of the pixels, or of the mask, that is off by 1e-13."""
    from spectral_mae.batch.analyze.records import analyzer
    from spectral_mae.masked_spectra import convolution

    if wrong == "Eq. 18":
        sound = convolution.RealFFT.rfft

        class Off(convolution.RealFFT):
            def rfft(self, images):
                found = sound(self, images)
                noise = np.random.default_rng(0).standard_normal(found.shape)
                return found * (1 + 1e-13 * noise)

        monkeypatch.setattr(convolution, "RealFFT", Off)
    else:
        error = analyzer.verification.mask_dft_error
        monkeypatch.setattr(
            analyzer.verification,
            "mask_dft_error",
            lambda mask, fft: error(mask, fft) + 1e-13,
        )
    out = tmp_path / "out"
    assert analyze(folder, out) == answer.DEFECT == 4
    printed = capsys.readouterr()
    assert "4 checks of the formulas FAILED" in printed.err
    assert str(folder / "0.png") in printed.err
    cells = red_cells(out / "report.html")
    assert len(cells) == 6  # two patch sizes, and two images at each
    assert sum("FAILED on 2" in str(cell) for cell in cells) == 2
    notes = [r["notes"] for r in read_csv(out / "images.csv") if r["status"] == "ok"]
    assert all(f"{wrong} FAILED: error" in note for note in notes)
    record = json.loads((out / "run.json").read_text())
    assert record["counts"]["checks_failed"] == 4
    assert analyze(folder, out, "--resume") == answer.DEFECT  # complete already


@pytest.mark.usefixtures("without_pictures")
def test_a_check_that_gives_no_number_has_failed(folder, tmp_path, monkeypatch):
    from spectral_mae.batch.analyze.records import analyzer

    monkeypatch.setattr(analyzer, "convolution_error", lambda *_, **__: float("nan"))
    assert analyze(folder, tmp_path / "out") == answer.DEFECT


def test_errors_are_compared_with_the_bound_of_their_own_image():
    from spectral_mae.batch.analyze.summary.page_numbers import COLUMNS as NUMBERS
    from spectral_mae.batch.analyze.summary.page_numbers import Numbers

    rows = np.zeros((3, len(NUMBERS)))
    for name, values in (
        ("eq18_error", [1.85e-15, 1.0e-15, np.nan]),
        ("mask_dft_error", [0, 0, 0]),
        ("bound", [1.9e-15, 0.9e-15, 1e-15]),
    ):
        rows[:, NUMBERS.index(name)] = values
    numbers = Numbers(rows)
    assert numbers.defective.tolist() == [False, True, False]
    assert numbers.worst("eq18_error") == 1.0e-15


DRAWN = ("mask_dft_error", "agreement_rms", "agreement_max")


def test_masks_are_drawn_for_a_sample_and_pictures_left_out(folder, tmp_path):
    """What is not drawn is blank in the tables and a dash on the page, never zero."""
    words = ["--no-figures", "--quiet", "--masks", 2]
    for name, n in (("some", "1"), ("none", "0"), ("all", "all")):
        assert analyze(folder, tmp_path / name, *words, "--masks-for", n) == answer.SOME_FAILED
    some, none, every = (read_csv(tmp_path / n / "images.csv") for n in ("some", "none", "all"))
    for number, rows in enumerate(zip(some, none, every, strict=True)):
        of_some, of_none, of_all = ([row[name] for name in DRAWN] for row in rows)
        blank = ["", "", ""]
        assert of_none == blank
        assert of_some == (of_all if number < 2 else blank)  # two patch sizes of an image
        assert ("" not in of_all) == (rows[2]["status"] == "ok")
        exact = [{k: v for k, v in row.items() if k not in DRAWN} for row in rows]
        assert exact[0] == exact[1] == exact[2]
    means = read_csv(tmp_path / "some" / "mean_spectra.csv")
    assert {r["series"]: r["images"] for r in means} == {
        "original": "2",
        "masked": "1",
        "expected": "2",
        "expected_centred": "2",
    }
    with np.load(tmp_path / "none" / "spectra.npz") as arrays:
        assert np.isnan(arrays["masked"]).all()
        assert np.isfinite(arrays["expected"]).all()
    pages = {n: (tmp_path / n / "report.html").read_text("utf-8") for n in ("some", "none", "all")}
    assert "(of 1 images)" in pages["some"]
    assert "nan" not in pages["none"].lower().replace("<dt>nan</dt>", "")
    for name, page in pages.items():
        assert Tags(page).open == []
        assert "<img" not in page
        assert list((tmp_path / name / "figures").iterdir()) == []
        record = json.loads((tmp_path / name / "run.json").read_text())
        assert record["options"]["figures"] is False
        assert record["options"]["masks_for"] == {"some": 1, "none": 0, "all": "all"}[name]


@pytest.mark.slow
def test_pictures_are_the_same_wherever_they_are_drawn(tmp_path):
    """By this process, by one beside it, and by a thread beside workers; read twice or once."""
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 28), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:02d}.png")
    drawn = {}
    for name, words in (("one", ["--jobs", 1]), ("beside", []), ("two", ["--jobs", 2])):
        out = tmp_path / name
        common = ["--size", 16, "--patch-size", 4, 8, "--masks", 2, "--quiet"]
        assert run("analyze", tmp_path / "*.png", "--out", out, *common, *words) == 0
        drawn[name] = {path.name: path.read_bytes() for path in (out / "figures").iterdir()}
    assert sum(name.endswith(".png") for name in drawn["one"]) == 11
    assert drawn["one"] == drawn["beside"] == drawn["two"]
