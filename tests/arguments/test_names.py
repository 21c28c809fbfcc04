"""One word for one thing: the names of arguments and fields, read from the sources."""

import ast
from pathlib import Path

import pytest

import spectral_mae

# Names that no argument or field has, and the name that it has instead.
INSTEAD = {"seed": "rng"}
# The command line speaks of seeds; checks are called with values of any name.
ELSEWHERE = ("cli", "_checks.py")


def arguments(function):
    every = function.args
    return [*every.posonlyargs, *every.args, *every.kwonlyargs]


def complaints(source):
    """Arguments and fields whose names break a rule, of everything that is not private."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and (
            node.name == "__init__" or not node.name.startswith("_")
        ):
            names = [one.arg for one in arguments(node)]
        elif isinstance(node, ast.ClassDef):
            fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.id for one in fields if isinstance(one, ast.Name)]
        else:
            continue
        for name in names:
            if name in INSTEAD:
                yield f"{node.name} says {name}, not {INSTEAD[name]}"


def test_the_package_uses_one_word_for_one_thing():
    root = Path(spectral_mae.__file__).parent
    found = {}
    for path in root.rglob("*.py"):
        if path.relative_to(root).parts[0] not in ELSEWHERE:
            found[str(path.relative_to(root))] = list(complaints(path.read_text(encoding="utf-8")))
    assert len(found) > 150
    assert {name: told for name, told in found.items() if told} == {}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def f(x, *, seed=0): ...", "f says seed, not rng"),
        ("class A:\n    def __init__(self, seed): ...", "__init__ says seed"),
        ("@dataclass\nclass Options:\n    seed: int = 0", "Options says seed"),
    ],
)
def test_the_reader_of_names_can_fail(source, complaint):
    assert any(complaint in told for told in complaints(source))


def test_the_reader_of_names_can_pass():
    source = "def _f(seed): ...\ndef g(x, *, channel_axis=None, rng=None): ...\nseed: int = 0"
    assert list(complaints(source)) == []
