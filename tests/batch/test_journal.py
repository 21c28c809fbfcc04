"""Files that are whole or not there, and what a journal cannot read."""

import numpy as np
import pytest

from spectral_mae._files.atomic_file import publish, replacing, write_whole
from spectral_mae.batch.journal import Journal, JournalRefused


def test_files_are_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "before")

    def fail():
        with replacing(path) as beside:
            beside.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    write_whole(path, b"after")
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("copied", [False, True])
def test_published_files_stay_where_they_were_made(tmp_path, copied):
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_text("one")
    target.write_text("old")
    for _ in range(2):
        publish(source, target, copied=copied)
        assert (source.read_text(), target.read_text()) == ("one", "one")
        assert target.samefile(source) != copied
    assert len(list(tmp_path.iterdir())) == 2


def test_journals_refuse_what_they_cannot_read(tmp_path):
    journal = Journal(tmp_path / "j")
    assert not journal.exists
    journal.begin({"a": 1}, ["x\t1"])
    journal.append("t", b"rows")
    journal.checkpoint("p", 1, [(0, 0, 0, {"n": np.arange(3)})])
    journal.append("t", b"lost")
    journal.close()
    again = Journal(tmp_path / "j")
    again.resume({"a": 1}, ["x\t1"])
    assert again.phases["p"].chunks == 1
    assert again.table("t").read_bytes() == b"rows"
    assert again.has("p", 0, 0, 0)
    np.testing.assert_array_equal(again.arrays("p-0-0-0.npz")["n"], np.arange(3))
    again.checkpoint("p", 2, [(1, 0, 1, {"n": np.arange(4)})])
    assert [path.name for path in again.folder.glob("*.npz")] == ["p-1-0-1.npz"]
    again.close()
    for header, inputs, message in (
        ({"a": 2}, ["x\t1"], "a was 1 and is 2"),
        ({"b": 1}, ["x\t1"], "b was not there and is 1"),
        ({"a": 1}, ["y\t1"], "where x was there is y"),
    ):
        other = Journal(tmp_path / "j")
        with pytest.raises(JournalRefused, match=message):
            other.resume(header, inputs)
        other.close()
    again.remove()
    assert not again.exists
