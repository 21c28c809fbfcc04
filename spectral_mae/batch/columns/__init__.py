"""What the columns of all tables of the commands are, for ``columns.json`` beside them.

- `analysis`: tables of ``analyze``.
- `comparison`: tables of ``compare``, ``audit`` and ``audit-masks``.
- `models`: tables of ``sweep``, ``plan``, ``reconstruct`` and ``train-mae``.
- `spectra`: tables of ``psd``.
- `units`: units, and columns that several tables have.
"""
