"""Optional packages: what to install for what, and modules that need one of them."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any


def installed(package: str) -> bool:
    """Whether a package can be found; it is not imported.

    Examples
    --------
    >>> installed("numpy"), installed("no_such_package")
    (True, False)
    """
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # it is in sys.modules without a specification: someone made it
        return True


def install(extra: str) -> str:
    """What installs an extra. The package is in no registry, so its name installs nothing.

    Examples
    --------
    >>> print(install("torch"))
    pip install -e '.[torch]' in your copy of the repository
    """
    return f"pip install -e '.[{extra}]' in your copy of the repository"


def missing(what: str, package: str, extra: str) -> str:
    """The sentence for whoever asks for what a missing package does.

    Parameters
    ----------
    what : str
        What was asked for.
    package : str
        What it needs, by the name that people know.
    extra : str
        The extra of this package that brings it.

    Examples
    --------
    >>> print(missing("--scheduler", "Dask", "dask"))
    --scheduler needs Dask, which is not installed: pip install -e '.[dask]' in your copy of the
    repository
    """
    return f"{what} needs {package}, which is not installed: {install(extra)}"


class MissingModule(ModuleType):
    """What stands in for a module whose package is not installed.

    Any attribute of it raises ``AttributeError`` with the sentence that says what to install.
    That it is this error, and not ``ImportError``, keeps ``hasattr``, ``inspect.getmembers`` and
    ``help`` working.

    Parameters
    ----------
    name : str
    sentence : str
        What `missing` makes.

    Examples
    --------
    >>> module = MissingModule("package.module", missing("package.module", "PyTorch", "torch"))
    >>> hasattr(module, "train")
    False
    >>> module.train
    Traceback (most recent call last):
    AttributeError: package.module needs PyTorch, which is not installed: pip install -e '.[torch]'
    in your copy of the repository
    """

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(self.__doc__)

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}, missing: {self.__doc__}>"
