"""W = AB and the encoder A by patch size and mask ratio (the structure of Figs. 20 and 21).

``python figures/patch_size_and_range.py [--data PATH ...] [--out DIR] [--table]``; the upper two
rows are of Ising chains, from their exact second moments; the lower two of 64×64 crops of images,
by default the photographs that come with scikit-image. ``--table`` prints the measures of all
patch sizes and mask ratios instead. Nothing is trained: all is closed form.
"""

import argparse
from pathlib import Path

from spectral_mae import (
    LinearMAE,
    border_energy_share,
    images,
    ising,
    patch_borders,
    plot,
    weight_reach,
)
from spectral_mae.grid import PatchGrid
from spectral_mae.moments import StationaryMoments
from spectral_mae.streams import ImageStream, StreamOptions

SPINS, COUPLING, CHAIN_RANK = 128, 1.5, 32
SIZE, IMAGE_RANK = 64, 128
PIXEL = (36, 36)
FIGURES = {
    "weights_half_hidden": ((16, 0.5), (8, 0.5)),  # Fig. 20
    "weights_extremes": ((16, 0.99), (8, 0.01)),  # Fig. 21
}
MEASURES = {
    "energy at patch borders / even": lambda r: r.border,
    "mean distance, \\|w\\|": lambda r: r.all.mean_distance,
    "mean distance, w²": lambda r: r.squared.mean_distance,
    "mean distance, \\|w\\|, other patches": lambda r: r.others.mean_distance,
    "mean distance, w², other patches": lambda r: r.others_squared.mean_distance,
    "decay length, \\|w\\|": lambda r: r.all.decay_length,
    "decay length, \\|w\\|, other patches": lambda r: r.others.decay_length,
}


class Reaches:
    """All measures of one model."""

    def __init__(self, model):
        fields = list(model.receptive_fields())
        grid = model.moments_.grid
        self.all = weight_reach(fields)
        self.squared = weight_reach(f.squared() for f in fields)
        self.others = weight_reach(f.without_own_patch() for f in fields)
        self.others_squared = weight_reach(f.without_own_patch().squared() for f in fields)
        self.border = border_energy_share(model.encoder(), grid) / patch_borders(grid).mean()


def chain_model(patch_size, mask_ratio):
    moments = ising.chain_moments(SPINS, COUPLING, patch_size, covariance="dense", boundary="open")
    model = LinearMAE(
        patch_size,
        mask_ratio,
        rank=CHAIN_RANK,
        sampling="bernoulli",
        covariance="dense",
    )
    return model.fit_moments(moments)


def image_model(moments, patch_size, mask_ratio):
    model = LinearMAE(
        patch_size, mask_ratio, rank=IMAGE_RANK, sampling="bernoulli", covariance="stationary"
    )
    return model.fit_moments(moments.with_patch_size(patch_size))


def summary(model):
    reach = Reaches(model)
    return (
        f"energy of A at patch borders: {reach.border:.2f} times an even share\n"
        f"mean distance of |w| {reach.all.mean_distance:.1f}, "
        f"of w² {reach.squared.mean_distance:.1f} pixels; "
        f"decay {reach.all.decay_length:.1f}\n"
        f"own patch left out: {reach.others.mean_distance:.1f}, "
        f"{reach.others_squared.mean_distance:.1f}; decay {reach.others.decay_length:.1f}"
    )


def draw(path, settings, moments):
    figure, axes = plot.new_figure(4, 2, width=8.6, height=13.2, height_ratios=(1.0, 0.8, 1.0, 1.0))
    for (patch_size, ratio), column in zip(settings, axes.T, strict=True):
        chain, crops = chain_model(patch_size, ratio), image_model(moments, patch_size, ratio)
        grid = PatchGrid(SPINS, patch_size)
        plot.weight_matrix(chain.weight_matrix(), grid, column[0])
        column[0].set_title(f"p = {patch_size}, {ratio:.0%} hidden\nIsing chain: W = AB")
        plot.weight_matrix(
            chain.encoder().T,
            grid,
            column[1],
            output_label="column of A, by descending eigenvalue",
            outputs_in_patches=False,
        )
        column[1].set_title("Ising chain: encoder A")
        plot.receptive_field(crops.receptive_field(PIXEL), column[2])
        column[2].set_title("photographs: weights of one output pixel")
        plot.encoder_energy(crops.encoder(), crops.moments_.grid, column[3])
        column[3].set_title("photographs: energy of the encoder A")
        column[1].set_xlabel(f"{column[1].get_xlabel()}\n\n{summary(chain)}\n", fontsize="small")
        column[3].set_xlabel(f"\n{summary(crops)}", fontsize="small")
    plot.save(figure, path)


def table(moments):
    for data, make in (
        ("Ising chain", chain_model),
        ("photographs", lambda p, m: image_model(moments, p, m)),
    ):
        ratios = (0.01, 0.5, 0.99)
        reaches = [[Reaches(make(p, m)) for p in (8, 16)] for m in ratios]
        print(f"| {data}, p = 8 → 16 | " + " | ".join(f"{m:.0%} hidden" for m in ratios) + " |")
        print("|---" * (len(ratios) + 1) + "|")
        for name, measure in MEASURES.items():
            pairs = [(measure(small), measure(large)) for small, large in reaches]
            cells = [f"{a:.2f} → {b:.2f}{'' if b > a else ' (falls)'}" for a, b in pairs]
            print(f"| {name} | " + " | ".join(cells) + " |")
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["builtin:"], help="images or folders")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder")
    parser.add_argument("--table", action="store_true", help="print all measures instead")
    arguments = parser.parse_args()
    stream = ImageStream(StreamOptions(SIZE, crops=100))
    moments = StationaryMoments(PatchGrid((SIZE, SIZE), 8))
    for batch in stream.batches(images.find_images(arguments.data).paths):
        moments.update(batch)
    if arguments.table:
        table(moments)
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, settings in FIGURES.items():
        draw(arguments.out / f"{name}.png", settings, moments)


if __name__ == "__main__":
    main()
