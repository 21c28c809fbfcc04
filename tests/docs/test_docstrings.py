"""Docstrings of the public API pass numpydoc's validation, go on passing it, and show examples."""

import dataclasses
import doctest
import importlib
import importlib.util
import inspect
from pathlib import Path

import pytest

import spectral_mae

docscrape = pytest.importorskip("numpydoc.docscrape")
validate = pytest.importorskip("numpydoc.validate")

# What must never be found; https://numpydoc.readthedocs.io/en/latest/validation.html explains them.
CODES = {
    *("GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),  # form of the whole
    *("SS01", "SS02", "SS03", "SS04", "SS06"),  # the first line
    *("PR01", "PR02", "PR03", "PR04", "PR07", "PR08", "PR10"),  # each parameter, type, description
    *("RT01", "RT03", "RT04", "YD01"),  # what comes back
}
MODULES = ["fields", "masks.designs", "ising", "lessons", "plot", "theory"]
if importlib.util.find_spec("torch"):
    MODULES.append("nonlinear")
# Names that do not pass yet. The list may only become shorter: a name that passes must leave it.
NOT_YET = set(Path(__file__).with_name("docstrings_not_yet.txt").read_text("utf-8").split())


def public_objects():
    """{dotted name: object} of the public functions and classes, and of what classes offer."""
    found = {}
    for where in (*spectral_mae._ROOMS, *MODULES):
        module = importlib.import_module(f"spectral_mae.{where}")
        for name in getattr(module, "__all__", None) or vars(module):
            value = getattr(module, name)
            described = inspect.isfunction(value) or inspect.isclass(value)
            if described and not name.startswith("_") and is_own(value, module):
                found[f"{where}.{name}"] = value
    for name, value in list(found.items()):
        if inspect.isclass(value):
            found |= {f"{name}.{member}": getattr(value, member) for member in members(value)}
    return found


def is_own(value, module):
    return value.__module__.startswith(module.__name__)


def members(cls):
    """Public methods and properties that the package itself defines for a class."""
    for base in cls.__mro__:
        if base.__module__.startswith("spectral_mae"):
            for name, value in vars(base).items():
                kinds = (classmethod, staticmethod, property)
                if not name.startswith("_") and (
                    inspect.isfunction(value) or isinstance(value, kinds)
                ):
                    yield name


def is_described(cls):
    """Whether all fields of a dataclass are named under Attributes, as its parameters would be."""
    names = set()
    for base in filter(dataclasses.is_dataclass, cls.__mro__):
        listed = docscrape.ClassDoc(base, config={"show_class_members": False})["Attributes"]
        names |= {name.strip() for attribute in listed for name in attribute.name.split(",")}
    return {field.name for field in dataclasses.fields(cls) if field.init} <= names


def complaints(name, value):
    for code, text in validate.validate(f"spectral_mae.{name}")["errors"]:
        if code not in CODES:
            continue
        if code == "PR01" and dataclasses.is_dataclass(value) and is_described(value):
            continue
        yield f"{code} {text}"


PUBLIC = public_objects()


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    found = list(complaints(name, PUBLIC[name]))
    if name in NOT_YET:
        assert found, f"{name} passes: take it out of docstrings_not_yet.txt"
        return
    assert found == []


def test_the_list_of_names_that_do_not_pass_yet_names_what_there_is():
    if "nonlinear" in MODULES:
        assert PUBLIC.keys() >= NOT_YET


def runs(text):
    """Whether a docstring has an example that runs as a doctest, and not only skipped ones."""
    found = doctest.DocTestParser().get_examples(text)
    return any(not example.options.get(doctest.SKIP) for example in found)


def needs_example(name, value):
    """Whether a name is a function or class by itself, and no exception.

    Methods and properties are shown with their class. Exceptions are shown by what raises them.
    Constants, aliases of types and exported modules are not among the public objects.
    """
    is_exception = inspect.isclass(value) and issubclass(value, BaseException)
    return name.rpartition(".")[0] not in PUBLIC and not is_exception


def test_every_public_function_and_class_has_an_example_that_runs():
    needed = [name for name, value in PUBLIC.items() if needs_example(name, value)]
    assert [name for name in needed if not runs(PUBLIC[name].__doc__ or "")] == []
