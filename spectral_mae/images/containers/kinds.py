"""Which files hold several images, by the endings of their names, and what opens them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from spectral_mae.images.containers.container import Container


@dataclass(frozen=True, slots=True)
class Kind:
    """A format of files that hold several images.

    Attributes
    ----------
    name : str
        As people know it.
    endings : tuple of str
        Of file names, in lower case.
    open : callable
        ``open(path)`` opens a file.
    in_folders : bool
        Whether folders are searched for such files, as they are for image files.
    """

    name: str
    endings: tuple[str, ...]
    open: Callable[[str], Container]
    in_folders: bool = False


def kind_of(path: str) -> Kind | None:
    """The format of a file that holds several images.

    Parameters
    ----------
    path : str
        A path or URL.

    Returns
    -------
    Kind or None
        None for all other files.

    Examples
    --------
    >>> kind_of("brain.NII.GZ").name, kind_of("photo.png")
    ('NIfTI', None)
    """
    name = path.lower().rstrip("/\\")
    return next((kind for kind in KINDS.values() if name.endswith(kind.endings)), None)


def kind_of_folder(path: Path) -> Kind | None:
    """The format of a folder that is a store of arrays rather than a folder of images.

    Parameters
    ----------
    path : pathlib.Path
        The folder.

    Returns
    -------
    Kind or None
        Zarr, or None.
    """
    described = any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zgroup"))
    return KINDS["Zarr"] if described else None


def is_paged(path: str) -> bool:
    """Whether a file of this name may have pages, of which a selector chooses.

    Parameters
    ----------
    path : str
        A path or URL.

    Returns
    -------
    bool
        True for TIFF.
    """
    return re.search(r"\.(tiff?|btf|tf8|lsm)$", path.lower()) is not None


def open_container(kind: str, path: str) -> Container:
    """Open a file that holds several images.

    Parameters
    ----------
    kind : str
        Name of its format.
    path : str
        The file.

    Returns
    -------
    Container
        The open file.

    Raises
    ------
    ImageRefused
        If it cannot be opened, or a package is missing.
    """
    return KINDS[kind].open(path)


def _fits(path: str) -> Container:
    from spectral_mae.images.containers.formats.fits import FitsFile

    return FitsFile(path)


def _nifti(path: str) -> Container:
    from spectral_mae.images.containers.formats.nifti import NiftiFile

    return NiftiFile(path)


def _mrc(path: str) -> Container:
    from spectral_mae.images.containers.formats.mrc import MrcFile

    return MrcFile(path)


def _hdf5(path: str) -> Container:
    from spectral_mae.images.containers.formats.hdf5 import Hdf5File

    return Hdf5File(path)


def _zarr(path: str) -> Container:
    from spectral_mae.images.containers.formats.zarr import ZarrFile

    return ZarrFile(path)


def _netcdf(path: str) -> Container:
    from spectral_mae.images.containers.formats.netcdf import NetcdfFile

    return NetcdfFile(path)


def _safetensors(path: str) -> Container:
    from spectral_mae.images.containers.formats.safetensors import SafetensorsFile

    return SafetensorsFile(path)


def _torch(path: str) -> Container:
    from spectral_mae.images.containers.formats.torch import TorchFile

    return TorchFile(path)


def _parquet(path: str) -> Container:
    from spectral_mae.images.containers.formats.parquet import ParquetFile

    return ParquetFile(path)


def _video(path: str) -> Container:
    from spectral_mae.images.containers.formats.video import VideoFile

    return VideoFile(path)


def _tiff(path: str) -> Container:
    from spectral_mae.images.containers.formats.tiff_pages import TiffPages

    return TiffPages(path)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("FITS", (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz"), _fits, in_folders=True),
        Kind("NIfTI", (".nii", ".nii.gz"), _nifti, in_folders=True),
        Kind("MRC", (".mrc", ".mrcs", ".ccp4", ".mrc.gz", ".mrc.bz2"), _mrc, in_folders=True),
        Kind("HDF5", (".h5", ".hdf5", ".he5", ".nxs"), _hdf5),
        Kind("Zarr", (".zarr", ".zarr.zip"), _zarr),
        Kind("netCDF", (".nc", ".nc4", ".cdf"), _netcdf),
        Kind("safetensors", (".safetensors",), _safetensors),
        Kind("torch.save", (".pt", ".pth"), _torch),
        Kind("Parquet", (".parquet",), _parquet),
        Kind(
            "video",
            (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv"),
            _video,
        ),
        Kind("TIFF", (), _tiff),  # a TIFF is an image file unless pages of it are chosen
    )
}
