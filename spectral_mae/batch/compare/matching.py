"""Which image of a model belongs to which original: by name, or by order."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePosixPath

from spectral_mae.batch.errors import RunRefused
from spectral_mae.batch.run_folder import find_some
from spectral_mae.images.references import ImageReference
from spectral_mae.images.sources import Images, image_list

NAMED = 5  # names that a message has


@dataclass(frozen=True)
class Match:
    """An original and what each model has made of it.

    Attributes
    ----------
    name : str
        Title of the original.
    original : ImageReference
    others : dict of ImageReference
        By label of the model.
    mask : ImageReference or None
        Where masks were given.
    """

    name: str
    original: ImageReference
    others: Mapping[str, ImageReference]
    mask: ImageReference | None = None


@dataclass(frozen=True)
class Side:
    """The images of the originals, of a model, or the masks.

    Attributes
    ----------
    label : str
        What messages call them.
    references : sequence of ImageReference
    keys : list of str
        Path of each image without what all have in common, and without the ending of its name.
    """

    label: str
    references: Sequence[ImageReference]
    keys: list[str] = field(default_factory=list)

    @property
    def is_ordered(self) -> bool:
        """Whether these are images of an array, pages or frames, which have no names."""
        return any(reference.is_numbered for reference in self.references)


def find_side(label: str, images: Images, *, output: Path | None, scratch: Path | None) -> Side:
    """List the images of one side, in the order in which they were given.

    Parameters
    ----------
    label : str
        What messages call them.
    images : path, list of paths, array_like or list of array_like
        As of `analyze_images`.
    output : Path or None
        Where the run writes: what lies there is no input.
    scratch : Path or None
        A folder for the pixels of arrays.

    Returns
    -------
    Side
        At least one image.

    Raises
    ------
    RunRefused
        If there is none, or two have one name.
    OSError
        If a path stands for nothing.
    """
    place = None if scratch is None else scratch / f"pixels-{len(list(scratch.iterdir()))}"
    if place is not None:
        place.mkdir()
    references: list[ImageReference] = []
    keys: list[str] = []
    given = image_list(images)
    paths = all(isinstance(one, str | os.PathLike) for one in given)
    for items in [[one] for one in given] if paths else [given]:
        try:
            found = find_some(items, output=output, scratch=place).references
        except ValueError as error:
            raise RunRefused(f"{label}: {error}") from error
        one = items[0]
        base = _posix(one) if isinstance(one, str | os.PathLike) and Path(one).is_dir() else None
        for reference in found:
            path = _posix(reference.title)
            inside = base is not None and path.is_relative_to(base)
            keys.append(str(path.relative_to(base) if inside and base is not None else path))
        references += found
    side = Side(label, references, _shortened(keys))
    twice = [key for key, n in Counter(side.keys).items() if n > 1]
    if twice and not side.is_ordered:
        raise RunRefused(f"{label}: several images are called {_some(twice)}, up to their endings")
    return side


def match(
    originals: Side, models: Sequence[Side], masks: Side | None
) -> tuple[list[Match], dict[str, str]]:
    """Put images that belong together side by side.

    Images of arrays are matched by order, and so are one and one; others by name.

    Parameters
    ----------
    originals : Side
        The images that are reconstructed.
    models : sequence of Side
        What each model made of them.
    masks : Side or None
        Which pixels were visible; one mask may be for all.

    Returns
    -------
    matches : list of Match
        In the order of the originals, those that no side is without.
    unmatched : dict of str
        Why, by title of the image.

    Raises
    ------
    RunRefused
        If sides that are matched by order have different numbers of images.
    """
    sides = [*models, *([] if masks is None else [masks])]
    shared = masks is not None and len(masks.references) == 1 != len(originals.references)
    found = [
        dict.fromkeys(range(len(originals.references)), masks.references[0])
        if shared and side is masks and masks is not None
        else _partners(originals, side)
        for side in sides
    ]
    matches, unmatched = [], {}
    for i, reference in enumerate(originals.references):
        missing = [s.label for s, partner in zip(sides, found, strict=True) if i not in partner]
        if missing:
            unmatched[reference.title] = f"no image of this name in {', '.join(missing)}"
            continue
        others = {model.label: partner[i] for model, partner in zip(models, found, strict=False)}
        mask = None if masks is None else found[-1][i]
        matches.append(Match(reference.title, reference, others, mask))
    for side, partner in zip(sides, found, strict=True):
        known = {id(one) for one in partner.values()}
        for reference in side.references:
            if id(reference) not in known:
                unmatched[reference.title] = f"of {side.label}: no original of this name"
    return matches, unmatched


def is_by_order(originals: Side, side: Side) -> bool:
    """Whether images of a side are matched by order, as those of arrays are.

    Parameters
    ----------
    originals : Side
        The images that are reconstructed.
    side : Side
        Of a model, or the masks.

    Returns
    -------
    bool
        False if they are matched by name.
    """
    return originals.is_ordered or side.is_ordered


def _partners(originals: Side, side: Side) -> dict[int, ImageReference]:
    """The image of a side for each original that has one."""
    n, m = len(originals.references), len(side.references)
    if is_by_order(originals, side) or n == m == 1:
        if n != m:
            raise RunRefused(
                f"{originals.label} hold {n} images and {side.label} {m}: images of arrays are "
                "matched by order, so there must be as many"
            )
        return dict(enumerate(side.references))
    by_key = dict(zip(side.keys, side.references, strict=True))
    return {i: by_key[key] for i, key in enumerate(originals.keys) if key in by_key}


def _shortened(paths: list[str]) -> list[str]:
    """Paths without the folders that all lie in, and without the ending of the name."""
    parts = [PurePosixPath(path).parts for path in paths]
    folders = zip(*(one[:-1] for one in parts), strict=False)  # as far as the shortest goes
    common = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, folders))
    return [str(PurePosixPath(*one[common:]).with_suffix("")) for one in parts]


def _posix(path: str | os.PathLike[str]) -> PurePosixPath:
    return PurePosixPath(os.fspath(path).replace(os.sep, "/"))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(repr, names[:NAMED])) + more
