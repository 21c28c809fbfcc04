"""How many files of the package the shortest calls pass."""

import pytest

from benchmarks import call_paths
from spectral_mae import _parallel


@pytest.mark.parametrize(
    ("work", "files", "hops"), [(call_paths.spectrum, 6, 40), (call_paths.linear_model, 13, 270)]
)
def test_short_calls_pass_few_files(work, files, hops, monkeypatch):
    """In one batch of bands: into how many the size of a cache cuts them is no matter of paths."""
    monkeypatch.setattr(_parallel, "BATCH_BYTES", 2**24)
    path = work()
    assert len(path.files) <= files
    assert path.hops.total() <= hops


def test_calls_between_files_are_counted():
    """A model calls the checks of its arguments, and these call nobody.

    But for two methods that take an argument by position, which is checked around them.
    """
    path = call_paths.linear_model()
    assert path.files[0] == "linear/estimators.py"
    assert path.hops["", "linear/model.py"] == 1  # score
    assert path.hops["", "_checks"] == path.hops["_checks", "linear/model.py"] == 1  # fit
    assert path.hops["linear/estimators.py", "_checks"] > 0
    called = {called for caller, called in path.hops if caller == "_checks"}
    assert called == {"linear/model.py", "masks/patches.py"}
