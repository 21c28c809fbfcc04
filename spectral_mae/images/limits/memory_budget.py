"""Memory that an image will take, estimated before it is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from spectral_mae.images.samples import ImageRefused, TooLarge

# Bytes a pixel at the peak, image and all, rounded up from what `benchmarks.memory` measures: of an
# image that is only read, and of one that is analysed with all its pixels.
READ, READ_COLOR = 32, 64
WORKED_ON, WORKED_ON_COLOR = 60, 120


@dataclass(frozen=True)
class MemoryBudget:
    """The memory that one image may take.

    Attributes
    ----------
    limit : int
        Bytes.
    per_pixel : int
        Bytes that a pixel takes at the peak.
    limited_by : str
        What set the limit, for messages.

    Examples
    --------
    >>> budget = MemoryBudget.for_images(2**30, native=True, color=False)
    >>> budget.most_pixels
    17895697
    >>> print(budget.refusal(50_000_000))
    needs about 2862 MiB of memory, 60 bytes for each of 50 million pixels; --memory-limit ...
    """

    limit: int
    per_pixel: int
    limited_by: str = "--memory-limit"

    @classmethod
    def for_images(cls, limit: int, *, native: bool, color: bool) -> Self:
        """Make the budget of images that keep their size, or are resized when they are read.

        Parameters
        ----------
        limit : int
            Bytes that one image may take.
        native : bool
            Whether images keep their size.
        color : bool
            Whether colours are kept.

        Returns
        -------
        MemoryBudget
            With the bytes per pixel that were measured for this case.
        """
        if native:
            return cls(limit, WORKED_ON_COLOR if color else WORKED_ON)
        return cls(limit, READ_COLOR if color else READ)

    @property
    def most_pixels(self) -> int:
        """Largest number of pixels that fits into the limit, at least 1."""
        return max(1, self.limit // self.per_pixel)

    def refusal(self, n_pixels: int) -> str:
        """Return the message for an image that needs too much memory.

        Parameters
        ----------
        n_pixels : int
            Its number of pixels.

        Returns
        -------
        str
            A sentence that names the need and the option.
        """
        need = -(-n_pixels * self.per_pixel // 2**20)
        return (
            f"needs about {need} MiB of memory, {self.per_pixel} bytes for each of "
            f"{n_pixels / 1e6:.3g} million pixels; {self.limited_by} is {self.limit // 2**20} MiB"
        )

    @contextmanager
    def within(self, max_pixels: int) -> Iterator[int]:
        """Limit pixels to those that fit, and name the memory in errors about larger images.

        Parameters
        ----------
        max_pixels : int
            Largest number of pixels allowed otherwise.

        Yields
        ------
        int
            Largest number of pixels allowed.

        Raises
        ------
        ImageRefused
            If an image in the block is refused because of memory alone.
        """
        try:
            yield min(max_pixels, self.most_pixels)
        except TooLarge as error:
            if error.n_pixels > max_pixels:
                raise
            raise ImageRefused(self.refusal(error.n_pixels)) from None
