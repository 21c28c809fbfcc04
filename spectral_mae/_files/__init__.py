"""Files that this package writes.

A file is complete or absent, can be recognised as made by this package, and never replaces an
input.

- `array_file`: named arrays in npz files, without pickles.
- `atomic_file`: files written under another name, synced to disk and renamed.
- `column_notes`: what the columns of tables are and their units: ``columns.json``.
- `columns`: result objects as plain numbers, and as columns of CSV files.
- `made_here`: the mark by which pictures and tables of this package are recognised.
- `output_files`: checks on the files that a command is about to write.
- `parquet_table`: tables as Parquet files.
"""
