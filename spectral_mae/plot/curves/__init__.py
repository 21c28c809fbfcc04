"""Radial spectra as curves on logarithmic axes.

- `axes`: the axes of all of them: ticks at octaves, a second axis of periods, slopes to compare.
- `bands`: the line and the band of a spectrum, or of a batch of them.
- `lines`: `radial`, one spectrum or several data sets, with bands and fitted slopes.
- `masked`: spectra of masked images: as they are, expected, and estimated without the mask.
- `panels`: panels of pages, each drawn once for a file of its own and for that of all.
- `ratios`: ratios of spectra, alone and as a panel below the spectra.
- `sets`: `summary` and `slopes`, of sets of images.
- `strips`: legends and titles as strips above pictures of pages.
"""
