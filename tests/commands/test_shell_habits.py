"""What a shell expects of a command: JSON, quiet and verbose, colours, examples, exit codes."""

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from command_runs import run, write_images

from spectral_mae.cli import main
from spectral_mae.cli.console import answer, messages

pytestmark = pytest.mark.slow

SMALL = ("--size", "32", "--patch-size", "8")
PARSER, COMMANDS = main.parsers()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("shell")
    write_images(found / "photos")
    (found / "good").mkdir()
    for i in range(2):
        (found / "photos" / f"{i}.png").rename(found / "good" / f"{i}.png")
    np.save(found / "masks.npy", np.random.default_rng(0).random((30, 4, 6)) < 0.3)
    return found


def of_json(capsys, *arguments):
    """The document that a command prints, which is all of its output."""
    capsys.readouterr()
    code = run(*arguments, "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["command"] == arguments[0]
    assert document["exit_code"] == code
    return document


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("psd", "good/0.png"), {"spectra", "units", "scaling", "files", "failures"}),
        (("verify", "good/0.png", *SMALL), {"holds", "n_images", "checks", "failures"}),
    ],
)
def test_standard_output_of_a_process_is_one_document(folder, arguments, keys):
    command = [sys.executable, "-m", "spectral_mae", *arguments, "--json", "-v"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    document = json.loads(found.stdout, parse_constant=refuse)
    assert keys <= set(document)
    assert "read good/0.png: 40 x 56 pixels" in found.stderr  # by -v, on standard error


@pytest.mark.skipif(os.name != "posix", reason="a pipe that is closed")
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_stops_is_no_error(folder, more):
    """As ``| head -1``: the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "spectral_mae", "completion", "bash"]
    if more:
        command = [sys.executable, "-m", "spectral_mae", "psd", "good/0.png", *more]
    found = subprocess.run(
        command, cwd=folder, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    said = [line for line in found.stderr.splitlines() if not line.startswith("note: pyFFTW")]
    assert (found.returncode, said) == (0, [])


def test_psd_prints_the_numbers_of_its_table(folder, capsys):
    import spectral_mae as sm

    image = folder / "good" / "0.png"
    found = of_json(capsys, "psd", image, "--mask-ratio", "0.5", "--patch-size", "8")
    original, expected = found["spectra"]
    radial = sm.psd(sm.read_image(image).pixels).radial()
    assert (original["series"], expected["series"]) == ("original", "expected")
    assert original["path"] == str(image)
    for name in ("frequency", "power", "count", "std", "stderr"):
        np.testing.assert_array_equal(original[name], getattr(radial, name))
    assert original["slope"] == radial.fit_slope().slope
    assert found["units"] == {"frequency": "1/pixel", "power": "pixel^2"}
    assert found["files"] == []


def test_psd_of_sets_and_of_what_a_mask_shows(folder, capsys, tmp_path):
    found = of_json(capsys, "psd", folder / "good", folder / "good" / "0.png", "-q")
    assert [one["n_images"] for one in found["spectra"]] == [2, 1]
    assert len(found["spectra"][0]["slopes"]) == 2
    run("mask", "--size", "40x56", "--patch-size", "8", "-o", tmp_path / "m.png")
    image = folder / "good" / "0.png"
    found = of_json(capsys, "psd", image, "--mask", tmp_path / "m.png", "--unmask")
    series = {one["series"]: one for one in found["spectra"]}
    assert list(series) == ["naive", "unmasked", "true"]
    assert len(series["naive"]["power"]) == len(series["naive"]["frequency"])
    assert 0.7 < found["hidden"] < 0.8


def test_failures_are_in_the_document_and_told(folder, capsys):
    code = run("psd", folder / "photos", folder / "good", "--json")
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert code == document["exit_code"] == answer.SOME_FAILED
    (failure,) = document["failures"]
    assert failure["path"].endswith("bad&.png")
    assert f"failed: {failure['path']}: {failure['error']}" in printed.err
    found = of_json(capsys, "psd", folder / "photos" / "<b>bad&.png")
    assert found["exit_code"] == answer.NOTHING
    assert len(found["failures"]) == 1


def test_verify_prints_every_check_of_every_image(folder, capsys):
    found = of_json(capsys, "verify", folder / "good", *SMALL)
    assert found["holds"] is True
    assert found["n_images"] == 2
    assert len(found["checks"]) == 32
    assert {one["path"] for one in found["checks"]} == {
        str(folder / f"good/{i}.png") for i in (0, 1)
    }
    assert all(one["ok"] == (one["error"] <= one["bound"]) for one in found["checks"])


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("analyze", "good", *SMALL, "--masks", "2"), {"counts", "rows", "mean_spectra", "page"}),
        (("compare", "good", "good"), {"counts", "models", "octaves", "rings", "images"}),
        (("audit-masks", "masks.npy", "--patch-size", "8"), {"n_masks", "leakage", "mask_ratio"}),
        (("sweep", "good", *SMALL, "--holdout", "0.5", "--mask-ratio", "0.5"), {"rows", "counts"}),
    ],
)
def test_with_json_no_files_need_be_written(folder, monkeypatch, capsys, arguments, keys):
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    found = of_json(capsys, *arguments)
    assert keys | {"files"} <= set(found)
    assert found["files"] == []
    assert sorted(folder.rglob("*")) == before


def test_files_that_are_written_are_listed(folder, capsys, tmp_path):
    out = tmp_path / "compared"
    found = of_json(capsys, "compare", folder / "good", folder / "good", "-o", out)
    assert {str(out / "images.csv"), str(out / "columns.json")} <= set(found["files"])
    assert found["page"] == str(out / "report.html")
    found = of_json(capsys, "mask", *SMALL, "-o", tmp_path / "m.png")
    assert found["files"] == [str(tmp_path / "m.png")]
    assert len(found["kept"]) == 4


def test_numbers_are_finite_or_null(folder, tmp_path, capsys):
    from PIL import Image

    Image.fromarray(np.full((16, 16), 7, np.uint8)).save(tmp_path / "flat.png")
    found = of_json(capsys, "psd", tmp_path / "flat.png")
    assert found["spectra"][0]["slope"] is None
    assert found["spectra"][0]["slope_note"]
    with pytest.raises(TypeError, match="no value for"):
        answer.plain({"a": object()})
    assert answer.plain([np.nan, -np.inf, np.float32(0.5), np.arange(2)]) == [
        None,
        None,
        0.5,
        [0, 1],
    ]


def test_wrong_usage_prints_no_document(folder, capsys):
    assert run("psd", folder / "nowhere.png", "--json") == answer.USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "spectral-mae psd: " in printed.err
    with pytest.raises(SystemExit, match="2"):
        run("psd", "a.png")
    assert "required: -o/--out (or --json)" in capsys.readouterr().err


def test_out_is_o_everywhere():
    for name, parser in COMMANDS.items():
        options = parser.format_usage()
        assert ("--out" in parser.format_help()) == ("-o " in options), name


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "completion"])
def test_every_command_has_json_quiet_and_verbose(name):
    text = COMMANDS[name].format_help()
    for option in ("--json", "-q, --quiet", "-v, --verbose"):
        assert option in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_parse_and_exit_codes(name):
    parser = COMMANDS[name]
    assert len(parser.examples) > 1
    text = parser.format_help()
    assert "\nexit codes:\n  0   " in text
    for example in parser.examples:
        assert f"\n  spectral-mae {example}\n" in text
        command, *rest = shlex.split(example)
        assert command == name
        parser.parse_anywhere(rest)
    codes = text[text.index("exit codes:") :].splitlines()
    assert any(line.split()[:1] == ["2"] for line in codes)


def test_examples_of_the_program_parse():
    assert PARSER.examples
    for example in PARSER.examples:
        command, *rest = shlex.split(example)
        COMMANDS[command].parse_anywhere(rest)
        assert f"\n  spectral-mae {example}\n" in PARSER.format_help()


def test_lines_of_help_fit_a_terminal(monkeypatch):
    """But for examples and usage, which are to be copied as they are."""
    monkeypatch.setenv("COLUMNS", "80")
    for name, parser in COMMANDS.items():
        text = parser.format_help()
        for line in text[: text.index("\nexamples:")].splitlines():
            assert len(line) <= 80, (name, line)


def test_quiet_prints_results_alone(folder, capsys):
    assert run("verify", folder / "good", *SMALL, "-q") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.endswith("16 checks on 2 images: all hold\n")
    with pytest.raises(SystemExit, match="2"):
        run("verify", "-q", "-v")


def test_verify_names_each_image_once_and_fits_80_columns(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    for more in ((), ("-v",)):
        assert run("verify", "good", *SMALL, "--theory", *more) == 0
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert [lines.count(f"good/{i}.png") for i in (0, 1)] == [1, 1]
        assert not any("good" in line for line in lines if line.startswith(("ok", " ")))
        tables = [line for line in lines if line.startswith("ok ")]
        assert len(tables) == (52 if not more else 104)
        assert len({line.index("float") for line in tables}) == 1


class TestColors:
    """NO_COLOR, FORCE_COLOR and what is no terminal."""

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch):
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")

    class Terminal:
        def isatty(self):
            return True

    class Pipe:
        def isatty(self):
            return False

    @pytest.mark.parametrize(
        ("set_", "terminal", "pipe"),
        [
            ({}, True, False),
            ({"NO_COLOR": "1"}, False, False),
            ({"NO_COLOR": ""}, True, False),
            ({"FORCE_COLOR": "1"}, True, True),
            ({"FORCE_COLOR": ""}, True, False),
            ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
            ({"TERM": "dumb"}, False, False),
            ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ],
    )
    def test_rules(self, monkeypatch, set_, terminal, pipe):
        for name, value in set_.items():
            monkeypatch.setenv(name, value)
        assert messages.has_colors(self.Terminal()) is terminal
        assert messages.has_colors(self.Pipe()) is pipe

    def test_in_a_pipe_nothing_is_coloured_unless_forced(self, folder, capsys, monkeypatch):
        bad = folder / "photos" / "<b>bad&.png"
        for forced in (False, True):
            if forced:
                monkeypatch.setenv("FORCE_COLOR", "1")
            assert run("verify", bad, folder / "good" / "0.png", *SMALL) == answer.SOME_FAILED
            printed = capsys.readouterr()
            assert ("\x1b[31mfailed:\x1b[0m" in printed.err) is forced
            assert ("\x1b[32mok  \x1b[0m" in printed.out) is forced
            assert ("\x1b[" in printed.out) is forced

    def test_json_is_never_coloured(self, folder, capsys, monkeypatch):
        monkeypatch.setenv("FORCE_COLOR", "1")
        of_json(capsys, "verify", folder / "good" / "0.png", *SMALL)

    @pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal")
    def test_on_a_terminal(self, folder):
        import pty

        leader, follower = pty.openpty()
        command = [
            sys.executable,
            "-m",
            "spectral_mae",
            "mask",
            "--patch-size",
            "15",
            "-o",
            "m.png",
        ]
        subprocess.run(command, cwd=folder, stderr=follower, stdout=follower, check=False)
        assert os.read(leader, 4096).startswith(b"\x1b[31mspectral-mae mask:\x1b[0m ")
        os.close(leader)
        os.close(follower)


def test_an_interrupted_run_prints_its_document(folder, tmp_path, capsys, monkeypatch):
    from spectral_mae.batch.analyze.work import AnalyzeWork

    analyse, done = AnalyzeWork.__call__, []

    def stopping(self, chunk):
        if done:
            raise KeyboardInterrupt
        done.append(chunk)
        return analyse(self, chunk)

    monkeypatch.setattr(AnalyzeWork, "__call__", stopping)
    options = (*SMALL, "--masks", "2", "--no-figures", "-o", tmp_path / "out")
    found = of_json(capsys, "analyze", folder / "good", *options)
    assert found["exit_code"] == answer.INTERRUPTED
    assert found["status"] == "interrupted"
    assert found["counts"]["analysed"] == 1
