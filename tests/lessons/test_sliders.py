"""Pictures with sliders: a picture for every combination, and pages that a browser can read."""

import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from spectral_mae import lessons


def bar(height, side="left"):
    """A bar of some height."""
    figure = plt.figure(figsize=(1, 1))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.bar([0 if side == "left" else 1], [height], color="black")
    ax.set(xlim=(-0.5, 1.5), ylim=(0, 4))
    ax.set_axis_off()
    return f"A bar of height {height} on the {side}."


@pytest.fixture(scope="module")
def shown():
    return lessons.slider(bar, height=[1, 2, 3], side=["left", "right"], start={"height": 2})


def pixels(frame):
    return np.asarray(Image.open(io.BytesIO(frame.picture)).convert("L"))


def test_there_is_a_picture_for_every_combination(shown):
    assert len(shown.frames) == 6
    assert repr(shown) == "<Slider of 6 pictures over height, side>"
    for height in (1, 2, 3):
        for side in ("left", "right"):
            frame = shown.frame(height=height, side=side)
            assert frame.says == f"A bar of height {height} on the {side}."
            dark = pixels(frame) < 128
            halves = dark[:, :50].mean(), dark[:, 50:].mean()
            assert np.argmax(halves) == ("left", "right").index(side)
            assert max(halves) == pytest.approx(0.8 * height / 4, abs=0.03)
    assert shown.frame() is shown.frame(height=2, side="left")
    assert plt.get_fignums() == []


def test_the_page_holds_every_picture_once_and_stands_alone(shown):
    page = shown._repr_html_()
    sources = re.findall(r"data:image/webp;base64,[A-Za-z0-9+/=]+", page)
    assert sources[0] == shown.frame().source
    assert sorted(sources) == sorted(frame.source for frame in shown.frames)
    assert "http" not in page
    data = json.loads(re.search(r'application/json">(.*?)</script>', page).group(1))
    assert [one["name"] for one in data["controls"]] == ["height", "side"]
    assert [one["numbers"] for one in data["controls"]] == [True, False]
    assert (
        page
        == lessons.slider(
            bar, height=[1, 2, 3], side=["left", "right"], start={"height": 2}
        )._repr_html_()
    )


def test_texts_of_the_reader_cannot_end_a_script_or_a_tag():
    def odd(x):
        plt.figure(figsize=(0.2, 0.2))
        return f"</script><b>{x}"

    page = lessons.slider(odd, alt='a "b" <c>', x=["</script>"])._repr_html_()
    assert page.count("</script>") == 2
    assert 'alt="a &quot;b&quot; &lt;c&gt;"' in page
    assert "&lt;/script&gt;&lt;b&gt;" in page


def nothing(x):
    """Draw nothing."""
    return "nothing"


def silent(x):
    """Say nothing."""
    plt.figure(figsize=(0.2, 0.2))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: lessons.slider(3, x=[1]), TypeError, "draw=3 is not a function"),
        (lambda: lessons.slider(bar), ValueError, "no values to draw for"),
        (lambda: lessons.slider(bar, height=range(65)), ValueError, "65 combinations"),
        (lambda: lessons.slider(bar, height=[]), ValueError, r"height=\[\] is no list"),
        (lambda: lessons.slider(bar, height="12"), ValueError, "is no list of values"),
        (lambda: lessons.slider(bar, height=[1, 1]), ValueError, "a value twice"),
        (lambda: lessons.slider(bar, height=[1], start={"h": 1}), ValueError, r"names \['h'\]"),
        (lambda: lessons.slider(bar, height=[1], start={"height": 2}), ValueError, "none of"),
        (lambda: lessons.slider(lambda x: "a", x=[1]), ValueError, "no description"),
        (lambda: lessons.slider(nothing, x=[1]), ValueError, "0 figures were made"),
        (lambda: lessons.slider(silent, x=[1]), TypeError, r"returned None for \{'x': 1\}"),
    ],
)
def test_bad_input_is_refused_by_its_value(call, error, says):
    with pytest.raises(error, match=says):
        call()
    assert plt.get_fignums() == []


def test_values_that_are_not_there_are_refused(shown):
    with pytest.raises(ValueError, match=r"no argument \['width'\]"):
        shown.frame(width=1)
    with pytest.raises(ValueError, match=r"height=4 is none of \(1, 2, 3\)"):
        shown.frame(height=4)
