"""A small masked autoencoder trained on CIFAR-10, beside the best linear one of the same masks.

    python -m benchmarks.nonlinear_cifar cifar10.zip --folder runs/cifar [--epochs 12]

Four fifths of the images train, the rest is held out. Trains (or goes on from the checkpoint in
--folder), then prints tables, and draws --figure: losses, what becomes of each frequency, receptive
fields, spectra of Jacobians over the stages of training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

import spectral_mae as sm
from spectral_mae import nonlinear, plot
from spectral_mae.corruption import PatchMasking
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder
from spectral_mae.sampling import sample_kept
from spectral_mae.theory import lemma_5

PATCH, MASK_RATIO, PIXEL = 4, 0.75, (17, 17)
STAGES = (0, 1, 2, 4, 8)
SHAPE = {"width": 64, "depth": 4, "decoder_depth": 1, "mlp_ratio": 2.0}


def trained(train, held_out, arguments):
    torch.manual_seed(0)
    model = MaskedAutoencoder(MAEConfig.of_size("tiny", (32, 32), PATCH, **SHAPE))
    config = nonlinear.TrainConfig(
        epochs=arguments.epochs, batch=64, rate=1.5e-3, warmup=0.5, mask_ratio=MASK_RATIO
    )
    history = nonlinear.train(
        model,
        train.pixels,
        config,
        held_out=held_out.pixels[:2000],
        folder=arguments.folder,
        keep=(*STAGES, arguments.epochs),
        resume=True,
        quiet=False,
    )
    return model, history


def linear_optimum(train):
    """The best linear MAE of hidden patches: of the training images and their mirror images."""
    moments = sm.DenseMoments(sm.PatchGrid((32, 32), PATCH), 3)
    for first in range(0, len(train), 2000):
        images = train.pixels[first : first + 2000] / 255.0
        moments.update(np.concatenate([images, images[:, :, ::-1]]))
    model = sm.LinearMAE(PATCH, MASK_RATIO, target="hidden", covariance="dense")
    return model.fit_moments(moments)


def hidden_errors(fills, images, mean, grid, draws=2):
    """Mean squared error of hidden pixels of each model under the same masks, and its error bar."""
    rng, squares, power = np.random.default_rng(7), {name: [] for name in fills}, []
    for _ in range(draws):
        kept = sample_kept(grid.n_patches, MASK_RATIO, len(images), rng=rng)
        hidden = ~grid.expand(kept)[..., None]
        power.append(np.mean((images - mean) ** 2 * hidden, axis=(1, 2, 3)) / MASK_RATIO)
        for name, fill in fills.items():
            error = (fill(images, kept) - images) ** 2 * hidden
            squares[name].append(np.mean(error, axis=(1, 2, 3)) / MASK_RATIO)
    each = {name: np.mean(values, axis=0) for name, values in squares.items()}
    return each, float(np.mean(power))


def mean_field(model, images, grid, masks):
    """Mean Jacobian of an output pixel over images and masks that hide it."""
    columns = grid.counts[1]
    own = PIXEL[0] // PATCH * columns + PIXEL[1] // PATCH
    rng = np.random.default_rng(3)
    points = []
    for image in images:
        kept = sample_kept(grid.n_patches, MASK_RATIO, 4 * masks, rng=rng)
        for one in kept[~kept[:, own]][:masks]:
            tensor = torch.from_numpy(np.moveaxis(image, -1, 0).copy()).float()
            points.append((nonlinear.with_mask(model, one), tensor))
    return nonlinear.mean_receptive_field(points, grid, PIXEL, channel=1)


def spectrum_under(model, image, kept):
    """Singular values of the Jacobian at one masked image."""
    tensor = torch.from_numpy(np.moveaxis(image, -1, 0).copy()).float()
    matrix = nonlinear.jacobian_matrix(nonlinear.with_mask(model, kept), tensor)
    seen = np.abs(matrix).sum(0) > 0
    return nonlinear.singular_values(matrix[:, seen])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--figure", type=Path, default=Path("docs/nonlinear_cifar.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    report(nonlinear.read_labelled([arguments.archive], quiet=False), arguments)


def report(data, arguments) -> None:
    train, held_out = data.split(0.2, 0)
    model, history = trained(train, held_out, arguments)
    grid = model.grid
    stages = {
        epoch: nonlinear.load_model(arguments.folder / f"epoch-{epoch:04d}.pt")
        for epoch in (*STAGES, arguments.epochs)
    }
    linear = linear_optimum(train)
    test = held_out.pixels[:4000] / 255.0
    fills = {"ViT-MAE": nonlinear.filler(model), "linear": nonlinear.filler(linear)}
    each, power = hidden_errors(fills, test, linear.mean_, grid)
    count = sum(p.numel() for p in model.parameters())
    last = history.rows[-1]
    print(f"{count} parameters, {len(train)} images, {last['step']:.0f} steps of 64 images, "
          f"{last['seconds']:.0f} s\n")  # fmt: skip
    print("| hidden pixels of images held out | mean squared error | explained |")
    print("|---|---|---|")
    for name, values in each.items():
        mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        print(f"| {name} | {mean:.6f} ± {error:.6f} | {1 - mean / power:.4f} |")
    ratio = each["ViT-MAE"].mean() / each["linear"].mean()
    difference = each["ViT-MAE"] - each["linear"]
    spread = difference.std(ddof=1) / np.sqrt(len(difference))
    print(f"\nViT-MAE over linear: {ratio:.4f}; difference {difference.mean():.6f} ± {spread:.6f}")
    exact = (1 - linear.score(test)) * np.sum((test - linear.mean_) ** 2) / len(test) / test[0].size
    fitted = linear.loss_ / (MASK_RATIO * test[0].size)
    print(f"linear, exactly over all masks: {exact:.6f}; of its training images {fitted:.6f}\n")

    some, rng = test[:1500], 11
    responses = {
        name: nonlinear.measured_response(
            fill, some, grid, MASK_RATIO, mean=linear.mean_, draws=3, target="hidden", rng=rng
        ).radial()
        for name, fill in fills.items()
    }
    print("| frequency | " + " | ".join(f"explained, gain: {name}" for name in responses) + " |")
    print("|---|---|---|")
    for i, frequency in enumerate(responses["linear"].frequency):
        cells = [f"{r.explained[i]:.3f}, {r.gain[i]:.3f}" for r in responses.values()]
        print(f"| {frequency:.3f} | {cells[0]} | {cells[1]} |")

    kept = sample_kept(grid.n_patches, MASK_RATIO, 1, rng=5)[0]
    spectra = {
        f"epoch {epoch}": spectrum_under(stage, test[0], kept) for epoch, stage in stages.items()
    }
    shown = np.repeat(grid.expand(kept).ravel(), 3)
    spectra["linear"] = nonlinear.singular_values(linear.weight_matrix()[shown])
    found = mean_field(model, test[:100], grid, 2)
    closed = linear.receptive_field(PIXEL, channel=1)
    factor = PatchMasking(grid.n_patches, MASK_RATIO).mix_given_hidden.mu
    closed = sm.ReceptiveField(factor * closed.weights, grid, PIXEL, periodic=False)
    print("\n| mean Jacobian of a hidden pixel | mean distance | decay length | entropy | Σ|w| |")
    print("|---|---|---|---|---|")
    for name, field in (("ViT-MAE", found), ("linear", closed)):
        print(f"| {name} | {field.mean_distance:.2f} | {field.decay_length:.2f} "
              f"| {field.entropy:.2f} | {np.abs(field.weights).sum():.3f} |")  # fmt: skip
    print(flush=True)

    centred = test[:3] - linear.mean_
    print("| Lemma 5 on three images | expected loss, drawn | its linearisation | gap |")
    print("|---|---|---|---|")
    for name, drop in (("hidden patches dropped", True), ("hidden patches seen as mean", False)):
        function = nonlinear.AboutMean(model, linear.mean_, drop_empty=drop)
        sides = lemma_5(
            function, centred, PATCH, MASK_RATIO, jacobian=function.jacobian,
            channel_axis=-1, masks=200, rng=0,
        )  # fmt: skip
        print(f"| {name} | {sides.drawn:.3f} ± {sides.stderr:.3f} | {sides.formula:.3f} "
              f"| {sides.drawn - sides.formula:.3f} |")  # fmt: skip
    print(flush=True)
    draw(arguments.figure, history, each, power, responses, spectra, found, closed, model)
    probes(stages, train, held_out)
    alike(stages, held_out)


def probes(stages, train, held_out) -> None:
    fit, test = train.subset(slice(0, None, 8)), held_out.subset(slice(0, None, 2))
    print("| linear probe, 5,000 images fitted, 5,000 tested | features | penalty | accuracy |")
    print("|---|---|---|---|")
    rows = {
        f"ViT-MAE, epoch {epoch}": [nonlinear.features_of(s, d.pixels) for d in (fit, test)]
        for epoch, s in stages.items()
    }
    rows["raw pixels"] = [nonlinear.pixel_features(d.pixels) for d in (fit, test)]
    for name, (x, y) in rows.items():
        one = nonlinear.linear_probe(x, fit.labels, y, test.labels)
        print(f"| {name} | {one.n_features} | {one.penalty:g} | {one.accuracy:.4f} ± "
              f"{one.stderr:.4f} |", flush=True)  # fmt: skip


def alike(stages, held_out) -> None:
    names = list(stages)
    for other in (names[-1], names[0]):
        table = nonlinear.layer_similarity(
            stages[names[-1]], stages[other], held_out.pixels[:512], batch=64
        )
        print(f"\nCKA of layers, epoch {names[-1]} (rows) against epoch {other}")
        print("\n".join(" ".join(f"{v:6.3f}" for v in row) for row in table), flush=True)


def draw(path, history, each, power, responses, spectra, found, closed, model) -> None:
    figure, axes = plot.new_figure(2, 3, width=12.5, height=7.6)
    scale = float((model.pixel_std**2).mean())
    lines = {"best linear, hidden pixels": each["linear"].mean() / scale}
    plot.training(history.to_dict(), axes[0, 0], lines=lines)
    axes[0, 0].set_title("loss of hidden pixels")
    plot.response(responses, axes[0, 1], curves=("explained", "gain"))
    axes[0, 1].set_title("hidden pixels, by frequency")
    with plot.style():
        for name, values in spectra.items():
            colour = {"color": "black", "linestyle": "dashed"} if name == "linear" else {}
            axes[0, 2].plot(np.arange(1, len(values) + 1), values, label=name, **colour)
        axes[0, 2].set(xscale="log", yscale="log", ylim=(1e-4, None), xlabel="place")
        axes[0, 2].set(ylabel="singular value", title="Jacobian at one masked image")
        axes[0, 2].legend()
    for ax, name, field in ((axes[1, 0], "ViT-MAE", found), (axes[1, 1], "linear", closed)):
        plot.receptive_field(field, ax, log=True)
        ax.set_title(f"mean weights of a hidden pixel: {name}")
    plot.weight_by_distance({"ViT-MAE": found, "linear": closed}, axes[1, 2])
    axes[1, 2].set_title("the same against distance")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot.save(figure, path)


if __name__ == "__main__":
    main()
