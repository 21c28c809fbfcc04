"""Receptive fields of one output pixel: linear MAE, DAE and AE side by side.

``python figures/receptive_fields.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
