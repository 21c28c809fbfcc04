"""What a page says of all images: chosen and unusual ones, sentences, the mean spectrum, rows."""

import base64
import csv
import json
import shlex

import numpy as np
import pytest
from command_runs import run as run_command
from command_runs import write_images
from long_runs import pictures_left_out

import spectral_mae as sm
from spectral_mae.batch.analyze.summary.answer import answer, most_unusual
from spectral_mae.batch.analyze.summary.choice import (
    FARTHEST,
    SMALLEST,
    TO_SIGMA,
    UNUSUAL,
    choose,
    reason,
    scores,
    unusual,
)
from spectral_mae.batch.analyze.summary.filling import Explained, Filled
from spectral_mae.batch.analyze.summary.next_steps import next_steps
from spectral_mae.batch.analyze.summary.page_numbers import COLUMNS, Numbers
from spectral_mae.batch.analyze.summary.rows import POINTS, _curve
from spectral_mae.batch.analyze.summary.unusual_table import write_unusual
from spectral_mae.batch.columns import analysis as columns
from spectral_mae.batch.pages.glossary import glossary
from spectral_mae.cli import main
from spectral_mae.cli.console.answer import Answer


def numbers_of(slopes, leakage=None, patch_size=8.0):
    rows = np.zeros((len(slopes), len(COLUMNS)))
    columns = dict(zip(COLUMNS, rows.T, strict=True))
    columns["patch_size"][:] = patch_size
    columns["mask_ratio"][:] = 0.75
    columns["slope"][:] = slopes
    for i in range(6):
        columns[f"centred_{i}"][:] = 5.0 if leakage is None else leakage
    return Numbers(rows)


def test_chosen_images_are_typical_steepest_flattest_and_most_unusual():
    leakage = [5.0, 5.0, 5.1, 4.9, 5.0, 50.0]
    numbers = numbers_of([-2.0, -3.5, -2.1, -1.0, -2.2, -2.0], leakage)
    assert [(one.role, one.row) for one in choose(numbers)] == [
        ("typical", 0),
        ("steepest", 1),
        ("flattest", 3),
        ("most unusual", 5),
    ]
    assert "50.0 times as much arrives there from other frequencies as is kept (median 5.00" in (
        choose(numbers)[-1].why
    )


def test_typical_and_most_unusual_are_the_ends_of_the_column_unusual():
    rng = np.random.default_rng(3)
    for _ in range(20):
        numbers = numbers_of(rng.normal(-2.5, 0.4, 30), np.exp(rng.normal(1, 0.5, 30)))
        far = unusual(scores(numbers))
        by_role = {role: one.row for one in choose(numbers) for role in one.role.split(", ")}
        assert far[by_role["typical"]] == far.min()
        assert far[by_role["most unusual"]] == far.max()
        assert by_role["steepest"] == np.argmin(numbers["slope"])
        assert by_role["flattest"] == np.argmax(numbers["slope"])


def test_reasons_say_which_way():
    numbers = numbers_of([-2.0, -2.1, -2.0, -2.2, -4.0])
    assert "falls faster than those of the others (slope −4.00, median −2.10" in reason(
        numbers, scores(numbers), 4
    )
    numbers = numbers_of([-2.0] * 5, [4.0, 4.0, 4.1, 3.9, 0.5])
    assert "unusually much power of its own" in reason(numbers, scores(numbers), 4)


def test_corners_of_the_spectrum_make_no_image_unusual():
    numbers = numbers_of([-2.0] * 6)
    numbers["centred_5"][0] = 1e6
    assert most_unusual(numbers) == []


@pytest.mark.parametrize(
    ("slopes", "roles"),
    [
        ([], []),
        ([-2.0], ["the image"]),
        ([-2.0, -1.0], ["steepest", "flattest"]),
        ([-2.0, -1.0, -1.5], ["typical", "steepest", "flattest"]),
        ([np.nan], ["the image"]),
        ([np.nan, np.nan], ["typical"]),
        ([-2.0, -2.1, -2.2, -2.1, np.nan], ["typical", "steepest", "flattest", "most unusual"]),
    ],
)
def test_of_few_images_each_is_chosen_once(slopes, roles):
    chosen = choose(numbers_of(slopes))
    assert [one.role for one in chosen] == roles
    assert len({one.row for one in chosen}) == len(roles)


def test_images_with_missing_pixels_are_chosen_only_where_there_are_no_others():
    numbers = numbers_of([-2.0, -9.0, -2.1])
    numbers["missing"][1] = 0.1
    assert {one.row for one in choose(numbers)} == {0, 2}
    numbers["missing"][:] = 0.1
    assert {one.row for one in choose(numbers)} == {0, 1, 2}


def test_distances_are_robust_standard_deviations_within_a_patch_size():
    slopes = np.random.default_rng(0).normal(-2, 0.5, 4001)
    slopes[0] = -2 + 10 * 0.5
    of_eight, of_four = numbers_of(slopes), numbers_of(slopes - 5, patch_size=4.0)
    found = scores(Numbers(np.concatenate([of_eight.rows, of_four.rows])))
    np.testing.assert_allclose(found[:4001], found[4001:], atol=1e-9)
    assert found[0, 0] == pytest.approx(10, rel=0.06)
    assert unusual(scores(numbers_of([-2.0, np.nan])))[1] == FARTHEST


def test_what_is_unusual_is_said_with_the_numbers_of_the_rule():
    words = glossary()["unusual"].definition
    for number in (TO_SIGMA, SMALLEST, UNUSUAL, FARTHEST):
        assert f" {number:g}" in words
    assert f" {100 * (10**SMALLEST - 1):.2g} %" in words
    assert "logarithm of its leakage" in words


def test_an_image_is_unusual_where_all_others_are_nearly_alike():
    """As of a photograph with a quarter more leakage of long waves than any other of 100."""
    rng = np.random.default_rng(0)
    leakage = 1.52 * 10 ** rng.normal(0, 0.012, 100)
    leakage[7] = 1.91
    numbers = numbers_of(rng.normal(-2.6, 0.25, 100), leakage)
    assert most_unusual(numbers) == [7]
    logs = np.log10(leakage)
    deviation = TO_SIGMA * np.median(np.abs(logs - np.median(logs)))
    far = (logs[7] - np.median(logs)) / deviation
    assert deviation > SMALLEST
    assert unusual(scores(numbers))[7] == pytest.approx(far)
    alike = 1.52 * 10 ** rng.normal(0, 1e-4, 100)  # of which nobody would call one unusual
    assert most_unusual(numbers_of(np.full(100, -2.0), alike)) == []


def explained(filled=None, hidden=0.331, curve=(0.8, 0.5, 0.26, 0.25)):
    frequency = np.array([0.01, 0.05, 0.2, 0.5])
    return Explained(0.694, 0.25, hidden, frequency, np.array(curve), filled)


def test_the_answer_says_what_the_numbers_say():
    numbers = numbers_of([-2.0, -2.1, -2.0, -2.2, -9.0], [4.0] * 5)
    assert most_unusual(numbers) == [4]
    found = answer(numbers, {8: explained()}, (8, 16))
    (masking,), (model, finding) = found.masking, found.model
    assert finding == explained().finding
    assert masking.startswith("With 8-pixel patches, 75 % of them hidden, most of the fine detail")
    assert "80 % of the power (squared strength) of waves of 4 to 8 px and 2 to 4 px" in masking
    assert "That is 4.00 times as much as is kept" in masking
    assert "80 % of these have 4.00 times" in masking
    assert "The mean gray of an image is subtracted" in masking
    assert "gets 33 % of the squared differences of hidden pixels" in model
    assert found.unusual == "1 of 5 images is unusual"
    assert (found.rows, found.n_unusual) == ([4], 1)
    few = answer(numbers_of([-2.0, -9.0]), {}, (8,))
    assert "too few images" in few.unusual
    assert few.model == []


def test_numbers_of_octaves_are_said_with_their_spread_over_images():
    numbers = numbers_of([-2.0] * 11, np.arange(1.0, 12.0))
    numbers["centred_4"][:] *= 10
    (masking,) = answer(numbers, {}, (8,)).masking
    assert "86 % and 98 % of the power" in masking  # 6 / 7 and 60 / 61
    assert "6.00 and 60.0 times" in masking
    assert "the middle 80 % of these have 2.00 to 10.0 and 20.0 to 100 times" in masking


def test_the_finding_is_no_stronger_than_the_curve():
    assert "waves shorter than 5.0 pixels (frequencies from 0.20 cycles/pixel)" in (
        explained().finding
    )
    assert "Down to the shortest" in explained(curve=(0.8, 0.5, 0.4, 0.31)).finding
    assert "at no frequency" in explained(curve=(0.3, 0.28, 0.26, 0.25)).finding
    # The last rings alone, of waves of two pixels, are no detail that is missing.
    last = Explained(
        0.7, 0.25, 0.3, np.array([0.1, 0.3, 0.49, 0.5]), np.array([0.8, 0.4, 0.29, 0.25])
    )
    assert "Down to nearly the shortest" in last.finding
    assert "that detail is not filled in" not in last.finding
    # A rise at the end is not left out, and what lies before it is not called more.
    risen = explained(curve=(0.8, 0.2, 0.2, 0.4)).finding
    assert "Down to the shortest waves there are some of which it explains more" in risen


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        ((0.8, 0.51, 0.3, 0.25), "more than half of the power of waves of 20 pixels and longer"),
        ((0.8, 0.5, 0.9, 0.25), "the longest waves alone, those as long as the image (80 %"),
        ((0.5, 0.4, 0.3, 0.25), "no more than half of the power even of the longest waves (50 %"),
        ((0.9, 0.8, 0.7, 0.6), "waves of every length (90 % of the longest, 60 % of the shortest)"),
    ],
)
def test_more_than_half_is_said_of_no_frequency_that_has_less(curve, words):
    assert words in explained(curve=curve).finding


def test_what_is_filled_in_of_single_images_is_said_with_its_spread():
    rng = np.random.default_rng(0)
    # Images of much detail are filled in better, so that pooled and mean differ.
    detail = rng.uniform(0.2, 2, 40)
    error = detail * (1.1 - 0.4 * detail + rng.uniform(-0.1, 0.1, 40))
    filled = Filled(tuple(range(40)), error, detail, detail * 1.2, detail * 1.5)
    assert filled.pooled == pytest.approx(1 - filled.error.sum() / detail.sum())
    assert filled.pooled < filled.with_brightness < filled.put_back
    assert filled.interval[0] < filled.pooled < filled.interval[1]
    means = 1 - filled.error / detail
    np.testing.assert_allclose(filled.fractions, means)
    assert filled.spread == pytest.approx(np.percentile(means, (50, 10, 90)))
    sentence = explained(filled).sentence(8)
    assert f"fills in {100 * filled.pooled:.0f} % of the hidden detail" in sentence
    assert f"{100 * filled.spread[0]:.0f} % of that of the median image" in sentence
    assert f"how bright an image is, it is {100 * filled.with_brightness:.0f} %" in sentence
    # The bootstrap is about as wide as theory makes the error of a ratio of means.
    rest = (filled.error - (1 - filled.pooled) * detail) / detail.mean()
    width = filled.interval[1] - filled.interval[0]
    assert width == pytest.approx(2 * 1.96 * rest.std() / np.sqrt(40), rel=0.2)
    again = explained(filled).sentence(16, first=False)
    assert "Detail is" in sentence
    assert "Detail is" not in again
    assert f"({100 * filled.with_brightness:.0f} % with guessing the brightness)" in again
    few = Filled((0,), *(np.array([x]) for x in (1.0, 2.0, 3.0, 4.0)))
    assert few.interval is None
    alone = explained(few).sentence(8)
    assert "confidence" not in alone
    assert "for this image" in alone
    assert "mean of all images" not in alone


def test_a_table_has_how_unusual_each_image_is(tmp_path):
    """Of two patch sizes and an image that failed; what was not measured is empty."""
    images = tmp_path / "images.csv"
    names = [(f"{i}, a.png", size) for i in range(6) for size in (8, 4)]
    lines = [f'"{name}",{size},ok' for name, size in names]
    images.write_text("\n".join(["path,patch_size,status", "bad.png,8,failed", *lines]) + "\n")
    numbers = numbers_of(np.repeat([-2.0, -2.1, -2.0, -2.2, -1.9, -3.0], 2))
    numbers["patch_size"][1::2] = 4
    ones = np.ones(2)
    filled = Filled((0, 4), ones * [0.25, 2], ones, ones, ones)
    write_unusual(tmp_path / "unusual.csv", images, numbers, {8: explained(filled)})
    with (tmp_path / "unusual.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], int(row["patch_size"])) for row in rows] == names
    np.testing.assert_allclose([float(row["unusual"]) for row in rows], unusual(scores(numbers)))
    assert [row["filled_in"] for row in rows] == ["0.75", "", "", "", "-1", *[""] * 7]
    assert list(rows[0]) == list(columns.UNUSUAL)


def test_a_model_without_a_closed_form_on_hidden_pixels_says_nothing_of_them():
    found = answer(numbers_of([-2.0]), {8: explained(hidden=None)}, (8,))
    assert "hidden pixels" not in found.model[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": None, "patch_sizes": (4, 8)},
        {"size": 32, "patch_sizes": (8,), "design": "block:2x2,keep", "color": True},
    ],
)
def test_every_next_command_is_one(options, monkeypatch):
    seen = []
    command = lambda given: seen.append(given) or Answer(0)  # noqa: E731
    monkeypatch.setattr(main, "_command", lambda name: command)
    paths = ["a folder", "b.png"]
    run = {"options": {"paths": paths}}
    steps = next_steps(sm.AnalyzeOptions(**options), run, ["a folder/it's.png", "b.png"])
    names = [shlex.split(step.command)[1] for step in steps]
    assert names[0] == "analyze"
    assert "explore" in names
    for step in steps:
        words = shlex.split(step.command)
        assert run_command(*words[1:]) == 0
        if words[1] in ("analyze", "plan"):
            assert seen[-1].paths == paths
    of_arrays = {"options": {"paths": ["images of shape (3, 8, 8)"]}}
    assert next_steps(sm.AnalyzeOptions(), of_arrays, []) == []


def test_a_curve_is_the_spectrum_to_a_part_of_its_range():
    frequency = np.linspace(0.01, 0.5, 200)
    before, under = 1e-3 / frequency**2, 2e-3 / frequency
    spectrum = {"frequency": frequency, "original": before, "expected_centred": under}
    f0, f1, low, high, text = _curve(spectrum)
    levels = np.frombuffer(base64.b64decode(text), np.uint8).astype(float).reshape(2, POINTS)
    power = low + (high - low) * (levels - 1) / 254
    at = np.linspace(f0, f1, POINTS)
    np.testing.assert_allclose(power[0], -3 - 2 * at, atol=0.02)
    np.testing.assert_allclose(power[1], np.log10(2e-3) - at, atol=0.02)


def test_names_are_relative_to_the_folder_of_all_images(tmp_path):
    from spectral_mae.batch.analyze.page import _listed

    table = tmp_path / "images.csv"
    for paths, folder in (
        (["a/b/1.png", "a/b/2.png"], "a/b/"),
        (["a/train/1.png", "a/test/1.png"], "a/"),
        (["a/b/1.png", "a/bc/1.png"], "a/"),
        (["/a/1.png", "b.png"], ""),
        (["/a/1.png", "/b/1.png"], "/"),
        (["builtin:cat"], ""),
    ):
        rows = "".join(f"{path},ok,\n" for path in paths)
        table.write_text(f"path,status,error\n{rows}broken.png,failed,damaged\n")
        assert _listed(table) == ([("broken.png", "damaged")], 1, folder)


@pytest.mark.slow
def test_rows_of_the_page_are_those_of_the_table(tmp_path):
    """Also their order, where images fail and several patch sizes are compared."""
    folder = write_images(tmp_path / "images")
    options = sm.AnalyzeOptions(patch_sizes=(4, 8), size=32, n_draws=2)
    with pictures_left_out():
        result = sm.analyze_images(folder, options, out=tmp_path / "out")
    text = result.page.read_text("utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("const DATA = ")]
    table = json.loads(line.removeprefix("const DATA = ").removesuffix(";"))
    names = [column["name"] for column in table["columns"]]
    good = [row for row in result.rows if row["status"] == "ok"]
    assert len(table["rows"]) == len(table["curves"]) == len(good) == 4
    for row, curve, true in zip(table["rows"], table["curves"], good, strict=True):
        shown = dict(zip(names, row, strict=True))
        assert true["path"].endswith(shown["path"])
        assert shown["patch_size"] == true["patch_size"]
        assert shown["slope"] == pytest.approx(true["slope"], rel=1e-3)
        image = list(result.spectra["paths"]).index(true["path"])
        rings = result.spectra
        mine = (rings["image"] == image) & (rings["patch_size"] == true["patch_size"])
        both = np.concatenate([rings["original"][mine], rings["expected_centred"][mine]])
        assert curve[2:4] == pytest.approx(np.log10([both.min(), both.max()]), abs=2e-3)
