"""The error of Lemmas 4 and 5 for the loss of a nonlinear model, by mask ratio.

``python figures/taylor_gap.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
