"""Build the documentation site: ``python docs/build.py`` (extra ``docs``).

The pages are copied to ``docs/_build/source``, together with the change log, CONTRIBUTING and the
notebooks; the explorer and the gallery are written beside them, and all is built there into
``docs/_build/html``. Nothing outside ``docs/_build`` is written.
Further arguments are passed to Sphinx; a warning is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from spectral_mae import explore_images

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
BUILD = DOCS / "_build"
# Pages that live elsewhere in the repository, where people look for them there.
ELSEWHERE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "notebooks/README.md": "lessons.md",
}
# Names of lessons in the sidebar, where a line has room for 28 letters; others bear their title.
LESSONS = {
    "00": "0. What is a spectrum?",
    "01": "1. Masks are sums of pulses",
    "02": "2. Masking a spectrum",
    "03": "3. The best linear MAE",
    "04": "4. One problem per band",
    "05": "5. Back from masked to true",
    "06": "6. Ising chains",
    "07": "7. Audit your MAE",
    "08": "8. Which mask hides what",
}
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
    left_out = shutil.ignore_patterns("*.py", "README.md", ".ipynb_checkpoints")
    shutil.copytree(ROOT / "notebooks", source / "lessons", ignore=left_out)
    for name, page in ELSEWHERE.items():
        _copy(ROOT / name, source / page)
    for page in (*source.glob("*.md"), *source.glob("guides/*.md")):
        _copy(page, page)
    lessons = sorted(source.glob("lessons/*.ipynb")) + sorted(source.glob("lessons/*.md"))
    with (source / "lessons.md").open("a", encoding="utf-8") as file:
        file.write(_contents(lessons))
    explore_images(out=source / EXTRA / "explore.html")
    return source


def _copy(page: Path, to: Path) -> None:
    """Copy a page of the repository, with its links as they lead on in the site."""
    text = page.read_text(encoding="utf-8")
    told = re.sub(r"\]\(((?:\.\./)*)\.\./notebooks/README\.md", r"](\1lessons.md", text)
    told = re.sub(r"\]\((?:\.\./)?docs/", "](", told)
    if page.parent.name == "notebooks":
        told = re.sub(r"\]\((\w+\.(?:ipynb|md))\b", r"](lessons/\1", told)
    if to != page or told != text:
        times = page.stat()
        to.write_text(told, encoding="utf-8")
        os.utime(to, ns=(times.st_atime_ns, times.st_mtime_ns))


def _contents(lessons: Sequence[Path]) -> str:
    """The table of contents that puts lessons into the sidebar."""
    listed = []
    for lesson in lessons:
        name = LESSONS.get(lesson.stem[:2])
        page = f"lessons/{lesson.stem}"
        listed.append(f"{name} <{page}>" if name else page)
    return "\n".join(["", "```{toctree}", ":hidden:", "", *listed, "```", ""])


def main(arguments: Sequence[str]) -> int:
    """Gather the sources, draw the gallery, and build the site; the exit status is Sphinx's."""
    import gallery
    from sphinx.cmd.build import main as sphinx

    source = gather()
    gallery.write(source)
    return sphinx(["-W", "-q", "-b", "html", *arguments, str(source), str(BUILD / "html")])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
