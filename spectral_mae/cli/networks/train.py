"""What ``train-mae`` does: a masked autoencoder from arguments to files."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from contextlib import contextmanager

from spectral_mae import plot
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae.batch.columns.models import TRAINING
from spectral_mae.cli.console.answer import OK, SOME_FAILED, Answer, failures, written
from spectral_mae.cli.console.messages import failed
from spectral_mae.cli.errors import UsageError, output_errors, usage_errors
from spectral_mae.cli.shared import masking

CURVES = "curves.png"


@contextmanager
def _divergence() -> Iterator[None]:
    """A training that diverges has a rate that is too large, which the message says."""
    try:
        yield
    except FloatingPointError as error:
        raise UsageError(str(error)) from error


def train_mae(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae train-mae``: a checkpoint, a log and its curves in a folder."""
    try:
        from spectral_mae.nonlinear.labelled_images import read_labelled
        from spectral_mae.nonlinear.training import CHECKPOINT, LOG, TrainConfig, train
        from spectral_mae.nonlinear.vit import MAEConfig, MaskedAutoencoder
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UsageError(str(error)) from None
    with usage_errors(), _divergence():
        config = TrainConfig(
            epochs=arguments.epochs,
            batch=arguments.batch_size,
            rate=arguments.rate,
            warmup=arguments.warmup,
            **masking(arguments),
            flip=not arguments.no_flip,
            rng=arguments.seed,
        )
        images = read_labelled(
            arguments.paths,
            size=arguments.size,
            color=arguments.color,
            limit=arguments.limit,
            rng=arguments.seed,
            quiet=arguments.quiet,
        )
        held_out = None
        if arguments.holdout > 0:
            images, held_out = images.split(arguments.holdout, arguments.seed)
        model = MaskedAutoencoder.seeded(
            MAEConfig.of_size(
                arguments.model,
                images.pixels.shape[1:3],
                arguments.patch_size,
                channels=images.pixels.shape[3],
                norm_target=arguments.norm_target,
            ),
            rng=config.rng,
        )
        history = train(
            model,
            images.pixels,
            config,
            held_out=None if held_out is None else held_out.pixels,
            folder=arguments.out,
            resume=arguments.resume,
            device=arguments.device,
            quiet=arguments.quiet,
        )
    with output_errors():
        figure, axes = plot.new_figure()
        plot.training(history.to_dict(), axes[0, 0])
        plot.save(figure, arguments.out / CURVES)
        write_column_notes(arguments.out, {LOG: TRAINING})
    for name, reason in images.failed.items():
        failed(name, reason)
    last = history.rows[-1]
    count = sum(p.numel() for p in model.parameters())
    height, width = model.grid.shape
    sizes = (
        f"{count:,} parameters, {len(images)} images of {height} x {width} pixels, "
        f"{last['epoch']:.0f} epochs, {last['step']:.0f} steps, {last['seconds']:.0f} s"
    )
    scored = "" if math.isnan(last["held_out"]) else f", {last['held_out']:.4f} of images held out"
    loss = f"mean squared error of hidden pixels, in units of the model: {last['loss']:.4f}{scored}"
    found = {
        "parameters": count,
        "images": len(images),
        "shape": [height, width],
        "history": history.to_dict(),
        "failures": failures(images.failed.items()),
        "files": written(arguments.out, [CHECKPOINT, LOG, CURVES, COLUMNS_JSON]),
    }
    lines = [sizes, loss, f"{CHECKPOINT}, {LOG} and {CURVES} in {arguments.out}"]
    return Answer(SOME_FAILED if images.failed else OK, lines, found)
