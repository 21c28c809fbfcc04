"""Images as the explorer holds them: small, gray and compressed."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from spectral_mae import fields
from spectral_mae._checks import FloatArray
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage, read_image

SIZE = 128  # pixels of an image along each axis: patches of 2 to 64 pixels divide it
LEVELS = 255


@dataclass(frozen=True)
class PageImage:
    """An image of the page.

    Attributes
    ----------
    name : str
        By which the page knows it; no other image has it.
    title : str
        What the reader reads below it.
    note : str
        What was done to it, in sentences.
    low, high : float
        Gray values of the levels 0 and 255.
    bytes : str
        Levels, row by row, deflated and in base 64.
    """

    name: str
    title: str
    note: str
    low: float
    high: float
    bytes: str

    @classmethod
    def of(cls, name: str, title: str, note: str, pixels: FloatArray) -> PageImage:
        """Make one of gray values.

        Parameters
        ----------
        name, title, note : str
            As the attributes.
        pixels : ndarray, shape (SIZE, SIZE)
            Gray values. Those of photographs are from 0 to 1; others widen the range.

        Returns
        -------
        PageImage
            With the gray values rounded to 256 levels between its least and largest.

        Examples
        --------
        >>> image = PageImage.of("a", "A", "", np.linspace(-1, 1, SIZE**2).reshape(SIZE, SIZE))
        >>> image.low, image.high, bool(abs(image.pixels() - np.linspace(-1, 1, SIZE)).max() > 0)
        (-1.0, 1.0, True)
        """
        low, high = min(0.0, float(pixels.min())), max(1.0, float(pixels.max()))
        levels = np.rint((pixels - low) / (high - low) * LEVELS).astype(np.uint8)
        packed = base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode("ascii")
        return cls(name, title, note, low, high, packed)

    def pixels(self) -> FloatArray:
        """Return the gray values that the page computes with.

        Returns
        -------
        ndarray, shape (SIZE, SIZE)
            Gray values, of 256 levels.
        """
        levels = np.frombuffer(zlib.decompress(base64.b64decode(self.bytes)), np.uint8)
        return self.low + (self.high - self.low) * levels.reshape(SIZE, SIZE) / LEVELS

    def to_dict(self) -> dict[str, str | float]:
        """Return the attributes.

        Returns
        -------
        dict
            The name of each attribute, and its value.
        """
        return asdict(self)


def from_loaded(image: LoadedImage, name: str, title: str) -> PageImage:
    """Make a page's image of one that was read, resized and cropped.

    Parameters
    ----------
    image : LoadedImage
        Gray values as they were read.
    name, title : str
        As of `PageImage`.

    Returns
    -------
    PageImage
        Its note says what size it had, and what else was done to it.
    """
    height, width = image.source_shape
    sized = resize_and_crop(image, SIZE)
    done = [] if (height, width) == (SIZE, SIZE) else [_resized(height, width)]
    notes = [*done, *(note for note in sized.notes if not note.startswith("enlarged"))]
    sentences = [f"{note[:1].upper()}{note[1:]}." for note in notes]
    return PageImage.of(name, title, " ".join(sentences), sized.pixels)


def _resized(height: int, width: int) -> str:
    side = min(height, width)
    how = "" if side == SIZE else f"the shorter side resized from {side} to {SIZE} pixels"
    crop = "" if height == width else "the middle cropped"
    return f"{width} × {height} pixels: {' and '.join(filter(None, (how, crop)))}"


def built_in() -> Sequence[PageImage]:
    """Return the images of a page that was given none.

    Returns
    -------
    sequence of PageImage
        A photograph, a texture, and a Gaussian random field.

    Examples
    --------
    >>> [image.title for image in built_in()]
    ['Camera', 'Grass', 'Random field']
    """
    photographs = [
        from_loaded(read_image(f"builtin:{name}"), name, title)
        for name, title in (("camera", "Camera"), ("grass", "Grass"))
    ]
    spectrum = fields.power_law((SIZE, SIZE), -2.0, variance=0.02)
    field = 0.5 + fields.gaussian_fields(spectrum, 1, rng=0)[0]
    note = "A Gaussian random field of the power spectrum 1/f², about that of photographs."
    return [*photographs, PageImage.of("field", "Random field", note, np.clip(field, 0.0, 1.0))]
