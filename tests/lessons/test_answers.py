"""Answers to the exercises: right ones, wrong ones, and such as cannot be read."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from spectral_mae import lessons
from spectral_mae.lessons.answers import UNANSWERED
from spectral_mae.lessons.questions import QUESTIONS
from spectral_mae.lessons.questions.question import Question, agrees, read

IMAGES = np.random.default_rng(0).random((5, 32, 32))


class Audited:
    """What question 7.3 is given, in short."""

    def __init__(self):
        found = SimpleNamespace(value=np.array([0.1, -0.2, -0.1]))
        self.differences = {"best linear map": found}


GIVEN = {"7.2": (IMAGES,), "7.3": (Audited(),)}


def right(question):
    return QUESTIONS[question].right(*GIVEN.get(question, ()))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_right_answer_is_right_and_others_are_not(question):
    given = GIVEN.get(question, ())
    answer = right(question)
    found = lessons.check(
        question, list(answer) if isinstance(answer, frozenset) else answer, *given
    )
    assert found.right
    assert repr(found) == f"Right. {QUESTIONS[question].because}"
    wrong = {str: "nothing", frozenset: [1], tuple: (-7.0, -7.0), float: -7.0}[type(answer)]
    found = lessons.check(question, wrong, *given)
    assert not found
    assert found.says == f"Not yet. {QUESTIONS[question].hint}"
    assert not lessons.check(question, None, *given)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_hint_gives_the_answer_away(question):
    """No number of the answer stands in a hint; 0, 1 and 5 do in other roles."""
    asked, answer = QUESTIONS[question], right(question)
    hints = " ".join([asked.hint, *(hint for _, hint in asked.mistakes)])
    values = () if isinstance(answer, str) else np.atleast_1d(np.array(list_of(answer)))
    told = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", hints)}
    assert not {float(f"{value:.3g}") for value in values} - {0, 1, 5} & told


def list_of(answer):
    return list(answer) if isinstance(answer, frozenset | tuple) else [answer]


@pytest.mark.parametrize("question", [q for q, asked in QUESTIONS.items() if asked.mistakes])
def test_usual_mistakes_are_wrong_and_have_hints_of_their_own(question):
    asked, given = QUESTIONS[question], GIVEN.get(question, ())
    for wrong, hint in asked.mistakes:
        value = wrong(*given)
        assert not agrees(value, right(question), asked.within)
        answer = list(value) if isinstance(value, frozenset) else value
        assert lessons.check(question, answer, *given).says == f"Not yet. {hint}"


@pytest.mark.parametrize(
    ("question", "answer", "says"),
    [
        ("1.3", 25, "percentage"),
        ("3.3", (100 / 6, 100 * 31 / 126), "percentage"),
        ("1.1", 15, "list of whole numbers"),
        ("1.1", [15.5, 30, 45], "list of whole numbers"),
        ("1.1", "15, 30, 45", "list of whole numbers"),
        ("0.1", 16, "2 numbers"),
        ("0.1", (16, 1, 2), "2 numbers"),
        ("0.3", "a half", "one number"),
        ("0.3", True, "one number"),
        ("0.3", np.nan, "no such number"),
        ("0.3", [0.9], "one number"),
        ("4.3", 3, "a word"),
        ("0.3", ..., UNANSWERED),
    ],
)
def test_what_cannot_be_read_is_told(question, answer, says):
    found = lessons.check(question, answer)
    assert not found
    assert says in found.says


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("1.1", np.array([45, 15, 30])),
        ("1.1", {15, 30, 45}),
        ("0.1", [np.int64(16), np.float32(1 / 6)]),
        ("0.3", np.array(0.9)),
        ("4.3", " Banded "),
        ("8.2", False),
    ],
)
def test_answers_may_have_many_forms(question, answer):
    assert lessons.check(question, answer)


def test_tolerances_count_from_the_right_number():
    assert agrees(1.01, 1.0, 0.011)
    assert not agrees(1.02, 1.0, 0.011)
    assert agrees((0.504, 0.001), (0.5, 0.0), 0.01)
    assert not agrees((0.505, 0.02), (0.5, 0.0), 0.01)
    assert read([3.0, 1], frozenset({1})) == frozenset({1, 3})


def test_every_tolerance_has_a_reason():
    for asked in QUESTIONS.values():
        assert isinstance(asked, Question)
        assert asked.within == 0 or asked.why != Question.why


def test_unknown_questions_are_refused():
    with pytest.raises(ValueError, match=r"no question '9\.9'; there are 0\.1, 0\.2"):
        lessons.check("9.9", 1)
