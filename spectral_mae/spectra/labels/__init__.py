"""Names and units of axes: what results carry of them, and arrays of xarray read and written.

- `axis_labels`: `Labels`, and the units of frequency and power that follow from it.
- `columns`: columns of tables of binned spectra, with their units.
- `coordinates`: sampling frequency and labels from the coordinates of an ``xarray.DataArray``.
- `datasets`: results as ``xarray.Dataset`` and back; the only file that imports xarray.
"""
