"""Lists of paths: on standard input, through pipes, and with odd names."""

import io
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from source_files import titles

from spectral_mae.images.sources import find_sources


@pytest.fixture
def tree(tmp_path):
    """A folder of files that are called images; nobody reads them."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "b.png", "deep/a.png"):
        (folder / name).write_bytes(b"")
    return folder


def piped(monkeypatch, data):
    """Standard input as a pipe that holds some bytes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("given", ["-", "@-"])
@pytest.mark.parametrize(
    "data",
    [
        b"photos/b.png\n\nbuiltin:cat\nphotos/deep/a.png\n",
        b"photos/b.png\r\nbuiltin:cat\r\nphotos/deep/a.png",
        b"photos/b.png\0builtin:cat\0photos/deep/a.png\0",
        "\ufeffphotos/b.png\nbuiltin:cat\nphotos/deep/a.png".encode(),
        "photos/b.png\r\nbuiltin:cat\r\nphotos/deep/a.png\r\n".encode("utf-16"),
    ],
)
def test_lists_on_standard_input_are_relative_to_the_working_directory(
    tree, monkeypatch, given, data
):
    monkeypatch.chdir(tree.parent)
    piped(monkeypatch, data)
    expected = ["photos/b.png", "builtin:cat", "photos/deep/a.png"]
    assert titles(find_sources([given])) == expected


@pytest.mark.parametrize("name", ["two\nlines.png", "line\u2028separator.png", "next\x85line.png"])
def test_lists_hold_any_name_between_nul_characters_and_odd_ones_a_line(tree, monkeypatch, name):
    shutil.copy(tree / "a.png", tree / name)
    monkeypatch.chdir(tree)
    piped(monkeypatch, f"{name}\0a.png\0".encode())
    assert titles(find_sources(["-"])) == [name, "a.png"]
    if "\n" not in name:
        piped(monkeypatch, f"{name}\na.png\n".encode())
        assert titles(find_sources(["-"])) == [name, "a.png"]


def test_standard_input_is_a_list_that_is_read_once(tree, monkeypatch):
    monkeypatch.chdir(tree)
    piped(monkeypatch, b"a.png\nnone.png\n")
    with pytest.raises(FileNotFoundError, match=r"^standard input, line 2: .*'none\.png'"):
        find_sources(["-"])
    piped(monkeypatch, b"a.png\n")
    with pytest.raises(ValueError, match="can be read only once"):
        find_sources(["-", "@-"])
    piped(monkeypatch, b"\n")
    with pytest.raises(ValueError, match="no path on standard input"):
        find_sources(["-"])
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ValueError, match="no path on standard input"):
        find_sources(["-"])


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="no /dev/stdin here")
def test_lists_through_a_pipe_are_relative_to_the_working_directory(tree, tmp_path):
    """Also where standard input is a file, which lies in a folder, and through named pipes."""
    code = (
        "import sys; from spectral_mae.images.sources import find_sources; "
        "print(*(r.title for r in find_sources([sys.argv[1]]).references))"
    )
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "list.txt").write_bytes(b"b.png\na.png\n")
    for source in ("pipe", "file"):
        with (tmp_path / "elsewhere" / "list.txt").open("rb") as file:
            given = {"input": file.read()} if source == "pipe" else {"stdin": file}
            done = subprocess.run(
                [sys.executable, "-c", code, "@/dev/stdin"],
                cwd=tree,
                capture_output=True,
                check=True,
                **given,
            )
        assert done.stdout.split() == [b"b.png", b"a.png"]
    pipe = tmp_path / "elsewhere" / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"b.png\n",))
    writer.start()
    done = subprocess.run(
        [sys.executable, "-c", code, f"@{pipe}"], cwd=tree, capture_output=True, check=True
    )
    writer.join()
    assert done.stdout.split() == [b"b.png"]
