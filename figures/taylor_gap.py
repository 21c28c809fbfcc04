"""Where Lemmas 4 and 5 break: what they miss of a nonlinear model's loss, by mask ratio.

``python figures/taylor_gap.py [--data PATH ...] [--out DIR]``; 12×12 crops of images, by default
the photographs that come with scikit-image, in nine patches, all 512 masks. The model is the best
linear masked autoencoder of rank 8 (75 % hidden) with a code that saturates, tanh(s·code)/s.
"""

import argparse
from pathlib import Path

import numpy as np

from spectral_mae import LinearMAE, images, plot, theory
from spectral_mae.streams import ImageStream, StreamOptions

SIZE, PATCH, RANK = 12, 4, 8
RATIOS = (0.01, 0.05, *np.arange(0.1, 0.95, 0.1).round(1).tolist(), 0.95, 0.99)
STRENGTHS = {"weak": 0.25, "strong": 1.0}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["builtin:"], help="images or folders")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    arguments = parser.parse_args()
    stream = ImageStream(StreamOptions(SIZE, crops=20))
    crops = np.concatenate(list(stream.batches(images.find_images(arguments.data).paths)))
    crops = crops - crops.mean(axis=0)
    model = LinearMAE(
        PATCH, 0.75, rank=RANK, sampling="bernoulli", covariance="dense", center=False
    ).fit(crops)
    code = np.tensordot(crops, model.encoder(), axes=([1, 2], [1, 2]))
    scale = code.std(axis=0)[:, np.newaxis, np.newaxis]
    figure, axes = plot.new_figure(1, 2, width=9.6, height=3.6)
    for (name, strength), axis in zip(STRENGTHS.items(), axes[0], strict=True):
        network = theory.TanhNetwork(model.encoder() / scale, model.decoder() * scale, strength)
        curves = {
            lemma.__name__.replace("_", " ").capitalize(): theory.gap_by_mask_ratio(
                lemma,
                network,
                crops[::10],
                PATCH,
                RATIOS,
                jacobian=network.jacobian,
                sampling="bernoulli",
                masks=1,
                rng=0,
            )
            for lemma in (theory.lemma_4, theory.lemma_5)
        }
        plot.gap(curves, axis)
        axis.set_title(f"{name}: code of {strength:g} where tanh bends at 1")
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot.save(figure, arguments.out / "taylor_gap.png")


if __name__ == "__main__":
    main()
