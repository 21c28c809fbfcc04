"""What linear masked autoencoders do to each frequency that masking hides.

``python figures/band_interpolation.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
