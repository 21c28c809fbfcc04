"""The command as its user runs it: arguments, files, exit codes."""

import csv
import html.parser
import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from spectral_mae import cli, command_line, commands
from spectral_mae.batch import BatchAnalyzer
from spectral_mae.tables import COLUMNS


@pytest.fixture
def folder(tmp_path):
    """Two photographs of different orientation, one broken file, one that is no image."""
    folder = tmp_path / "images"
    folder.mkdir()
    for i, shape in enumerate([(40, 56), (56, 40)]):
        rng = np.random.default_rng(i)
        smooth = np.cumsum(np.cumsum(rng.standard_normal(shape), 0), 1)
        gray = 128 + 60 * smooth / np.abs(smooth).max()
        Image.fromarray(gray.astype(np.uint8)).save(folder / f"{i}.png")
    (folder / "<b>bad&.png").write_bytes((folder / "0.png").read_bytes()[:200])
    (folder / "readme.txt").write_text("not looked at")
    return folder


def run(*arguments):
    return cli.main([str(a) for a in arguments])


def analyze(folder, out, *more):
    return run("analyze", folder, "--out", out, "--size", 32, "--patch-size", 4, 8, *more)


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Tags(html.parser.HTMLParser):
    """Collects the start tags of a page and checks that they are closed in order."""

    VOID = frozenset({"meta", "img", "br"})

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


def test_analyze_writes_everything(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert analyze(folder, out) == commands.SOME_FAILED
    printed = capsys.readouterr()
    assert "2 of 3 images analysed, 1 failed, 1 other files passed over" in printed.out
    assert f"page: {out / 'report.html'}" in printed.out
    assert "bad&.png: " in printed.err

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
    assert set(spectra[0]) == {"image", "patch_size", "series", "frequency", "power"}
    assert {r["series"] for r in spectra} == {"original", "masked", "expected"}
    with np.load(out / "spectra.npz") as arrays:
        chosen = (arrays["image"] == 0) & (arrays["patch_size"] == 8)
        name = arrays["paths"][0]
        expected = arrays["expected"][chosen]
    tidy = [
        float(r["power"])
        for r in spectra
        if (r["image"], r["patch_size"], r["series"]) == (name, "8", "expected")
    ]
    np.testing.assert_allclose(tidy, expected, rtol=1e-7)

    run_record = json.loads((out / "run.json").read_text())
    assert run_record["status"] == "complete"
    assert run_record["counts"] == {"found": 3, "analysed": 2, "failed": 1, "passed_over": 1}
    assert run_record["options"]["patch_sizes"] == [4, 8]
    assert run_record["versions"]["numpy"] == np.__version__
    for name in run_record["files"]:
        assert (out / name).stat().st_size > 0
    assert sorted(p.name for p in (out / "figures").iterdir()) == sorted(
        name.removeprefix("figures/") for name in run_record["files"] if "/" in name
    )


def test_page_is_whole_offline_and_escaped(folder, tmp_path):
    out = tmp_path / "out"
    analyze(folder, out, "--quiet")
    text = (out / "report.html").read_text("utf-8")
    tags = Tags(text)
    assert tags.open == []
    assert "&lt;b&gt;bad&amp;.png" in text
    assert "<b>bad" not in text
    images = [attrs for tag, attrs in tags.seen if tag == "img"]
    assert len(images) == 7
    assert all(a["src"].startswith("data:image/png;base64,") and a["alt"] for a in images)
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:|//)", text)
    assert "None" not in re.sub(r"base64,[^\"]*", "", text)


def test_equal_seeds_give_equal_tables(folder, tmp_path):
    outs = [tmp_path / name for name in ("a", "b", "c")]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        analyze(folder, out, "--seed", seed, "--quiet")
    first, again, other = ((out / "images.csv").read_bytes() for out in outs)
    assert first == again
    assert first != other
    assert (outs[0] / "spectra.csv").read_bytes() == (outs[1] / "spectra.csv").read_bytes()


def test_second_run_removes_the_pictures_of_the_first_and_nothing_else(folder, tmp_path):
    out = tmp_path / "out"
    analyze(folder, out, "--quiet")
    assert (out / "figures" / "masking-2.png").exists()
    (out / "figures" / "mine.png").write_bytes(b"mine")
    again = ["analyze", folder / "0.png", "--out", out, "--size", 32, "--patch-size", 8]
    assert run(*again) == cli.USAGE
    assert (out / "figures" / "masking-2.png").exists()
    assert run(*again, "--overwrite") == 0
    assert not (out / "figures" / "masking-2.png").exists()
    assert (out / "figures" / "mine.png").exists()


def test_nothing_usable(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("analyze", folder / "<b>bad&.png", "--out", out) == commands.NOTHING
    assert read_csv(out / "images.csv")[0]["error"]
    assert "0 of 1 images analysed" in capsys.readouterr().out
    assert Tags((out / "report.html").read_text("utf-8")).open == []


def test_interrupt_keeps_what_was_done(folder, tmp_path, monkeypatch, capsys):
    sound = BatchAnalyzer.analyze

    def interrupted(self, path, **options):
        if path.name == "1.png":
            raise KeyboardInterrupt
        return sound(self, path, **options)

    monkeypatch.setattr(BatchAnalyzer, "analyze", interrupted)
    out = tmp_path / "out"
    assert analyze(folder, out) == command_line.INTERRUPTED
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"
    assert [r["status"] for r in read_csv(out / "images.csv")].count("ok") == 2
    assert "interrupted" in (out / "report.html").read_text("utf-8")
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "nowhere.png"], "nowhere.png"),
        (["analyze", "--patch-size", "15"], "patch_size=15 does not divide size=224"),
        (["analyze", "--size", "big"], "--size 'big'"),
        (["analyze", "--mask-ratio", "1"], "mask_ratio=1.0"),
        (["analyze", "--masks", "1"], "masks=1"),
        (["analyze", "builtin:nothing"], "nothing"),
        (["psd", "builtin:camera", "--window", "nowindow"], "nowindow"),
        (["psd", "builtin:camera", "--mask-ratio", "2"], "mask_ratio=2"),
        (["psd", "builtin:"], "must be one image"),
        (["mask", "--patch-size", "15"], "patch_size=(15, 15) does not divide"),
        (["mask", "--size", "12y4"], "--size '12y4'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message, tmp_path, capsys):
    name = {"analyze": "out", "psd": "out.png", "mask": "out.png"}[arguments[0]]
    assert run(*arguments, "--out", tmp_path / name) == cli.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_unknown_arguments_exit_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("analyze", "--patch-size", "many", "--out", "o")
    assert "many" in capsys.readouterr().err


def test_out_that_is_a_file(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("here")
    assert run("analyze", folder, "--out", tmp_path / "file") == cli.USAGE
    assert "file" in capsys.readouterr().err


def test_psd_as_table_equals_the_function(folder, tmp_path, capsys):
    import spectral_mae as sm

    out = tmp_path / "deep" / "x.csv"
    options = ["--mask-ratio", 0.5, "--patch-size", 8, "--window", "hann", "--detrend", "constant"]
    assert run("psd", folder / "0.png", "--out", out, *options) == 0
    rows = read_csv(out)
    image = sm.read_image(folder / "0.png").pixels
    for name, spectrum in (
        ("original", sm.psd(image, window="hann", detrend="constant")),
        (
            "expected",
            sm.expected_masked_psd(image, 8, 0.5, window="hann", detrend="constant"),
        ),
    ):
        power = [float(r["power"]) for r in rows if r["series"] == name]
        np.testing.assert_array_equal(power, spectrum.radial().power)
    assert "slope" in capsys.readouterr().out


def test_psd_as_picture_and_of_a_broken_file(folder, tmp_path):
    out = tmp_path / "x.png"
    assert run("psd", folder / "0.png", "--color", "--out", out) == 0
    with Image.open(out) as picture:
        assert picture.size[0] > 400
    assert run("psd", folder / "<b>bad&.png", "--out", tmp_path / "y.png") == commands.NOTHING
    assert run("psd", folder / "0.png", "--out", tmp_path / "y.pdf") == cli.USAGE


def test_mask_is_written_as_it_is(tmp_path):
    import spectral_mae as sm

    out, figure = tmp_path / "m.png", tmp_path / "f.png"
    size = ["--size", "32x48", "--patch-size", 8, "--seed", 5]
    assert run("mask", *size, "--out", out, "--figure", figure) == 0
    expected = sm.PulseMask.random(sm.PatchGrid((32, 48), 8), 0.75, rng=5)
    with Image.open(out) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected.visible * np.uint8(255))
    assert figure.stat().st_size > 0


def test_verify_prints_a_table_and_fails_when_an_equation_does(folder, capsys, monkeypatch):
    arguments = ["verify", folder / "0.png", folder / "1.png", "--size", 32, "--patch-size", 8]
    assert run(*arguments) == 0
    printed = capsys.readouterr().out
    assert "16 checks on 2 images: all hold" in printed
    assert "FAIL" not in printed
    from spectral_mae import PulseMask

    sound = PulseMask.dft
    monkeypatch.setattr(PulseMask, "dft", lambda self: sound(self) * 1.01)
    assert run(*arguments) == commands.SOME_FAILED
    printed = capsys.readouterr().out
    assert re.search(r"Eq\. 20 .*FAIL", printed)
    assert "FAILED" in printed


def test_verify_counts_unreadable_images(folder, capsys):
    assert run("verify", folder, "--size", 32, "--patch-size", 8) == commands.SOME_FAILED
    assert "bad&.png" in capsys.readouterr().err
    assert run("verify", folder / "<b>bad&.png") == commands.NOTHING


def test_progress_bar_on_a_terminal(folder, tmp_path, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    analyze(folder, tmp_path / "out")
    assert "3/3" in terminal.getvalue()


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys; from spectral_mae.cli import main\n"
        f"try: main({arguments})\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'pyfftw', 'skimage', 'PIL', 'jinja2', 'tqdm'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "spectral_mae", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("spectral-mae ")


def test_patch_size_that_fails_everywhere_leaves_the_others(tmp_path, folder):
    out = tmp_path / "out"
    images = [folder / "0.png", folder / "1.png"]
    arguments = ["--size", "native", "--patch-size", "8,32", "--mask-ratio", 0.5, "--quiet"]
    assert run("analyze", *images, "--out", out, *arguments) == commands.SOME_FAILED
    rows = read_csv(out / "images.csv")
    assert [(r["patch_size"], r["status"]) for r in rows] == [("8", "ok"), ("32", "failed")] * 2
    assert Tags((out / "report.html").read_text("utf-8")).open == []


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


def test_pictures_show_values_beyond_one_as_they_are(tmp_path, monkeypatch):
    from spectral_mae import plot

    seen = []
    sound = plot.masking
    monkeypatch.setattr(
        plot, "masking", lambda image, *rest: seen.append(image) or sound(image, *rest)
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
    np.testing.assert_array_equal(seen[0], pixels)


def test_masks_for_comparison_differ_from_image_to_image(tmp_path, folder, monkeypatch):
    from spectral_mae import plot

    drawn = []
    monkeypatch.setattr(plot, "masking", lambda image, masks, axes: drawn.append(masks))
    images = [folder / "0.png", folder / "1.png"]
    run("analyze", *images, "--size", 32, "--patch-size", 4, "--out", tmp_path / "o", "--quiet")
    first, second = drawn
    assert [m.patch_size[0] for m in first] == [2, 4, 8]
    for one, other in zip(first, second, strict=True):
        assert (one.visible != other.visible).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "--seed", "-1", "--out", "o"], "seed=-1"),
        (["analyze", "--max-pixels", "0", "--out", "o"], "max_pixels=0"),
        (["analyze", "--size", "99999", "--patch-size", "1", "--out", "o"], "max_pixels="),
        (["verify", "builtin:camera", "--seed", "-1"], "seed=-1"),
        (["verify", "builtin:camera", "--max-pixels", "0"], "max_pixels=0"),
        (["psd", "builtin:camera", "--max-pixels", "0", "--out", "x.png"], "max_pixels=0"),
        (["psd", "builtin:camera", "--out", "taken/x.png"], "cannot write"),
        (["psd", "builtin:camera", "--out", "folder.csv"], "cannot write"),
        (["mask", "--out", "folder.png"], "cannot write"),
        (["mask", "--seed", "-1", "--out", "m.png"], "seed=-1"),
        (["mask", "--size", "32x", "--out", "m.png"], "--size '32x'"),
    ],
)
def test_more_wrong_usage(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    for name in ("folder.csv", "folder.png"):
        (tmp_path / name).mkdir()
    assert run(*arguments) == cli.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_paths_after_patch_sizes_are_told_where_to_go(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("analyze", "--patch-size", 8, "photo.png", "--out", "o")
    assert "PATHs go before --patch-size" in capsys.readouterr().err


def test_patch_sizes_add_up(tmp_path, folder):
    out = tmp_path / "out"
    sizes = ["--patch-size", 8, "--patch-size", "4,8", "--patch-size", 16]
    run("analyze", folder / "0.png", "--size", 32, *sizes, "--out", out, "--quiet")
    assert json.loads((out / "run.json").read_text())["options"]["patch_sizes"] == [8, 4, 16]


def test_pixels_too_large_for_single_precision_fail_with_a_reason(tmp_path, capsys):
    Image.fromarray(np.full((32, 32), 1e30, np.float32)).save(tmp_path / "huge.tif")
    options = ["--size", "native", "--patch-size", 8]
    assert run("verify", tmp_path / "huge.tif", *options) == commands.NOTHING
    assert "too large for float32" in capsys.readouterr().err


def test_psd_of_a_single_pixel_is_no_usage_error(tmp_path, capsys):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "dot.png")
    assert run("psd", tmp_path / "dot.png", "--out", tmp_path / "x.png") == commands.NOTHING
    assert "single pixel" in capsys.readouterr().err
