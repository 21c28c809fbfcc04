"""The page under a reader's hands: pointer, keys, narrow and dark windows, views that are kept."""

import re
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.explorer.page import explorer_page
from spectral_mae.explorer.page_images import SIZE, PageImage, built_in
from spectral_mae.spectra.octaves import all_octave_names

pytestmark = pytest.mark.browser

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return sm.explore_images(out=tmp_path_factory.mktemp("page") / "explore.html").page


@pytest.fixture
def opened(browser, path):
    def opened(fragment="", page=path):
        browser.open(f"{page.as_uri()}#{fragment}")
        assert browser.wait_for("window.spectralMae && spectralMae.times.length")
        return browser

    return opened


def chosen(browser):
    return browser.run("return spectralMae.chosen")


def text(browser, name):
    return browser.run(f"return document.getElementById('{name}').textContent")


def drag(browser, name, value):
    """Move a slider as a hand does, and wait for the frame."""
    browser.run(
        "const input = document.getElementById(arguments[0]); input.value = arguments[1];"
        f"input.dispatchEvent(new Event('input', {{ bubbles: true }})); return {FRAMES}",
        name,
        value,
    )


def canvas(browser, name):
    """Pixels of a canvas, red, green and blue."""
    data = browser.run(
        "const from = document.getElementById(arguments[0]), { width, height } = from;"
        "const to = new OffscreenCanvas(width, height);"
        "const context = to.getContext('2d', { willReadFrequently: true });"
        "context.drawImage(from, 0, 0);"
        "return [...context.getImageData(0, 0, width, height).data]",
        name,
    )
    side = round((len(data) / 4) ** 0.5)
    return np.array(data, np.uint8).reshape(side, side, 4)[..., :3]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1200])
@pytest.mark.parametrize("fragment", ["", "image=wave&show=all", "patch=64&design=columns"])
def test_the_page_fits_and_is_readable(browser, opened, width, scheme, fragment):
    browser.resize(width)
    browser.prefer(scheme)
    opened(fragment)
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
    assert browser.wait_for("document.getElementById('answer').textContent")
    assert browser.sticks_out() == []
    assert browser.low_contrast() == []
    assert browser.nameless() == []


def test_pictures_are_those_of_the_mask(opened):
    browser = opened("patch=16&ratio=50&seed=7")
    kept = np.array(browser.run("return [...spectralMae.scene.kept]"), bool).reshape(8, 8)
    assert kept.sum() == 32
    visible = np.kron(kept, np.ones((16, 16), bool))
    mask, masked, image = (canvas(browser, name) for name in ("mask", "masked", "image"))
    np.testing.assert_array_equal(mask, np.where(visible[..., None], 255, [0, 0, 0]))
    hidden = np.array([0xD4, 0xCC, 0xDE])
    np.testing.assert_array_equal(masked, np.where(visible[..., None], image, hidden))
    low, high = built_in()[0].low, built_in()[0].high
    gray = np.rint(255 * (built_in()[0].pixels() - low) / (high - low))
    np.testing.assert_allclose(image[..., 0], gray, atol=1)


def test_spectra_have_zero_frequency_in_the_middle(opened):
    browser = opened("image=wave&wave=10,20&patch=8&centred=0")
    bright = np.argwhere(canvas(browser, "image-power").sum(axis=-1) > 300) - SIZE // 2
    assert sorted(map(tuple, bright)) == [(-10, -20), (0, 0), (10, 20)]


def test_dragging_moves_everything_at_once(opened):
    browser = opened()
    before = [canvas(browser, name) for name in ("mask-power", "masked-power", "arrivals")]
    line = browser.run("return document.querySelector('.curve.expected').getAttribute('d')")
    drag(browser, "ratio", 40)
    assert chosen(browser)["ratio"] == 0.4
    assert text(browser, "ratio-text") == "40 % (103 of 256)"
    for name, old in zip(("mask-power", "masked-power", "arrivals"), before, strict=True):
        assert (canvas(browser, name) != old).any()
    assert line != browser.run("return document.querySelector('.curve.expected').getAttribute('d')")
    drag(browser, "patch", 3)
    assert chosen(browser)["patch"] == 16
    assert text(browser, "patch-text") == "16 × 16 pixels"


def test_a_greater_ratio_hides_more_of_the_same_patches(opened):
    browser = opened("ratio=30")
    few = np.array(browser.run("return [...spectralMae.scene.kept]"))
    drag(browser, "ratio", 80)
    many = np.array(browser.run("return [...spectralMae.scene.kept]"))
    assert many.sum() < few.sum()
    assert (many <= few).all()


def test_the_lines_of_the_grating_are_where_masks_have_no_power(opened):
    browser = opened("patch=16")
    path = browser.run("return document.querySelector('#mask-marks .zeros').getAttribute('d')")
    zeros = sorted({int(part.split()[0]) for part in path.split("M")[1:] if " -64.5v128" in part})
    kernel = np.abs(np.fft.fftshift(sm.dirichlet_kernel(SIZE, 16)))
    assert zeros == sorted(np.flatnonzero(kernel < 1e-12) - SIZE // 2)
    browser.run("document.getElementById('zeros').click()")
    browser.run(f"return {FRAMES}")
    assert (
        browser.run("return document.querySelector('#mask-marks .zeros').getAttribute('d')") == ""
    )


def test_pointing_shows_what_arrives_and_pressing_keeps_it(opened):
    from selenium.webdriver.common.action_chains import ActionChains

    browser = opened()
    browser.resize(1200)
    element = browser.driver.find_element("id", "masked-power")
    side = element.rect["width"]

    def cell(k):  # of a frequency, from the middle of the map
        return round((k + 0.5) * side / SIZE)

    down, across = -32, 16
    over = ActionChains(browser.driver, duration=0)
    over.move_to_element_with_offset(element, cell(across), cell(down)).perform()
    browser.run(f"return {FRAMES}")
    assert (text(browser, "across-text"), text(browser, "down-text")) == ("0.125", "−0.250")
    assert chosen(browser)["frequency"] == [5, 21]
    ActionChains(browser.driver, duration=0).click().perform()
    assert chosen(browser)["frequency"] == [down, across]
    away = ActionChains(browser.driver, duration=0)
    away.move_to_element_with_offset(element, cell(0), cell(90)).perform()
    browser.run(f"return {FRAMES}")
    assert (text(browser, "across-text"), text(browser, "down-text")) == ("0.125", "−0.250")
    assert browser.run("return document.getElementById('down').value") == str(down)


def test_the_keyboard_reaches_every_control(opened):
    browser = opened()
    wanted = set(
        browser.run(
            "return [...document.querySelectorAll('button, select, input, summary')]"
            ".filter((one) => one.checkVisibility() && (one.type !== 'radio' || one.checked))"
            ".map((one) => one.id || one.name || one.textContent)"
        )
    )
    reached = []
    for _ in range(len(wanted) + 3):
        browser.press("tab")
        reached.append(
            browser.run(
                "const one = document.activeElement; return one.id || one.name || one.textContent"
            )
        )
    assert wanted <= set(reached)


def test_keys_move_sliders_and_choose_images(opened):
    browser = opened()
    browser.run("document.getElementById('patch').focus()")
    browser.press("arrow_right")
    assert chosen(browser)["patch"] == 16
    browser.run("document.querySelector('[name=image]:checked').focus()")
    browser.press("arrow_left")
    assert chosen(browser)["image"] == "wave"
    assert browser.run("return !document.getElementById('wave').hidden")
    browser.run("document.getElementById('again').focus()")
    browser.press("enter")
    assert chosen(browser)["seed"] == 2


def test_the_address_keeps_the_view(opened):
    browser = opened(
        "patch=4&ratio=60&design=block&seed=9&image=wave&wave=5,6&frequency=-3,4&show=all"
    )
    assert chosen(browser) == {
        "patch": 4, "ratio": 0.6, "design": "block", "seed": 9, "image": "wave", "wave": [5, 6],
        "frequency": [-3, 4], "show": "all", "zeros": True, "centred": True,
    }  # fmt: skip
    drag(browser, "ratio", 61)
    assert browser.wait_for("location.hash.includes('ratio=61')")
    again = browser.run("return location.hash.slice(1)")
    view = chosen(browser)
    browser.open("about:blank")
    assert chosen(opened(again)) == view
    browser.run("document.getElementById('reset').click()")
    assert chosen(browser) == chosen(opened_anew(opened))
    assert browser.wait_for("location.hash === ''")


def opened_anew(opened):
    opened("x")  # a part that does not exist
    return opened()


@pytest.mark.parametrize(
    "part",
    [
        "patch=5",
        "patch=",
        "ratio=99",
        "design=none",
        "seed=-1",
        "seed=1.5",
        "image=x",
        "wave=1",
        "a=b",
    ],
)
def test_what_cannot_be_read_of_an_address_is_left_as_it_was(opened, part):
    browser = opened(f"{part}&zeros=0")
    expected = browser.run("return { ...spectralMae.chosen }")
    assert expected["zeros"] is False
    assert (expected["patch"], expected["ratio"], expected["seed"]) == (8, 0.75, 1)
    assert (expected["design"], expected["image"]) == ("fixed", "camera")


def test_colours_are_those_of_the_system_or_of_the_reader(browser, opened):
    browser.prefer("dark")
    opened()
    paper = "return getComputedStyle(document.body).backgroundColor"
    dark = browser.run(paper)
    press = "document.getElementById('theme').click()"
    browser.run(press)
    light = browser.run(paper)
    assert (dark, light) == ("rgb(19, 21, 24)", "rgb(255, 255, 255)")
    assert text(browser, "theme") == "Colours: light"
    opened()  # the choice stays
    assert browser.run(paper) == light
    browser.run(press)
    browser.prefer("light")
    assert browser.run(paper) == dark


def test_numbers_are_said_and_python_gives_the_same(opened):
    browser = opened("design=keep&patch=16")
    assert browser.wait_for("document.getElementById('python').textContent")
    names = {}
    code = text(browser, "python").replace("photo.jpg", "builtin:camera")
    exec(code, names)  # the page's own words
    leakage = browser.run("return [...spectralMae.scene.leakage]")
    assert names["leakage"] == pytest.approx(leakage[4], rel=0.01)  # 256 levels in the page
    assert f"{float(f'{leakage[4]:.2g}'):g} times as much power arrives" in text(browser, "answer")
    rows = browser.run(
        "return [...document.querySelectorAll('#octaves tr')].map((r) => r.innerText)"
    )
    assert len(rows) == 6
    assert rows[0].startswith("below 1/32")
    assert [row.split("\t")[0] for row in rows] == all_octave_names()
    assert "the mean gray subtracted" in text(browser, "answer")


def test_stripes_are_no_squares_and_reset_fits_the_axis(opened):
    browser = opened("design=columns")
    assert browser.wait_for("document.getElementById('patch-help').textContent.includes('stripes')")
    ticks = "return [...document.querySelectorAll('#curves text')].map((t) => t.textContent)"
    browser = opened_anew(opened)
    first = browser.run(ticks)
    assert "power per (cycle/pixel)²" in first
    drag(browser, "ratio", 95)
    drag(browser, "patch", 0)
    browser.run("document.getElementById('reset').click()")
    browser.run(f"return {FRAMES}")
    assert browser.run(ticks) == first


def test_curves_have_the_colours_of_the_report(opened):
    colors = files("spectral_mae.batch.pages").joinpath("templates", "colors.css").read_text()
    blue = re.search("--blue: (#[0-9a-f]+)", colors)[1]
    browser = opened()
    assert (
        browser.run("return getComputedStyle(document.documentElement).getPropertyValue('--blue')")
        == blue
    )
    line = "return getComputedStyle(document.querySelector('.curve.original')).stroke"
    assert (
        browser.run(line) == f"rgb({', '.join(str(int(blue[i : i + 2], 16)) for i in (1, 3, 5))})"
    )


def test_images_of_the_reader_are_there_and_odd_ones_do_no_harm(opened, tmp_path):
    images = [
        PageImage.of("0", "<b>flat</b>", "", np.full((SIZE, SIZE), 0.5)),
        PageImage.of("1", "black", "", np.zeros((SIZE, SIZE))),
        PageImage.of("2", "wide", "", np.linspace(-5, 9, SIZE**2).reshape(SIZE, SIZE)),
    ]
    (tmp_path / "own.html").write_text(explorer_page(images), encoding="utf-8")
    for fragment in ("image=0&centred=0", "image=0", "image=1", "image=2&show=all"):
        browser = opened(fragment, tmp_path / "own.html")
        assert "NaN" not in browser.run("return document.querySelector('main').innerHTML")
    titles = browser.run(
        "return [...document.querySelectorAll('#images span')].map((s) => s.textContent)"
    )
    assert titles == ["<b>flat</b>", "black", "wide", "One wave"]


def test_pictures_stay_in_view_on_a_narrow_window(browser, opened, tmp_path):
    browser.resize(390, 844, scale=2)
    opened()
    browser.run("document.getElementById('centred-help').scrollIntoView({ block: 'end' })")
    browser.run(f"return {FRAMES}")
    top = browser.run("return document.querySelector('.pictures').getBoundingClientRect().top")
    assert top == 0
    with Image.open(browser.screenshot(tmp_path / "narrow.png", whole=False)) as picture:
        assert picture.size == (780, 1688)


def test_one_wave_is_seen_where_it_is_and_nowhere_else(opened):
    """Its two points as dots in the colours of their power; no curve where it has no power."""
    browser = opened("image=wave&wave=3,12&frequency=4,13")
    assert chosen(browser)["image"] == "wave"
    dots = "return [...document.querySelectorAll('#{} .dots circle')].map((one) => one.style.fill)"
    for name in ("image-marks", "arrivals-marks"):
        fills = browser.run(dots.format(name))
        assert len(fills) == 2
        brightest = max(sum(map(int, re.findall(r"\d+", fill))) for fill in fills)
        assert brightest > 300
    line = browser.run("return document.querySelector('.curve.original').getAttribute('d')")
    width = browser.run("return document.querySelector('.curve.original').getBBox().width")
    assert line.startswith("M")
    assert width < 30
    cells = "[...document.querySelectorAll('#largest td:last-child')]"
    parts = browser.run(f"return {cells}.map((one) => one.textContent)")
    assert sum(float(part.removesuffix(" %")) for part in parts) <= 100.05
