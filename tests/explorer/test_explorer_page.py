"""The page as a file: what is inside, and that nothing is outside."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import spectral_mae as sm
from spectral_mae.explorer.page import MOST_IMAGES, explorer_page
from spectral_mae.explorer.page_images import SIZE, PageImage, built_in, from_loaded
from spectral_mae.images.image import LoadedImage


class Reader(HTMLParser):
    """Elements of a page, and the text of its scripts and styles."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.texts, self._inside = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = (tag, dict(attrs).get("type", "")) if tag in ("script", "style") else None

    def handle_data(self, data):
        if self._inside:
            self.texts.setdefault(self._inside, data)
            self._inside = None

    def data(self):
        return json.loads(self.texts["script", "application/json"])


@pytest.fixture(scope="module")
def page():
    return explorer_page(built_in())


def test_the_page_is_one_small_file_that_loads_nothing(page):
    reader = Reader(page)
    assert len(page.encode()) < 1e6
    assert {tag for tag, _ in reader.elements} & {
        "link",
        "iframe",
        "object",
        "embed",
        "img",
    } == set()
    assert all(not {"src", "href", "srcset"} & attrs.keys() for _, attrs in reader.elements)
    script, style = reader.texts["script", "module"], reader.texts["style", ""]
    assert not re.search(
        r"^\s*import\b|\bimport\(|\bfetch\(|XMLHttpRequest|https?://(?!www\.w3\.org/2000/svg)",
        script,
        re.MULTILINE,
    )
    assert not re.search(r"url\(|@import", style)
    policy = next(
        attrs["content"]
        for tag, attrs in reader.elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'")
    sources = {word for part in policy.split(";") for word in part.split()[1:]}
    assert sources == {"'none'", "'unsafe-inline'", "data:"}


def test_its_images_are_the_built_in_ones(page):
    data = Reader(page).data()
    assert data["size"] == SIZE
    assert [image["title"] for image in data["images"]] == ["Camera", "Grass", "Random field"]
    camera = sm.resize_and_crop(sm.read_image("builtin:camera"), SIZE).pixels
    found = PageImage(**data["images"][0])
    np.testing.assert_allclose(found.pixels(), camera, atol=(found.high - found.low) / 509)


def test_no_name_of_a_file_ends_the_script():
    wild = "</script><script>alert(1)</script>"
    reader = Reader(explorer_page([PageImage.of(wild, wild, wild, np.zeros((SIZE, SIZE)))]))
    assert reader.data()["images"][0]["title"] == wild
    assert [tag for tag, _ in reader.elements].count("script") == 2


@pytest.mark.parametrize(
    ("shape", "note"),
    [
        ((128, 128), ""),
        ((128, 200), "200 × 128 pixels: the middle cropped."),
        ((300, 300), "300 × 300 pixels: the shorter side resized from 300 to 128 pixels."),
        ((64, 80), "80 × 64 pixels: the shorter side resized from 64 to 128 pixels and the middle"),
    ],
)
def test_the_note_says_what_was_done_to_an_image(shape, note):
    image = from_loaded(LoadedImage(np.full(shape, 0.25), ("A note",), shape), "a", "A")
    assert image.note.startswith(note)
    assert image.note.endswith("A note.")
    np.testing.assert_allclose(image.pixels(), 0.25, atol=1 / 509)


def test_values_beyond_black_and_white_are_kept():
    pixels = np.linspace(-3.0, 7.0, SIZE**2).reshape(SIZE, SIZE)
    np.testing.assert_allclose(PageImage.of("a", "A", "", pixels).pixels(), pixels, atol=10 / 509)


def test_arrays_and_files_become_pages(tmp_path):
    arrays = np.random.default_rng(0).random((2, 40, 50))
    result = sm.explore_images(arrays, out=tmp_path / "new" / "a.html")
    assert result.page == tmp_path / "new" / "a.html"
    shown = {"images": ["images[0]", "images[1]"], "failures": []}
    assert result.to_dict() == {"page": str(result.page), **shown}
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = sm.explore_images([tmp_path / "good.png", tmp_path / "bad.png"], out=result.page)
    assert result.images == ("good.png",)
    assert [name for name, _ in result.failures] == [str(tmp_path / "bad.png")]


@pytest.mark.parametrize(
    ("images", "name", "message"),
    [
        (None, "a.txt", "must end in .html"),
        (
            np.zeros((MOST_IMAGES + 1, 8, 8)),
            "a.html",
            "33 images are given; a page holds at most 32",
        ),
        (None, "taken.html", "was not made by this command"),
        ("photo.html", "photo.html", "photo.html"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, monkeypatch, images, name, message):
    monkeypatch.chdir(tmp_path)
    for other in ("taken.html", "photo.html"):
        (tmp_path / other).write_text("<!doctype html><p>mine</p>")
    with pytest.raises(ValueError, match=message):
        sm.explore_images(images, out=name)
    assert (tmp_path / "taken.html").read_text() == "<!doctype html><p>mine</p>"
