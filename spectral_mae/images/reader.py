"""Read images one after the other, so that no file can end a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from spectral_mae._checks import NaN
from spectral_mae.images.decoding import one_line
from spectral_mae.images.files import display_name
from spectral_mae.images.image import LoadedImage, read_file, with_missing
from spectral_mae.images.limits import time_limit as watch
from spectral_mae.images.limits.memory_budget import MemoryBudget
from spectral_mae.images.references import ImageReference, OpenFiles
from spectral_mae.images.samples import ImageRefused

TIME_LIMIT = 60.0  # seconds


def title_of(source: Path | ImageReference) -> str:
    """Return the name of an image for tables and messages.

    Parameters
    ----------
    source : pathlib.Path or ImageReference
        The image.

    Returns
    -------
    str
        The name.
    """
    return source.title if isinstance(source, ImageReference) else display_name(source)


@dataclass
class Reader:
    """Reads images, counts them, and takes the time.

    Attributes
    ----------
    color : bool
    max_pixels : int
    time_limit : float
        Seconds that decoding an image may take.
    budget : MemoryBudget or None
        Images that would need more memory are refused before they are decoded.
    nan : {"raise", "hidden"}
        What to do with NaN and infinity, as in `spectral_mae.read_image`.
    nan_hint : str
        How to have an image with NaN nevertheless, for the message of "raise".
    excluded : mapping
        Images not to be touched, by their number in the order of reading, and why.
    seconds : float
        Spent on reading so far.
    """

    color: bool = False
    max_pixels: int = 50_000_000
    time_limit: float = TIME_LIMIT
    budget: MemoryBudget | None = None
    excluded: Mapping[int, str] = field(default_factory=dict)
    files: OpenFiles = field(default_factory=OpenFiles)
    seconds: float = 0.0
    n_read: int = 0
    nan: NaN = "raise"
    nan_hint: str = ""

    def read(self, source: Path | ImageReference) -> LoadedImage:
        """Read an image.

        Parameters
        ----------
        source : pathlib.Path or ImageReference
            The image.

        Returns
        -------
        LoadedImage
            The pixels.

        Raises
        ------
        ImageRefused
            For any failure, lack of memory and of time included.
        """
        position, self.n_read = self.n_read, self.n_read + 1
        if position in self.excluded:
            raise ImageRefused(self.excluded[position])
        budget = self.budget
        allowed = nullcontext(self.max_pixels) if budget is None else budget.within(self.max_pixels)
        guard = watch.current()
        guard.begin(position)
        start = time.perf_counter()
        try:
            if not isinstance(source, ImageReference):
                with allowed as most, guard.limited(self.time_limit):
                    image = read_file(source, color=self.color, max_pixels=most)
                return with_missing(image, self.nan, self.nan_hint)
            # Looking for a member in a long compressed archive is no fault of the image.
            data = source.fetch(self.files, self.max_pixels)
            with allowed as most, guard.limited(self.time_limit):
                image = source.decode(data, self.files, most, color=self.color)
            return with_missing(image, self.nan, self.nan_hint)
        except ImageRefused:
            raise
        except watch.TimeUp:
            raise ImageRefused(watch.took_too_long(self.time_limit)) from None
        except MemoryError as error:
            raise ImageRefused("not enough memory") from error
        except Exception as error:
            text = f"reading it failed with {type(error).__name__} {one_line(str(error))}"
            raise ImageRefused(text.rstrip()) from error
        finally:
            self.seconds += time.perf_counter() - start
