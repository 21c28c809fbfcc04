"""How much of images that it never saw the best linear MAE fills in, by patch size and ratio.

``python figures/mask_ratio_map.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
