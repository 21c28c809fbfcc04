"""Transfer functions of linear MAE, DAE and AE on one axis.

``python figures/transfer.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
