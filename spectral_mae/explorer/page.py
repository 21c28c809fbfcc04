"""The explorer's page: one file with its script, its style and its images inside."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from spectral_mae import _checks
from spectral_mae._files.atomic_file import write_whole
from spectral_mae._files.output_files import check_distinct, check_replaced
from spectral_mae.batch.errors import NothingUsable
from spectral_mae.batch.pages.picture import short_name
from spectral_mae.batch.run_folder import check_parents, find_some, scratch_folder
from spectral_mae.explorer.bundle import bundle
from spectral_mae.explorer.page_images import SIZE, PageImage, built_in, from_loaded
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import Images, image_list

MOST_IMAGES = 32  # with which a page stays below a megabyte


@dataclass(frozen=True)
class ExploreResult:
    """A page that `explore_images` wrote.

    Attributes
    ----------
    page : Path
        The file.
    images : tuple of str
        Titles of the images that it holds.
    failures : tuple of (str, str)
        Images that could not be used, and why.

    Examples
    --------
    >>> ExploreResult(Path("page.html"), ("cat", "moon"), (("a.png", "no image"),)).to_dict()
    {'page': 'page.html', 'images': ['cat', 'moon'], 'failures': [['a.png', 'no image']]}
    """

    page: Path
    images: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain lists and texts.

        Returns
        -------
        dict
            The name of each field, and its value in types that JSON knows.
        """
        failures = [list(failure) for failure in self.failures]
        return {"page": str(self.page), "images": list(self.images), "failures": failures}


def explore_images(
    images: Images | None = None,
    *,
    out: str | os.PathLike[str],
    max_pixels: int = 50_000_000,
    overwrite: bool = False,
) -> ExploreResult:
    """Write a page on which a reader masks images and sees their spectra; ``spectral-mae explore``.

    The page is one file that opens offline. Its reader moves patch size, mask ratio, design and
    seed, and sees the mask, the masked image, their power spectra, the radial spectra with the
    exact mean over all masks, leakage by octave, and what arrives at any one frequency. The browser
    computes all of it.

    Parameters
    ----------
    images : path, list of paths, array_like, list of array_like, or None
        As of `analyze_images`, at most 32. They are shown in gray, the shorter side resized to 128
        pixels and the middle cropped, in 256 levels. None is a photograph, a texture and a random
        field. One wave, which the page makes itself, is always there.
    out : path
        The file to write, whose name ends in ``.html``.
    max_pixels : int
        Larger images are refused.
    overwrite : bool
        Replace a file that this package has not made.

    Returns
    -------
    ExploreResult
        The path, the titles of the images, and which images could not be read.

    Raises
    ------
    ValueError
        If the name of the file does not end in ``.html``, the file is an input or was not made by
        this package, or there are no images or too many.
    OSError
        If a path stands for nothing or ``out`` cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = explore_images(["builtin:cat", "builtin:moon"], out=f"{folder}/a.html")
    ...     result.images, result.page.stat().st_size < 1e6
    (('cat', 'moon'), True)
    """
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"out={path}: the name must end in .html")
    max_pixels = _checks.positive_int("max_pixels", max_pixels)
    overwrite = _checks.flag("overwrite", overwrite)
    check_parents(path)
    check_replaced([path], overwrite=overwrite)
    failures: list[tuple[str, str]] = []
    shown = built_in() if images is None else _read(images, path, max_pixels, failures)
    if not shown:
        raise NothingUsable("; ".join(f"{name}: {why}" for name, why in failures))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, explorer_page(shown))
    return ExploreResult(path, tuple(image.title for image in shown), tuple(failures))


def _read(
    images: Images, out: Path, max_pixels: int, failures: list[tuple[str, str]]
) -> list[PageImage]:
    """The images of a page; those that cannot be read are added to the failures."""
    given = image_list(images)
    with scratch_folder(given, out) as scratch:
        references = find_some(given, scratch=scratch).references
        if len(references) > MOST_IMAGES:
            raise ValueError(
                f"{len(references)} images are given; a page holds at most {MOST_IMAGES}"
            )
        check_distinct([out], [reference.place.path for reference in references])
        reader, shown = Reader(max_pixels=max_pixels), []
        for number, reference in enumerate(references):
            try:
                image = reader.read(reference)
                shown.append(from_loaded(image, str(number), short_name(reference.title)))
            except ImageRefused as refusal:
                failures.append((reference.title, str(refusal)))
    return shown


def explorer_page(images: Sequence[PageImage]) -> str:
    """Make the page.

    Parameters
    ----------
    images : sequence of PageImage
        At least one.

    Returns
    -------
    str
        HTML. Nothing in it is fetched from elsewhere.

    Examples
    --------
    >>> page = explorer_page(built_in())
    >>> page.startswith("<!doctype html>"), len(page) < 200_000
    (True, True)
    """
    web = {
        Path(file.name): file.read_text(encoding="utf-8")
        for file in files("spectral_mae.explorer").joinpath("web").iterdir()
    }
    pages = files("spectral_mae.batch.pages")
    colors = pages.joinpath("templates", "colors.css").read_text(encoding="utf-8")
    modules = {path.stem: text for path, text in web.items() if path.suffix == ".js"}
    data = json.dumps({"size": SIZE, "images": [image.to_dict() for image in images]})
    return _filled(
        web[Path("page.html")],
        {
            "/*STYLE*/": colors + web[Path("style.css")],
            "/*DATA*/": data.replace("<", "\\u003c"),  # no name of a file ends the script
            "/*SCRIPT*/": bundle(modules, "main"),
        },
    )


def _filled(page: str, parts: Mapping[str, str]) -> str:
    """A page with parts in the places that are marked for them, each exactly once."""
    for mark, part in parts.items():
        before, found, after = page.partition(mark)
        if not found or mark in after:
            raise ValueError(f"the page has not one {mark}")
        page = before + part + after
    return page
