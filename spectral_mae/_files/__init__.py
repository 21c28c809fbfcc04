"""Files that this package writes: whole or not there, known again, never over what was read.

- `array_file`: arrays by name in npz files, without pickles.
- `atomic_file`: files that are whole or not there: written under another name, synced, renamed.
- `columns`: result objects as plain numbers, and as the columns of a table.
- `made_here`: the mark by which pictures and tables of this package are known again.
- `output_files`: files that a command is about to write, and what they must not replace.
"""
