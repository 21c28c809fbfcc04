"""Which mask hides what: seven designs that hide 75 % of the patches.

``python figures/mask_designs.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
