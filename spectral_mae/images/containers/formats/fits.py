"""FITS files of astronomy: image HDUs, with BZERO, BSCALE and BLANK applied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spectral_mae.images.containers.arrays import ArrayFile, Variable
from spectral_mae.images.containers.container import package, refused

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_ARCSEC = 3600.0


class FitsFile(ArrayFile):
    """An open FITS file; its arrays are called by the number of their HDU, or by EXTNAME."""

    kind = what = "FITS"

    def __init__(self, path: str) -> None:
        fits = package("astropy.io.fits", "FITS", "Astropy", "fits")
        # Astropy leaves open what it has opened by name and cannot read.
        self._stream = Path(path).open("rb")  # noqa: SIM115 - closed by close
        with refused(self.what):
            try:
                self._file = fits.open(self._stream, mode="readonly", memmap=False)
            except BaseException:
                self._stream.close()
                raise

    def _listed(self) -> Mapping[str, Variable]:
        return {
            str(number): _variable(hdu)
            for number, hdu in enumerate(self._file)
            if hdu.is_image and hdu.shape
        }

    def _named(self, name: str) -> str | None:
        if name in self.variables:
            return name
        numbers = [n for n in self.variables if self._file[int(n)].name.lower() == name.lower()]
        if len(numbers) > 1:
            raise ValueError(f"holds several HDUs called {name}: {', '.join(numbers)}")
        return numbers[0] if numbers else None

    def _called(self, name: str) -> str:
        called = self._file[int(name)].name
        return f"{name} ({called})" if called else name

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._stream.close()


def _variable(hdu: Any) -> Variable:
    shape = tuple(int(n) for n in hdu.shape)
    dtype = np.dtype(_TYPES[hdu.header["BITPIX"]])  # as stored; scaled samples are floats
    steps, units = _pixel_scales(hdu.header, len(shape))
    return Variable(
        shape, dtype, lambda where: hdu.section[where], steps=steps, units=units, measured=True
    )


def _pixel_scales(header: Any, ndim: int) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Distance of pixels along each axis by CD, PC and CDELT; angles on the sky in arcseconds."""
    coordinates = package("astropy.wcs", "FITS", "Astropy", "fits")
    try:
        wcs = coordinates.WCS(header, fix=False)
        scales = coordinates.utils.proj_plane_pixel_scales(wcs)
        units = [str(unit) for unit in wcs.wcs.cunit]
    except Exception:  # noqa: BLE001 - coordinates that make no sense are none; pixels are whole
        return (), ()
    if len(scales) != ndim:
        return (), ()
    sky = [unit == "deg" for unit in units]
    steps = [
        float(scale) * (_ARCSEC if angle else 1.0) for scale, angle in zip(scales, sky, strict=True)
    ]
    named = ["arcsec" if angle else unit for unit, angle in zip(units, sky, strict=True)]
    return tuple(steps[::-1]), tuple(named[::-1])  # FITS counts axes from the fastest
