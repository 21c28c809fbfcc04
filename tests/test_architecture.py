"""The house: who may import whom, read from the sources."""

import ast
import graphlib
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import spectral_mae

PACKAGE = "spectral_mae"
LAYERS = [
    "_version _checks extras",
    "grid fourier sampling parallel array_file atomic_file made_here",
    (
        "dirichlet polyphase bands conditioning binning annulus columns slope radial sectors "
        "spectrum periodogram"
    ),
    "masks weights patch_power stack accumulate moments",
    (
        "leaked_power expectation mask_variance coupling unmasking corruption inverse solution "
        "solve response"
    ),
    (
        "estimator filters receptive model_file fitted_map linear_model linear interpolate "
        "sampled_mean ising_exact ising_lattice ising fields masked_slope spectrum_errors"
    ),
    (
        "theory reconstruction image_files formats samples color_models bit_fields "
        "optional_decoders netpbm pillow_reader png bitmap targa graphics_formats jpeg jpegxl "
        "jpeg2000 heif logluv tiff_codecs tiff_storage tiff_packing tiff_strips tiff_colors tiff "
        "decoding images references archives array_images sources memory_budget watch reading"
    ),
    "analysis convolution plot verify verify_theory",
    (
        "batch picture streams tables model_report report engine workers merge_tree journal "
        "mean_spectra shape_moments batch_work numbers page"
    ),
    (
        "cli parser arguments image_arguments model_arguments commands command_line model_commands "
        "sweep_command unmask_command model_images gallery figures_command __main__ nonlinear "
        "executors batch_run run_identity run_place tally run_log interrupts analyze_command "
        "output_files"
    ),
]
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names.split()}
# Who alone may import what.
SOLE = {
    "pyfftw": {"fourier"},
    "PIL": {"images", "decoding", "pillow_reader", "png", "tiff_codecs"},
    "skimage": {"image_files"},
    "tifffile": {"tiff", "tiff_codecs"},
    "matplotlib": {"plot"},
    "torch": {"nonlinear"},
}
HEAVY = {"numpy", "scipy", "matplotlib", "pyfftw", "skimage", "PIL", "jinja2", "tqdm", "torch"}
HEAVY |= {"tifffile", "imagecodecs"}
LAZY = ("__init__", "cli", "__main__")


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


def imports(source, *, top_level=False):
    """What a module imports: (modules of the package, names from its front door, others)."""
    inside, front, outside = set(), set(), set()
    for node in statements(ast.parse(source), top_level=top_level):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [PACKAGE * bool(node.level), node.module]))
            names = [base]
            if base == PACKAGE:
                names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            root, _, rest = name.partition(".")
            module = rest.split(".")[0]
            if root != PACKAGE:
                outside.add(root)
            elif module in LAYER:
                inside.add(module)
            else:
                front.add(module or PACKAGE)
    return inside, front, outside


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
    """Other packages that importing a module loads, directly or through its own package."""
    seen, todo, outside = set(), {name}, set()
    while todo:
        module = todo.pop()
        seen.add(module)
        inside, _, others = imports(sources.get(module, ""), top_level=True)
        outside |= others
        todo |= inside - seen
    return outside


def complaints(sources):
    """Everything in which the modules, given as {name: source}, break the rules of the house."""
    graph = {}
    for name, source in sources.items():
        inside, front, outside = imports(source)
        graph[name] = inside - {name}
        if name != "__init__":
            if name not in LAYER:
                yield f"{name} has no layer"
            level = LAYER.get(name, LAYER["cli"])
            upper = {module for module in inside if LAYER[module] > level}
            yield from (f"{name} imports {module} from a layer above" for module in upper)
            if level < LAYER["cli"]:
                yield from (f"{name} imports {x} through the front door" for x in front)
        intruders = {package for package in outside & set(SOLE) if name not in SOLE[package]}
        yield from (f"{name} imports {package}" for package in intruders)
        if name != "grid":
            yield from (f"{name} uses {shift}" for shift in shifts(source))
    if "_checks" in sources:
        inside, _, outside = imports(sources["_checks"])
        extra = inside | outside - sys.stdlib_module_names - {"numpy"}
        yield from (f"_checks imports {package}" for package in extra)
    if "dirichlet" in sources and "fourier" in graph["dirichlet"]:
        yield "dirichlet imports fourier"
    for name in LAZY:
        if name in sources:
            heavy = loaded_with(name, sources) & HEAVY
            yield from (f"{name} loads {package} at once" for package in heavy)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield f"cycle {' '.join(sorted(set(error.args[1])))}"


def package_sources():
    """{module: source}; the files of a subpackage count as one module."""
    root = Path(spectral_mae.__file__).parent
    sources = {}
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).with_suffix("").parts[0]
        sources[module] = sources.get(module, "") + "\n" + path.read_text(encoding="utf-8")
    return sources


def test_the_package_keeps_the_rules_of_the_house():
    sources = package_sources()
    assert {"__init__", "grid", "fourier", "spectrum"} <= set(sources)
    assert list(complaints(sources)) == []


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ({"grid": "from spectral_mae.spectrum import psd"}, "grid imports spectrum from a layer"),
        ({"grid": "def f():\n    import spectral_mae.masks"}, "grid imports masks from a layer"),
        ({"grid": "from spectral_mae import _checks, plot"}, "grid imports plot from a layer"),
        ({"grid": "from .plot import psd"}, "grid imports plot from a layer"),
        ({"grid": "from . import plot"}, "grid imports plot from a layer"),
        ({"grid": "if TYPE_CHECKING:\n    pass\nelse:\n    from .plot import x"}, "imports plot"),
        ({"masks": "from spectral_mae import psd"}, "masks imports psd through the front door"),
        ({"masks": "import spectral_mae as sm"}, "masks imports spectral_mae through the front"),
        ({"helpers": ""}, "helpers has no layer"),
        ({"grid": "from .fourier import a", "fourier": "from .grid import b"}, "cycle fourier gri"),
        ({"spectrum": "import pyfftw.interfaces"}, "spectrum imports pyfftw"),
        ({"dirichlet": "def f():\n    from spectral_mae import fourier"}, "dirichlet imports four"),
        ({"analysis": "try:\n    from PIL import Image\nexcept E: ..."}, "analysis imports PIL"),
        ({"batch": "import skimage"}, "batch imports skimage"),
        ({"cli": "class A:\n    def f(self):\n        import matplotlib"}, "imports matplotlib"),
        ({"linear": "import torch.nn as nn"}, "linear imports torch"),
        ({"plot": "import numpy as np\nnp.fft.fftshift(x)"}, "plot uses fftshift"),
        ({"plot": "from scipy.fft import ifftshift"}, "plot uses ifftshift"),
        ({"_checks": "import scipy"}, "_checks imports scipy"),
        ({"_checks": "from spectral_mae import grid"}, "_checks imports grid"),
        ({"cli": "import numpy as np"}, "cli loads numpy at once"),
        ({"cli": "from .grid import x", "grid": "import scipy.fft"}, "cli loads scipy at once"),
        ({"__init__": "class A:\n    import tqdm"}, "__init__ loads tqdm at once"),
    ],
)
def test_the_reader_of_the_rules_can_fail(sources, complaint):
    assert any(complaint in found for found in complaints(sources))


def test_the_reader_of_the_rules_can_pass():
    sources = {
        "__init__": "if TYPE_CHECKING:\n    from spectral_mae.grid import x",
        "_checks": "import math\nimport numpy as np",
        "fourier": "from spectral_mae import _checks\nimport pyfftw",
        "grid": "from numpy.fft import fftshift\nif TYPE_CHECKING:\n    from .plot import x",
        "radial": "from spectral_mae import grid",
        "spectrum": "from spectral_mae.radial import x",
        "plot": "def f():\n    import matplotlib",
        "cli": "import argparse\ndef main():\n    import tqdm\n    import spectral_mae as sm",
    }
    assert list(complaints(sources)) == []


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, spectral_mae; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert PACKAGE in result.stdout.split()
    assert HEAVY.isdisjoint(result.stdout.split())


def test_every_public_name_has_a_home():
    assert sorted(spectral_mae.__all__) == dir(spectral_mae)
    homes = set(spectral_mae._HOME) | set(spectral_mae._MODULES) | {"__version__"}
    assert homes == set(spectral_mae.__all__)
    for name, home in spectral_mae._HOME.items():
        module = import_module(f"{PACKAGE}.{home}")
        assert getattr(spectral_mae, name) is getattr(module, name)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = spectral_mae.nothing
