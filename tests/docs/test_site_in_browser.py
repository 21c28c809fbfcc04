"""The built site in Chromium: search, the first screen, names and code that are not cut."""

from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
pytestmark = [
    pytest.mark.browser,
    # Written last, so that no site is looked at while it is built.
    pytest.mark.skipif(not (SITE / "searchindex.js").exists(), reason="built by docs/build.py"),
]
WIDTHS = {1200: 900, 390: 844}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_shows_the_picture_and_all_cards(browser, width, scheme):
    browser.resize(width, WIDTHS[width])
    browser.prefer(scheme)
    browser.open(SITE / "index.html")
    bottoms = browser.run(
        """const places = "#spectral-mae > p img, #spectral-mae > ul:first-of-type > li";
        return [...document.querySelectorAll(places)]
          .map((one) => one.getBoundingClientRect().bottom)"""
    )
    assert len(bottoms) >= 6
    assert max(bottoms[:6]) < WIDTHS[width]
    assert browser.sticks_out() == []
    assert browser.low_contrast() == []
    assert browser.nameless() == []


def test_names_in_the_sidebar_do_not_wrap(browser):
    browser.resize(1200)
    browser.open(SITE / "lessons.html")
    wrapped = browser.run(
        """return [...document.querySelectorAll(".sidebar-tree a.reference")]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 1.9 *
          parseFloat(getComputedStyle(one).lineHeight))
        .map((one) => one.textContent)"""
    )
    assert wrapped == []


@pytest.mark.parametrize("page", ["index", "spectra", "guides/choose", "guides/trained"])
@pytest.mark.parametrize("width", WIDTHS)
def test_code_is_not_cut(browser, page, width):
    browser.resize(width)
    browser.open(SITE / f"{page}.html")
    assert browser.sticks_out() == []
    cut = browser.run(
        """return [...document.querySelectorAll("article .highlight pre")]
        .filter((one) => one.scrollWidth > one.clientWidth + 1)
        .map((one) => one.textContent.split("\\n").sort((a, b) => b.length - a.length)[0])"""
    )
    assert cut == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("slope", "spectral_mae.RadialSpectrum.fit_slope"),
        ("slope", "spectral_mae.fit_masked_slope"),
        ("leakage", "spectral_mae.leakage"),
        ("masked psd", "spectral_mae.expected_masked_psd"),
    ],
)
def test_search_finds_names_of_the_api_by_a_word_of_them(browser, query, name):
    browser.driver.get(f"{(SITE / 'search.html').as_uri()}?q={query}")
    assert browser.wait_for("document.querySelectorAll('#search-results li').length > 9")
    found = browser.run(
        """return [...document.querySelectorAll("#search-results li")]
        .slice(0, 8).map((one) => one.querySelector("a").textContent)"""
    )
    assert name in found


def test_the_glossary_comes_first_for_its_words(browser):
    browser.driver.get(f"{(SITE / 'search.html').as_uri()}?q=slope")
    assert browser.wait_for("document.querySelectorAll('#search-results li').length > 9")
    first = browser.run("return document.querySelector('#search-results li a').textContent")
    assert first == "Glossary > Slope"
