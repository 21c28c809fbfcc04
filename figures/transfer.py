"""Transfer functions of linear MAE, DAE and AE on one axis.

``python figures/transfer.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
