"""``spectral-mae audit``: from parsed arguments to `audit_images`, and what it prints."""

from __future__ import annotations

import argparse
from typing import Any

from spectral_mae.batch.audit.report import FILES
from spectral_mae.batch.audit.run import AuditRun, audit_images
from spectral_mae.batch.errors import NothingUsable
from spectral_mae.cli.console import messages
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures, written
from spectral_mae.cli.errors import UsageError, usage_errors
from spectral_mae.cli.shared import given_paths

OFFICIAL = ("heads", "decoder_heads")


def audit(arguments: argparse.Namespace) -> Answer:
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
            messages.error("audit", error)
            return Answer(NOTHING, found={"error": str(error)})
    for name, reason in run.failures.items():
        messages.failed(name, reason)
    sentences = run.result.summary()
    page = [] if run.page is None else [f"page: {run.page}"]
    found = {
        "summary": sentences,
        **run.result.to_dict(),
        "failures": failures(run.failures.items()),
        "page": run.page,
        "files": written(arguments.out, FILES),
    }
    return Answer(SOME_FAILED if run.failures else OK, [*sentences, *page], found)


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
