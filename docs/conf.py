"""The documentation site: ``python -m sphinx -W docs docs/_build`` (extra ``docs``)."""

import re
import shutil
from pathlib import Path

from spectral_mae import __version__

HERE = Path(__file__).parent
ROOT = HERE.parent

# Pages that live at the top of the repository, where people look for them there.
COPIED = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
for source, target in COPIED.items():
    text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
    (HERE / target).write_text(text, encoding="utf-8")
shutil.rmtree(HERE / "lessons", ignore_errors=True)
if (ROOT / "notebooks").is_dir():
    ignored = shutil.ignore_patterns("*.py", "README.md", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", HERE / "lessons", ignore=ignored)

project = "spectral_mae"
author = "the spectral_mae authors"
copyright = "2026, the spectral_mae authors"  # noqa: A001
version = release = __version__
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # lessons are committed as they ran, and the tests run them again
templates_path = ["_templates"]
autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
default_role = "code"
exclude_patterns = ["_build", "jupyter_execute", "README.md"]
html_theme = "furo"
html_title = "spectral_mae"
html_copy_source = False


def _escape(app, what, name, obj, options, lines):
    """Docstrings are written for terminals: in them ``(n, *shape)`` and |w| are plain text."""
    example = False
    for i, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            parts = re.split(r"(``.*?``)", line)
            for pattern in (r"\|", r"\*(?=(shape|image|grid)\b)"):
                parts[::2] = [re.sub(pattern, r"\\\g<0>", part) for part in parts[::2]]
            lines[i] = "".join(parts)


def setup(app):
    """Connect it, before numpydoc takes docstrings apart."""
    app.connect("autodoc-process-docstring", _escape, priority=100)
