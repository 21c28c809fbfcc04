"""Configuration of the documentation site, which ``python docs/build.py`` builds."""

import re
from pathlib import Path

from docutils import nodes

from spectral_mae import __version__

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
html_theme = "furo"
html_title = "spectral_mae"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("_static") / "search_order.js")
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b62ad", "color-brand-content": "#0b62ad"},
    "dark_css_variables": {"color-brand-primary": "#6cb8ec", "color-brand-content": "#6cb8ec"},
}
html_extra_path = ["_extra"]  # the explorer, which docs/build.py writes
exclude_patterns = ["_extra"]


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


def _without_blank_ends(app, doctree):
    """Doctests end with a blank line, so that the fence is no part of what is expected."""
    for block in list(doctree.findall(nodes.literal_block)):
        block.rawsource = block.astext().rstrip("\n")  # of what differs from it no colours are made
        block[:] = [nodes.Text(block.rawsource)]


def setup(app):
    """Connect them; docstrings before numpydoc takes them apart."""
    app.connect("autodoc-process-docstring", _escape, priority=100)
    app.connect("doctree-read", _without_blank_ends)
