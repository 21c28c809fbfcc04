"""Which cases run by default, and which only when asked for; the browser of the tests of pages."""

from collections import defaultdict

import chromium
import pytest
from hypothesis import settings
from pairwise import pairwise

settings.register_profile("short", max_examples=10)
settings.register_profile("full", max_examples=50)
settings.load_profile("short")

ALL_RUN = 16  # cases of one test up to which all of them run by default


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(items):
    """Of the many cases of a test those that add no new pair of values are marked slow.

    A broken line shows in one value or in two that meet; that three must meet is rare. The full
    product is run by ``.ci/run``.
    """
    tests = defaultdict(list)
    for item in items:
        if hasattr(item, "callspec"):
            tests[item.nodeid.partition("[")[0]].append(item)
    for cases in tests.values():
        if len(cases) > ALL_RUN:
            # The identifiers of each `parametrize`: the only names that pytest gives to its rows.
            chosen = pairwise([tuple(case.callspec._idlist) for case in cases])
            for i in set(range(len(cases))).difference(chosen):
                cases[i].add_marker("slow")


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
