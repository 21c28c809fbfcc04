"""Pages of TIFF files: of stacks, of OME-TIFF series, of ImageJ's hyperstacks."""

from __future__ import annotations

import mmap
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from spectral_mae.images.containers.container import Entry, Found, refused
from spectral_mae.images.containers.selector import Selector, parse_index, positions
from spectral_mae.images.decoding import Decoded
from spectral_mae.images.pixel_size import PixelSize
from spectral_mae.images.samples import ImageRefused, Raster, check_size
from spectral_mae.images.tiff.reader import read_page, refused_tiff, tiff_messages
from spectral_mae.images.tiff.resolution import pixel_size_of

_PIXEL_AXES = "YXS"  # of tifffile: rows, columns, samples of a pixel


class TiffPages:
    """An open TIFF file, whose pages are images; the file is mapped, not read."""

    kind = what = "TIFF"

    def __init__(self, path: str) -> None:
        import tifffile

        try:
            with Path(path).open("rb") as file:
                self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise ImageRefused("empty file") from None
        self._notes: list[str] = []
        with tiff_messages(self._notes), refused(self.what):
            self._file = tifffile.TiffFile(cast(BinaryIO, self._data))
            self._n_pages = len(self._file.pages)

    def find(self, selector: str | None) -> Found:
        """List the pages that a selector chooses.

        Parameters
        ----------
        selector : str or None
            A page by number; ``[10:20]`` some of them; None or ``pages`` all; ``series=0`` those
            of a series, with ``t=``, ``c=``, ``z=`` positions along its axes; ``channel=N`` one
            channel of each, ``every=N`` a part of them.

        Returns
        -------
        Found
            The pages.

        Raises
        ------
        ValueError
            If there are none.
        """
        chosen = Selector.parse(selector or "")
        if chosen.option("series") is None:
            chosen.check_options("every", "channel", "series")
            pages = self._numbered(chosen)
        else:
            pages = self._of_series(chosen)
        channel = chosen.number("channel", least=0)
        said = "" if channel is None else f",channel={channel}"
        entries = [
            Entry(self.kind, f"{page}{said}", "", (page,), channel=channel) for page in pages
        ]
        return Found(chosen.thinned(entries))

    def _numbered(self, chosen: Selector) -> list[int]:
        if len(chosen.index) > 1:
            raise ValueError(f"needs one number between brackets, not {len(chosen.index)}")
        if chosen.name.isdecimal() and not chosen.index:
            return positions(int(chosen.name), self._n_images, "pages")
        if chosen.name not in ("", "pages"):
            raise ValueError(
                f"has no page {chosen.name!r}; it has {self._n_images} pages, which count from 0: "
                "::0, ::[0:10], ::pages, or ::series=0"
            )
        index = chosen.index[0] if chosen.index else slice(None)
        return positions(index, self._n_images, "pages")

    @property
    def _planes(self) -> Any:
        """The series of planes that follow each other without pages, as of large ImageJ stacks."""
        series = self._file.series[0] if self._file.is_imagej else None
        if series is None or self._n_pages > 1 or series.dataoffset is None:
            return None
        return series if len(series.shape) > 2 and series.axes.endswith("YX") else None

    @property
    def _n_images(self) -> int:
        planes = self._planes
        return self._n_pages if planes is None else int(np.prod(planes.shape[:-2]))

    def _of_series(self, chosen: Selector) -> list[int]:
        """Numbers of the pages of a series, as positions along its axes choose them."""
        with tiff_messages(self._notes), refused_tiff("its series cannot be read"):
            every = self._file.series
        number = chosen.number("series", least=0)
        if number is None or number >= len(every):
            raise ValueError(f"has no series {number}; it has {_series_text(every)}")
        series = every[number]
        axes = [axis for axis in series.axes if axis not in _PIXEL_AXES]
        shape = tuple(n for n, axis in zip(series.shape, series.axes, strict=True) if axis in axes)
        names = [axis.lower() for axis in axes]
        chosen.check_options("every", "channel", "series", *names)
        if chosen.name or len(chosen.index) > len(axes):
            raise ValueError(f"has series {_series_text(every)}: choose along {', '.join(names)}")
        along = dict(zip(names, chosen.index, strict=False))
        along |= {key: parse_index(value) for key, value in chosen.options if key in names}
        found = [
            positions(along.get(name, slice(None)), n, f"positions along {name}")
            for name, n in zip(names, shape, strict=True)
        ]
        flat = [int(np.ravel_multi_index(at, shape)) if shape else 0 for at in product(*found)]
        if self._planes is not None:
            return flat
        pages: list[Any] = list(series.pages)
        if len(pages) != int(np.prod(shape)) or None in pages:
            raise ValueError("has a series whose planes are not whole pages, which is not read")
        own = {id(page.parent): None for page in pages}
        if list(own) != [id(self._file)]:
            raise ValueError("has a series of several files: give these by a pattern")
        return [int(pages[i].index) for i in flat]

    def read(self, entry: Entry, max_pixels: int, *, color: bool, channel: int | None) -> Decoded:
        """Decode a page.

        Parameters
        ----------
        entry : Entry
            As `find` returned it.
        max_pixels : int
            Larger pages are refused before they are decoded.
        color, channel : optional
            As in `spectral_mae.read_image`.

        Returns
        -------
        Decoded
            Its pixels.

        Raises
        ------
        ImageRefused
            If it cannot be decoded.
        """
        number = int(entry.index[0] or 0)
        channel = entry.channel if channel is None else channel
        notes: list[str] = []
        with tiff_messages(notes):
            planes = self._planes
            if planes is not None:
                image = self._plane(planes, number, max_pixels)
            else:
                image = read_page(self._file, number, self._data, max_pixels, notes)
        kept = [note for note in notes if not note.startswith("first of")]
        pixels = image.pixels(kept, color=color, channel=channel)
        return Decoded(pixels, kept, image.pixel_size)

    def _plane(self, series: Any, number: int, max_pixels: int) -> Raster:
        height, width = series.shape[-2:]
        check_size(height, width, max_pixels)
        dtype = np.dtype(series.dtype).newbyteorder(self._file.byteorder)
        count = height * width
        with refused_tiff("its planes cannot be read"):
            samples = np.frombuffer(
                self._data, dtype, count, series.dataoffset + number * count * dtype.itemsize
            ).reshape(height, width)
            size: PixelSize | None = pixel_size_of(self._file, self._file.pages.first)
        kind = Raster.floats if dtype.kind == "f" else Raster.integers
        return replace(kind(samples), pixel_size=size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _series_text(series: Any) -> str:
    shown = [f"{i} ({one.axes} {tuple(one.shape)})" for i, one in enumerate(series)]
    return ", ".join(shown[:8]) or "none"
