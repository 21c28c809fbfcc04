"""What Lemmas 4 and 5 miss of a nonlinear model's loss, by mask ratio.

``python figures/taylor_gap.py [--data PATH ...] [--out DIR]``
``--help`` tells what it shows.
"""

from spectral_mae.plot import gallery

if __name__ == "__main__":
    gallery.script(__file__)
