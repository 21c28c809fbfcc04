"""The browser of the tests sees what is wrong with a page."""

import pytest
from PIL import Image

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>page</title>
<style>body {{ margin: 0; background: white; color: black }}
@media (prefers-color-scheme: dark) {{ body {{ background: black; color: white }} }}</style>
<p>text</p>{}</html>"""


@pytest.fixture
def opened(browser, tmp_path):
    def opened(content=""):
        (tmp_path / "page.html").write_text(PAGE.format(content), encoding="utf-8")
        browser.open(tmp_path / "page.html")
        return browser

    return opened


def test_a_good_page_has_no_problems(opened):
    browser = opened("<button>go</button>")
    assert browser.run("return document.title") == "page"
    assert browser.run("return new Promise((resolve) => setTimeout(resolve, 5, 7))") == 7
    assert browser.problems() == browser.sticks_out() == []
    assert browser.low_contrast() == browser.nameless() == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<script>console.error('wrong')</script>", "wrong"),
        ("<script>throw new Error('thrown')</script>", "thrown"),
        ("<script>Promise.reject(new Error('broken'))</script>", "broken"),
        ('<img alt="" src="https://example.invalid/a.png">', "request: https://example.invalid/"),
        ('<link rel="stylesheet" href="http://example.invalid/a.css">', "request: http://example"),
    ],
)
def test_errors_and_requests_are_seen_once(opened, content, problem):
    browser = opened(content)
    assert any(problem in found for found in browser.problems())
    assert browser.problems() == []


def test_a_page_is_waited_for(opened):
    browser = opened("<script>setTimeout(() => { window.ready = 3; }, 50)</script>")
    assert browser.wait_for("window.ready === 3") is True
    assert browser.wait_for("window.ready === 4", 0.05) is False


def test_what_is_too_wide_is_found(opened):
    browser = opened('<p style="width: 500px" id="wide">x</p>')
    browser.resize(390)
    assert len(browser.sticks_out()) == 1
    browser.resize(600)
    assert browser.sticks_out() == []


def test_contrast_and_names_are_checked(opened):
    browser = opened('<p style="color: #999">gray</p><button></button><img src="data:,">')
    assert browser.low_contrast() == ["2.85 gray"]
    assert browser.nameless() == ["button: <button></button>", 'image: <img src="data:,">']


def test_the_reader_can_prefer_dark_and_any_width(opened, tmp_path):
    browser = opened()
    for scheme, paper in (("light", 255), ("dark", 0)):
        browser.prefer(scheme)
        browser.resize(390, 200, scale=2)
        with Image.open(browser.screenshot(tmp_path / f"{scheme}.png")) as picture:
            assert picture.size == (780, 400)
            assert picture.convert("L").getpixel((770, 390)) == paper


def test_keys_reach_what_has_the_focus(opened):
    browser = opened('<label>n <input type="range" id="n" max="9" value="3"></label>')
    browser.press("tab", "right", "right")
    assert browser.run("return document.querySelector('#n').value") == "5"


def test_the_store_of_one_test_is_not_seen_by_the_next(opened):
    browser = opened()
    browser.run("localStorage.setItem('scheme', 'dark')")
    browser.reset()
    assert opened().run("return localStorage.getItem('scheme')") is None
