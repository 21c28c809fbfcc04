"""The command line as it is typed: paths anywhere, numbers in a row, and typos."""

import argparse

import pytest
from command_runs import run

from spectral_mae.cli import main
from spectral_mae.cli.console.answer import SOME_FAILED, Answer


@pytest.fixture
def parsed(monkeypatch):
    """What a command would be given."""

    def parse(text):
        seen = []
        command = lambda given: seen.append(given) or Answer(0)  # noqa: E731
        monkeypatch.setattr(main, "_command", lambda name: command)
        assert run(*text.split()) == 0
        return seen[0]

    return parse


@pytest.mark.parametrize(
    ("text", "paths", "sizes"),
    [
        ("analyze --out o --patch-size 8 16 photo.png", ["photo.png"], [8, 16]),
        ("analyze --patch-size 8 16 a.png --out o b.png", ["a.png", "b.png"], [8, 16]),
        ("analyze a.png --patch-size 8,16 b.png --out o", ["a.png", "b.png"], [8, 16]),
        ("analyze a.png --patch-size 8, 16 b.png --out o", ["a.png", "b.png"], [8, 16]),
        ("analyze a.png --patch-size=8 b.png --out o", ["a.png", "b.png"], [8]),
        ("analyze --patch 8 16 ./32 --patch-size 4 --out o", ["./32"], [8, 16, 4]),
        ("analyze --out o --patch-size 8 -- 16", ["16"], [8]),
        ("analyze - --patch-size 8 @- --out o", ["-", "@-"], [8]),
        ("analyze --out o", [], None),
        ("sweep --out o --patch-size 8 16 photo.png", ["photo.png"], [8, 16]),
        ("sweep a.png --out o", ["a.png"], [8, 16, 32]),
    ],
)
def test_paths_stand_anywhere(parsed, text, paths, sizes):
    found = parsed(text)
    assert found.paths == paths
    assert found.patch_size == sizes


def test_mask_ratios_of_a_sweep_leave_paths_alone(parsed):
    found = parsed("sweep --mask-ratio 0.5 .75 5e-1 a.png --patch-size 4 b.png --out o")
    assert found.mask_ratio == [0.5, 0.75, 0.5]
    assert found.paths == ["a.png", "b.png"]
    assert parsed("sweep --out o").mask_ratio is None  # the ratios of sweep_images, or designs
    assert parsed("sweep --out o").patch_size == [8, 16, 32]  # the default is not added to


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("psd --out x.png --scaling energy a.png", "paths", ["a.png"]),
        ("psd a.png -o x.png b --scaling energy", "paths", ["a.png", "b"]),
        ("verify --seed 3 a.png --size 32 b.png", "paths", ["a.png", "b.png"]),
        ("fit a.png --patch-size 8 b.png --out m.npz", "paths", ["a.png", "b.png"]),
        ("reconstruct m.npz --out o a.png --quiet b.png", "paths", ["a.png", "b.png"]),
        ("train-mae a.png --out o b.png", "paths", ["a.png", "b.png"]),
        ("figures masking --out o transfer", "names", ["masking", "transfer"]),
    ],
)
def test_the_same_of_other_commands(parsed, text, name, value):
    assert getattr(parsed(text), name) == value


def wrong(capsys, *arguments):
    with pytest.raises(SystemExit, match="2"):
        run(*arguments)
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("analyse a.png --out o", "no command 'analyse'; did you mean 'analyze'? (there are "),
        ("Verify", "did you mean 'verify'?"),
        ("analyze a.png --ouput o", "analyze: error: no option --ouput; did you mean '--out'?"),
        ("analyze --pathc-size 8 --out o", "did you mean '--patch-size'"),
        ("analyze --patch_size 8 --out o", "did you mean '--patch-size'"),
        ("analyze --maskratio=0.5 --out o", "no option --maskratio; did you mean '--mask-ratio'"),
        ("fit -out m.npz", "no option -out; did you mean '--out'"),
        ("verify --theroy", "did you mean '--theory'?"),
        ("psd a.png --out o.png --scaling densty", "did you mean 'density'?"),
        ("analyze --sampling fixd --out o", "did you mean 'fixed'?"),
        ("fit --model maee --out m.npz", "did you mean 'mae'"),
        ("--versoin", "no option --versoin; did you mean '--version'? (a COMMAND comes first)"),
        ("--out o analyze", "no option --out (a COMMAND comes first)"),
        ("fit --patch-size 8 16 a.png --out m.npz", "--patch-size takes one number, and '16' is"),
        ("psd --out x.png", "required: IMAGE"),
        ("analyze --patch-size", "argument --patch-size: expected one argument"),
        ("analyze --patch-size a.png --out o", "'a.png' is not a patch size in pixels; several"),
        ("psd a.png --mask-ratio 75% --out o", "'75%' is not a number between 0 and 1, such as"),
        ("fit a.png --mask-ratio 0,75 --out o", "'0,75' is not a number between 0 and 1"),
        ("reconstruct", "the following arguments are required: MODEL.npz, -o/--out"),
        ("sweep --mask-ratio 50% --out o", "'50%' is not a mask ratio; several are 0.5,0.75"),
    ],
)
def test_what_was_meant(capsys, text, said):
    assert said in wrong(capsys, *text.split())


def test_nothing_is_suggested_where_nothing_is_near(capsys):
    line = wrong(capsys, "xyzzy")
    assert "did you mean" not in line
    assert all(name in line for name in main.COMMANDS)
    assert "did you mean" not in wrong(capsys, "verify", "--xyzzy")


def test_a_number_that_is_a_folder_is_a_path(parsed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "2024").mkdir()
    assert parsed("verify --seed 3 2024").paths == ["2024"]


def test_the_bare_command_prints_its_help(capsys):
    assert run() == main.USAGE
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith("usage: spectral-mae ")
    assert all(name in printed.out for name in main.COMMANDS)


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_help_of_every_command_names_its_options(capsys, name):
    with pytest.raises(SystemExit, match="0"):
        run(name, "--help")
    assert f"usage: spectral-mae {name}" in capsys.readouterr().out


def test_coloured_usage_hides_no_option():
    """As Python 3.14 prints it on a terminal."""
    from spectral_mae.cli.parser import options_of

    class Coloured(argparse.ArgumentParser):
        def format_usage(self):
            return "usage: \x1b[35mx\x1b[0m [\x1b[36m--size \x1b[33mN\x1b[0m] [\x1b[32m-h\x1b[0m]"

    assert options_of(Coloured()) == {"--size", "-h", "--help"}


def test_names_of_figures_may_follow_their_data(tmp_path, monkeypatch):
    from spectral_mae.plot import gallery

    drawn = []

    def draw(name, data):
        drawn.append((name, [image.title for image in data]))
        raise ValueError("not drawn here")

    monkeypatch.setattr(gallery, "draw", draw)
    arguments = ["--data", "builtin:cat", "masking", "--out", tmp_path / "out"]
    assert run("figures", *arguments) == SOME_FAILED
    assert drawn == [("masking", ["builtin:cat"])]
