"""Sliders in headless Chromium: by keyboard, on narrow windows, in light and dark."""

import matplotlib.pyplot as plt
import pytest

from spectral_mae import lessons

pytestmark = pytest.mark.browser


def wave(patch_size, mask_ratio, kind):
    """A line that leans."""
    figure = plt.figure(figsize=(9, 2))
    figure.gca().plot([0, patch_size], [0, mask_ratio], color={"red": "r", "blue": "b"}[kind])
    return f"It leans {mask_ratio / patch_size:.3f}, {kind}."


@pytest.fixture(scope="module")
def shown():
    values = {"patch_size": [4, 8, 16], "mask_ratio": [0.5, 0.75], "kind": ["red", "blue"]}
    return lessons.slider(wave, **values, start={"patch_size": 8})


@pytest.fixture(scope="module")
def path(shown, tmp_path_factory):
    """A page with the same slider twice, as a notebook may have it."""
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Lesson</title>'
    scheme = '<meta name="color-scheme" content="light dark">'
    scheme += "<style>body { background: Canvas; color: CanvasText }</style>"
    page = tmp_path_factory.mktemp("slider") / "lesson.html"
    page.write_text(head + scheme + "<body>" + 2 * shown._repr_html_(), encoding="utf-8")
    return page


STATE = """
  const root = document.querySelectorAll(".spectral-mae-slider")[arguments[0]];
  return [root.querySelector("img").src, root.querySelector(".says").textContent];
"""


def test_arrows_move_to_the_next_picture_and_its_sentence(browser, path, shown):
    browser.open(path)
    start = shown.frame()
    assert browser.run(STATE, 0) == [start.source, start.says]
    browser.press("tab", "arrow_right")
    now = shown.frame(patch_size=16)
    assert browser.run(STATE, 0) == [now.source, now.says]
    active = "return document.activeElement"
    assert browser.run(f"{active}.getAttribute('aria-valuetext')") == "16"
    assert browser.run(f"{active}.getAttribute('aria-label')") == "patch size"
    browser.press("arrow_right")  # the last one stays
    assert browser.run(STATE, 0) == [now.source, now.says]
    browser.press("home", "tab", "end")
    now = shown.frame(patch_size=4, mask_ratio=0.75)
    assert browser.run(STATE, 0) == [now.source, now.says]
    browser.press("tab", "arrow_down")
    now = shown.frame(patch_size=4, mask_ratio=0.75, kind="blue")
    assert browser.run(STATE, 0) == [now.source, now.says]
    assert browser.run(STATE, 1) == [start.source, start.says]  # the other one is left alone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_and_is_readable(browser, path, width, scheme):
    browser.resize(width)
    browser.prefer(scheme)
    browser.open(path)
    assert browser.run("return document.querySelectorAll('input, select').length") == 6
    assert browser.sticks_out() == []
    assert browser.low_contrast() == []
    assert browser.nameless() == []


def test_without_scripts_the_first_picture_and_its_sentence_are_there(browser, path, shown):
    browser.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(path)
        nodes = browser.tell("Accessibility.getFullAXTree")["nodes"]
        names = [node.get("name", {}).get("value", "") for node in nodes]
        assert names.count(shown.alt) == 2
        assert shown.frame().says in names
    finally:
        browser.tell("Emulation.setScriptExecutionDisabled", value=False)
