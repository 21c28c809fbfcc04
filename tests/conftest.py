"""Which cases run by default, and which only when asked for; the browser of the tests of pages."""

from collections import defaultdict

import chromium
import pytest
from covering import covering
from hypothesis import settings

settings.register_profile("short", max_examples=10)
settings.register_profile("full", max_examples=50)
settings.load_profile("short")

ALL_RUN = 16  # cases of one test up to which all of them run by default


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(config, items):
    """Of the many cases of a test those that add no new pair of values are marked slow.

    A broken line shows in one value or in two that meet; that three must meet is rare, and that
    four must is rarer: ``.ci/run`` leaves those cases out by ``--strength 3``.
    """
    strength = config.getoption("strength")
    left_out = set()
    tests = defaultdict(list)
    for item in items:
        if hasattr(item, "callspec"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        if len(cases) > ALL_RUN:
            # The identifiers of each `parametrize`: the only names that pytest gives to its rows.
            rows = [tuple(case.callspec._idlist) for case in cases]
            pairs = covering(rows)
            for i in set(range(len(cases))).difference(pairs):
                cases[i].add_marker("slow")
            if strength is not None:
                left_out.update(cases)
                left_out.difference_update(cases[i] for i in covering(rows, strength, pairs))
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def one_chromium(tmp_path_factory):
    """The `chromium.Browser` of all tests, as the last of them left it."""
    if lacks := chromium.missing():
        pytest.skip(lacks)
    with chromium.chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(one_chromium):
    """A `chromium.Browser` with an empty page; the test fails for what its page did wrong."""
    one_chromium.reset()
    yield one_chromium
    assert one_chromium.problems() == []
