"""The page of ``analyze`` as its readers see it: it sorts, filters, opens rows, and is legible."""

import csv
import re
import statistics

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm

pytestmark = pytest.mark.browser

FIRST = (
    "return [...document.querySelectorAll('#table tbody tr')].map((one) => one.cells[0].innerText)"
)
FIND = """
  const field = document.getElementById("find");
  field.value = arguments[0];
  field.dispatchEvent(new Event("input"));
"""
TEXTS = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
HEADS = "[...document.querySelectorAll('#table th button')]"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    rng = np.random.default_rng(0)
    for number in range(130):
        pixels = rng.integers(0, 256, (16, 16)).astype(float)
        if number == 7:
            pixels = np.cumsum(np.cumsum(pixels - 128, axis=0), axis=1)
            pixels = 255 * (pixels - pixels.min()) / np.ptp(pixels)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"<b>{number}.png")
    options = sm.AnalyzeOptions(patch_sizes=(4,), size=16, n_draws=2, checks=2, masks_for=2)
    return sm.analyze_images(folder, options, out=folder / "out").page


def test_all_rows_sort_and_filter(browser, page):
    browser.open(page)
    assert browser.run("return document.getElementById('count').textContent").startswith("130 of")
    assert len(browser.run(FIRST)) == 100
    browser.run("document.getElementById('next').click()")
    assert len(browser.run(FIRST)) == 130
    assert browser.run(FIRST)[0] == "<b>7.png"  # at first by how unusual they are
    browser.run("document.querySelector('#table th button').click()")
    assert browser.run(FIRST)[:3] == ["<b>0.png", "<b>1.png", "<b>2.png"]
    unusual = f"{HEADS}.find((one) => one.textContent == 'unusual')"
    browser.run(f"{unusual}.click()")
    assert browser.run(FIRST)[0] == "<b>7.png"
    assert browser.run(f"return {unusual}.parentElement.ariaSort") == "descending"
    assert browser.run("return document.activeElement.textContent") == "unusual"
    browser.run(f"{unusual}.click()")
    assert browser.run(FIRST)[-1] == "<b>7.png"
    browser.run(FIND, "12")
    named = ["12", "112", *(f"12{i}" for i in range(10))]
    assert sorted(browser.run(FIRST)) == sorted(f"<b>{name}.png" for name in named)
    browser.run(FIND, "")
    browser.run("only.click()")
    assert browser.run(FIRST)[-1] == "<b>7.png"
    browser.run(FIND, "no such name")
    assert browser.run(FIRST) == ["No image matches."]


def test_the_first_sentence_has_the_numbers_of_the_table(browser, page):
    browser.open(page)
    sentence = browser.run("return document.querySelector('.answer p').textContent")
    medians = browser.run(TEXTS, ".fine td[data-centred]")
    assert len(medians) == 2
    least, most = sorted(medians, key=float)
    said = re.search(r"That is (\S+)(?: and (\S+))? times", sentence)
    assert sorted((said[1], said[2] or said[1]), key=float) == [least, most]
    with (page.parent / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    true = [
        statistics.median(float(row[name]) for row in rows)
        for name in ("leakage_0.125_0.25_centred", "leakage_0.25_0.5_centred")
    ]
    assert [float(cell) for cell in medians] == pytest.approx(true, rel=6e-3)


def test_an_unusual_image_is_a_link_that_opens_its_row(browser, page):
    browser.open(page)
    browser.run(FIND, "12")
    browser.run("document.querySelector('.answer a[data-row]').click()")
    own = "document.querySelector('#table tr.own')"
    name = f"{own}.previousElementSibling.cells[0].innerText"
    assert browser.run(f"return {name}") == "<b>7.png"
    assert browser.run(f"return {own}.querySelector('img').naturalWidth") > 0
    assert "than those of the others" in browser.run(f"return {own}.querySelector('p').textContent")
    assert browser.run(f"return document.activeElement.textContent === {name}")
    assert browser.run("return document.querySelectorAll('#table tbody tr').length") > 100
    assert browser.run("return document.querySelectorAll('.gallery img').length") == browser.run(
        "return document.querySelectorAll('.answer a[data-row]').length"
    )


def test_the_picture_of_the_typical_image_has_the_smallest_distance(browser, page):
    browser.open(page)
    roles = browser.run(TEXTS, ".cards h3")
    typical = next(one for one in roles if one.startswith("Typical: "))
    unusual = f"{HEADS}.find((one) => one.textContent == 'unusual')"
    browser.run(f"{unusual}.click()")
    assert browser.run(FIRST)[0] == typical.removeprefix("Typical: ")


def test_figures_take_the_colours_of_the_page(browser, page):
    ink = "return getComputedStyle(document.querySelector('.panel svg text')).fill"
    line = "return getComputedStyle(document.querySelector('.panel svg path[style*=blue]'))"
    browser.prefer("light")
    browser.open(page)
    light = browser.run(ink), browser.run(f"{line}.stroke")
    browser.run("theme.click()")
    dark = browser.run(ink), browser.run(f"{line}.stroke")
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert light[0] == "rgb(28, 28, 28)"
    fills = "[...document.querySelectorAll('.drawn svg path')].map((p) => getComputedStyle(p).fill)"
    assert "rgb(255, 255, 255)" not in browser.run(f"return {fills}")


def test_letters_of_figures_are_legible_on_a_telephone(browser, page):
    browser.resize(390)
    browser.open(page)
    sizes = browser.run("""return [...document.querySelectorAll('.panel svg')].flatMap((svg) => {
      const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      return [...svg.querySelectorAll('text')].map(
        (text) => scale * parseFloat(getComputedStyle(text).fontSize));
    })""")
    assert min(sizes) > 5.5  # exponents
    assert statistics.median(sizes) > 8
    panels = "[...document.querySelectorAll('.panel')]"
    ends = browser.run(f"return {panels}.map((one) => one.getBoundingClientRect().right)")
    assert max(ends) <= 390


def test_a_row_opens_its_own_figure_by_keyboard(browser, page):
    browser.open(page)
    browser.run("document.querySelector('#table td button').focus()")
    browser.press("enter")
    assert browser.run("return document.activeElement.ariaExpanded") == "true"
    paths = "[...document.querySelectorAll('.own svg path')].map((one) => one.getBBox().width)"
    paths = f"return {paths}"
    assert len(browser.run(paths)) == 3
    assert min(browser.run(paths)) > 100
    browser.press("enter")
    assert browser.run(paths) == []


def test_columns_of_the_checks_are_behind_a_switch(browser, page):
    heads = "return [...document.querySelectorAll('#table th')].map((one) => one.textContent)"
    browser.open(page)
    assert "Eq. 18" not in browser.run(heads)
    browser.run("more.click()")
    assert "Eq. 18" in browser.run(heads)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_is_legible(browser, page, width, scheme):
    browser.prefer(scheme)
    browser.resize(width)
    browser.open(page)
    browser.run("document.querySelector('#table td button').click()")
    assert browser.sticks_out() == []
    assert browser.low_contrast() == []
    assert browser.nameless() == []


def test_the_switch_turns_the_page_dark_and_back(browser, page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    browser.prefer("light")
    browser.open(page)
    light = browser.run(paper)
    browser.run("theme.click()")
    assert browser.run(paper) != light
    assert browser.run("return theme.textContent") == "Light"
    browser.prefer("dark", media="print")
    assert browser.run(paper) == "rgb(255, 255, 255)"
    browser.prefer("light")
    browser.run("theme.click()")
    assert browser.run(paper) == light


def test_contents_lead_to_each_part_and_options_come_last(browser, page):
    browser.open(page)
    heads = (
        "return [...document.querySelectorAll('h2:not([data-plain])')].map((h) => h.textContent)"
    )
    heads = browser.run(heads)
    links = browser.run("return [...document.querySelectorAll('nav a')].map((a) => a.textContent)")
    assert links == heads
    assert heads[0].startswith("The spectrum of the images")
    assert heads[-1] == "Settings of the run"
    ids = browser.run("return [...document.querySelectorAll('nav a')].map((one) => one.hash)")
    assert all(browser.run("return Boolean(document.querySelector(arguments[0]))", i) for i in ids)


def test_what_only_a_screen_can_use_is_not_printed(browser, page):
    seen = "return [...document.querySelectorAll('.controls, .files, #theme')].some((one) => "
    seen += "one.checkVisibility())"
    browser.open(page)
    assert browser.run(seen)
    browser.prefer("light", media="print")
    assert not browser.run(seen)


def test_a_table_that_is_cut_says_so(browser, page):
    hint = "table.parentElement.previousElementSibling"
    seen = f"return {hint}.className === 'sideways' && {hint}.checkVisibility()"
    browser.resize(1200)
    browser.open(page)
    assert not browser.run(seen)
    browser.run("more.click()")
    assert browser.wait_for(seen.removeprefix("return "))
    browser.resize(390)
    browser.open(page)
    assert browser.wait_for(seen.removeprefix("return "))


def test_decimal_points_of_a_column_lie_below_each_other(browser, page):
    """Every cell is as long behind its point, in digits or in spaces as wide."""
    browser.open(page)
    browser.run("more.click()")
    padded = 0
    for column in range(browser.run("return table.tHead.rows[1].cells.length")):
        cells = browser.run(TEXTS, f"#table tbody tr td:nth-child({column + 1})")
        numbers = [cell for cell in cells if re.match(r"−?[\d,.]+[\u2007\u2008]*$", cell)]
        padded += sum(cell.endswith("\u2007") for cell in numbers)
        points = [re.search(r"[.\u2008]|$", cell).start() for cell in numbers]
        behind = {len(cell) - at for cell, at in zip(numbers, points, strict=True)}
        assert len(behind) <= 1, numbers
    assert padded


def test_the_table_beside_the_page_has_what_its_table_shows(browser, page):
    browser.open(page)
    shown = browser.run("return DATA.rows")
    names = browser.run("return DATA.columns.map((one) => one.name)")
    with (page.parent / "unusual.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(shown) == 130
    measured = 0
    for row, values in zip(rows, shown, strict=True):
        cells = dict(zip(names, values, strict=True))
        assert row["path"].endswith(cells["path"])
        assert float(row["unusual"]) == pytest.approx(cells["unusual"], rel=1e-7)
        assert bool(row["filled_in"]) == (cells["filled"] is not None)
        if row["filled_in"]:
            measured += 1
            assert float(row["filled_in"]) == pytest.approx(cells["filled"], rel=1e-7)
    assert measured >= 100
