"""Selectors: the part of a path behind ``::``, which chooses images inside a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

MARK = "::"
Index = int | slice
Item = TypeVar("Item")

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_BRACKETS = re.compile(r"^(?P<name>.*)\[(?P<index>[-+\d:,\s]*)\]$", re.DOTALL)
_OPTION = re.compile(r"(?P<key>[A-Za-z_]\w*)=(?P<value>[^,\[\]]*)$")
_BRACES = re.compile(r"\{([^{}]*(?:\.\.|,)[^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)$")


def is_remote(path: str) -> bool:
    """Whether a path begins with a protocol, such as ``https://``.

    Parameters
    ----------
    path : str
        Any path.

    Returns
    -------
    bool
        False for paths of files on this machine.
    """
    return _REMOTE.match(path) is not None


def split_selector(given: str) -> tuple[str, str | None]:
    """Split a path as a user wrote it into the path of the file and the selector.

    Parameters
    ----------
    given : str
        A path, pattern or URL, perhaps with ``::`` and a selector behind it.

    Returns
    -------
    path : str
        What stands before the mark.
    selector : str or None
        What stands behind it; None without a mark. A file whose own name holds the mark is taken
        as it is.

    Examples
    --------
    >>> split_selector("scan.h5::/raw[3]"), split_selector("photo.png")
    (('scan.h5', '/raw[3]'), ('photo.png', None))
    """
    if MARK not in given or (not is_remote(given) and Path(given).exists()):
        return given, None
    ends = [at.start() for at in re.finditer(MARK, given)]
    for end in ends:
        if not is_remote(given) and Path(given[:end]).exists():
            return given[:end], given[end + len(MARK) :]
    return given[: ends[0]], given[ends[0] + len(MARK) :]


def braces_expanded(given: str) -> list[str]:
    """The paths that ``{a..b}`` and ``{a,b}`` in a path stand for, as shards are written.

    Parameters
    ----------
    given : str
        A path.

    Returns
    -------
    list of str
        The path itself where there are no braces, or a file has this name.

    Examples
    --------
    >>> braces_expanded("train-{008..010}.tar")
    ['train-008.tar', 'train-009.tar', 'train-010.tar']
    """
    found = _BRACES.search(given)
    if found is None or (not is_remote(given) and Path(given).exists()):
        return [given]
    before, after = given[: found.start()], given[found.end() :]
    texts = [text for part in found[1].split(",") for text in _counted(part)]
    return [path for text in texts for path in braces_expanded(before + text + after)]


def _counted(part: str) -> Iterator[str]:
    """The numbers of ``008..010``, as wide as they are written."""
    ends = _RANGE.match(part.strip())
    if ends is None:
        yield part
        return
    first, last = int(ends[1]), int(ends[2])
    step = 1 if first <= last else -1
    for number in range(first, last + step, step):
        yield f"{number:0{len(ends[1])}d}"


@dataclass(frozen=True, slots=True)
class Selector:
    """What a user chooses inside a file.

    Attributes
    ----------
    name : str
        Of an array, page or column; empty where none is named.
    index : tuple of int or slice
        In brackets behind the name, as of a NumPy array; of the axes that count images.
    options : tuple of (str, str)
        The parts ``key=value``, in order.
    """

    name: str = ""
    index: tuple[Index, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str, is_name: Callable[[str], bool] | None = None) -> Selector:
        """Read ``name[index],key=value``, every part of which may be missing.

        Parameters
        ----------
        text : str
            What stands behind the mark.
        is_name : callable or None
            Whether a text is a name in the file. Such names are taken as they are, whatever they
            look like.

        Returns
        -------
        Selector
            Its parts.

        Raises
        ------
        ValueError
            If a number cannot be read.

        Examples
        --------
        >>> Selector.parse("/raw[3],channels=none")
        Selector(name='/raw', index=(3,), options=(('channels', 'none'),))
        >>> Selector.parse("every=10").options
        (('every', '10'),)
        """
        options: list[tuple[str, str]] = []
        rest = text
        named = is_name or (lambda name: False)
        while not named(rest):
            head, comma, last = rest.rpartition(",")
            found = _OPTION.fullmatch(last.strip())
            if found is None:
                break
            options.insert(0, (found["key"], found["value"].strip()))
            rest = head if comma else ""
            if not comma:
                break
        brackets = None if named(rest) else _BRACKETS.match(rest)
        if brackets is None:
            return cls(rest, (), tuple(options))
        index = tuple(parse_index(one) for one in brackets["index"].split(",") if one.strip())
        return cls(brackets["name"], index, tuple(options))

    def option(self, key: str) -> str | None:
        """The value of an option.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        str or None
            None where it was not given.
        """
        return dict(self.options).get(key)

    def number(self, key: str, *, least: int) -> int | None:
        """The value of an option that is a whole number.

        Parameters
        ----------
        key : str
            Its name.
        least : int
            Smallest number allowed.

        Returns
        -------
        int or None
            None where it was not given.

        Raises
        ------
        ValueError
            If it is no such number.
        """
        text = self.option(key)
        if text is None:
            return None
        if not text.isdecimal() or int(text) < least:
            raise ValueError(f"needs a whole number of at least {least} for {key}, not {text!r}")
        return int(text)

    def check_options(self, *known: str) -> None:
        """Raise ``ValueError`` for an option that a file of this kind does not have.

        Parameters
        ----------
        *known : str
            Those that it has.

        Raises
        ------
        ValueError
            With the names of those that it has.
        """
        for key, value in self.options:
            if key not in known:
                raise ValueError(f"has no option {key}={value}; it has {', '.join(known)}")

    def thinned(self, items: list[Item]) -> list[Item]:
        """Every so manieth of some images, as the option ``every`` says.

        Parameters
        ----------
        items : list
            All of them.

        Returns
        -------
        list
            The first, and from there in steps of ``every``.
        """
        return items[:: self.number("every", least=1) or 1]


def parse_index(text: str) -> Index:
    """Read an index or a slice.

    Parameters
    ----------
    text : str
        Such as ``3``, ``-1``, ``10:20`` or ``::5``.

    Returns
    -------
    int or slice
        As Python reads it between brackets.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> parse_index("10:20:2")
    slice(10, 20, 2)
    """
    parts = [part.strip() for part in text.split(":")]
    try:
        if len(parts) == 1:
            return int(parts[0])
        if len(parts) <= 3:
            return slice(*(int(part) if part else None for part in parts))
    except ValueError:
        pass
    raise ValueError(f"needs an index or a slice, not {text!r}")


def positions(index: Index, length: int, what: str) -> list[int]:
    """The positions that an index or a slice stands for, from 0.

    Parameters
    ----------
    index : int or slice
        As Python has it; negative numbers count from the end.
    length : int
        Number of items.
    what : str
        What the items are, for the message.

    Returns
    -------
    list of int
        At least one.

    Raises
    ------
    ValueError
        If there is no such item. The message begins with a verb, whose subject is the file.
    """
    if isinstance(index, slice):
        found = list(range(*index.indices(length)))
        if not found:
            raise ValueError(f"holds {length} {what}, and none of them in {_text(index)}")
        return found
    if not -length <= index < length:
        raise ValueError(f"holds {length} {what}, counted from 0: there is no {index}")
    return [index % length]


def _text(index: slice) -> str:
    return ":".join("" if end is None else str(end) for end in (index.start, index.stop))
