"""What one output pixel looks at: linear MAE, DAE and AE side by side (the structure of Fig. 13C).

``python figures/receptive_fields.py [--data PATH ...] [--out DIR]``; without --data 64×64 crops of
the photographs that come with scikit-image. No training: each field is a closed form.
"""

import argparse
from pathlib import Path

from spectral_mae import LinearAE, LinearDAE, LinearMAE, images, plot
from spectral_mae.grid import PatchGrid
from spectral_mae.moments import StationaryMoments
from spectral_mae.streams import ImageStream, StreamOptions

SIZE, PATCH = 64, 8
PIXEL = (35, 35)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["builtin:"], help="images or folders")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    arguments = parser.parse_args()
    stream = ImageStream(StreamOptions(SIZE, crops=100))
    moments = StationaryMoments(PatchGrid((SIZE, SIZE), PATCH))
    for batch in stream.batches(images.find_images(arguments.data).paths):
        moments.update(batch)

    def field(model):
        return model.fit_moments(moments).receptive_field(PIXEL)

    stationary = {"covariance": "stationary"}
    rows = {
        "masked (MAE)": {
            f"{m:.0%} hidden": field(LinearMAE(PATCH, m, **stationary))
            for m in (0.25, 0.5, 0.75, 0.9)
        },
        "denoising (DAE)": {
            f"noise {sigma:g}": field(LinearDAE(PATCH, sigma, **stationary))
            for sigma in (0.03, 0.1, 0.3, 1.0)
        },
        "bottleneck (AE)": {
            f"rank {rank}": field(LinearAE(PATCH, rank, **stationary))
            for rank in (1024, 256, 64, 16)
        },
    }
    figure, axes = plot.new_figure(3, 4, width=8.6, height=6.2)
    plot.receptive_fields(rows, axes, log=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot.save(figure, arguments.out / "receptive_fields.png")


if __name__ == "__main__":
    main()
