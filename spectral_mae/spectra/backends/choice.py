"""Which library computes transforms."""

from __future__ import annotations

import functools
import threading
import warnings
from importlib import import_module

from spectral_mae import _checks, extras
from spectral_mae._checks import Backend, Planner
from spectral_mae.spectra.backends.workspace import MakeWorkspace

# What checks and pages call the transforms of each.
LIBRARY: dict[Backend, str] = {"fftw": "FFTW", "scipy": "scipy.fft", "ducc": "ducc0.fft"}

_CHOOSING = threading.Lock()  # threads that begin together would each give the notice


class FFTWMissingWarning(UserWarning):
    """Warning that pyFFTW cannot be imported, and that SciPy computes the transforms.

    It is given once in a process, when the first transform is prepared.

    Examples
    --------
    >>> import warnings
    >>> warnings.simplefilter("ignore", FFTWMissingWarning)  # you know it
    """


def default_backend() -> Backend:
    """Return the library that computes transforms where none is named.

    Returns
    -------
    {"fftw", "scipy"}
        FFTW wherever pyFFTW can be imported, which this function does.

    Warns
    -----
    FFTWMissingWarning
        If it cannot, once.
    """
    with _CHOOSING:
        return _found()


@functools.cache  # the answer stays the same, and the notice is given once
def _found() -> Backend:
    try:
        import_module("spectral_mae.spectra.backends.fftw")
    except ImportError as error:
        warnings.warn(
            f"pyFFTW cannot be imported ({error}): scipy.fft computes the transforms, more slowly "
            "and with other last digits; 'pip install pyfftw' installs it",
            FFTWMissingWarning,
            stacklevel=3,
        )
        return "scipy"
    return "fftw"


def resolved(backend: Backend | None, planner: Planner) -> Backend:
    """Check the choice of a library and of FFTW's effort.

    Parameters
    ----------
    backend : {"fftw", "scipy", "ducc"} or None
        None is `default_backend`.
    planner : {"estimate", "measure"}
        FFTW's effort. Nothing but ``"estimate"`` goes with another library that was named.

    Returns
    -------
    {"fftw", "scipy", "ducc"}
        The library.

    Raises
    ------
    ValueError
        For other values, and for ``"measure"`` with a library other than FFTW.
    """
    if backend is not None:
        _checks.choice("backend", backend, Backend)
    _checks.choice("planner", planner, Planner)
    if backend not in (None, "fftw") and planner != "estimate":
        raise ValueError(f"{planner=} is an effort of FFTW's, and does not go with {backend=}")
    return default_backend() if backend is None else backend


def workspaces(backend: Backend, planner: Planner) -> MakeWorkspace:
    """Return what makes workspaces of a library, which is imported.

    Parameters
    ----------
    backend : {"fftw", "scipy", "ducc"}
        The library.
    planner : {"estimate", "measure"}
        FFTW's effort.

    Returns
    -------
    callable
        It can be pickled.

    Raises
    ------
    ModuleNotFoundError
        If the library is not installed; the message says how to install it.
    """
    if backend == "fftw":
        try:
            from spectral_mae.spectra.backends.fftw import Wisdom
        except ImportError as error:
            raise ModuleNotFoundError(
                f"{backend=} needs pyFFTW, which cannot be imported ({error}): pip install pyfftw",
                name="pyfftw",
            ) from error
        return Wisdom(planner).workspace
    if backend == "ducc":
        try:
            from spectral_mae.spectra.backends.ducc import DuccWorkspace
        except ImportError as error:
            raise ModuleNotFoundError(
                extras.missing(f"{backend=}", "ducc0", "ducc"), name="ducc0"
            ) from error
        return DuccWorkspace
    from spectral_mae.spectra.backends.scipy_fft import ScipyWorkspace

    return ScipyWorkspace
