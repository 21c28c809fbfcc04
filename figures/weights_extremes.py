"""W = AB and the encoder A for p = 16 with 99 % hidden, and p = 8 with 1 % hidden (Bernoulli).

``python figures/weights_extremes.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
