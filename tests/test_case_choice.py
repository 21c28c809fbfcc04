"""Which of the many cases of a test run: any few values of its parameters meet in one of them."""

from itertools import combinations, product
from types import SimpleNamespace

import pytest
from covering import covering

ROWS = list(product("abcde", "vwxyz", "012", "pq"))[3:-7]  # not all, as where cases are skipped


def meetings(rows, strength):
    return {some for row in rows for some in combinations(enumerate(row), strength)}


@pytest.mark.parametrize(("strength", "most"), [(1, 6), (2, 28), (3, 80), (4, 140)])
def test_all_that_meet_meet_in_what_is_chosen(strength, most):
    chosen = covering(ROWS, strength)
    assert chosen == sorted({*chosen})
    assert len(chosen) <= most <= len(ROWS)
    assert meetings([ROWS[i] for i in chosen], strength) == meetings(ROWS, strength)


def test_what_is_chosen_already_stays_and_is_not_chosen_again():
    pairs = covering(ROWS)
    triples = covering(ROWS, 3, pairs)
    assert {*pairs} < {*triples}
    assert triples == sorted({*triples})
    assert meetings([ROWS[i] for i in triples], 3) == meetings(ROWS, 3)


class Case:
    """A case of a test as far as the choice looks at it."""

    def __init__(self, row):
        self.nodeid, self.callspec, self.marks = f"t.py::t[{row}]", SimpleNamespace(_idlist=row), []
        self.add_marker = self.marks.append


@pytest.mark.parametrize(("strength", "left"), [(None, 140), (2, 24), (3, 73)])
def test_pytest_leaves_out_and_marks_slow_what_adds_nothing(strength, left, request):
    conftest = request.config.pluginmanager.getplugin(str(request.path.parent / "conftest.py"))
    told = []
    config = SimpleNamespace(
        getoption=lambda _: strength,
        hook=SimpleNamespace(pytest_deselected=lambda *, items: told.extend(items)),
    )
    items = [Case(row) for row in ROWS]
    conftest.pytest_collection_modifyitems(config, items)
    assert len(items) == len(ROWS) - len(told) == left
    assert sum(item.marks == [] for item in [*items, *told]) == 24
    assert all(item.marks == ["slow"] for item in told)
    few = [Case(row) for row in ROWS[:16]]
    conftest.pytest_collection_modifyitems(config, few)
    assert [item.marks for item in few] == [[]] * 16
