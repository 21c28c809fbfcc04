"""Frames of video files, decoded by FFmpeg's libraries in PyAV's wheel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from spectral_mae.images.containers.container import Entry, Found, package, refused
from spectral_mae.images.containers.selector import Selector, positions
from spectral_mae.images.decoding import Decoded
from spectral_mae.images.samples import ImageRefused, Raster, check_size

_AHEAD = 300  # frames that are decoded in passing rather than sought


class VideoFile:
    """The first video stream of an open file."""

    kind = what = "video"

    def __init__(self, path: str) -> None:
        self._av = package("av", "video", "PyAV", "video")
        with refused(self.what):
            self._file = self._av.open(path)
            if not self._file.streams.video:
                raise ImageRefused("holds no video")
            self._stream = self._file.streams.video[0]
            self._stream.thread_type = "NONE"  # runs use one process for each core
            # When each frame is shown. A packet holds a frame; none is decoded.
            times = [packet.pts for packet in self._file.demux(self._stream) if packet.size]
        self._n_frames = len(times)
        timed = None not in times and len(set(times)) == len(times)
        self._times = sorted(times) if timed else []
        self._frames: Iterator[Any] = iter(())
        self._next = self._n_frames + 1  # of a stream at its end

    def find(self, selector: str | None) -> Found:
        """List the frames that ``[index],every=N`` chooses.

        Parameters
        ----------
        selector : str or None
            None chooses all frames.

        Returns
        -------
        Found
            The frames.

        Raises
        ------
        ValueError
            If there are none.
        """
        chosen = Selector.parse(selector or "")
        chosen.check_options("every")
        if chosen.name:
            raise ValueError(f"holds no {chosen.name!r}: choose frames with ::[10:20] or ::every=5")
        if len(chosen.index) > 1:
            raise ValueError(f"needs one number between brackets, not {len(chosen.index)}")
        if not self._n_frames:
            raise ValueError("holds no frame")
        index = chosen.index[0] if chosen.index else slice(None)
        frames = positions(index, self._n_frames, "frames")
        entries = [Entry(self.kind, f"[{frame}]", "", (frame,)) for frame in frames]
        return Found(chosen.thinned(entries))

    def read(self, entry: Entry, max_pixels: int, *, color: bool, channel: int | None) -> Decoded:
        """Decode a frame; frames in order are decoded once.

        Parameters
        ----------
        entry : Entry
            As `find` returned it.
        max_pixels : int
            Larger frames are refused before they are decoded.
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
        check_size(self._stream.height, self._stream.width, max_pixels)
        number = int(entry.index[0] or 0)
        notes: list[str] = []
        with refused(self.what):
            frame = self._frame(number)
            check_size(frame.height, frame.width, max_pixels)
            if frame.rotation:
                notes.append(f"the video is to be shown turned by {frame.rotation} degrees")
            raster = _raster(frame)
        return Decoded(raster.pixels(notes, color=color, channel=channel), notes)

    def _frame(self, number: int) -> Any:
        if not self._next <= number <= self._next + _AHEAD:
            self._seek(number)
        for frame in self._frames:
            at, self._next = self._next, self._next + 1
            if at == number:
                return frame
        self._next = self._n_frames + 1
        raise ImageRefused(f"frame {number} cannot be decoded: the video is damaged or cut off")

    def _seek(self, number: int) -> None:
        """Go to the last frame before ``number`` that is stored whole."""
        if not self._times:
            self._file.seek(0)
            self._frames, self._next = self._file.decode(self._stream), 0
            return
        self._file.seek(self._times[number], stream=self._stream, backward=True)
        frames = self._file.decode(self._stream)
        first = next(frames, None)
        if first is None or first.pts not in self._times:
            raise ImageRefused(f"frame {number} cannot be found: the video is damaged or cut off")
        self._next = self._times.index(first.pts)
        self._frames = _again(first, frames)

    def close(self) -> None:
        """Close the file."""
        self._frames = iter(())
        self._file.close()


def _again(first: Any, others: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from others


def _raster(frame: Any) -> Raster:
    """Gray as it is stored; colours as red, green and blue, of 16 bits if there are more than 8."""
    deep = max(component.bits for component in frame.format.components) > 8
    if len(frame.format.components) == 1 and not frame.format.has_palette:
        wanted = "gray16le" if deep else "gray"
    else:
        wanted = "rgb48le" if deep else "rgb24"
    return Raster.integers(np.ascontiguousarray(frame.to_ndarray(format=wanted)))
