"""Write where the lessons can be opened without installing anything: ``python notebooks/links.py``.

The address of the repository stands in pyproject.toml, as the URL "Source". This writes it into the
cell with which each lesson installs the package, and, if it is one of GitHub, links to Binder and
Colab into README.md.
"""

import re
import tomllib
from pathlib import Path

FOLDER = Path(__file__).parent
BEGIN, END = "<!-- links: python notebooks/links.py -->", "<!-- end of links -->"
INSTALL = re.compile(r"(spectral-mae @ git\+)[^\"\\ ]+")
GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
NONE = """\
The repository has no public address yet. When it has one on GitHub, `python notebooks/links.py`
writes links to Binder and Colab in place of this sentence, from the address in pyproject.toml."""


def address() -> str:
    """The address of the repository."""
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text("utf-8"))["project"]
    return project["urls"]["Source"]


def links(source: str, lessons: list[str]) -> str:
    """Links to Binder, and to Colab for each lesson, in Markdown."""
    found = GITHUB.fullmatch(source)
    if not found:
        return NONE
    place = "/".join(found.groups())
    binder = f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=lab/tree/notebooks"
    colab = f"https://colab.research.google.com/github/{place}/blob/HEAD/notebooks/"
    each = " · ".join(f"[{int(name[:2])}]({colab}{name})" for name in lessons)
    return (
        f"[![Open all lessons in Binder](https://mybinder.org/badge_logo.svg)]({binder})\n\n"
        f"In Colab, lesson {each}"
    )


def readme(text: str, source: str, lessons: list[str]) -> str:
    """The text of README.md with the links of an address."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{links(source, lessons)}\n{END}{rest.split(END)[1]}"


def lesson(text: str, source: str) -> str:
    """The text of a notebook whose first cell installs the package from an address."""
    return INSTALL.sub(rf"\g<1>{source}", text)


def main() -> None:
    """Write all of them."""
    source, paths = address(), sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
    page = FOLDER / "README.md"
    text = readme(page.read_text("utf-8"), source, [path.name for path in paths])
    page.write_text(text, encoding="utf-8")
    for path in paths:
        path.write_text(lesson(path.read_text("utf-8"), source), encoding="utf-8")


if __name__ == "__main__":
    main()
