"""Some images of a run, read once more: for thumbnails, and for what models fill in of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.images.samples import Pixels

MOST = 100  # images
NUMBERS = 2**23  # pixels of all of them; of larger images there are fewer


@dataclass(frozen=True, eq=False)
class SampledImage:
    """An image of a run.

    Attributes
    ----------
    name : str
        Its title.
    rows : dict of int
        Its row among the numbers of the run, by patch size.
    pixels : ndarray, shape (H, W) or (H, W, channels)
        The pixels that were analysed.
    """

    name: str
    rows: dict[int, int]
    pixels: Pixels


def sample(
    numbers: Numbers,
    wanted: Sequence[int],
    names_of: Callable[[Sequence[int]], list[str]],
    read: Callable[[str], Pixels | None],
) -> list[SampledImage]:
    """Read some images: those that are wanted, and others that are spread evenly over all.

    Parameters
    ----------
    numbers : Numbers
        Of all images.
    wanted : sequence of int
        Rows whose images come first.
    names_of : callable
        Gives the titles of rows.
    read : callable
        Gives the pixels of a title, or None.

    Returns
    -------
    list of SampledImage
        In the order of the run; images with missing pixels, and those that cannot be read, are left
        out.
    """
    if not len(numbers):
        return []
    size = numbers["patch_size"][0]
    whole = np.flatnonzero((numbers["patch_size"] == size) & (numbers["missing"] == 0))
    if not len(whole):
        return []
    pixels = numbers["height"][whole] * numbers["width"][whole]
    most = int(min(MOST, max(1, NUMBERS // pixels.max())))
    evenly = whole[
        np.unique(np.linspace(0, len(whole) - 1, min(len(whole), most)).round()).astype(int)
    ]
    rows = sorted({*evenly.tolist(), *(row for row in wanted if row in whole)})
    found = []
    for row, name in zip(rows, names_of(rows), strict=True):
        read_pixels = read(name)
        if read_pixels is not None:
            found.append(SampledImage(name, _rows_by_size(numbers, row), read_pixels))
    return found


def _rows_by_size(numbers: Numbers, row: int) -> dict[int, int]:
    """The rows of the image that begins at a row."""
    sizes = numbers["patch_size"]
    end = next((i for i in range(row + 1, len(sizes)) if sizes[i] == sizes[row]), len(sizes))
    return {int(sizes[i]): i for i in itertools.islice(range(row, len(sizes)), end - row)}
