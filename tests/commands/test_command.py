"""The command as its user runs it: ``psd``, ``mask``, ``verify``, and wrong usage of any."""

import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from command_runs import read_csv, run, usage_error, write_images
from PIL import Image

from spectral_mae.cli import main
from spectral_mae.cli.console import answer


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "images")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "nowhere.png"], "nowhere.png"),
        (["analyze", "--patch-size", "15"], "patch_size=15 does not divide size=224"),
        (["analyze", "--size", "big"], "--size 'big'"),
        (["analyze", "--mask-ratio", "1"], "mask_ratio=1.0"),
        (["analyze", "--masks", "1"], "--masks 1"),
        (["analyze", "builtin:nothing"], "nothing"),
        (["psd", "builtin:camera", "--window", "nowindow"], "nowindow"),
        (["psd", "builtin:camera", "--mask-ratio", "2"], "mask_ratio=2"),
        (["psd", "builtin:", "--mask", "m.png"], "one image"),
        (
            ["mask", "--patch-size", "15"],
            "patch_size=15 does not divide size=224; its divisors are 1",
        ),
        (
            ["mask", "--size", "32x40", "--patch-size", "16"],
            "patch_size=16 does not divide size=40",
        ),
        (["mask", "--patch-size", "0"], "patch_size=0 is not at least 1"),
        (["mask", "--size", "12y4"], "--size '12y4'"),
        (["mask", "--size", "0"], "--size '0' is neither N nor HxW, pixels of at least one"),
        (["mask", "--size", "16x0"], "--size '16x0'"),
        (["psd", "@photos.txt"], "there is no list 'photos.txt'"),
        (
            ["mask", "--mask-ratio", "75"],
            "is not strictly between 0 and 1 (75 % is 0.75)",
        ),
        (["analyze", "--mask-ratio", "75"], "(75 % is 0.75)"),
        (["psd", "builtin:camera", "--patch-size", "7"], "--patch-size is that of masks and needs"),
        (["psd", "builtin:camera", "--sampling", "fixed"], "--sampling is that of masks and needs"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments, message, tmp_path, capsys):
    name = {"analyze": "out", "psd": "out.png", "mask": "out.png"}[arguments[0]]
    assert run(*arguments, "--out", tmp_path / name) == main.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_unknown_arguments_exit_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("analyze", "--patch-size", "many", "--out", "o")
    assert "many" in capsys.readouterr().err


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
    assert run("psd", folder / "<b>bad&.png", "--out", tmp_path / "y.png") == answer.NOTHING
    assert run("psd", folder / "0.png", "--out", tmp_path / "y.txt") == main.USAGE


@pytest.mark.slow
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
    assert run(*arguments) == answer.SOME_FAILED
    printed = capsys.readouterr().out
    assert re.search(r"FAIL .*Eq\. 19:", printed)
    assert "FAILED" in printed


def test_verify_counts_unreadable_images(folder, capsys):
    assert run("verify", folder, "--size", 32, "--patch-size", 8) == answer.SOME_FAILED
    assert "bad&.png" in capsys.readouterr().err
    assert run("verify", folder / "<b>bad&.png") == answer.NOTHING


@pytest.mark.parametrize("arguments", [["--help"], ["analyze", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys; from spectral_mae.cli.main import main\n"
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analyze", "--seed", "-1", "--out", "o"], "--seed -1 is"),
        (["analyze", "--max-pixels", "0", "--out", "o"], "max_pixels=0"),
        (["analyze", "--size", "99999", "--patch-size", "1", "--out", "o"], "max_pixels="),
        (["verify", "builtin:camera", "--seed", "-1"], "--seed -1 is"),
        (["verify", "builtin:camera", "--max-pixels", "0"], "max_pixels=0"),
        (["psd", "builtin:camera", "--max-pixels", "0", "--out", "x.png"], "max_pixels=0"),
        (["psd", "builtin:camera", "--out", "taken/x.png"], "cannot write"),
        (["psd", "builtin:camera", "--out", "folder.csv"], "cannot write"),
        (["mask", "--out", "folder.png"], "cannot write"),
        (["mask", "--seed", "-1", "--out", "m.png"], "--seed -1 is"),
        (["mask", "--size", "32x", "--out", "m.png"], "--size '32x'"),
    ],
)
def test_more_wrong_usage(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    for name in ("folder.csv", "folder.png"):
        (tmp_path / name).mkdir()
    assert run(*arguments) == main.USAGE
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_pixels_too_large_for_single_precision_fail_with_a_reason(tmp_path, capsys):
    Image.fromarray(np.full((32, 32), 1e30, np.float32)).save(tmp_path / "huge.tif")
    options = ["--size", "native", "--patch-size", 8]
    assert run("verify", tmp_path / "huge.tif", *options) == answer.NOTHING
    assert "too large for float32" in capsys.readouterr().err


def test_psd_of_a_single_pixel_is_no_usage_error(tmp_path, capsys):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "dot.png")
    assert run("psd", tmp_path / "dot.png", "--out", tmp_path / "x.png") == answer.NOTHING
    assert "single pixel" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["analyze", "fit", "sweep", "verify"])
def test_a_folder_without_images_is_wrong_usage(command, tmp_path, capsys):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("no image")
    out = [] if command == "verify" else ["--out", tmp_path / "out.npz"]
    line = usage_error(capsys, command, tmp_path / "none", *out)
    assert line.endswith(f"no image in {str(tmp_path / 'none')!r}; 1 other files passed over")
    assert not (tmp_path / "out.npz").exists()


def test_a_window_without_detrend_is_spoken_of(folder, tmp_path, capsys):
    for options, said in (
        (["--window", "hann"], True),
        (["--window", "hann", "--detrend", "constant"], False),
        ([], False),
    ):
        assert run("psd", folder / "0.png", "--out", tmp_path / "x.csv", *options) == 0
        assert ("--detrend constant" in capsys.readouterr().err) == said


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Three images of 40 pixels or more, and two that are smaller."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for i, shape in enumerate([(48, 40), (40, 56), (56, 44), (7, 10), (39, 90)]):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(f"{i}.png")
    return [f"{i}.png" for i in range(5)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "fit {} --size 40 --patch-size 8 --out m.npz --log-file log",
        "fit {} --size 40 --patch-size 8 --out m.npz --log-file log --jobs 2 --quiet",
        "sweep {} --size 40 --patch-size 8 4 --mask-ratio 0.5 --out sweep --log-file log",
        "verify {} --size 40 --patch-size 8",
        "reconstruct m.npz {} --out filled",
    ],
)
def test_enlarged_images_are_counted(small, tmp_path, capsys, command):
    if command.startswith("reconstruct"):
        run("fit", *small[:3], "--holdout", 0, "--size", 40, "--patch-size", 8, "--out", "m.npz")
        assert "enlarged" not in capsys.readouterr().err
    assert run(*command.format(" ".join(small)).split()) == 0
    note = "note: 2 images were enlarged to 40x40: "
    assert capsys.readouterr().err.count(note) == 1
    if "--log-file" in command:
        log = (tmp_path / "log").read_text()
        assert re.findall(r"enlarged: (\S+)", log) in (["3.png", "4.png"], ["4.png", "3.png"])


def test_crops_are_never_enlarged(small, capsys):
    options = ["--size", 40, "--crops", 2, "--patch-size", 8, "--holdout", 0, "--out", "m.npz"]
    assert run("fit", *small, *options) == answer.SOME_FAILED
    assert "enlarged" not in capsys.readouterr().err


def test_what_is_too_much_brings_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit, match="2"):
        run("mask", "a.png", "--out", "o.png")
    error = capsys.readouterr().err
    assert error.startswith("usage: spectral-mae mask [-h]")
    assert error.endswith("spectral-mae mask: error: unrecognized arguments: a.png\n")


def test_missing_files_are_named_in_words(tmp_path, capsys):
    line = usage_error(capsys, "reconstruct", tmp_path / "none.npz", "--out", tmp_path / "o")
    assert line.endswith(f"{tmp_path / 'none.npz'}: no such file or directory")


@pytest.mark.parametrize("options", [[], ["--mask-ratio", 0.75]])
@pytest.mark.slow
def test_pictures_of_constant_images_hold_their_titles(tmp_path, monkeypatch, options):
    from spectral_mae import plot

    figures = []
    monkeypatch.setattr(plot, "save", lambda figure, _: figures.append(figure))
    Image.fromarray(np.full((304, 304), 77, np.uint8)).save(tmp_path / "flat.png")
    assert run("psd", tmp_path / "flat.png", "--out", tmp_path / "x.png", *options) == 0
    (figure,) = figures
    figure.canvas.draw()
    for axes in figure.axes:
        box = axes.title.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
    assert "no slope" in figure.axes[len(options) // 2 + 1].get_title()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "photos.zip"], "no file, folder or pattern finds 'photos.zip'"),
        (["reconstruct", "a.png", "--out", "o"], "a.png is no model: MODEL.npz, which "),
        (["figures", "maskin", "--out", "o"], "no figure 'maskin'; did you mean 'masking'"),
    ],
)
def test_what_a_command_takes_is_said(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in usage_error(capsys, *arguments)


@pytest.mark.slow
def test_every_command_reads_archives_arrays_and_lists(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 255, (6, 16, 16), dtype=np.uint8)
    with zipfile.ZipFile("some.zip", "w") as archive:
        for i in range(2):
            Image.fromarray(pixels[i]).save(f"{i}.png")
            archive.write(f"{i}.png", f"in/{i}.png")
    np.save("stack.npy", pixels[2:])
    np.save("one.npy", pixels[0])
    (tmp_path / "list.txt").write_text("some.zip\nstack.npy\n")
    options = ["--size", 16, "--patch-size", 4]
    assert run("verify", "@list.txt", *options) == 0
    printed = capsys.readouterr()
    assert "checks on 6 images" in printed.out
    assert "6/6 stack.npy[3]" in printed.err
    assert run("fit", "@list.txt", "--out", "m.npz", *options, "--holdout", 0) == 0
    assert run("reconstruct", "m.npz", "some.zip", "stack.npy", "--out", "o", "--quiet") == 0
    rows = read_csv(tmp_path / "o" / "reconstruct.csv")
    names = ["some.zip/in/0.png", "some.zip/in/1.png", *(f"stack.npy[{i}]" for i in range(4))]
    assert [row["path"] for row in rows] == names
    assert run("psd", "one.npy", "--out", "a.csv") == 0
    assert run("psd", "0.png", "--out", "b.csv") == 0
    of_array, of_file = ((tmp_path / name).read_bytes() for name in ("a.csv", "b.csv"))
    assert of_array.replace(b"one.npy", b"0.png") == of_file
    capsys.readouterr()
    assert run("psd", "some.zip", "--out", "c.csv") == 0
    assert "some.zip, 2 images: slope" in capsys.readouterr().out


def test_a_file_whose_name_looks_like_a_list_is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.arange(1024, dtype=np.uint8).reshape(32, 32)).save("@2x.png")
    assert run("psd", "@2x.png", "--out", "x.csv") == 0
