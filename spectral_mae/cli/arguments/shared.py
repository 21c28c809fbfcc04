"""Arguments that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

SOURCE_HELP = (
    "image files, folders (searched with their subfolders) and patterns; 'builtin:NAME' is an "
    "image inside scikit-image; without any PATH, all built-in images; zip and tar archives, npy "
    "and npz arrays, CIFAR's binary batches (.bin); files of many images such as 'scan.h5::/raw', "
    "'cube.fits::SCI', 'stack.tif::pages' or 'film.mp4::every=10'; URLs; and @LIST, a file with "
    "one of these on each line; '-' reads such a list from standard input (lines, or names ended "
    "by NUL as 'find -print0' writes them), relative to the working directory"
)

AddParser = Callable[..., argparse.ArgumentParser]


def add_out(
    parser: argparse.ArgumentParser,
    metavar: str = "DIR",
    text: str = "folder to write",
    *,
    required: bool = False,
) -> None:
    """``-o`` and ``--out``."""
    parser.add_argument("-o", "--out", type=Path, metavar=metavar, help=text, required=required)


def add_talk(parser: argparse.ArgumentParser, quiet: str = "show no progress and no notes") -> None:
    """``--json``, ``--quiet`` and ``--verbose``, which all commands have."""
    group = parser.add_argument_group("what is printed")
    group.add_argument(
        "--json",
        action="store_true",
        help="print the results as one JSON document; messages go to standard error "
        "(docs/command_line.md)",
    )
    one = group.add_mutually_exclusive_group()
    one.add_argument("-q", "--quiet", action="store_true", help=quiet)
    one.add_argument(
        "-v", "--verbose", action="store_true", help="say on standard error what is done"
    )


def add_patch_size(parser: argparse.ArgumentParser, default: int | None = 16) -> None:
    """``--patch-size`` with a single value; the default None means that it was not given."""
    parser.add_argument(
        "--patch-size",
        type=int,
        default=default,
        metavar="P",
        help="patch size: pixels of a patch along each axis (default 16)",
    )


def add_design(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """``--mask-ratio`` and ``--sampling``, or ``--design``; none of them has a default.

    So what was given can be told from what was not. Where masking is optional, one of
    ``--mask-ratio`` and ``--design`` asks for it.
    """
    wanted = "add the exact mean spectrum with this fraction of the patches hidden"
    parser.add_argument(
        "--mask-ratio",
        type=fraction,
        metavar="M",
        help=wanted
        if optional
        else "mask ratio: fraction of patches hidden, between 0 and 1 (default 0.75)",
    )
    add_sampling(parser, default=None)
    parser.add_argument(
        "--design",
        type=design_text,
        metavar="TEXT",
        help=f"{'as --mask-ratio, with' if optional else 'in place of both,'} another design of "
        "masks, such as block:6x6; '--design help' lists them",
    )


def add_sampling(parser: argparse.ArgumentParser, default: str | None = "fixed") -> None:
    """``--sampling``."""
    parser.add_argument(
        "--sampling",
        choices=["fixed", "bernoulli"],
        default=default,
        help="keep a fixed number of patches, as MAE code does, or keep each patch independently "
        "with the same probability (default fixed)",
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


def add_nan(parser: argparse.ArgumentParser, then: str) -> None:
    """``--nan``; ``then`` says what is done with images in which pixels are missing."""
    parser.add_argument(
        "--nan",
        choices=["raise", "hidden"],
        default="raise",
        help="NaN and infinity in floating-point images: an error, or missing pixels, which are "
        f"not used; {then} (default raise)",
    )


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


def add_detrend(parser: argparse.ArgumentParser, *, before: str = "masking") -> None:
    """``--detrend``."""
    parser.add_argument(
        "--detrend",
        choices=["none", "constant", "linear", "periodic"],
        default="none",
        help=f"before {before} subtract the mean, a plane, or the smooth part of the "
        "periodic-plus-smooth decomposition (default none)",
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """Options of runs over many images."""
    group = parser.add_argument_group("many images (docs/batches.md)")
    group.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="number of processes; results do not depend on it (default: the process of the "
        "command for fewer than 100 images, else one for each core)",
    )
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="use the Dask cluster of this scheduler"
    )
    group.add_argument(
        "--resume", action="store_true", help="continue the run that was begun in --out"
    )
    add_overwrite(group)
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
        help="memory of a process in MiB: images that would need more are refused before they are "
        "decoded (default: its share of the machine's)",
    )
    group.add_argument(
        "--checkpoint",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds between checkpoints: at most this much work is lost when the run is killed "
        "(default 10)",
    )
    group.add_argument("--log-file", type=Path, metavar="FILE", help="write a log to this file")


def add_overwrite(parser: argparse._ActionsContainer) -> None:
    """``--overwrite``, of commands that write a folder."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the results of another run in --out"
    )


def add_replacing(parser: argparse.ArgumentParser) -> None:
    """``--overwrite``, of commands that write single files."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="also replace files that spectral-mae did not write (its own are always replaced)",
    )


def fraction(text: str) -> float:
    """Parse a mask ratio; the message for percents says what to write."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number between 0 and 1, such as 0.75 (which is 75 %)"
        ) from None


def design_text(text: str) -> str:
    """Return the text of a design as it is; for "help" print the list of designs and exit."""
    if text == "help":
        from spectral_mae.masks.designs.text_form import help_text

        print(help_text())
        raise SystemExit(0)
    return text


def patch_sizes(text: str) -> list[int]:
    """Parse patch sizes, as in 8,16."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a patch size in pixels; several are 8,16 or 8 16"
        ) from None


def mask_ratios(text: str) -> list[float]:
    """Parse mask ratios, as in 0.5,0.75."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a mask ratio; several are 0.5,0.75 or 0.5 0.75"
        ) from None
