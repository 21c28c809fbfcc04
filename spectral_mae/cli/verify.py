"""``spectral-mae verify``: the paper's equations and lemmas, checked on images."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.progress import enlarged
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures
from spectral_mae.cli.console.messages import BOLD, GREEN, RED, failed, note, painted
from spectral_mae.cli.errors import usage_errors
from spectral_mae.cli.shared import (
    SizedReader,
    found_images,
    masking,
    pixels_or_native,
    progress,
)
from spectral_mae.images.cropping import crop_to_multiple
from spectral_mae.masked_spectra import verification
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.theory.verification import verify_lemmas

FIELDS = ("equation", "statement", "precision", "error", "bound")
WIDTH, INDENT = 80, 35  # of the table, and of its last column


def check(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae verify``: a table of equations, errors and bounds; exit 1 if one fails."""
    with usage_errors():
        size = pixels_or_native(arguments.size)
        masks = AnalyzeOptions(
            (arguments.patch_size,),
            **masking(arguments),
            size=size,
            rng=arguments.seed,
            max_pixels=arguments.max_pixels,
        ).masks
        if arguments.theory and masks.design is not None:
            raise ValueError("--theory is about uniform masks and does not go with --design")
        found = found_images(arguments.paths)
    rng = np.random.default_rng(arguments.seed)
    checks: list[verification.Check] = []
    refused: list[tuple[str, str]] = []
    n_enlarged = 0
    reader = SizedReader(size, arguments.max_pixels)
    for reference in progress(found, quiet=arguments.quiet):
        try:
            image = reader.read(reference)
            if size is None:
                image = crop_to_multiple(image, arguments.patch_size)
            n_enlarged += size is not None and min(image.source_shape) < size
            checks += _verified(image.pixels, arguments.patch_size, masks, rng, reference.title)
            if arguments.theory and masks.mask_ratio is not None:
                checks += verify_lemmas(
                    image.pixels, masks.mask_ratio, rng=rng, where=reference.title
                )
        except ValueError as error:
            refused.append((reference.title, str(error)))
            failed(*refused[-1])
    if size is not None and n_enlarged and not arguments.quiet:
        note(enlarged(n_enlarged, size))
    answer: dict[str, Any] = {
        "holds": all(one.ok for one in checks) if checks else None,
        "n_images": len(found) - len(refused),
        "checks": [
            {
                "path": one.where,
                **{name: getattr(one, name) for name in FIELDS},
                "ok": one.ok,
            }
            for one in checks
        ],
        "failures": failures(refused),
    }
    if not checks:
        print("no image could be used", file=sys.stderr)
        return Answer(NOTHING, (), answer)
    worst = verification.worst_of(checks)
    shown = checks if arguments.verbose else worst
    code = SOME_FAILED if refused or not answer["holds"] else OK
    return Answer(code, [*table(shown), _verdict(worst, answer["n_images"])], answer)


def _verdict(worst: Sequence[verification.Check], n_images: int) -> str:
    n_failed = sum(not check.ok for check in worst)
    counted = "1 image" if n_images == 1 else f"{n_images} images"
    told = f"{len(worst)} checks on {counted}: "
    if n_failed:
        return told + painted(f"{n_failed} FAILED", RED, sys.stdout)
    return told + painted("all hold", GREEN, sys.stdout)


def _verified(
    pixels: FloatArray, patch_size: int, masks: MaskChoice, rng: Generator, where: str
) -> list[verification.Check]:
    if masks.design is not None:
        design = masks.on(PatchGrid(pixels.shape, patch_size))
        return verification.verify_image(pixels, design=design, rng=rng, where=where)
    return verification.verify_image(
        pixels, patch_size, masks.mask_ratio, sampling=masks.sampling, rng=rng, where=where
    )


def table(checks: Sequence[verification.Check]) -> Iterator[str]:
    """Lines of at most 80 characters: the checks of each image under its name.

    Parameters
    ----------
    checks : sequence of Check
        What to list.

    Yields
    ------
    str
        A line.
    """
    of_images: dict[str, list[verification.Check]] = {}
    for one in checks:
        of_images.setdefault(one.where, []).append(one)
    if len(of_images) > 1:
        yield "each check under the image where its error is largest (-v: all of all images)"
    for name, of_image in of_images.items():
        yield painted(name, BOLD, sys.stdout)
        yield "        error    bound  precision  equation"
        for one in of_image:
            mark = (
                painted("ok  ", GREEN, sys.stdout) if one.ok else painted("FAIL", RED, sys.stdout)
            )
            cells = f"{one.error:>9.2g}{one.bound:>9.2g}  {one.precision:<9}"
            told = textwrap.wrap(f"{one.equation}: {one.statement}", WIDTH - INDENT)
            yield f"{mark}{cells}  {told[0]}"
            yield from (f"{'':{INDENT}}{line}" for line in told[1:])
