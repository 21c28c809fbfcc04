"""What linear masked autoencoders make of each frequency, beside denoising ones.

``python figures/band_interpolation.py [--data PATH ...] [--out DIR]``; without --data 128×128
crops of the photographs that come with scikit-image. Left: how much a model explains when patches
of 8 pixels are hidden, by mask ratio. Middle: where it comes from at 75 %. Right: the patch grid at
a random offset turns the model into one filter per frequency, beside the Wiener filter of white
noise.
"""

import argparse
from pathlib import Path

from spectral_mae import LinearDAE, LinearMAE, StationaryMoments, images, plot
from spectral_mae.grid import PatchGrid
from spectral_mae.streams import ImageStream, StreamOptions

SIZE, PATCH = 128, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["builtin:"], help="images or folders")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    arguments = parser.parse_args()
    stream = ImageStream(StreamOptions(SIZE, crops=50))
    moments = StationaryMoments(PatchGrid((SIZE, SIZE), PATCH))
    for batch in stream.batches(images.find_images(arguments.data).paths):
        moments.update(batch)

    def response(model):
        return model.fit_moments(moments).frequency_response().radial()

    def masked(ratio, **options):
        return response(LinearMAE(PATCH, ratio, covariance="stationary", **options))

    figure, axes = plot.new_figure(1, 3, width=13.0, height=3.9)
    by_ratio = {f"{m:.0%} hidden": masked(m) for m in (0.25, 0.5, 0.75, 0.9)}
    plot.response(by_ratio, axes[0, 0], curves=["explained"])
    axes[0, 0].set_title(f"linear MAE, patches of {PATCH} px")
    plot.response(by_ratio["75% hidden"], axes[0, 1])
    axes[0, 1].set_title("75% hidden: where it comes from")
    filters = {
        "MAE, 75% hidden": by_ratio["75% hidden"],
        "MAE, random offset": masked(0.75, random_offset=True),
        "DAE, noise 0.1": response(LinearDAE(PATCH, 0.1, covariance="stationary")),
        "DAE, noise 0.3": response(LinearDAE(PATCH, 0.3, covariance="stationary")),
    }
    plot.response(filters, axes[0, 2], curves=["gain"])
    axes[0, 2].set_title("masking against white noise")
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot.save(figure, arguments.out / "band_interpolation.png")


if __name__ == "__main__":
    main()
