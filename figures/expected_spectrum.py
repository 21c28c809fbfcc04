"""The exact expected spectrum under random masks, beside spectra under drawn masks.

``python figures/expected_spectrum.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
