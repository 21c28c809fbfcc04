"""What the columns of tables are and their units: ``columns.json`` beside the tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from spectral_mae._files.atomic_file import write_whole
from spectral_mae._files.made_here import SOFTWARE

COLUMNS_JSON = "columns.json"
Kind = Literal["text", "integer", "number"]


class Column(NamedTuple):
    """What a column of a table is.

    Attributes
    ----------
    description : str
        A sentence.
    unit : str or None
        As UDUNITS and pint read it, such as "1/pixel"; "1" of pure numbers, None of texts.
    kind : {"text", "integer", "number"}
        Of its values, which may also be absent.
    """

    description: str
    unit: str | None
    kind: Kind


Notes = Mapping[str, Column]  # by the names of the columns of a table, in their order


def text(description: str) -> Column:
    """A column of texts."""
    return Column(description, None, "text")


def integer(description: str, unit: str = "1") -> Column:
    """A column of whole numbers."""
    return Column(description, unit, "integer")


def number(description: str, unit: str = "1") -> Column:
    """A column of numbers."""
    return Column(description, unit, "number")


def write_column_notes(folder: Path, tables: Mapping[str, Notes]) -> None:
    """Write ``columns.json`` into a folder of tables.

    Parameters
    ----------
    folder : Path
        Where the tables are.
    tables : mapping of mapping of Column
        Columns by their names, by the names of the files.
    """
    write_whole(folder / COLUMNS_JSON, notes_text(tables))


def notes_text(tables: Mapping[str, Notes]) -> str:
    """Return the text of ``columns.json``.

    Examples
    --------
    >>> print(notes_text({"a.csv": {"height": integer("Rows of the image.", "pixel")}}), end="")
    {
     "made_by": "spectral-mae",
     "tables": {
      "a.csv": {
       "height": {
        "description": "Rows of the image.",
        "unit": "pixel",
        "kind": "integer"
       }
      }
     }
    }
    """
    plain = {
        file: {name: column._asdict() for name, column in columns.items()}
        for file, columns in tables.items()
    }
    return json.dumps({"made_by": SOFTWARE, "tables": plain}, indent=1, ensure_ascii=False) + "\n"
