"""Build the documentation site: ``python docs/build.py`` (extra ``docs``).

The pages are copied to ``docs/_build/source``, together with the change log, CONTRIBUTING and the
notebooks; the explorer and the gallery are written beside them, and all is built there into
``docs/_build/html``. Nothing outside ``docs/_build`` is written.
Further arguments are passed to Sphinx; a warning is an error.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from spectral_mae import explore_images

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BUILD = DOCS / "_build"
# Pages that live at the top of the repository, where people look for them there.
TOP = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
EXTRA = "_extra"  # files that go to the site as they are; conf.py has this name too


def gather(build: Path = BUILD) -> Path:
    """Copy all sources of the site below a folder.

    Parameters
    ----------
    build : Path
        The folder; its subfolders ``source`` and ``figures`` are replaced. Pages link to
        ``../figures``, so both stand beside each other as they do in the repository.

    Returns
    -------
    Path
        The folder that Sphinx reads.
    """
    source, figures = build / "source", build / "figures"
    for folder in (source, figures):
        shutil.rmtree(folder, ignore_errors=True)
    # Files keep their times, so Sphinx reads again only what has changed.
    left_out = shutil.ignore_patterns("_build", "build.py", "__pycache__")
    shutil.copytree(DOCS, source, ignore=left_out)
    shutil.copytree(ROOT / "figures", figures, ignore=shutil.ignore_patterns("*.py"))
    if (ROOT / "notebooks").is_dir():
        left_out = shutil.ignore_patterns("*.py", "README.md", ".ipynb_checkpoints")
        shutil.copytree(ROOT / "notebooks", source / "lessons", ignore=left_out)
    for name, page in TOP.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        (source / page).write_text(text, encoding="utf-8")
    explore_images(out=source / EXTRA / "explore.html")
    return source


def main(arguments: Sequence[str]) -> int:
    """Gather the sources, draw the gallery, and build the site; the exit status is Sphinx's."""
    import gallery
    from sphinx.cmd.build import main as sphinx

    source = gather()
    gallery.write(source)
    return sphinx(["-W", "-q", "-b", "html", *arguments, str(source), str(BUILD / "html")])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
