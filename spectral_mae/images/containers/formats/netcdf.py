"""NetCDF files of the Earth sciences: variables, with their scale, offset and fill value applied.

The library is not safe for threads, so one thread at a time is in it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.containers.arrays import ArrayFile, Variable, Where
from spectral_mae.images.containers.container import package, refused
from spectral_mae.images.samples import ImageRefused

_EVEN = 1e-3  # of a step: how unlike the steps of evenly spaced coordinates may be
_LOCK = threading.Lock()


class NetcdfFile(ArrayFile):
    """An open netCDF file."""

    kind = what = "netCDF"

    def __init__(self, path: str) -> None:
        netcdf = package("netCDF4", "netCDF", "netCDF4", "netcdf")
        with refused(self.what), _LOCK:
            _check_whole(path)
            self._file = netcdf.Dataset(path, "r")

    def _listed(self) -> Mapping[str, Variable]:
        with _LOCK:
            return dict(_variables(self._file, ""))

    def _named(self, name: str) -> str | None:
        return name.strip("/") if name.strip("/") in self.variables else None

    def close(self) -> None:
        """Close the file."""
        with _LOCK:
            if self._file.isopen():
                self._file.close()


def _check_whole(path: str) -> None:
    """Raise an error for a classic file that is cut off: the library would read zeros."""
    from scipy.io import netcdf_file

    with Path(path).open("rb") as file:
        classic = file.read(4) in (b"CDF\1", b"CDF\2")
    if classic:
        try:
            netcdf_file(path, "r", mmap=True).close()
        except (TypeError, ValueError) as error:
            raise ImageRefused("cannot be read as netCDF: it ends too early") from error


def _variables(group: Any, path: str) -> Iterator[tuple[str, Variable]]:
    for name, stored in group.variables.items():
        if stored.shape and isinstance(stored.dtype, np.dtype):
            coordinates = [_coordinate(group, dimension) for dimension in stored.dimensions]
            yield (
                path + name,
                Variable(
                    stored.shape,
                    stored.dtype,
                    _reader(stored),
                    axes=stored.dimensions,
                    steps=tuple(step for step, _ in coordinates),
                    units=tuple(unit for _, unit in coordinates),
                    measured=True,
                ),
            )
    for name, below in group.groups.items():
        yield from _variables(below, f"{path}{name}/")


def _reader(stored: Any) -> Any:
    def read(where: Where) -> NDArray[Any]:
        with _LOCK:
            values = stored[where]
        if not np.ma.is_masked(values):
            return np.ma.getdata(values)
        return np.ma.filled(values.astype(np.float64), np.nan)

    return read


def _coordinate(group: Any, dimension: str) -> tuple[float, str]:
    """Step and unit of the coordinate of a dimension; NaN where there is none, or it is uneven."""
    while group is not None:
        coordinate = group.variables.get(dimension)
        if coordinate is not None and coordinate.dimensions == (dimension,):
            break
        group = group.parent
    if group is None or coordinate.size < 2 or np.dtype(coordinate.dtype).kind not in "iuf":
        return math.nan, ""
    values = np.ma.filled(np.ma.asarray(coordinate[:]).astype(np.float64), np.nan)
    steps = np.diff(values)
    step = float((values[-1] - values[0]) / (len(values) - 1))
    even = np.all(np.abs(steps - step) <= _EVEN * abs(step))
    return (step if even else math.nan), str(getattr(coordinate, "units", ""))
