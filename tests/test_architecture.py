"""The layout: which room may import which, and which file inside a room, read from the sources."""

import ast
import graphlib
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import spectral_mae

PACKAGE = "spectral_mae"
# From bottom to top. A room imports rooms of groups before its own, and of its own group those that
# stand to its left.
ROOMS = [
    ["_version", "_checks", "_array_api", "_chunked", "extras", "_files", "_parallel", "_results"],
    ["spectra", "images"],
    ["masks"],
    ["fields", "cross_spectra"],
    ["linear", "masked_spectra"],
    ["ising", "nonlinear"],
    ["theory", "planning"],
    ["plot", "lessons"],
    ["batch", "explorer"],
    ["cli", "__main__"],
]
PLACE = {room: (i, j) for i, group in enumerate(ROOMS) for j, room in enumerate(group)}
STRANGERS = {("masked_spectra", "linear")}  # of one group, and yet neither imports the other
# Who alone may import what: a room, or a file; of some packages one of several.
FORMATS = "images.containers.formats"
SOLE = {
    "pyfftw": "spectra.backends.fftw",
    "ducc0": "spectra.backends.ducc",
    "PIL": "images",
    "skimage": "images",
    "matplotlib": "plot",
    "xarray": "spectra.labels.datasets",
    "pandas": "_results.tabled",
    "array_api_compat": ("_array_api", "_checks.kinds"),
    "torch": ("nonlinear", f"{FORMATS}.torch"),
    "argparse": "cli",
    "astropy": f"{FORMATS}.fits",
    "nibabel": f"{FORMATS}.nifti",
    "mrcfile": f"{FORMATS}.mrc",
    "h5py": f"{FORMATS}.hdf5",
    "zarr": f"{FORMATS}.zarr",
    "netCDF4": f"{FORMATS}.netcdf",
    "safetensors": f"{FORMATS}.safetensors",
    "pyarrow": (f"{FORMATS}.parquet", "_files.parquet_table"),
    "av": f"{FORMATS}.video",
    "fsspec": ("images.containers.remote", f"{FORMATS}.zarr"),
}
HEAVY = {
    "numpy",
    "scipy",
    "matplotlib",
    "pyfftw",
    "skimage",
    "PIL",
    "jinja2",
    "tqdm",
    "torch",
    "xarray",
}
LAZY = ("", "cli.main", "__main__")
MOST_FILES = 14
# The only file that asks for a room above its own, and which: results are drawn by `plot`, which
# they load when they are first asked for a picture.
BY_NAME = {"_results.pictured": "plot"}


def type_checking_only(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(tree, *, top_level):
    """Every node that runs: not those for type checkers; at top level, none in functions."""
    for node in ast.iter_child_nodes(tree):
        if type_checking_only(node):
            yield from (n for other in node.orelse for n in ast.walk(other))
            continue
        if top_level and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from statements(node, top_level=top_level)


def imports(name, sources, *, top_level=False):
    """What a file imports: (files of the package, other packages).

    A package is known by its name and stands for its ``__init__``; the package itself is "".
    """
    inside, outside = set(), set()
    for node in statements(ast.parse(sources[name]), top_level=top_level):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(
                    f"{name or PACKAGE} has a relative import: {ast.unparse(node)}"
                )
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "package":
            # How optional packages are imported, by images.containers.container.
            wanted = [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
        else:
            continue
        for one in wanted:
            root, _, rest = one.partition(".")
            if root != PACKAGE:
                outside.add(root)
            else:
                while rest and rest not in sources and rest not in PLACE:
                    rest = rest.rpartition(".")[0]
                inside.add(rest)
    return inside, outside


def asked_by_name(source):
    """Rooms and files of the package that texts in the source name, as ``import_module`` needs."""
    for node in ast.walk(ast.parse(source)):
        for text in node.args if isinstance(node, ast.Call) else ():
            if isinstance(text, ast.Constant) and str(text.value).startswith(f"{PACKAGE}."):
                yield text.value.removeprefix(f"{PACKAGE}.")


def shifts(source):
    names = {"fftshift", "ifftshift"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in names:
            yield node.attr
        elif isinstance(node, ast.Name) and node.id in names:
            yield node.id
        elif isinstance(node, ast.alias) and node.name.split(".")[-1] in names:
            yield node.name


def loaded_with(name, sources):
    """Files that importing a file loads, with the packages around them, and packages of others."""
    seen, todo, outside = set(), {name}, set()
    while todo:
        one = todo.pop()
        seen.add(one)
        inside, others = imports(one, sources, top_level=True)
        outside |= others
        todo |= {p for one in inside for p in around(one) if p in sources} - seen
    return seen, outside


def places(sole):
    return [sole] if isinstance(sole, str) else sole


def around(name):
    """A file and the packages that it lies in, but for the outermost."""
    parts = name.split(".")
    return {".".join(parts[:n]) for n in range(1, len(parts) + 1)}


def room_of(name):
    return name.split(".")[0]


def complaints(sources):
    """Everything in which the files, given as {dotted name: source}, break the rules."""
    graph = {}
    for name, source in sources.items():
        inside, outside = imports(name, sources)
        graph[name] = inside - {name}
        room = room_of(name)
        if name and room not in PLACE:
            yield f"{name} lies in no room"
            continue
        for other in sorted(map(room_of, inside)) if name else ():
            if not other:
                if room not in ("cli", "__main__", "plot"):
                    yield f"{name} imports through the top"
            elif other != room and not may_import(room, other):
                yield f"{name} imports {other}, which is not below {room}"
        for package in sorted(outside & set(SOLE)):
            if around(name).isdisjoint(places(SOLE[package])):
                yield f"{name} imports {package}"
        for other in sorted(asked_by_name(source)):
            below = room_of(other) == room or may_import(room, room_of(other))
            if not below and room_of(other) != BY_NAME.get(name):
                yield f"{name} asks for {other} by its name"
        if name != "spectra.frequencies":
            yield from (f"{name} uses {shift}" for shift in shifts(source))
    for name in (one for one in sources if room_of(one) == "_checks"):
        inside, outside = imports(name, sources)
        extra = {one for one in inside if room_of(one) != "_checks"}
        extra |= outside - sys.stdlib_module_names - {"numpy", "array_api_compat"}
        yield from (f"{name} imports {package}" for package in sorted(extra))
    if "masks.pulses" in sources and "spectra.fft" in loaded_with("masks.pulses", sources)[0]:
        yield "masks.pulses loads spectra.fft, with which its tests compare it"
    for name in LAZY:
        if name in sources:
            heavy = loaded_with(name, sources)[1] & HEAVY
            yield from (f"{name or PACKAGE} loads {package} at once" for package in sorted(heavy))
    folders = [name.rpartition(".")[0] for name in sources if name not in packages(sources)]
    for folder in sorted(set(folders)):
        if folders.count(folder) > MOST_FILES:
            yield f"{folder or PACKAGE} holds {folders.count(folder)} files"
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"cycle {' '.join(sorted(set(error.args[1])))}"


def packages(sources):
    return {".".join(name.split(".")[:n]) for name in sources for n in range(name.count(".") + 1)}


def may_import(room, other):
    if other not in PLACE:
        return True  # said of the other one
    (group, place), (other_group, other_place) = PLACE[room], PLACE[other]
    if group == other_group:
        return other_place < place and (room, other) not in STRANGERS
    return other_group < group


def package_sources():
    """{dotted name: source} of all files of the package."""
    root = Path(spectral_mae.__file__).parent
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = path.read_text(encoding="utf-8")
    return sources


def test_rooms_and_files_keep_the_rules():
    sources = package_sources()
    assert {"", "spectra", "spectra.fft", "masks.pulses", "linear.moments.kinds"} <= set(sources)
    assert list(complaints(sources)) == []


def test_each_room_names_its_files():
    root = Path(spectral_mae.__file__).parent
    for init in root.rglob("__init__.py"):
        if init.parent == root or not (text := ast.get_docstring(ast.parse(init.read_text()))):
            assert init.parent == root, f"{init.parent.name} has no docstring"
            continue
        for path in init.parent.iterdir():
            if (path.suffix == ".py" and path != init) or (path / "__init__.py").exists():
                assert f"`{path.stem}" in text, f"{init.parent.name} does not name {path.name}"


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ({"masks.a": "from spectral_mae.plot import b", "plot": ""}, "imports plot, which is not"),
        ({"masks.a": "def f():\n    import spectral_mae.fields"}, "imports fields, which is not"),
        ({"spectra.a": "from spectral_mae.images import b"}, "spectra.a imports images, which"),
        ({"masked_spectra.a": "from spectral_mae.linear import b"}, "imports linear, which is not"),
        (
            {"linear.a": "from spectral_mae.masked_spectra import b"},
            "imports masked_spectra, which",
        ),
        ({"masks.a": "if TYPE_CHECKING:\n    pass\nelse:\n    import spectral_mae.plot"}, "plot"),
        ({"masks.a": "from spectral_mae import psd"}, "masks.a imports through the top"),
        ({"masks.a": "import spectral_mae as sm"}, "masks.a imports through the top"),
        ({"helpers": ""}, "helpers lies in no room"),
        (
            {
                "masks.a": "from spectral_mae.masks.b import x",
                "masks.b": "def f():\n    from spectral_mae.masks import a",
            },
            "cycle masks.a masks.b",
        ),
        ({"spectra.fft": "import pyfftw.interfaces"}, "spectra.fft imports pyfftw"),
        ({"spectra.fft": "from ducc0 import fft"}, "spectra.fft imports ducc0"),
        (
            {
                "masks.pulses": "from spectral_mae.spectra.frequencies import a",
                "spectra.frequencies": "from spectral_mae.spectra.fft import b",
                "spectra.fft": "",
            },
            "masks.pulses loads spectra.fft",
        ),
        ({"batch.run": "import argparse"}, "batch.run imports argparse"),
        ({"batch.a": "try:\n    from PIL import Image\nexcept E: ..."}, "batch.a imports PIL"),
        ({"batch.b": "import skimage"}, "batch.b imports skimage"),
        ({"cli.main": "class A:\n    def f(self):\n        import matplotlib"}, "matplotlib"),
        ({"linear.a": "import torch.nn as nn"}, "linear.a imports torch"),
        ({"spectra.a": "import_module('spectral_mae.plot.b')"}, "asks for plot.b by its name"),
        ({"_results.tabled": "import_module('spectral_mae.plot')"}, "asks for plot by its name"),
        ({"_results.pictured": "f('spectral_mae.batch')"}, "asks for batch by its name"),
        ({"spectra.spectrum": "import xarray"}, "spectra.spectrum imports xarray"),
        ({"spectra.rings": "import pandas"}, "spectra.rings imports pandas"),
        ({"images.a": "h5py = package('h5py', 'HDF5')"}, "images.a imports h5py"),
        ({"plot.a": "import numpy as np\nnp.fft.fftshift(x)"}, "plot.a uses fftshift"),
        ({"plot.a": "from scipy.fft import ifftshift"}, "uses ifftshift"),
        ({"_checks": "import scipy"}, "_checks imports scipy"),
        ({"_checks": "from spectral_mae import grid"}, "_checks imports"),
        ({"_checks.a": "import scipy"}, "_checks.a imports scipy"),
        ({"_checks.a": "from spectral_mae._files import b"}, "_checks.a imports _files"),
        ({"cli.main": "import numpy as np"}, "cli.main loads numpy at once"),
        (
            {"cli.main": "from spectral_mae.spectra.a import x", "spectra.a": "import scipy.fft"},
            "cli.main loads scipy at once",
        ),
        (
            {
                "cli.main": "from spectral_mae.masks.a import x",
                "masks": "import tqdm",
                "masks.a": "",
            },
            "cli.main loads tqdm at once",
        ),
        ({"": "class A:\n    import tqdm"}, "spectral_mae loads tqdm at once"),
        ({f"masks.m{n}": "" for n in range(MOST_FILES + 1)}, "masks holds 15 files"),
    ],
)
def test_the_reader_of_the_rules_can_fail(sources, complaint):
    assert any(complaint in found for found in complaints(sources))


def test_the_reader_of_the_rules_can_pass():
    sources = {
        "": "if TYPE_CHECKING:\n    from spectral_mae.spectra.a import x",
        "_checks": "from spectral_mae._checks.a import x",
        "_checks.a": "import math\nimport numpy as np",
        "spectra": "",
        "spectra.fft": "from spectral_mae import _checks\nimport scipy.fft",
        "spectra.backends": "",
        "spectra.backends.fftw": "import pyfftw",
        "spectra.frequencies": "from numpy.fft import fftshift",
        "spectra.rings": "from spectral_mae.spectra import frequencies",
        "masked_spectra.a": "from spectral_mae.spectra.rings import x",
        "plot.b": "def f():\n    import matplotlib",
        "_results.pictured": "import_module('spectral_mae.plot')",
        "cli.main": "import argparse\ndef main():\n    import tqdm\n    import spectral_mae as sm",
    }
    assert list(complaints(sources)) == []


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, spectral_mae; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert PACKAGE in result.stdout.split()
    assert HEAVY.isdisjoint(result.stdout.split())


def public_names():
    """(room, name) of every name in the stubs of the rooms."""
    for room in spectral_mae._ROOMS:
        stub = Path(import_module(f"{PACKAGE}.{room}").__file__).with_suffix(".pyi")
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            yield from ((room, node.module, alias.name, alias.asname) for alias in node.names)


def test_every_public_name_is_written_once():
    names = [name for _, _, name, _ in public_names()]
    assert sorted([*names, *spectral_mae._MODULES, "__version__"]) == sorted(spectral_mae.__all__)
    assert len(set(names)) == len(names)
    assert dir(spectral_mae) == sorted(spectral_mae.__all__)


@pytest.mark.parametrize(("room", "file", "name", "seen_as"), list(public_names()))
def test_a_public_name_is_the_same_in_its_file_its_room_and_the_package(room, file, name, seen_as):
    if file is None:  # a module of the room
        assert import_module(f"{PACKAGE}.{room}.{name}") is getattr(spectral_mae, name)
        return
    value = getattr(import_module(f"{PACKAGE}.{room}.{file}"), name)
    assert getattr(import_module(f"{PACKAGE}.{room}"), name) is value
    assert getattr(spectral_mae, name) is value
    assert seen_as == name, "type checkers take a name of a stub as public when it is 'as' itself"
    assert value.__module__ == f"{PACKAGE}.{room}.{file}"
    path = Path(import_module(f"{PACKAGE}.{room}").__file__).parent
    assert not (path / f"{name}.py").exists(), "a file of this name would hide it"


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="nothing"):
        _ = spectral_mae.nothing
    with pytest.raises(AttributeError, match="nothing"):
        _ = spectral_mae.spectra.nothing
