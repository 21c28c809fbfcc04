"""``spectral-mae verify``: the paper's equations and lemmas, checked on images."""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.random import Generator

from spectral_mae._checks import FloatArray
from spectral_mae.batch.analyze.outcomes import AnalyzeOptions
from spectral_mae.batch.progress import enlarged_note
from spectral_mae.cli.errors import usage_errors
from spectral_mae.cli.shared import (
    NOTHING,
    OK,
    SOME_FAILED,
    SizedReader,
    found_images,
    masking,
    pixels_or_native,
    progress,
)
from spectral_mae.images.image import crop_to_multiple
from spectral_mae.masked_spectra import verification
from spectral_mae.masks.designs.short_form import MaskChoice
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.theory.verification import verify_lemmas


def check(arguments: argparse.Namespace) -> int:
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
    refused = n_enlarged = 0
    reader = SizedReader(size, arguments.max_pixels)
    for reference in progress(found, quiet=False):
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
            refused += 1
            print(f"failed: {reference.title}: {error}", file=sys.stderr)
    if size is not None and n_enlarged:
        print(enlarged_note(n_enlarged, size), file=sys.stderr)
    if not checks:
        print("no image could be used", file=sys.stderr)
        return NOTHING
    worst = verification.worst_of(checks)
    _print_checks(worst)
    n_failed = sum(not check.ok for check in worst)
    n_images = len(found) - refused
    verdict = "all hold" if n_failed == 0 else f"{n_failed} FAILED"
    counted = "1 image" if n_images == 1 else f"{n_images} images"
    print(f"{len(worst)} checks on {counted}: {verdict}")
    return SOME_FAILED if n_failed or refused else OK


def _verified(
    pixels: FloatArray, patch_size: int, masks: MaskChoice, rng: Generator, where: str
) -> list[verification.Check]:
    if masks.design is not None:
        design = masks.on(PatchGrid(pixels.shape, patch_size))
        return verification.verify_image(pixels, design=design, rng=rng, where=where)
    return verification.verify_image(
        pixels, patch_size, masks.mask_ratio, sampling=masks.sampling, rng=rng, where=where
    )


def _print_checks(checks: list[verification.Check]) -> None:
    print(f"{'equation':<12}{'precision':<11}{'error':>10}{'bound':>10}  {'':<5}what, where worst")
    for one in checks:
        mark = "ok" if one.ok else "FAIL"
        print(
            f"{one.equation:<12}{one.precision:<11}{one.error:>10.2g}{one.bound:>10.2g}  "
            f"{mark:<5}{one.statement} [{one.where}]"
        )
