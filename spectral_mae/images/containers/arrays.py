"""Arrays in files, and the rule by which they become images.

The last two axes of an array are rows and columns, the axes before them count images. A last axis
of 1, 3 or 4 numbers holds channels, as in npy files, unless the format holds measured quantities.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.containers.container import Entry, Found, refused
from spectral_mae.images.containers.selector import Selector, parse_index, positions
from spectral_mae.images.decoding import Decoded, byte_limit
from spectral_mae.images.pixel_size import PixelSize, plain_unit
from spectral_mae.images.samples import ImageRefused, Raster, TooLarge, check_size

Where = tuple[int | slice, ...]
Channels = Literal["last", "first", "none"]

_CHANNELS = (1, 3, 4)
_LISTED = 8  # arrays that a message names
_OPTIONS = ("every", "channel", "channels")


@dataclass(frozen=True, slots=True)
class Variable:
    """An array in a file, of which parts can be read.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of what ``read`` returns.
    read : callable
        ``read(index)`` reads a part; the index has a whole number or a full slice for each axis.
    axes : tuple of str
        Name of each axis, where the format names them.
    steps : tuple of float
        Distance of neighbours along each axis, where the file states it.
    units : tuple of str
        Unit of each step.
    measured : bool
        Whether its numbers are measured quantities, which are kept; otherwise bool, uint8 and
        uint16 are samples, which are scaled to the range from 0 to 1.
    channels : {"last", "first", "none"}
        Where channels are looked for if nothing is said.
    images_first : bool
        Whether the first two axes are those of the pixels.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[Where], NDArray[Any]]
    axes: tuple[str, ...] = ()
    steps: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    measured: bool = False
    channels: Channels = "none"
    images_first: bool = False

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"

    def channel_axis(self, asked: str | None) -> int | None:
        """The axis of the channels, as a user asked for it or as the rule has it."""
        ndim = len(self.shape)
        if asked is not None:
            if asked not in ("first", "last", "none"):
                raise ValueError(f"needs channels=first, last or none, not {asked}")
            if asked != "none" and ndim < 3:
                raise ValueError(f"is of shape {self.shape}: channels={asked} needs three axes")
            return {"first": ndim - 3, "last": ndim - 1, "none": None}[asked]
        if self.channels == "none" or ndim < 3:
            return None
        if self.channels == "first" and self.shape[-3] in (1, 3):
            return ndim - 3
        return ndim - 1 if self.shape[-1] in _CHANNELS else None

    def pixel_axes(self, taken: set[int]) -> tuple[int, int]:
        """The axes of rows and columns: the last two, or the first, that are not taken."""
        free = [axis for axis in range(len(self.shape)) if axis not in taken]
        if len(free) < 2 or 0 in self.shape:
            raise ValueError(f"is of shape {self.shape}, which holds no images")
        rows, columns = free[:2] if self.images_first else free[-2:]
        return rows, columns

    def pixel_size(self, rows: int, columns: int) -> PixelSize | None:
        """The size of a pixel, where both steps have one unit."""
        if not self.steps:
            return None
        one, other = (plain_unit(self.units[axis]) for axis in (rows, columns))
        return PixelSize.of((self.steps[rows], self.steps[columns]), one) if one == other else None

    @property
    def is_real(self) -> bool:
        """Whether its numbers are real."""
        return self.dtype.kind in "biuf"

    @property
    def holds_images(self) -> bool:
        """Whether it is taken for an array of images when none is named."""
        taken = _known(self.channel_axis(None))
        if not self.is_real or 0 in self.shape or len(self.shape) - len(taken) < 2:
            return False
        return min(self.shape[axis] for axis in self.pixel_axes(taken)) > 1


class ArrayFile(ABC):
    """A file of named arrays, which is read image by image."""

    kind: ClassVar[str]
    what: ClassVar[str]

    @abstractmethod
    def _listed(self) -> Mapping[str, Variable]:
        """The arrays by name."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @cached_property
    def variables(self) -> Mapping[str, Variable]:
        """The arrays by name; a file of one array may leave it without a name."""
        with refused(self.what):
            return self._listed()

    def find(self, selector: str | None) -> Found:
        """List the images that a selector chooses.

        Parameters
        ----------
        selector : str or None
            ``name[index],key=value``: an array, of its leading axes some positions, and
            ``every=N``, ``channel=N``, ``channels=first|last|none``, or positions along axes that
            have names. None takes the only array of images.

        Returns
        -------
        Found
            The images.

        Raises
        ------
        ValueError
            If it chooses no image, or several arrays hold images and none is named.
        """
        chosen = Selector.parse(selector or "", lambda name: self._named(name) is not None)
        name, others = self._chosen(chosen.name)
        variable = self.variables[name]
        chosen.check_options(*_OPTIONS, *variable.axes)
        if not variable.is_real:
            raise ValueError(
                f"holds {variable.dtype} numbers{_of(name)}; images are bool, integer or real"
            )
        entries = chosen.thinned(self._entries(name, variable, chosen))
        if selector is None and len(self.variables) - others == 1 and len(entries) == 1:
            only = entries[0]
            entries = [Entry(only.kind, "", name, only.index, only.channel_axis, only.channel)]
        return Found(entries, others)

    def _chosen(self, name: str) -> tuple[str, int]:
        """The array of this name, or the only one of images, and how many others there are."""
        if name:
            found = self._named(name)
            if found is None:
                raise ValueError(f"holds no {name!r}; it holds {self._contents()}")
            return found, 0
        candidates = [one for one, variable in self.variables.items() if variable.holds_images]
        if not candidates:
            raise ValueError(f"holds no array of images; it holds {self._contents()}")
        if len(candidates) > 1:
            raise ValueError(f"holds {self._contents()}; choose one with ::{candidates[0]}")
        return candidates[0], len(self.variables) - 1

    def _named(self, name: str) -> str | None:
        """The name in the file of what a user calls so."""
        return name if name in self.variables else None

    def _called(self, name: str) -> str:
        """The name in messages."""
        return name

    def _contents(self) -> str:
        shown = [
            f"{self._called(name)} {variable}".strip() for name, variable in self.variables.items()
        ]
        more = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
        return ", ".join(shown[:_LISTED]) + more or "nothing"

    def _entries(self, name: str, variable: Variable, chosen: Selector) -> list[Entry]:
        channel_axis = variable.channel_axis(chosen.option("channels"))
        channel = chosen.number("channel", least=0)
        if channel is not None and channel_axis is None:
            raise ValueError(f"has no axis of channels{_of(name)}: channels=first or last says one")
        along = {
            variable.axes.index(key): parse_index(value)
            for key, value in chosen.options
            if key in variable.axes
        }
        fixed = {axis for axis, index in along.items() if not isinstance(index, slice)}
        pixel_axes = variable.pixel_axes(fixed | _known(channel_axis))
        counted = [
            axis for axis in range(len(variable.shape)) if axis not in {*pixel_axes, channel_axis}
        ]
        if not along.keys() <= set(counted):
            axis = next(axis for axis in along if axis not in counted)
            raise ValueError(f"has pixels along {variable.axes[axis]}: choose along other axes")
        free = [axis for axis in counted if axis not in fixed]
        if len(chosen.index) > len(free):
            raise ValueError(
                f"is of shape {variable.shape}{_of(name)}: {len(free)} axes count images, and the "
                f"selector has {len(chosen.index)} numbers"
            )
        for axis, index in zip(free, chosen.index, strict=False):
            along[axis] = index
        found = [
            positions(along.get(axis, slice(None)), variable.shape[axis], "images")
            for axis in counted
        ]
        said = [f"{key}={value}" for key, value in chosen.options if key in _OPTIONS[1:]]
        return [
            Entry(
                self.kind,
                _label(name, variable, dict(zip(counted, at, strict=True)), said),
                name,
                tuple(
                    dict(zip(counted, at, strict=True)).get(axis)
                    for axis in range(len(variable.shape))
                ),
                channel_axis,
                channel,
            )
            for at in product(*found)
        ]

    def read(self, entry: Entry, max_pixels: int, *, color: bool, channel: int | None) -> Decoded:
        """Read one image; of a large file only the part that holds it.

        Parameters
        ----------
        entry : Entry
            As `find` returned it.
        max_pixels : int
            Larger images are refused before they are read.
        color, channel : optional
            As in `spectral_mae.read_image`.

        Returns
        -------
        Decoded
            Its pixels.

        Raises
        ------
        ImageRefused
            If it cannot be read.
        """
        variable = self.variables.get(entry.name)
        if variable is None or len(variable.shape) != len(entry.index):
            raise ImageRefused("its file has changed")
        axis = entry.channel_axis
        free = [i for i, at in enumerate(entry.index) if at is None and i != axis]
        height, width = (variable.shape[i] for i in free)
        check_size(height, width, max_pixels)
        channel = entry.channel if channel is None else channel
        n_channels = 1 if axis is None else variable.shape[axis]
        if channel is not None and not channel < n_channels:
            raise ImageRefused(f"channel {channel} of an image of {n_channels} channels, from 0")
        where: list[int | slice] = [slice(None) if at is None else at for at in entry.index]
        notes: list[str] = []
        if axis is not None and channel is not None:
            where[axis] = channel
            notes += [f"channel {channel} of {n_channels}"] if n_channels > 1 else []
            axis, n_channels = None, 1
        nbytes = height * width * n_channels * variable.dtype.itemsize
        if nbytes > byte_limit(max_pixels):
            raise TooLarge(
                f"too large: {height}x{width} with {n_channels} channels takes {nbytes} bytes; a "
                "larger --max-pixels allows them",
                -(-(nbytes - 2**20) // 16),
            )
        with refused(self.what):
            samples = np.asarray(variable.read(tuple(where)))
        if axis is not None:
            # The numbers before it are gone from the part that was read.
            samples = np.moveaxis(samples, sum(at is None for at in entry.index[:axis]), -1)
        alpha = axis == len(variable.shape) - 1 and n_channels == 4
        raster = _raster(samples, measured=variable.measured, alpha=alpha)
        pixels = raster.pixels(notes, color=color)
        return Decoded(pixels, notes, variable.pixel_size(free[0], free[1]))


def _known(axis: int | None) -> set[int]:
    return set() if axis is None else {axis}


def _raster(samples: NDArray[Any], *, measured: bool, alpha: bool) -> Raster:
    opacity: Literal["straight"] | None = "straight" if alpha else None
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if not measured and (kind == "b" or (kind == "u" and size <= 2)):
        return Raster.integers(samples, alpha=opacity)
    return Raster.floats(samples if kind == "f" else samples.astype(np.float64), alpha=opacity)


def _label(name: str, variable: Variable, at: Mapping[int, int], said: list[str]) -> str:
    """The selector of one image."""
    if variable.axes:
        said = [*(f"{variable.axes[axis]}={i}" for axis, i in at.items()), *said]
    brackets = f"[{','.join(map(str, at.values()))}]" if at and not variable.axes else ""
    return ",".join(part for part in (name + brackets, *said) if part)


def _of(name: str) -> str:
    return f" in {name}" if name else ""
