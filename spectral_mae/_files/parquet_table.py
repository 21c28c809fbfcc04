"""Tables as Parquet files, which pandas and others read column by column (extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from spectral_mae import extras
from spectral_mae._files.column_notes import Notes


def expect_parquet(asked: str) -> None:
    """Raise ``ValueError`` if PyArrow, which ``asked`` needs, is not installed."""
    if not extras.installed("pyarrow"):
        raise ValueError(extras.missing(asked, "PyArrow", "parquet"))


class ParquetTable:
    """A Parquet file that is written some rows at a time.

    Texts, whole numbers and what repeats are stored as indices into lists of values; other numbers
    are stored byte by byte (all first bytes, then all second ones), which compresses them. All are
    double precision, and come back as they were.

    Parameters
    ----------
    file : ParquetWriter
        Of PyArrow.
    schema : Schema
        Of PyArrow.
    """

    def __init__(self, file: Any, schema: Any) -> None:
        self._arrow = import_module("pyarrow")
        self._file, self._schema = file, schema

    def write(self, columns: Mapping[str, Any]) -> None:
        """Add rows: an array, or an array of PyArrow, for each column."""
        arrays = [self._arrow.array(columns[f.name], type=f.type) for f in self._schema]
        self._file.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))


@contextmanager
def parquet_table(
    path: Path, notes: Notes, *, varied: tuple[str, ...] = ()
) -> Iterator[ParquetTable]:
    """Open a Parquet file to write.

    Parameters
    ----------
    path : Path
        The file.
    notes : mapping of Column
        The columns; descriptions and units become metadata of the columns.
    varied : tuple of str
        Columns of numbers that hardly repeat.

    Yields
    ------
    ParquetTable
        The table, of no rows.
    """
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    schema = _schema(arrow, notes)
    with parquet.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=[name for name in notes if name not in varied],
        column_encoding=dict.fromkeys(varied, "BYTE_STREAM_SPLIT"),
    ) as file:
        yield ParquetTable(file, schema)


def parquet_of_csv(source: Path, target: Path, notes: Notes) -> None:
    """Write a CSV file as Parquet, some rows at a time; what is empty is null.

    Parameters
    ----------
    source, target : Path
        The files.
    notes : mapping of Column
        The columns of both.
    """
    csv = import_module("pyarrow.csv")
    schema = _schema(import_module("pyarrow"), notes)
    options = csv.ConvertOptions(
        column_types={field.name: field.type for field in schema},
        null_values=[""],
        strings_can_be_null=True,
    )
    numbers = tuple(name for name, column in notes.items() if column.kind == "number")
    parsing = csv.ParseOptions(newlines_in_values=True)
    with (
        csv.open_csv(source, parse_options=parsing, convert_options=options) as batches,
        parquet_table(target, notes, varied=numbers) as table,
    ):
        for batch in batches:
            table.write(dict(zip(notes, batch.columns, strict=True)))


def _schema(arrow: Any, notes: Notes) -> Any:
    types = {"text": arrow.string(), "integer": arrow.int64(), "number": arrow.float64()}
    return arrow.schema(
        arrow.field(
            name,
            types[column.kind],
            metadata={"description": column.description, "unit": column.unit or ""},
        )
        for name, column in notes.items()
    )
