"""What linear masked autoencoders do to each frequency that masking hides.

``python figures/band_interpolation.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
