"""The exact expected spectrum under random masks, beside spectra under drawn masks.

``python figures/expected_spectrum.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
