"""Plans beside trainings: does the predicted difficulty rank trained masked autoencoders?

    python -m benchmarks.plan_evidence cifar10.zip --folder runs/evidence [--scale cpu] [--write]

Trains a tiny masked autoencoder for each set of images, design of masks, patch size and seed, and
measures its error on hidden pixels of images held out, in all and by octave, and the accuracy of a
linear probe. `sm.plan` predicts the error from the training images. Everything that was measured
stays in --folder: an interrupted run goes on where it was, and a complete one writes tables and
pictures anew in seconds. A GPU is used where there is one; `--scale gpu` is meant for it. --report
uses what was trained up to now. --write puts tables and picture into the docs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import spectral_mae as sm
from benchmarks import table
from benchmarks.kept import Kept
from benchmarks.plan_comparison import Comparison, Setting
from benchmarks.plan_pictures import draw
from benchmarks.plan_trainings import (
    SCALES,
    Images,
    Scale,
    Trained,
    Training,
    images_of,
    trainings,
)
from spectral_mae import nonlinear
from spectral_mae._checks import FloatArray
from spectral_mae.batch import RunOptions
from spectral_mae.nonlinear.evaluation.maps import Filler
from spectral_mae.nonlinear.training import units_of
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.octave_power import OctavePower
from spectral_mae.spectra.octaves import octave_names

PAGE = table.PAGE.with_name("planning.md")
PICTURE = "plan_evidence.png"
DATA = ("cifar10", "textures")
MASKS = 7  # seed of the masks that trained models are scored under
PART = 500  # images at once


def hidden_errors(
    fill: Filler, images: FloatArray, design: sm.MaskDesign, mean: FloatArray | float
) -> ErrorSums:
    """Error of hidden pixels of each image under a mask of its own, and their power about a mean.

    As the plan has it: images are zero on visible pixels, and octaves are those of what is left.
    """
    grid, channels = design.grid, images.shape[3] if images.ndim == 4 else 1
    axis = -1 if images.ndim == 4 else None
    power_of = OctavePower(grid, channels)
    generator = np.random.default_rng(MASKS)
    error, power = [], []
    for first in range(0, len(images), PART):
        part = images[first : first + PART]
        kept = design.sample_kept(len(part), generator)
        hidden = ~kept[:, :, np.newaxis]
        for found, values in ((error, part - fill(part, kept)), (power, part - mean)):
            found.append(power_of(grid.to_patches(values, channel_axis=axis) * hidden))
    return ErrorSums.by_octave(np.concatenate(error), np.concatenate(power))


def measured_error(trained: Trained, one: Training) -> dict[str, Any]:
    """Sums of errors of a trained model over the images held out."""
    _, test = trained.images[one.data]
    model = trained.model(one)
    means = units_of(test.pixels)[0]
    design = sm.designs.parse(one.design).on(model.grid)
    mean = means if len(means) > 1 else means[0]
    return {"sums": hidden_errors(nonlinear.filler(model), test.unit, design, mean).to_dict()}


def predictions(images: Images, scale: Scale) -> dict[str, Any]:
    """What a plan from the training images predicts under drawn masks, by setting."""
    plan = sm.plan(
        images[0].unit, list(scale.patch_sizes), designs=list(scale.designs),
        color=images[0].pixels.shape[3] > 1, run=RunOptions(jobs=1, quiet=True),
    )  # fmt: skip
    found = {}
    for one in plan.settings:
        assert one.drawn is not None  # some of the designs are not uniform
        name = f"{one.patch_size} {one.design}"
        found[name] = {"hidden": one.hidden, "sums": one.drawn.to_dict()}
    return found


def settings_of(trained: Trained, ready: Sequence[Training]) -> list[Setting]:
    """Settings in which something was trained, with all that is measured of them."""
    kept = Kept(trained.folder / "errors.json", trained.settings)
    groups: dict[tuple[str, int, str], list[Training]] = {}
    for one in ready:
        groups.setdefault((one.data, one.patch_size, one.design), []).append(one)
    found = []
    for (data, patch_size, design), group in groups.items():
        plan = kept.get(
            f"plan of {data}", lambda data=data: predictions(trained.images[data], trained.scale)
        )[f"{patch_size} {design}"]
        errors = [kept.get(one.name, lambda one=one: measured_error(trained, one)) for one in group]
        found.append(
            Setting(
                data, patch_size, design, plan["hidden"], ErrorSums.from_dict(plan["sums"]),
                [ErrorSums.from_dict(one["sums"]) for one in errors],
                [trained.row(one) for one in group],
            )
        )  # fmt: skip
    return found


def scale_text(settings: Sequence[Setting], trained: Trained) -> str:
    """What was trained, in a few sentences."""
    rows = [row for one in settings for row in one.rows]
    scale = trained.scale
    parameters = [row["parameters"] for row in rows]
    seconds = sum(row["training_seconds"] for row in rows)
    return (
        f"{len(rows)} trainings of {len(settings)} settings: encoders of {scale.model['depth']} "
        f"blocks of width {scale.model['width']}, {min(parameters):,} to {max(parameters):,} "
        f"parameters with the decoder; {scale.config['epochs']} epochs of {scale.images:,} images, "
        f"{rows[0]['steps']:,} steps of {scale.config['batch']}. {scale.test:,} images are held "
        f"out; probes are fitted to {scale.probe:,}. {seconds / 60:.0f} minutes of training in all."
    )


def training_table(settings: Sequence[Setting]) -> str:
    """A row for each setting, from the easiest to the hardest as predicted."""
    header = ("images", "patch", "masks", "hidden", "seeds", "predicted error",
              "error of trained models", "over seeds", "probe", "over seeds")  # fmt: skip
    rows = [
        (
            one.data, str(one.patch_size), f"`{one.design}`", f"{one.hidden:.0%}",
            str(len(one.rows)),
            f"{one.predicted_error[0]:.3f} ± {one.predicted.stderr[0]:.3f}",
            f"{one.error[0]:.3f} ± {one.measured[0].stderr[0]:.3f}",
            _over_seeds(one, one.spread_of_error),
            f"{one.accuracy:.3f} ± {one.rows[0]['accuracy_stderr']:.3f}",
            _over_seeds(one, one.spread_of_accuracy),
        )
        for one in sorted(settings, key=lambda one: (one.data, one.predicted_error[0]))
    ]  # fmt: skip
    return table.markdown(header, rows)


def _over_seeds(setting: Setting, spread: float) -> str:
    return f"± {spread:.3f}" if len(setting.rows) > 1 else "–"


def correlation_table(comparisons: Sequence[Comparison], octaves: Sequence[str]) -> str:
    """Rank correlations of predicted and measured errors, by octave too, and with the probe."""
    header = ("", *(one.data for one in comparisons))
    rows = [("settings", *(str(len(one.settings)) for one in comparisons))]
    for i, name in enumerate(
        ("error, in all", *(f"error, {name} cycles/pixel" for name in octaves))
    ):
        rows.append((name, *(str(one.errors[i]) for one in comparisons)))
    rows.append(("accuracy of the probe", *(str(one.probe) for one in comparisons)))
    for size in sorted({one.patch_size for some in comparisons for one in some.settings}):
        found = [str(one.probe_at(size) or "–") for one in comparisons]
        rows.append((f"accuracy of the probe, patches of {size}", *found))
    for name, values in (
        (
            "pairs of designs, same patches and part hidden",
            [one.designs_alike() for one in comparisons],
        ),
        (
            "of these, with errors further apart than seeds",
            [one.designs_alike(2 * one.spread_of_error) for one in comparisons],
        ),
    ):
        rows.append((name, *(f"{alike} of {total} alike" for alike, total in values)))
    return table.markdown(header, rows)


def report(trained: Trained, ready: Sequence[Training]) -> dict[str, str]:
    """Draw the picture into the folder, and return texts by the names of their markers."""
    settings = settings_of(trained, ready)
    comparisons = [
        Comparison([one for one in settings if one.data == data])
        for data in dict.fromkeys(one.data for one in settings)
    ]
    octaves = octave_names(trained.images[settings[0].data][0].pixels.shape[1:3])
    draw(comparisons, octaves, trained.folder / PICTURE)
    return {
        "evidence scale": scale_text(settings, trained),
        "evidence correlations": correlation_table(comparisons, octaves),
        "evidence trainings": training_table(settings),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--report", action="store_true", help="train nothing more")
    parser.add_argument("--write", action="store_true", help="put all into the docs")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    scale = SCALES[arguments.scale]
    images = {name: images_of(name, arguments.archive, scale) for name in DATA}
    trained = Trained(arguments.folder, arguments.scale, scale, images)
    ready = trainings(scale, DATA)
    if arguments.report:
        ready = [one for one in ready if trained.is_done(one)]
    for one in ready:
        trained.row(one)
    texts = report(trained, ready)
    for name, text in texts.items():
        print(f"{text}\n")
        if arguments.write:
            table.write(name, text, PAGE)
    if arguments.write:
        picture = trained.folder / PICTURE
        PAGE.with_name(PICTURE).write_bytes(picture.read_bytes())


if __name__ == "__main__":
    main()
