"""Arguments that commands have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

PATH_HELP = (
    "image files, folders (searched with all they hold) and globs; 'builtin:NAME' is an image "
    "inside scikit-image; without any PATH, all built-in images"
)
SOURCE_HELP = (
    f"{PATH_HELP}; zip and tar archives, npy and npz arrays, CIFAR's binary batches (.bin), and "
    "@LIST, a file of any of these, one a line; '-' is such a list on standard input (lines, or "
    "names ended by NUL as 'find -print0' writes them), relative to the working directory"
)

AddParser = Callable[..., argparse.ArgumentParser]


def add_patch_size(parser: argparse.ArgumentParser, default: int | None = 16) -> None:
    """``--patch-size``, a single one; without a default it is seen whether it was given."""
    parser.add_argument(
        "--patch-size",
        type=int,
        default=default,
        metavar="P",
        help="side of the patches in pixels (default 16)",
    )


def add_masking(parser: argparse.ArgumentParser, default: float | None = 0.75) -> None:
    """``--mask-ratio`` and ``--sampling``; without a default, masking is an extra."""
    optional = "add the exact mean spectrum with this fraction of the patches hidden"
    parser.add_argument(
        "--mask-ratio",
        type=fraction,
        default=default,
        metavar="M",
        help=optional if default is None else f"fraction of patches hidden (default {default})",
    )
    add_sampling(parser, default=None if default is None else "fixed")


def add_sampling(parser: argparse.ArgumentParser, default: str | None = "fixed") -> None:
    """``--sampling``."""
    parser.add_argument(
        "--sampling",
        choices=["fixed", "bernoulli"],
        default=default,
        help="keep an exact number of patches, as MAE code does, or toss a coin for each "
        "(default fixed)",
    )


def add_seed(
    parser: argparse.ArgumentParser, text: str = "seed of the random masks (default 0)"
) -> None:
    """``--seed``."""
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=text)


def add_reading(parser: argparse.ArgumentParser, size: str = "224") -> None:
    """``--size`` and ``--max-pixels``."""
    parser.add_argument(
        "--size",
        default=size,
        metavar="N|native",
        help="resize the shorter side to N pixels and crop the middle, or keep the pixels and "
        f"crop to a multiple of the patch (default {size})",
    )
    add_max_pixels(parser)


def add_max_pixels(parser: argparse.ArgumentParser) -> None:
    """``--max-pixels``."""
    parser.add_argument(
        "--max-pixels",
        type=int,
        default=50_000_000,
        metavar="N",
        help="refuse larger images before they are decoded (default 50 million)",
    )


def add_color(
    parser: argparse.ArgumentParser,
    text: str = "keep colours and average over channels (default: gray, ITU-R 601 luma)",
) -> None:
    """``--color``."""
    parser.add_argument("--color", action="store_true", help=text)


def add_detrend(parser: argparse.ArgumentParser) -> None:
    """``--detrend``."""
    parser.add_argument(
        "--detrend",
        choices=["none", "constant", "linear", "periodic"],
        default="none",
        help="before masking subtract the mean, a plane, or the smooth part of the "
        "periodic-plus-smooth split (default none)",
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """What runs over many images take."""
    group = parser.add_argument_group("many images (docs/batches.md)")
    group.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="processes; results are the same for any number (default: 1 in this process below "
        "100 images, else one for each core)",
    )
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="work on the Dask cluster of this scheduler"
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with the run that was begun in --out"
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace what another run has left in --out"
    )
    group.add_argument(
        "--fail-fast", action="store_true", help="stop at the first image that fails"
    )
    group.add_argument(
        "--time-limit",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds that decoding an image may take (default 60)",
    )
    group.add_argument(
        "--memory-limit",
        type=int,
        metavar="MIB",
        help="memory that a process may take: images that would need more are refused before they "
        "are decoded (default: its share of the machine's)",
    )
    group.add_argument(
        "--checkpoint",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds of work that may be lost when the run is killed (default 10)",
    )
    group.add_argument("--log-file", type=Path, metavar="FILE", help="write a log with times")


def add_replacing(parser: argparse.ArgumentParser) -> None:
    """``--overwrite``, of commands that write single files."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace files that spectral-mae has not made, too (its own are replaced anyway)",
    )


def fraction(text: str) -> float:
    """A mask ratio; percents are refused in words."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number between 0 and 1, such as 0.75 (which is 75 %)"
        ) from None


def patch_sizes(text: str) -> list[int]:
    """Several patch sizes, as in 8,16."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a patch size in pixels; several are 8,16 or 8 16"
        ) from None


def mask_ratios(text: str) -> list[float]:
    """Several mask ratios, as in 0.5,0.75."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a mask ratio; several are 0.5,0.75 or 0.5 0.75"
        ) from None
