"""W = AB and the encoder A for patches of 16 and of 8 pixels, half of them hidden (Bernoulli).

``python figures/weights_half_hidden.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.cli.figures import script

if __name__ == "__main__":
    script(__file__)
