"""Explained power of the best linear MAE on held-out images, by patch size and mask ratio.

``python figures/mask_ratio_map.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
