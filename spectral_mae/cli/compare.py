"""``spectral-mae compare``: from parsed arguments to `compare_images`, and what it prints."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from spectral_mae.batch.compare.options import CompareOptions
from spectral_mae.batch.compare.report import FILES
from spectral_mae.batch.compare.result import CompareResult
from spectral_mae.batch.compare.run import compare_images
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures, written
from spectral_mae.cli.console.messages import failed
from spectral_mae.cli.errors import run_errors, usage_errors

NAMED = 10  # failures that are printed


def compare(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae compare``.

    Exit 0, 1 (some images could not be compared), 2 (wrong usage) or 3 (none could).
    """
    with usage_errors():
        options = CompareOptions(
            color=arguments.color,
            detrend=None if arguments.detrend == "none" else arguments.detrend,
            max_pixels=arguments.max_pixels,
            rng=arguments.seed,
        )
        labels = labels_of(arguments.reconstructions, arguments.labels)
    with run_errors():
        result = compare_images(
            arguments.originals,
            dict(zip(labels, arguments.reconstructions, strict=True)),
            options,
            masks=arguments.masks,
            out=arguments.out,
            overwrite=arguments.overwrite,
            quiet=arguments.quiet,
        )
    _tell_failures(result)
    code = SOME_FAILED if result.failures else OK
    found = {
        **result.to_dict(),
        "images": result.rows,
        "failures": failures(result.failures),
        "files": written(arguments.out, FILES),
    }
    return Answer(code if result.names else NOTHING, _told(result, quiet=arguments.quiet), found)


def labels_of(paths: Sequence[str], given: Sequence[str] | None) -> list[str]:
    """Labels of the models: those that were given, or what tells their paths apart.

    Examples
    --------
    >>> labels_of(["out/jpeg", "out/blur.npz"], None), labels_of(["a/x", "b/x"], None)
    (['jpeg', 'blur'], ['a/x', 'b/x'])
    >>> labels_of(["a", "b"], ["one"])
    Traceback (most recent call last):
    ...
    ValueError: --labels names 1 models, and there are 2 RECONSTRUCTIONS
    """
    if given is not None:
        if len(given) != len(paths):
            raise ValueError(
                f"--labels names {len(given)} models, and there are {len(paths)} RECONSTRUCTIONS"
            )
        labels = list(given)
    else:
        labels = [Path(path).stem or path for path in paths]
        if len(set(labels)) < len(labels):
            labels = list(paths)
    twice = [label for label, n in Counter(labels).items() if n > 1]
    if twice:
        raise ValueError(f"two models are called {twice[0]!r}: --labels gives other names")
    return labels


def _tell_failures(result: CompareResult) -> None:
    for name, error in result.failures[:NAMED]:
        failed(name, error)
    if len(result.failures) > NAMED:
        more = len(result.failures) - NAMED
        print(f"and {more} more, listed in images.csv and on the page", file=sys.stderr)
    if not result.names:
        print("no image could be compared", file=sys.stderr)


def _told(result: CompareResult, *, quiet: bool) -> Iterator[str]:
    if not quiet:
        for row in result.summaries:
            yield (
                f"{row['model']}: explained {row['explained']:.4f} "
                f"± {row['explained_stderr']:.4f}, log-spectral distance "
                f"{row['log_spectral_distance']:.2f} dB"
            )
        if result.by_order:
            yield f"matched by order, not by name: {', '.join(result.by_order)}"
        counts = result.counts
        yield f"{counts['compared']} images compared, {counts['failed']} failed"
    if result.page is not None:
        yield f"page: {result.page}"
