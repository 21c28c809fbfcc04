"""``spectral-mae psd``: power spectra of images, of sets of them, and of what masks show.

- `command`: which spectra are asked for; those of one image.
- `masked`: an image under a mask, or with missing pixels.
- `sets`: several images or folders: mean spectra, bands and slopes.
- `tables`: spectra as tables, and as data.
"""
