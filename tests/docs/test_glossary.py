"""One glossary: the documentation and the page of ``analyze`` explain words alike."""

import html
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.batch.pages.glossary import as_html, glossary

ROOT = Path(__file__).parents[2]
TERMS = glossary()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of ``analyze`` for three images, one of which has missing pixels."""
    out = tmp_path_factory.mktemp("glossary") / "out"
    images = sm.fields.gaussian_fields(sm.fields.power_law((32, 32), -2.0), 3, rng=0)
    images[0, 3:5, 7:9] = np.nan
    options = sm.AnalyzeOptions(patch_sizes=(8,), size=None, nan="hidden", figures=False)
    sm.analyze_images(list(images), out=out, options=options)
    return (out / "report.html").read_text(encoding="utf-8")


def test_every_term_has_a_name_of_its_own_and_ends_as_a_sentence():
    anchors = [term.anchor for term in TERMS.values()]
    assert len(set(anchors)) == len(anchors) >= 40
    for term in TERMS.values():
        assert term.text.endswith(".")
        assert not term.more or term.more.endswith(".")


def test_the_page_of_analyze_defines_its_terms_in_the_words_of_the_glossary(page):
    found = dict(re.findall(r'<dt id="(term-[^"]+)">[^<]*</dt><dd>(.*?)</dd>', page, flags=re.S))
    here = {term.anchor: term.definition for term in TERMS.values() if "analyze" in term.pages}
    assert found == here
    assert len(here) >= 20


def test_words_are_explained_where_they_first_stand(page):
    explained = dict(re.findall(r"<dt><dfn>(.*?)</dfn></dt><dd>(.*?)</dd>", page))
    assert {"power spectrum", "masking", "leakage", "slope", "octave", "unusual"} <= set(explained)
    body = page[page.index("<h2") :]
    for word, text in explained.items():
        assert text == TERMS[word].html
        assert "analyze" in TERMS[word].pages
    assert body.index("<dfn>leakage</dfn>") < body.index("leakage, all")  # the head of a table


def test_links_to_definitions_lead_somewhere(page):
    for anchor in re.findall(r'href="#(term-[^"]+)"', page):
        assert f'id="{anchor}"' in page


def test_templates_explain_only_words_that_there_are():
    for template in (ROOT / "spectral_mae" / "batch").rglob("templates/*.html"):
        for names in re.findall(r"\{\{ words\((.*?)\) \}\}", template.read_text("utf-8")):
            assert set(re.findall(r'"(.*?)"', names)) <= set(TERMS), template


def test_the_glossary_of_the_documentation_is_what_its_script_gives():
    spec = importlib.util.spec_from_file_location("glossary_page", ROOT / "docs" / "glossary.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = script.PAGE.read_text(encoding="utf-8")
    assert written == script.page()
    titles = re.findall(r"^## (.*)$", written, flags=re.M)
    assert [title.lower() for title in titles] == [name.lower() for name in TERMS]


def test_the_words_of_the_readme_are_among_its_terms():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme[readme.index("| word | what it means here |") : readme.index("## Set up")]
    words = re.findall(r"^\| ([^|]+?) \|", table, flags=re.M)[2:]
    assert len(words) >= 10
    assert {word.split(",")[0] for word in words} <= set(TERMS)


@pytest.mark.parametrize("text", ["1 < 2 & `a*b*c`", "*one* A*B *two words*", "no marks"])
def test_marks_become_html_and_all_else_stays(text):
    found = as_html(text)
    assert html.unescape(re.sub(r"</?(em|code)>", "", found)) == re.sub(
        r"`|\*(?=one|two)|(?<=one)\*|(?<=words)\*", "", text
    )
    assert ("<em>two words</em>" in found) == ("*two words*" in text)
