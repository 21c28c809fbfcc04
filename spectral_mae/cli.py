"""The ``spectral-mae`` command: its arguments, and who gets them.

What the commands do is in `spectral_mae.commands`, imported when one runs, so that ``--help``
answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from spectral_mae._version import __version__

USAGE, INTERRUPTED = 2, 130

PATH_HELP = (
    "image files, folders (searched with all they hold) and globs; 'builtin:NAME' is an image "
    "inside scikit-image; without any PATH, all built-in images"
)
SOURCE_HELP = (
    f"{PATH_HELP}; zip and tar archives, npy and npz arrays, CIFAR's binary batches (.bin), and "
    "@LIST, a file of any of these, one a line"
)

AddParser = Callable[..., argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; ``argv`` without the program's name. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    from spectral_mae import command_line, commands

    try:
        return commands.COMMANDS[arguments.command](arguments)
    except command_line.UsageError as error:
        print(f"spectral-mae {arguments.command}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt as error:
        number = getattr(error, "signum", None)  # of a run that can be resumed
        more = "" if number is None else "; --resume goes on"
        print(f"spectral-mae: interrupted{more}", file=sys.stderr)
        return INTERRUPTED if number is None else 128 + int(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spectral-mae",
        description="What masking patches of an image does to its spectrum.",
    )
    parser.add_argument("--version", action="version", version=f"spectral-mae {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_analyze(commands.add_parser)
    _add_psd(commands.add_parser)
    _add_mask(commands.add_parser)
    _add_verify(commands.add_parser)
    _add_fit(commands.add_parser)
    _add_reconstruct(commands.add_parser)
    _add_sweep(commands.add_parser)
    _add_figures(commands.add_parser)
    _add_train(commands.add_parser)
    return parser


def _add_analyze(add: AddParser) -> None:
    text = "tables, pictures and a page: what masking does to the spectra of these images"
    parser = add("analyze", help=text, description=text)
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--patch-size",
        type=_sizes,
        nargs="+",
        action="extend",
        metavar="P",
        help="side of the patches in pixels; several, as in 8,16 or (after the PATHs) 8 16, are "
        "compared (default 16)",
    )
    _add_masking(parser)
    _add_seed(parser)
    _add_reading(parser)
    _add_color(parser)
    parser.add_argument(
        "--masks",
        type=int,
        default=16,
        metavar="N",
        help="random masks drawn per image to check the expectation (default 16)",
    )
    _add_detrend(parser)
    parser.add_argument(
        "--checks",
        type=int,
        default=100,
        metavar="N",
        help="check Eq. 18 by direct sums on the first N images, which takes longer than all the "
        "rest (default 100)",
    )
    _add_running(parser)
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but the path of the page"
    )


def _add_psd(add: AddParser) -> None:
    text = "the power spectrum of one image, as a picture or a table"
    parser = add("psd", help=text, description=text)
    parser.add_argument("path", metavar="IMAGE", help="an image file or 'builtin:NAME'")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="FILE.png or FILE.csv"
    )
    parser.add_argument(
        "--mask",
        metavar="MASK.png",
        help="an image of the same size: the spectrum of what it shows (white) of IMAGE",
    )
    parser.add_argument(
        "--unmask",
        action="store_true",
        help="with --mask: estimate the spectrum of the whole image, with error bands",
    )
    _add_patch_size(parser)
    _add_masking(parser, default=None)
    _add_reading(parser, size="native")
    _add_color(parser)
    _add_detrend(parser)
    parser.add_argument(
        "--window", metavar="NAME", help="window of scipy.signal.get_window, such as hann"
    )
    parser.add_argument(
        "--scaling",
        choices=["density", "spectrum", "energy"],
        default="density",
        help="unit of power (default density)",
    )


def _add_mask(add: AddParser) -> None:
    text = "a random mask as an image: white is visible, black is hidden"
    parser = add("mask", help=text, description=text)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="the mask")
    parser.add_argument(
        "--size", default="224", metavar="N|HxW", help="rows x columns of pixels (default 224)"
    )
    _add_patch_size(parser)
    _add_masking(parser)
    _add_seed(parser)
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE.png",
        help="also draw the mask's mean power over frequency, and its zeros",
    )


def _add_verify(add: AddParser) -> None:
    text = "check Eqs. 15-21 of the paper and the expectations on these images"
    parser = add("verify", help=text, description=f"{text}; exit 1 if any fails")
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATH_HELP)
    parser.add_argument(
        "--theory",
        action="store_true",
        help="also check Lemmas 1-6, Eqs. 13-14 and Theorem 1, on small crops of each image",
    )
    _add_patch_size(parser)
    _add_masking(parser)
    _add_seed(parser)
    _add_reading(parser)


def _add_fit(add: AddParser) -> None:
    text = "fit a linear masked autoencoder (or its relatives) to images, in closed form"
    parser = add("fit", help=text, description=text)
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz", help="the model")
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE.png",
        help="also draw its response, receptive field and eigenvalues",
    )
    parser.add_argument(
        "--model",
        choices=["mae", "dae", "ae"],
        default="mae",
        help="masked autoencoder, denoising autoencoder or autoencoder (default mae)",
    )
    _add_patch_size(parser)
    parser.add_argument(
        "--mask-ratio",
        type=float,
        metavar="M",
        help="fraction of patches hidden, for --model mae (default 0.75)",
    )
    _add_sampling(parser, default=None)
    parser.add_argument(
        "--rank", type=int, metavar="K", help="width of the bottleneck (default: none)"
    )
    parser.add_argument(
        "--sigma", type=float, metavar="S", help="standard deviation of the noise of --model dae"
    )
    _add_fitting(parser)


def _add_reconstruct(add: AddParser) -> None:
    text = "send images through a fitted model; a picture for each"
    parser = add("reconstruct", help=text, description=text)
    parser.add_argument("model", type=Path, metavar="MODEL.npz", help="what 'fit' wrote")
    parser.add_argument("paths", nargs="*", metavar="IMAGE", help=PATH_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    _add_seed(parser)
    _add_max_pixels(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _add_sweep(add: AddParser) -> None:
    text = "explained power of linear MAEs over mask ratios and patch sizes, on images held out"
    parser = add("sweep", help=text, description=text)
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--patch-size",
        type=_sizes,
        nargs="+",
        action="extend",
        metavar="P",
        help="sides of the patches in pixels (default 8 16 32)",
    )
    parser.add_argument(
        "--mask-ratio",
        type=_ratios,
        nargs="+",
        action="extend",
        metavar="M",
        help="fractions of patches hidden (default 0.25 0.5 0.6 0.75 0.9)",
    )
    _add_sampling(parser)
    _add_fitting(parser)


def _add_train(add: AddParser) -> None:
    text = "train a nonlinear masked autoencoder (needs PyTorch, the extra 'torch')"
    parser = add("train-mae", help=text, description=text)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="folders, files or patterns of images, or one zip archive of images, or CIFAR-10's "
        "binary batches (a folder, a .bin file, the .tar.gz)",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--model",
        choices=["tiny", "small", "medium", "base"],
        default="tiny",
        help="size; base is that of He et al. (default tiny)",
    )
    parser.add_argument("--patch-size", type=int, default=4, metavar="P", help="(default 4)")
    _add_masking(parser)
    parser.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="resize the shorter side to N pixels and crop the middle (default: as they are)",
    )
    parser.add_argument("--epochs", type=int, default=50, metavar="N", help="(default 50)")
    parser.add_argument("--batch-size", type=int, default=128, metavar="N", help="(default 128)")
    parser.add_argument(
        "--rate", type=float, default=1e-3, metavar="R", help="largest learning rate (default 1e-3)"
    )
    parser.add_argument(
        "--warmup", type=float, default=1.0, metavar="E", help="epochs of its rise (default 1)"
    )
    parser.add_argument(
        "--norm-target",
        action="store_true",
        help="score patches with their own mean and deviation taken off",
    )
    parser.add_argument("--no-flip", action="store_true", help="do not mirror half of the images")
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.1,
        metavar="F",
        help="fraction of the images that is held out (default 0.1)",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use only N images, drawn at random")
    parser.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, ... (default: the GPU where there is one)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out, if there is one"
    )
    _add_seed(parser, "seed of weights, masks, order and what is held out (default 0)")
    _add_color(parser, "keep colours: three channels (default: gray, ITU-R 601 luma)")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--target",
        choices=["all", "hidden"],
        help="pixels that are scored: all, or those of hidden patches (default all)",
    )
    parser.add_argument(
        "--covariance",
        choices=["banded", "dense", "stationary"],
        default="banded",
        help="what is learned from the images: per spectral band, everything (small images), or "
        "their power spectra alone (default banded)",
    )
    parser.add_argument(
        "--shrinkage",
        metavar="S|auto",
        help="from 0 to 1, towards what all shifts of the images have in common; by default the "
        "images held out choose, or it is 0 if none is held out",
    )
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.2,
        metavar="F",
        help="fraction of the images that is held out (default 0.2)",
    )
    parser.add_argument(
        "--size",
        default="224",
        metavar="N",
        help="resize the shorter side to N pixels and crop the middle (default 224)",
    )
    parser.add_argument(
        "--crops",
        type=int,
        default=0,
        metavar="N",
        help="instead of resizing, take N random crops of --size from each image",
    )
    _add_seed(parser, "seed of what is held out and of the crops (default 0)")
    _add_max_pixels(parser)
    _add_running(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    _add_color(parser, "keep colours: three channels (default: gray, ITU-R 601 luma)")


def _add_running(parser: argparse.ArgumentParser) -> None:
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
        help="memory that a process of --jobs may take (default: its share of the machine's)",
    )
    group.add_argument(
        "--checkpoint",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds of work that may be lost when the run is killed (default 10)",
    )
    group.add_argument("--log-file", type=Path, metavar="FILE", help="write a log with times")


def _add_patch_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--patch-size",
        type=int,
        default=16,
        metavar="P",
        help="side of the patches in pixels (default 16)",
    )


def _add_figures(add: AddParser) -> None:
    text = "draw the figures of the documentation, from built-in images or your own"
    parser = add("figures", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all by default")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="PATH",
        help="images, folders or patterns in place of those that come with scikit-image; figures "
        "of a single image take the first",
    )


def _add_masking(parser: argparse.ArgumentParser, default: float | None = 0.75) -> None:
    optional = "add the exact mean spectrum with this fraction of the patches hidden"
    parser.add_argument(
        "--mask-ratio",
        type=float,
        default=default,
        metavar="M",
        help=optional if default is None else f"fraction of patches hidden (default {default})",
    )
    _add_sampling(parser)


def _add_sampling(parser: argparse.ArgumentParser, default: str | None = "fixed") -> None:
    parser.add_argument(
        "--sampling",
        choices=["fixed", "bernoulli"],
        default=default,
        help="keep an exact number of patches, as MAE code does, or toss a coin for each "
        "(default fixed)",
    )


def _add_seed(
    parser: argparse.ArgumentParser, text: str = "seed of the random masks (default 0)"
) -> None:
    parser.add_argument("--seed", type=int, default=0, metavar="N", help=text)


def _add_reading(parser: argparse.ArgumentParser, size: str = "224") -> None:
    parser.add_argument(
        "--size",
        default=size,
        metavar="N|native",
        help="resize the shorter side to N pixels and crop the middle, or keep the pixels and "
        f"crop to a multiple of the patch (default {size})",
    )
    _add_max_pixels(parser)


def _add_max_pixels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-pixels",
        type=int,
        default=50_000_000,
        metavar="N",
        help="refuse larger images before they are decoded (default 50 million)",
    )


def _add_color(
    parser: argparse.ArgumentParser,
    text: str = "keep colours and average over channels (default: gray, ITU-R 601 luma)",
) -> None:
    parser.add_argument("--color", action="store_true", help=text)


def _add_detrend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detrend",
        choices=["none", "constant", "linear", "periodic"],
        default="none",
        help="before masking subtract the mean, a plane, or the smooth part of the "
        "periodic-plus-smooth split (default none)",
    )


def _sizes(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a patch size; PATHs go before --patch-size, several sizes are 8,16"
        ) from None


def _ratios(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a mask ratio; PATHs go before --mask-ratio, several are 0.5,0.75"
        ) from None
