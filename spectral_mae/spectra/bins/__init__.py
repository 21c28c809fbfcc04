"""Sums and means of power over bins of frequencies, such as rings and sectors.

- `annulus`: sums of power over annuli of frequencies.
- `binning`: means over bins of frequencies, prepared once and used for many spectra.
- `power_sums`: power of transforms that are in a workspace, and its sums over bins.
"""
