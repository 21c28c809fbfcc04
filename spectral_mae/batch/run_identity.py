"""What a run is known by: its command, options and versions, and its images."""

from __future__ import annotations

import json
import platform
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from spectral_mae.batch.journal import differences
from spectral_mae.images.references import ImageReference
from spectral_mae.spectra.fft import LIBRARY, default_backend


class RunIdentity:
    """All that the results of a run depend on.

    Parameters
    ----------
    command : str
    options : mapping
        All that results depend on besides the images.
    references : sequence of ImageReference
        All images of the run.

    Attributes
    ----------
    header : dict
        Command, options and versions.
    """

    def __init__(
        self, command: str, options: Mapping[str, Any], references: Sequence[ImageReference]
    ) -> None:
        self.header = {"command": command, "options": options, "versions": versions()}
        self._references = references

    def inputs(self) -> Iterator[str]:
        """A line for each image, with what changes when it does."""
        for reference in self._references:
            title = reference.title.replace("\n", "\\n").replace("\r", "\\r")
            yield f"{title}\t{reference.stamp}"

    def signed(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record of a complete run, and besides what it is known again by.

        Parameters
        ----------
        record : mapping
            With the ``paths`` among its ``options``.
        """
        header = _plain(self.header)
        options = {**record["options"], **header["options"]}
        signature = {**header, "options": options, "inputs": self._checksum()}
        return {**record, **signature}

    def differs(self, record: Mapping[str, Any]) -> str:
        """In what the run of a signed record was another; nothing if in nothing."""
        ours = _plain(self.header)
        options = {name: value for name, value in record["options"].items() if name != "paths"}
        theirs = {**{name: record[name] for name in ours}, "options": options}
        told = differences(theirs, ours)
        if not told and record["inputs"] != self._checksum():
            return "the input differs"
        return told

    def _checksum(self) -> int:
        return zlib.crc32("\n".join(self.inputs()).encode("utf-8", "backslashreplace"))


def _plain(record: Any) -> Any:
    """The record as JSON gives it back: tuples become lists, keys become text."""
    return json.loads(json.dumps(record))


LIBRARIES = ("numpy", "scipy", "pyfftw", "scikit-image", "matplotlib", "Pillow")


def versions() -> dict[str, str]:
    """Versions of the package, of Python, and of the libraries that results depend on.

    That of pyFFTW only if it computes the transforms, for results depend on that too.
    """
    unused = set() if default_backend() == "fftw" else {"pyfftw"}
    return {
        "spectral-mae": version("spectral-mae"),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES if name not in unused},
    }


def fft_library() -> str:
    """Library that computes the Fourier transforms of a run, ``"FFTW"`` or ``"scipy.fft"``."""
    return LIBRARY[default_backend()]
