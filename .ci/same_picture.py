"""Exit 1 unless two PNGs show the same picture.

Another version of matplotlib or FreeType may draw letters a little differently, so a small mean
difference passes; another curve or image does not.
"""

import sys

import numpy as np
from PIL import Image

TOLERANCE = 4.0  # mean absolute difference, of 255


def main() -> int:
    made, committed = (np.asarray(Image.open(p).convert("RGB"), float) for p in sys.argv[1:3])
    if made.shape != committed.shape:
        print(f"{sys.argv[1]}: size {made.shape} is not {committed.shape}")
        return 1
    difference = float(np.abs(made - committed).mean())
    print(f"{sys.argv[1]}: mean difference {difference:.3g} of 255")
    return int(difference > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
