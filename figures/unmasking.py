"""Spectra of masked Gaussian fields: true, naive, and unmasked lag by lag or in the gradient.

``python figures/unmasking.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
