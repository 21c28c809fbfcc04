"""One word for one thing: the names of arguments and fields, read from the sources."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import spectral_mae as sm

# Names that no argument or field has, and the name that it has instead.
INSTEAD = {
    "seed": "rng",
    "n_drawn": "n_draws",
    "n_masks": "n_draws",
    "patch_grid": "grid",
}
# And of arguments and fields of one type.
INSTEAD_OF_TYPE = {("masks", "int"): "n_draws", ("draws", "int"): "n_draws"}
# The command line speaks of seeds; checks are called with values of any name.
ELSEWHERE = ("cli", "_checks")


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
        if isinstance(node, ast.FunctionDef):
            positional = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
            if "channel_axis" in positional:
                yield f"{node.name} takes channel_axis by position"
        for name, annotation in names:
            kind = "" if annotation is None else ast.unparse(annotation)
            if "PatchGrid" in kind and name != "grid" and "grids" not in name:
                yield f"{node.name} calls a PatchGrid {name}, not grid"
            better = INSTEAD.get(name) or INSTEAD_OF_TYPE.get((name, kind))
            if better:
                yield f"{node.name} says {name}, not {better}"


def test_the_package_uses_one_word_for_one_thing():
    root = Path(sm.__file__).parent
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
        ("def f(x, channel_axis=None): ...", "f takes channel_axis by position"),
        ("def f(of: PatchGrid): ...", "f calls a PatchGrid of, not grid"),
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


GRID = sm.PatchGrid((4, 4), 2)
IMAGES = np.random.default_rng(0).random((9, 4, 4, 3))


@pytest.mark.parametrize(
    ("method", "argument", "seen"),
    [
        (sm.LinearMAE(2, 0.5, shrinkage=0.1).fit, IMAGES, lambda model: model.loss_),
        (GRID.to_patches, IMAGES, lambda patches: patches),
        (GRID.from_patches, GRID.to_patches(IMAGES, channel_axis=-1), lambda images: images),
    ],
)
def test_for_a_release_some_methods_take_the_axis_by_position(method, argument, seen):
    expected = seen(method(argument, channel_axis=-1))
    with pytest.warns(FutureWarning, match="by keyword only, so write channel_axis=-1") as told:
        np.testing.assert_array_equal(seen(method(argument, -1)), expected)
    assert told[0].filename == __file__
    axis = inspect.signature(method).parameters["channel_axis"]
    assert axis.kind is inspect.Parameter.KEYWORD_ONLY
    with pytest.raises(TypeError, match="positional"):
        method(argument, -1, -1)
    with pytest.raises(TypeError, match="positional"):
        method(argument, -1, channel_axis=-1)
