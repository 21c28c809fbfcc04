"""The page of ``plan`` as its readers see it: its pictures are legible at any width."""

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm

pytestmark = pytest.mark.browser

HINTS = """return [...document.querySelectorAll('.plate')]
    .map((one) => !one.previousElementSibling.hidden)"""
WIDTHS = """return [...document.querySelectorAll('.plate svg')]
    .map((one) => one.getBoundingClientRect().width)"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    rng = np.random.default_rng(0)
    for number in range(10):
        pixels = np.cumsum(np.cumsum(rng.standard_normal((16, 16)), axis=0), axis=1)
        pixels = 255 * (pixels - pixels.min()) / np.ptp(pixels)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    sm.plan(folder, [4, 2], [0.5, 0.75], size=16, holdout=0.4, out=folder / "out")
    return folder / "out" / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_is_legible(browser, page, width, scheme):
    browser.prefer(scheme)
    browser.resize(width)
    browser.open(page)
    assert browser.sticks_out() == []
    # White words on a map have a dark box behind them, which is drawn and no background.
    assert [one for one in browser.low_contrast() if not one.startswith("1.01 0.")] == []
    assert browser.nameless() == []


def test_pictures_that_are_wider_than_a_telephone_say_so(browser, page):
    browser.resize(390)
    browser.open(page)
    assert browser.run(HINTS) == [True] * 4
    assert min(browser.run(WIDTHS)) >= 600
    browser.resize(1200)
    browser.open(page)
    assert browser.run(HINTS) == [False] * 4
    assert max(browser.run(WIDTHS)) < 1000
