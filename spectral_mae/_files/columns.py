"""Result objects as plain numbers, and as the columns of a table."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae._files.atomic_file import replacing


def plain_fields(result: Any) -> dict[str, Any]:
    """Return the fields of a result object as plain lists and numbers.

    Parameters
    ----------
    result : dataclass instance
        The result.

    Returns
    -------
    dict
        The name of each field, and its value in types that JSON knows.
    """
    fields = dataclasses.fields(result)
    return {field.name: plain_value(getattr(result, field.name)) for field in fields}


def plain_value(value: Any) -> Any:
    """Return one field of a result in types that JSON knows.

    Parameters
    ----------
    value : object
        Array, dataclass instance, or what is plain already.

    Returns
    -------
    object
        A list of an array, a dict of a dataclass, or the value itself.
    """
    if isinstance(value, np.ndarray):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


def write_table(
    path: str | os.PathLike[str], header: Iterable[str], rows: Iterable[Iterable[Any]]
) -> None:
    """Write a CSV file.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced.
    header : iterable of str
        Name of each column.
    rows : iterable of iterable
        Values of each row, in the order of the columns.
    """
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def write_columns(path: str | os.PathLike[str], columns: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays of equal length as the columns of a CSV file.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced.
    columns : mapping of str to ndarray, shape (n,)
        Header and values of each column.
    """
    write_table(path, columns, zip(*(column.tolist() for column in columns.values()), strict=True))


def write_rows(path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a CSV file, whole or not at all, with the columns of the first of these rows.

    Floating-point numbers have eight significant digits.
    """
    header = list(rows[0])
    cells = ([_rounded(row[name]) for name in header] for row in rows)
    with replacing(path) as beside:
        write_table(beside, header, cells)


def _rounded(value: Any) -> Any:
    return f"{value:.8g}" if isinstance(value, float) else value
