"""A small masked autoencoder trained on CIFAR-10, beside the best linear ones of the same masks.

    python -m benchmarks.nonlinear_cifar cifar10.zip --folder runs/cifar [--epochs 12] [--write]

Four fifths of the images train, the rest is held out. Trains (or goes on from the checkpoint in
--folder), then prints tables and draws pictures: losses, what becomes of each frequency, receptive
fields, spectra of Jacobians over the stages of training, Lemmas 4 and 5, probes, how alike layers
are. --write puts them into the docs; pictures go to --folder else.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch

import spectral_mae as sm
from benchmarks import nonlinear_pictures as pictures
from benchmarks import table
from benchmarks.per_mask import PerMask, best_ridge, distance_from_interpolator
from spectral_mae import nonlinear
from spectral_mae.linear.corruption import PatchMasking
from spectral_mae.masks.sampling import sample_kept
from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder
from spectral_mae.theory import lemma_4, lemma_5

PAGE = table.PAGE.with_name("nonlinear.md")
PATCH, MASK_RATIO = 4, 0.75
STAGES = (0, 1, 2, 4, 8)
SHAPE = {"width": 64, "depth": 4, "decoder_depth": 1, "mlp_ratio": 2.0}
VIT, ONE_MAP, PER_MASK = "ViT-MAE", "best linear, one map", "best linear, per mask"


def trained(train, arguments):
    torch.manual_seed(0)
    model = MaskedAutoencoder(MAEConfig.of_size("tiny", train.pixels.shape[1:3], PATCH, **SHAPE))
    config = nonlinear.TrainConfig(
        epochs=arguments.epochs, batch=64, rate=1.5e-3, warmup=0.5, mask_ratio=MASK_RATIO
    )
    history = nonlinear.train(
        model,
        train.pixels,
        config,
        folder=arguments.folder,
        keep=(*STAGES, arguments.epochs),
        resume=True,
        quiet=False,
    )
    return model, history


def moments_of(images: np.ndarray) -> sm.DenseMoments:
    """Of images and their mirror images, as they train."""
    moments = sm.DenseMoments(sm.PatchGrid(images.shape[1:3], PATCH), 3)
    for first in range(0, len(images), 2000):
        part = images[first : first + 2000] / 255.0
        moments.update(np.concatenate([part, part[:, :, ::-1]]), channel_axis=-1)
    return moments


def linear_models(train) -> tuple[sm.LinearMAE, PerMask, str]:
    """The best linear map for all masks, the best for each, and how the latter was chosen."""
    apart = train.pixels[::5]
    others = moments_of(apart)
    moments = moments_of(np.delete(train.pixels, slice(None, None, 5), axis=0))
    images = apart[:: max(1, len(apart) // 500)] / 255.0
    kept = sample_kept(moments.grid.n_patches, MASK_RATIO, len(images), rng=13)
    ridge = best_ridge(moments, images, kept)
    moments.merge(others)
    model = sm.LinearMAE(PATCH, MASK_RATIO, target="hidden", covariance="dense")
    per_mask = PerMask(moments, ridge)
    off = distance_from_interpolator(per_mask, images[:8], kept[:8])
    note = (
        f"Per mask with ν = {ridge:g}, chosen on {len(images)} training images that these moments "
        f"had not seen; `sm.Interpolator` gives the same within {off:.0e} on eight images."
    )
    return model.fit_moments(moments), per_mask, note


def hidden_errors(fills, images, mean, grid, n_draws=2):
    """Squared errors of hidden pixels, by image, under the same masks for all; the power there."""
    rng, squares, power = np.random.default_rng(7), {name: [] for name in fills}, []
    for _ in range(n_draws):
        kept = sample_kept(grid.n_patches, MASK_RATIO, len(images), rng=rng)
        hidden = ~grid.expand(kept)[..., None]
        power.append(np.mean((images - mean) ** 2 * hidden, axis=(1, 2, 3)) / MASK_RATIO)
        for name, fill in fills.items():
            error = (fill(images, kept) - images) ** 2 * hidden
            squares[name].append(np.mean(error, axis=(1, 2, 3)) / MASK_RATIO)
    each = {name: np.mean(values, axis=0) for name, values in squares.items()}
    return each, float(np.mean(power))


def pixel_of(grid) -> tuple[int, int]:
    """An output pixel in the middle."""
    return grid.shape[0] // 2 + 1, grid.shape[1] // 2 + 1


def mean_field(model, images, grid, masks):
    """Mean Jacobian of an output pixel over images and masks that hide it."""
    pixel = pixel_of(grid)
    columns = grid.counts[1]
    own = pixel[0] // PATCH * columns + pixel[1] // PATCH
    rng = np.random.default_rng(3)
    points = []
    for image in images:
        kept = sample_kept(grid.n_patches, MASK_RATIO, 4 * masks, rng=rng)
        for one in kept[~kept[:, own]][:masks]:
            tensor = torch.from_numpy(np.moveaxis(image, -1, 0).copy()).float()
            points.append((nonlinear.with_mask(model, one), tensor))
    return nonlinear.mean_receptive_field(points, grid, pixel, channel=1)


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
    parser.add_argument("--write", action="store_true", help="put all into the docs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = nonlinear.read_labelled([arguments.archive])
    report(data, arguments)


def report(data, arguments) -> None:
    train, held_out = data.split(0.2, 0)
    model, history = trained(train, arguments)
    # Archives are in the order of classes: the first images held out are all of one.
    order = np.random.default_rng(1).permutation(len(held_out))
    sample = held_out.pixels[order[:4000]]
    stages = {
        epoch: nonlinear.load_checkpoint(arguments.folder / f"epoch-{epoch:04d}.pt")
        for epoch in (*(one for one in STAGES if one < arguments.epochs), arguments.epochs)
    }
    folder = PAGE.parent if arguments.write else arguments.folder

    def say(name: str, text: str) -> None:
        print(f"{text}\n", flush=True)
        if arguments.write:
            table.write(name, text, PAGE)

    say("scale", scale_of(model, train, history))
    linear, per_mask, note = linear_models(train)
    fills = {
        VIT: nonlinear.filler(model),
        ONE_MAP: nonlinear.filler(linear),
        PER_MASK: per_mask,
    }
    test = sample / 255.0
    seen = train.pixels[:: max(1, len(train) // 1000)] / 255.0
    text, errors = hidden_pixels(fills, test, seen, linear)
    say("hidden", f"{text} {note}")
    responses = {
        name: nonlinear.measured_response(
            fill, test[:1500], model.grid, MASK_RATIO, mean=linear.mean_, n_draws=3,
            target="hidden", rng=11,
        ).radial()
        for name, fill in fills.items()
    }  # fmt: skip
    say("frequencies", frequencies(responses))
    pictures.power(folder / "nonlinear_power.png", responses)
    jacobians = jacobians_of(model, linear, stages, test)
    say("jacobians", fields_table(jacobians.fields))
    pictures.overview(
        folder / "nonlinear_cifar.png", losses(history, stages, sample), errors, responses,
        jacobians, model.pixel_std,
    )  # fmt: skip
    say("lemmas", lemmas(model, test[:4] - linear.mean_, linear.mean_))
    found = probes(stages, train, held_out)
    say("probes", probe_table(found))
    alike = {
        other: nonlinear.layer_similarity(model, stages[other], sample[:512], batch=64)
        for other in (arguments.epochs, 0)
    }
    say("layers", "\n\n".join(similarity_table(*one) for one in alike.items()))
    pictures.layers(folder / "nonlinear_layers.png", alike, found)


def scale_of(model, train, history) -> str:
    count = sum(p.numel() for p in model.parameters())
    last = history.rows[-1]
    return (
        f"{count:,} parameters; {last['epoch']:.0f} epochs of {len(train):,} images, "
        f"{last['step']:,.0f} steps of 64, {last['seconds']:.0f} s on one thread of a CPU."
    )


def losses(history, stages, sample) -> dict[str, list[float]]:
    """Losses by epoch; on images held out where a model was kept."""
    held_out = [float("nan")] * len(history.rows)
    for epoch, stage in stages.items():
        if epoch:
            held_out[epoch - 1] = nonlinear.evaluate(stage, sample, MASK_RATIO)
    return history.to_dict() | {"held_out": held_out}


def hidden_pixels(fills, test, seen, linear) -> tuple[str, dict[str, float]]:
    """Errors of hidden pixels held out, and those of images that trained."""
    grid = linear.moments_.grid
    each, power = hidden_errors(fills, test, linear.mean_, grid)
    trained_on, _ = hidden_errors(fills, seen, linear.mean_, grid)
    rows = [
        (name, f"{pm(values, 6)}", f"{1 - values.mean() / power:.4f}",
         f"{pm(trained_on[name], 6)}")
        for name, values in each.items()
    ]  # fmt: skip
    pairs = ((VIT, ONE_MAP), (PER_MASK, ONE_MAP), (VIT, PER_MASK))
    steps = "; ".join(
        f"{one} − {other} {pm(each[one] - each[other], 5)} "
        f"(ratio {each[one].mean() / each[other].mean():.3f})"
        for one, other in pairs
    )
    about = np.sum((test - linear.mean_) ** 2) / test.size
    exact = (1 - linear.score(test)) * about
    header = (
        "hidden pixels", f"mean squared error, {len(test):,} images held out", "explained",
        f"error, {len(seen):,} images that trained",
    )  # fmt: skip
    text = (
        f"{table.markdown(header, rows)}\n\nDifferences over the same images and masks: {steps}. "
        f"One map, exactly over all masks: {exact:.6f}."
    )
    return text, {name: float(values.mean()) for name, values in each.items()}


def pm(values: np.ndarray, digits: int) -> str:
    """A mean and its standard error."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def frequencies(responses) -> str:
    header = ("cycles/pixel", *(f"explained: {name}" for name in responses),
              *(f"gain: {name}" for name in responses))  # fmt: skip
    rings = list(responses.values())
    rows = [
        (f"{frequency:.3f}", *(f"{r.explained[i]:.3f}".replace("-", "−") for r in rings),
         *(f"{r.gain[i]:.3f}" for r in rings))
        for i, frequency in enumerate(rings[0].frequency)
    ]  # fmt: skip
    return table.markdown(header, rows)


def jacobians_of(model, linear, stages, test) -> pictures.Jacobians:
    grid = model.grid
    kept = sample_kept(grid.n_patches, MASK_RATIO, 1, rng=5)[0]
    spectra = {
        f"epoch {epoch}": spectrum_under(stage, test[0], kept) for epoch, stage in stages.items()
    }
    shown = np.repeat(grid.expand(kept).ravel(), 3)
    spectra[ONE_MAP] = nonlinear.singular_values(linear.weight_matrix()[shown])
    closed = linear.receptive_field(pixel_of(grid), channel=1)
    factor = PatchMasking(sm.designs.fixed(grid, MASK_RATIO)).mix_given_hidden.mu
    closed = sm.ReceptiveField(factor * closed.weights, grid, pixel_of(grid), periodic=False)
    fields = {VIT: mean_field(model, test[:100], grid, 2), ONE_MAP: closed}
    return pictures.Jacobians(spectra, fields)


def fields_table(fields) -> str:
    header = ("", "mean distance (pixels)", "decay length", "entropy", "Σ\\|w\\|")
    rows = [
        (name, f"{field.mean_distance:.2f}", f"{field.decay_length:.2f}", f"{field.entropy:.2f}",
         f"{np.abs(field.weights).sum():.2f}")
        for name, field in fields.items()
    ]  # fmt: skip
    return table.markdown(header, rows)


def lemmas(model, centred, mean) -> str:
    """Both lemmas about the mean image; Lemma 4 has no derivative where hidden patches are left
    out: its empty image shows nothing.
    """
    rows = []
    for lemma, drop in ((lemma_4, False), (lemma_5, False), (lemma_5, True)):
        function = nonlinear.AboutMean(model, mean, drop_empty=drop)
        sides = lemma(
            function, centred, PATCH, MASK_RATIO, jacobian=function.jacobian,
            channel_axis=-1, n_draws=200, rng=0,
        )  # fmt: skip
        sees = "visible patches only, as in training" if drop else "every patch, hidden as the mean"
        terms = ", ".join(f"{name} {value:.1f}" for name, value in sides.terms.items())
        rows.append(
            (sides.name, sees, f"{sides.drawn:.1f} ± {sides.stderr:.1f}",
             f"{sides.formula:.1f} ({terms})", f"{sides.difference:.1f}".replace("-", "−"),
             f"{sides.difference / sides.drawn:.1%}".replace("-", "−"))
        )  # fmt: skip
    header = ("", "the transformer sees", "expected loss", "its linearisation (terms)", "gap",
              "of the loss")  # fmt: skip
    power = np.sum(centred**2) / len(centred)
    text = table.markdown(header, rows)
    return f"{text}\n\nAn output of the mean image would have a loss of {power:.1f}."


def probes(stages, train, held_out) -> dict[str, Any]:
    fit, test = train.subset(slice(0, None, 8)), held_out.subset(slice(0, None, 2))
    given = {
        f"epoch {epoch}": [nonlinear.features_of(s, d.pixels) for d in (fit, test)]
        for epoch, s in stages.items()
    }
    given["raw pixels"] = [nonlinear.pixel_features(d.pixels) for d in (fit, test)]
    return {
        name: nonlinear.linear_probe(x, fit.labels, y, test.labels)
        for name, (x, y) in given.items()
    }


def probe_table(found) -> str:
    rows = [
        (name, str(one.n_features), f"{one.penalty:g}", f"{one.accuracy:.3f} ± {one.stderr:.3f}")
        for name, one in found.items()
    ]
    return table.markdown(("features", "n", "penalty", "accuracy"), rows)


def similarity_table(epoch, values) -> str:
    names = ["embedding", *(f"block {i}" for i in range(1, len(values)))]
    rows = [(name, *(f"{v:.3f}" for v in row)) for name, row in zip(names, values, strict=True)]
    return table.markdown((f"CKA, against epoch {epoch}", *names), rows)


if __name__ == "__main__":
    main()
