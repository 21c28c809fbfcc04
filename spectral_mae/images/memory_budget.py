"""How much memory an image will take, said before it is decoded."""

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
        """For images that are worked on at their own size, or resized as soon as they are read."""
        if native:
            return cls(limit, WORKED_ON_COLOR if color else WORKED_ON)
        return cls(limit, READ_COLOR if color else READ)

    @property
    def most_pixels(self) -> int:
        """Pixels that fit, at least one."""
        return max(1, self.limit // self.per_pixel)

    def refusal(self, n_pixels: int) -> str:
        """Why an image of so many pixels is refused."""
        need = -(-n_pixels * self.per_pixel // 2**20)
        return (
            f"needs about {need} MiB of memory, {self.per_pixel} bytes for each of "
            f"{n_pixels / 1e6:.3g} million pixels; {self.limited_by} is {self.limit // 2**20} MiB"
        )

    @contextmanager
    def within(self, max_pixels: int) -> Iterator[int]:
        """The pixels that may be read, for the time of the block.

        Raises
        ------
        ImageRefused
            By what is too large for the memory alone.
        """
        try:
            yield min(max_pixels, self.most_pixels)
        except TooLarge as error:
            if error.n_pixels > max_pixels:
                raise
            raise ImageRefused(self.refusal(error.n_pixels)) from None
