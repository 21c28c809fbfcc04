"""The site that ``python docs/build.py`` has built: links, cards, search.

Skipped where there is none; ``.ci/run`` runs this after it has built the site.
"""

import html.parser
import json
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "_build" / "html"
INDEX = SITE / "searchindex.js"
pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="built by docs/build.py")


class Page(html.parser.HTMLParser):
    """Links, the addresses of pictures, and what can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found.get("id"), found.get("name")} - {None}
        links = found.get("href"), found.get("src")
        self.links += [link for link in links if link and not link.startswith(("data:", "mailto:"))]


@pytest.fixture(scope="module")
def pages():
    return {path: Page(path) for path in SITE.rglob("*.html")}


def test_links_within_the_site_lead_somewhere(pages):
    there = {path.as_posix() for path in SITE.rglob("*")}
    anchors = {path.as_posix(): page.anchors for path, page in pages.items()}
    broken = set()
    for path, page in pages.items():
        for link in {*page.links} if path.name != "explore.html" else ():
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            to = unquote(address.path)
            target = posixpath.normpath(path.parent.joinpath(to)) if to else path.as_posix()
            anchor = unquote(address.fragment)
            lacks = anchor and target in anchors and anchor not in anchors[target]
            if lacks or target not in there:
                broken.add(f"{path.relative_to(SITE)}: {link}")
    assert len(pages) > 100
    assert sorted(broken) == []


def test_the_first_screen_has_a_picture_and_a_card_for_each_goal():
    page = (SITE / "index.html").read_text(encoding="utf-8")
    start = page[page.index("<h1") : page.index("<h2")]
    assert start.index("<img") < start.index("<ul")
    cards = re.findall(r'<li><p><strong><a class="[^"]*" href="([^"]+)">(.*?)</a>', start)
    names = [re.sub("<.*?>", "", name) for _, name in cards]
    assert names == ["Analyse images", "Plan an MAE", "Audit a model", "Masked data", "Learn"]
    targets = [target for target, _ in cards]
    assert targets[3:] == ["spectra.html", "lessons.html"]
    assert all(target.startswith("guides/") for target in targets[:3])


def test_every_lesson_and_guide_is_in_the_sidebar(pages):
    listed = set(pages[SITE / "index.html"].links)
    made = [*(SITE / "guides").glob("*.html"), *(SITE / "lessons").glob("*.html")]
    assert len(made) >= 20
    assert {path.relative_to(SITE).as_posix() for path in made} <= listed


def test_the_search_index_has_the_names_of_the_api_by_their_words():
    text = INDEX.read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    objects = {
        f"{prefix}.{entry[-1]}" for prefix, entries in index["objects"].items() for entry in entries
    }
    assert {"spectral_mae.RadialSpectrum.fit_slope", "spectral_mae.fit_masked_slope"} <= objects
    assert "Slope" in index["alltitles"]  # of the glossary
