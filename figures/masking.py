"""The paper's Fig. 22 in structure: an image, masks of three patch sizes, and their spectra.

``python figures/masking.py [--data PATH] [--out DIR]``; without --data the image is "astronaut",
which comes with scikit-image.
"""

import argparse
from pathlib import Path

from spectral_mae import PatchGrid, PulseMask, images, plot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="builtin:astronaut", help="an image file")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    arguments = parser.parse_args()
    (path,) = images.find_images([arguments.data]).paths
    image = images.resize_and_crop(images.read_image(path), 224).pixels
    masks = [
        PulseMask.random(PatchGrid(image.shape, patch_size), 0.75, rng=0)
        for patch_size in (8, 16, 32)
    ]
    figure, axes = plot.new_figure(2, 7, width=13.0, height=4.3)
    plot.masking(image.clip(0, 1), masks, axes)
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot.save(figure, arguments.out / "masking.png")


if __name__ == "__main__":
    main()
