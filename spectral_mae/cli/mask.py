"""``spectral-mae mask``: a random mask as a picture."""

from __future__ import annotations

import argparse

import numpy as np

from spectral_mae import plot
from spectral_mae._checks import positive_int, run_seed
from spectral_mae._files.output_files import check_distinct, check_replaced
from spectral_mae.batch.analyze.options import check_divides
from spectral_mae.cli.console.answer import OK, Answer
from spectral_mae.cli.errors import UsageError, output_errors, usage_errors
from spectral_mae.cli.shared import masking
from spectral_mae.images.gray_png import write_gray_png
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.pulse_mask import PulseMask


def mask(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae mask``: a random mask as a PNG."""
    for path in (arguments.out, arguments.figure):
        if path is not None and path.suffix.lower() != ".png":
            raise UsageError(f"{path}: the name must end in .png")
    with usage_errors():
        run_seed(arguments.seed)
        written = [arguments.out, arguments.figure]
        check_distinct(written, [])
        check_replaced(written, overwrite=arguments.overwrite)
        shape = _rows_and_columns(arguments.size)
        positive_int("patch_size", arguments.patch_size)
        for side in shape:
            check_divides(arguments.patch_size, side)
        grid = PatchGrid(shape, arguments.patch_size)
        design = MaskChoice(**masking(arguments)).on(grid)
        (kept,) = design.sample_kept(1, arguments.seed)
        drawn = PulseMask(grid.shape, grid.patch_size, grid.starts()[kept])
    with output_errors():
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        write_gray_png(arguments.out, drawn.visible)
        if arguments.figure is not None:
            figure, axes = plot.new_figure(1, 2, width=9.4, height=4.0)
            plot.grating(design=design, ax=axes[0])
            arguments.figure.parent.mkdir(parents=True, exist_ok=True)
            plot.save(figure, arguments.figure)
    told = (
        f"{len(drawn.starts)} of {grid.n_patches} patches visible, "
        f"{drawn.mask_ratio:.4g} of the pixels hidden; written to {arguments.out}"
    )
    return Answer(
        OK,
        [told],
        {
            "design": design.text,
            "seed": arguments.seed,
            "shape": grid.shape,
            "patch_size": arguments.patch_size,
            "n_patches": grid.n_patches,
            "kept": np.flatnonzero(kept),
            "mask_ratio": drawn.mask_ratio,
            "files": [path for path in written if path is not None],
        },
    )


def _rows_and_columns(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) > 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise ValueError(f"--size {text!r} is neither N nor HxW, pixels of at least one")
    return int(parts[0]), int(parts[-1])
