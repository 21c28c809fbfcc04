"""What results offer beside their numbers: pictures, tables, and what a notebook shows of them.

- `pictured`: `Pictured` and `PicturedInPanels`, results with ``plot()``; the only file that asks
  `plot` by its name.
- `tabled`: `Tabled`, results with ``to_dataframe()``; the only file that imports pandas.
"""
