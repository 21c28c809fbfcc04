"""Parquet files of encoded images, as data sets of Hugging Face have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from spectral_mae.images.containers.container import Entry, Found, package, refused
from spectral_mae.images.containers.selector import Selector, positions
from spectral_mae.images.decoding import Decoded, byte_limit, decode_bytes
from spectral_mae.images.samples import ImageRefused, TooLarge

_ROWS = 32  # rows that are read together


class ParquetFile:
    """An open Parquet file.

    A column of images holds the bytes of an image file in each row, alone or in a struct with
    ``bytes`` and ``path``.
    """

    kind = what = "Parquet"

    def __init__(self, path: str) -> None:
        parquet = package("pyarrow.parquet", "Parquet", "PyArrow", "parquet")
        self._types: Any = package("pyarrow.types", "Parquet", "PyArrow", "parquet")
        with refused(self.what):
            self._file = parquet.ParquetFile(path, memory_map=True)
            schema = self._file.schema_arrow
        self._columns: Mapping[str, bool] = {
            field.name: self._holds_images(field.type) for field in schema
        }
        self._described = ", ".join(f"{field.name} ({field.type})" for field in schema)
        self._rows: Iterator[Any] = iter(())
        self._column, self._next = "", 0
        self._batch: tuple[int, list[Any]] = (0, [])  # number of its first row, and its values

    def _holds_images(self, kind: Any) -> bool:
        types = self._types
        if types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and self._holds_images(
                kind.field("bytes").type
            )
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    def find(self, selector: str | None) -> Found:
        """List the images that ``column[index],every=N`` chooses.

        Parameters
        ----------
        selector : str or None
            None chooses all rows of the only column of images.

        Returns
        -------
        Found
            The images.

        Raises
        ------
        ValueError
            If there is no such column, or none or several hold images and none is named.
        """
        chosen = Selector.parse(selector or "", self._columns.__contains__)
        chosen.check_options("every")
        column = chosen.name or self._only_column()
        if not self._columns.get(column):
            holds = "no images in" if column in self._columns else "no column"
            raise ValueError(f"holds {holds} {column!r}; its columns are {self._described}")
        if len(chosen.index) > 1:
            raise ValueError(f"needs one number between brackets, not {len(chosen.index)}")
        index = chosen.index[0] if chosen.index else slice(None)
        rows = positions(index, self._file.metadata.num_rows, "rows")
        entries = [Entry(self.kind, f"{column}[{row}]", column, (row,)) for row in rows]
        return Found(chosen.thinned(entries))

    def _only_column(self) -> str:
        columns = [name for name, images in self._columns.items() if images]
        if len(columns) == 1:
            return columns[0]
        if not columns:
            raise ValueError(f"holds no column of encoded images; it holds {self._described}")
        raise ValueError(f"holds images in {', '.join(columns)}; choose one with ::{columns[0]}")

    def read(self, entry: Entry, max_pixels: int, *, color: bool, channel: int | None) -> Decoded:
        """Read the image of a row.

        Parameters
        ----------
        entry : Entry
            As `find` returned it.
        max_pixels : int
            Larger images are refused before they are decoded.
        color, channel : optional
            As in `spectral_mae.read_image`.

        Returns
        -------
        Decoded
            Its pixels.

        Raises
        ------
        ImageRefused
            If the row holds no image, or none that can be decoded.
        """
        with refused(self.what):
            value = self._value(entry.name, int(entry.index[0] or 0))
        data = value.get("bytes") if isinstance(value, Mapping) else value
        if data is None:
            path = value.get("path") if isinstance(value, Mapping) else None
            elsewhere = f", only the path {path!r}" if path else ""
            raise ImageRefused(f"its row holds no bytes{elsewhere}")
        limit = byte_limit(max_pixels)
        if len(data) > limit:
            raise TooLarge(f"too large: {len(data)} bytes", -(-(len(data) - 2**20) // 16))
        return decode_bytes(data, max_pixels, color=color, channel=channel)

    def _value(self, column: str, row: int) -> Any:
        """What a row holds; rows in order are read once."""
        if column != self._column or row < self._batch[0]:
            self._begin(column, row)
        while not self._batch[0] <= row < self._batch[0] + len(self._batch[1]):
            read = next(self._rows, None)
            if read is None:
                raise ImageRefused("its file has changed: it has fewer rows")
            self._batch = (self._next, read.column(0).to_pylist())
            self._next += len(self._batch[1])
        return self._batch[1][row - self._batch[0]]

    def _begin(self, column: str, row: int) -> None:
        """Start at the row group that holds a row."""
        groups, first = self._file.num_row_groups, 0
        for group in range(groups):
            n_rows = self._file.metadata.row_group(group).num_rows
            if row < first + n_rows:
                break
            first += n_rows
        self._column, self._next, self._batch = column, first, (first, [])
        self._rows = self._file.iter_batches(
            _ROWS, row_groups=list(range(group, groups)), columns=[column]
        )

    def close(self) -> None:
        """Close the file."""
        self._rows = iter(())
        self._file.close()
