"""Words, flags, paths, sequences and functions as arguments, and the words that options take."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Literal, ParamSpec, SupportsIndex, TypeVar, get_args

import numpy as np

from spectral_mae._checks.messages import brief
from spectral_mae._checks.scalars import integer

Sampling = Literal["fixed", "bernoulli"]
Rounding = Literal["floor", "mae"]
Scaling = Literal["density", "spectrum", "energy"]
Detrend = Literal["constant", "linear", "periodic"]
Backend = Literal["fftw", "scipy", "ducc"]
Planner = Literal["estimate", "measure"]
NaN = Literal["raise", "hidden"]

Item = TypeVar("Item")
P = ParamSpec("P")
R = TypeVar("R")
Function = TypeVar("Function", bound=Callable[..., Any])


def choice(name: str, value: object, options: object) -> None:
    """Raise ``ValueError`` unless ``value`` is one of the words of a ``Literal``."""
    words = get_args(options)
    if not isinstance(value, str) or value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{name}={brief(value)} is not one of {listed}")


def flag(name: str, value: object) -> bool:
    """Return a truth value; numbers and words are refused, of which ``"no"`` would be true."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}={brief(value)} is neither True nor False")
    return bool(value)


def path(name: str, value: str | os.PathLike[str]) -> str:
    """Return a path as text."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name}={brief(value)} is not a path")
    return os.fspath(value)


def items(name: str, value: Iterable[Item]) -> list[Item]:
    """Return the entries of a sequence as a list; a string is refused."""
    if isinstance(value, str | bytes):
        raise TypeError(f"{name}={brief(value)} is text, not a sequence")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{name}={brief(value)} is not a sequence") from None


def function(name: str, value: object) -> None:
    """Raise ``TypeError`` unless a value can be called."""
    if not callable(value):
        raise TypeError(f"{name}={brief(value)} is not a function")


def needed(name: str, value: object, kinds: type | tuple[type, ...], how: str) -> None:
    """Raise ``TypeError`` unless ``value`` is of one of the types; ``how`` says what makes one."""
    if not isinstance(value, kinds):
        names = [kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,))]
        raise TypeError(f"{name}={brief(value)} is not a {' or '.join(names)}: {how}")


def keyword_only(name: str) -> Callable[[Function], Function]:
    """Let a method take a keyword-only argument by position too, for one release.

    The caller is told in a FutureWarning.
    """

    def decorated(method: Function) -> Function:
        n_positional = method.__code__.co_argcount

        @functools.wraps(method)
        def called(*args: Any, **options: Any) -> Any:
            if len(args) == n_positional + 1 and name not in options:
                warnings.warn(
                    f"{method.__name__}: {name} will be taken by keyword only, so write "
                    f"{name}={brief(args[-1])}",
                    FutureWarning,
                    stacklevel=2,
                )
                args, options = args[:-1], {**options, name: args[-1]}
            return method(*args, **options)

        return called  # type: ignore[return-value]

    return decorated


def run_seed(value: SupportsIndex) -> int:
    """Return the ``rng`` of a run as an int of at least 0.

    A run stores it to be resumed, which it cannot do with a generator.
    """
    if hasattr(value, "bit_generator") or hasattr(value, "spawn_key"):
        raise TypeError(f"rng={brief(value)} cannot be stored: give an integer of 0 or more")
    return integer("rng", value, least=0)


def for_kind(
    is_kind: Callable[[object], bool], function: Callable[P, R], other: Callable[P, R]
) -> Callable[P, R]:
    """Return a function that hands its arguments to another one if any is of some kind."""

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if any(map(is_kind, (*args, *kwargs.values()))):
            return other(*args, **kwargs)
        return function(*args, **kwargs)

    return called
