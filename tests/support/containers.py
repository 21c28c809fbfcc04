"""Files of several images: what is found and read in them."""

import numpy as np
import pytest

from spectral_mae.images.reader import Reader
from spectral_mae.images.sources import find_sources

RNG = np.random.default_rng(5)
STACK = RNG.normal(size=(5, 12, 16)).astype(np.float32)
GRAY = RNG.integers(0, 256, (4, 10, 14), np.uint8)
COLOUR = RNG.integers(0, 256, (4, 10, 14, 3), np.uint8)
HOLES = np.where(STACK > 1.5, np.nan, STACK).astype(np.float32)


def found(path, selector=None):
    """References that a path, perhaps with a selector, stands for."""
    given = str(path) if selector is None else f"{path}::{selector}"
    return find_sources([given]).references


def labels(references):
    """Selectors of references; nothing where the file is the image."""
    return [reference.title.partition("::")[2] for reference in references]


def read(references, *, color=False):
    reader = Reader(color)
    return [reader.read(reference) for reference in references]


def pixels(path, selector=None, *, color=False):
    return np.stack([image.pixels for image in read(found(path, selector), color=color)])


def assert_titles_lead_back(path, selector=None):
    """The title of an image, given as a path, stands for this image alone."""
    for reference in found(path, selector):
        (again,) = find_sources([reference.title]).references
        np.testing.assert_array_equal(read([again])[0].pixels, read([reference])[0].pixels)
        assert again.title == reference.title


def assert_damage_is_told(path, kind, *, keep=0.4):
    """Cut off, filled with noise, or empty: an error of one line, when listed or when read."""
    whole = path.read_bytes()
    for data in (whole[: int(keep * len(whole))], RNG.bytes(300), b""):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"\S") as told:
            read(found(path))
        assert "\n" not in str(told.value)
        assert "Error(" not in str(told.value)
    assert kind in str(told.value)
