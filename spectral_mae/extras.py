"""Optional packages: which extra installs them, and stand-ins for modules that need them."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported.

    Parameters
    ----------
    package : str
        Name of the package as it is imported.

    Returns
    -------
    bool
        True if it is installed.

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
    """Return the command that installs an extra, from a copy of the repository.

    Parameters
    ----------
    extra : str
        Name of the extra.

    Returns
    -------
    str
        The command, for messages. The package is in no registry, so its name alone installs
        nothing.

    Examples
    --------
    >>> print(install("torch"))
    pip install -e '.[torch]' in your copy of the repository
    """
    return f"pip install -e '.[{extra}]' in your copy of the repository"


def missing(what: str, package: str, extra: str) -> str:
    """Return the message for a request that needs a package which is not installed.

    Parameters
    ----------
    what : str
        What was asked for.
    package : str
        Name of the package that it needs, as people write it.
    extra : str
        The extra of this package that installs it.

    Returns
    -------
    str
        A sentence with the command to install it.

    Examples
    --------
    >>> print(missing("--scheduler", "Dask", "dask"))
    --scheduler needs Dask, which is not installed: pip install -e '.[dask]' in your copy of the
    repository
    """
    return f"{what} needs {package}, which is not installed: {install(extra)}"


class MissingModule(ModuleType):
    """Stand-in for a module whose package is not installed.

    Any attribute of it raises ``AttributeError`` with a message that says what to install. Because
    it is this error, and not ``ImportError``, ``hasattr``, ``inspect.getmembers`` and ``help``
    work.

    Parameters
    ----------
    name : str
        Name of the module.
    sentence : str
        The message, as `missing` returns it.

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
