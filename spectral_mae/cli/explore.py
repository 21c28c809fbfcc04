"""``spectral-mae explore``: a page on which a reader moves a mask."""

from __future__ import annotations

import argparse
import sys

from spectral_mae.batch.errors import NothingUsable
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures
from spectral_mae.cli.console.messages import failed
from spectral_mae.cli.errors import usage_errors
from spectral_mae.cli.shared import given_paths
from spectral_mae.explorer.page import explore_images


def explore(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae explore``: exit 0, 1 if some images failed, or 3 if all did."""
    images = given_paths(arguments.paths) if arguments.paths else None
    with usage_errors():
        try:
            result = explore_images(
                images,
                out=arguments.out,
                max_pixels=arguments.max_pixels,
                overwrite=arguments.overwrite,
            )
        except NothingUsable as error:
            print(f"no image could be used: {error}", file=sys.stderr)
            return Answer(NOTHING, found={"images": [], "error": str(error)})
    for name, why in result.failures:
        failed(name, why)
    size = result.page.stat().st_size / 1000
    told = f"{result.page}: {', '.join(result.images)} ({size:.0f} kB); open it in a browser"
    return Answer(
        SOME_FAILED if result.failures else OK,
        [told],
        {
            "page": result.page,
            "images": result.images,
            "failures": failures(result.failures),
            "files": [result.page],
        },
    )
