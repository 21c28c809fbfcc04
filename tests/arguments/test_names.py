"""One word for one thing: the names of arguments and fields, read from the sources."""

import ast
from pathlib import Path

import pytest

import spectral_mae

# Names that no argument or field has, and the name that it has instead.
INSTEAD = {"seed": "rng", "draws": "n_draws", "n_drawn": "n_draws", "n_masks": "n_draws"}
# And of arguments and fields of one type.
INSTEAD_OF_TYPE = {("masks", "int"): "n_draws"}
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
            names = [(one.arg, one.annotation) for one in arguments(node)]
        elif isinstance(node, ast.ClassDef):
            fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [(ast.unparse(one.target), one.annotation) for one in fields]
        else:
            continue
        for name, annotation in names:
            kind = "" if annotation is None else ast.unparse(annotation)
            better = INSTEAD.get(name) or INSTEAD_OF_TYPE.get((name, kind))
            if better:
                yield f"{node.name} says {name}, not {better}"


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
        ("def f(*, masks: int = 3): ...", "f says masks, not n_draws"),
        ("@dataclass\nclass Options:\n    seed: int = 0", "Options says seed"),
    ],
)
def test_the_reader_of_names_can_fail(source, complaint):
    assert any(complaint in told for told in complaints(source))


def test_the_reader_of_names_can_pass():
    source = """
seed: int = 0
def _f(seed): ...
def g(x, *, channel_axis=None, rng=None, masks: Masks): ...
"""
    assert list(complaints(source)) == []
