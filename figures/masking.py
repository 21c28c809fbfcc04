"""An image, masks of patches of 8, 16 and 32 pixels with 75 % hidden, and their power spectra.

``python figures/masking.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
