"""``spectral-mae audit``: from parsed arguments to `audit_images`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from spectral_mae.batch.audit.run import AuditRun, audit_images
from spectral_mae.batch.errors import NothingUsable
from spectral_mae.cli.errors import UsageError, usage_errors
from spectral_mae.cli.shared import NOTHING, OK, SOME_FAILED, given_paths

OFFICIAL = ("heads", "decoder_heads")


def audit(arguments: argparse.Namespace) -> int:
    """``spectral-mae audit``.

    Exit 0, 1 (some images could not be used) or 3 (nothing usable).
    """
    with usage_errors():
        try:
            run = _run(arguments)
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise UsageError(str(error)) from None
        except NothingUsable as error:
            print(f"spectral-mae audit: {error}", file=sys.stderr)
            return NOTHING
    for name, reason in run.failures.items():
        print(f"failed: {name}: {reason}", file=sys.stderr)
    for sentence in run.result.summary():
        print(sentence)
    print(f"page: {run.page}")
    return SOME_FAILED if run.failures else OK


def _run(arguments: argparse.Namespace) -> AuditRun:
    opening: dict[str, Any] = {
        name: value for name in OFFICIAL if (value := getattr(arguments, name)) is not None
    }
    if arguments.norm_target:
        opening["norm_target"] = True
    if arguments.units is not None:
        opening["units"] = units(arguments.units)
    return audit_images(
        arguments.model,
        given_paths(arguments.paths),
        out=arguments.out,
        size=arguments.size,
        color=arguments.color,
        limit=arguments.limit,
        max_pixels=arguments.max_pixels,
        overwrite=arguments.overwrite,
        model_options=opening,
        rng=arguments.seed,
        quiet=arguments.quiet,
        patch_size=arguments.patch_size,
        mask_ratio=arguments.mask_ratio,
        sampling=arguments.sampling or "fixed",
        design=arguments.design,
        target=arguments.target,
        normalised="visible" if arguments.normalised == "visible" else "keep",
        covariance=arguments.covariance,
        n_draws=arguments.masks,
        device=arguments.device,
    )


def units(text: str) -> tuple[list[float], list[float]]:
    """``--units``: means, then deviations, as in 0.485,0.456,0.406,0.229,0.224,0.225.

    Examples
    --------
    >>> units("0.5,0.25")
    ([0.5], [0.25])
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 6):
        raise ValueError(
            f"--units {text!r} are not a mean and a deviation, or three of each: MEAN,STD"
        )
    half = len(numbers) // 2
    return numbers[:half], numbers[half:]
