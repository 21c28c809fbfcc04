"""The expected spectrum under random masks, exact and without drawing any, beside drawn ones.

``python figures/expected_spectrum.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
