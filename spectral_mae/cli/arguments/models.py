"""Arguments of the commands about linear models: ``fit``, ``reconstruct``, ``sweep``, ``plan``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from spectral_mae.cli.arguments.shared import (
    SOURCE_HELP,
    AddParser,
    add_color,
    add_max_pixels,
    add_out,
    add_overwrite,
    add_patch_size,
    add_running,
    add_sampling,
    add_seed,
    add_talk,
    design_text,
    fraction,
    mask_ratios,
    patch_sizes,
)


class _Several(argparse.Action):
    """Lists that are added to when they are given again, after they have replaced the default."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*([] if before is self.default else before), *values])


def add_fit(add: AddParser) -> None:
    """``fit``."""
    text = "fit a linear masked, denoising or plain autoencoder to images, in closed form"
    parser = add("fit", help=text, description=text)
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    add_out(parser, "FILE.npz", "the model", required=True)
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE.png",
        help="also draw its frequency response, a receptive field and its eigenvalues",
    )
    parser.add_argument(
        "--keep-moments",
        action="store_true",
        help="write the second moment too, which another fit of the same images needs, also where "
        "it takes more than 32 MiB",
    )
    parser.add_argument(
        "--model",
        choices=["mae", "dae", "ae"],
        default="mae",
        help="masked autoencoder, denoising autoencoder or autoencoder (default mae)",
    )
    add_patch_size(parser)
    parser.add_argument(
        "--mask-ratio",
        type=fraction,
        metavar="M",
        help="fraction of patches hidden, for --model mae (default 0.75)",
    )
    add_sampling(parser, default=None)
    parser.add_argument(
        "--design",
        type=design_text,
        metavar="TEXT",
        help="in place of --mask-ratio and --sampling, another design of masks, such as block:6x6 "
        "('--design help' lists them)",
    )
    parser.add_argument(
        "--rank", type=int, metavar="K", help="width of the bottleneck (default: no bottleneck)"
    )
    parser.add_argument(
        "--sigma", type=float, metavar="S", help="standard deviation of the noise, for --model dae"
    )
    _add_fitting(parser)
    add_talk(parser)


def add_reconstruct(add: AddParser) -> None:
    """``reconstruct``."""
    text = "mask images, reconstruct them with a fitted model, and draw a picture of each"
    parser = add("reconstruct", help=text, description=text)
    parser.add_argument("model", type=Path, metavar="MODEL.npz", help="a model that 'fit' wrote")
    parser.add_argument("paths", nargs="*", default=[], metavar="IMAGE", help=SOURCE_HELP)
    add_out(parser, required=True)
    parser.add_argument(
        "--design",
        type=design_text,
        metavar="TEXT",
        help="draw the masks by another design than that of the model, such as block:6x6 "
        "('--design help' lists them)",
    )
    add_seed(parser)
    add_max_pixels(parser)
    add_overwrite(parser)
    add_talk(parser)


def add_sweep(add: AddParser) -> None:
    """``sweep``."""
    text = "compare linear MAEs by the power they explain of held-out images, over patch sizes "
    text += "and mask ratios or designs"
    parser = add(
        "sweep",
        out_or_json=True,
        help=text,
        description=text,
        several=["--patch-size", "--mask-ratio"],
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    add_out(parser)
    _add_patch_sizes(parser, "default 8 16 32", default=[8, 16, 32])
    _add_mask_ratios(parser)
    add_sampling(parser, default=None)
    parser.add_argument(
        "--design",
        action="append",
        type=design_text,
        metavar="TEXT",
        help="in place of --mask-ratio and --sampling, other designs of masks, such as block:6x6 "
        "('--design help' lists them); give it again for each",
    )
    _add_fitting(parser)
    parser.set_defaults(target="all")
    add_talk(parser)


def add_plan(add: AddParser) -> None:
    """``plan``."""
    text = "say how hard patch sizes, mask ratios and mask designs are on images, as hard as what, "
    text += "and what they cost"
    parser = add(
        "plan",
        out_or_json=True,
        help=text,
        description=text,
        several=["--patch-size", "--mask-ratio"],
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    add_out(parser)
    _add_patch_sizes(
        parser,
        "default: powers of two, at most 32, that leave four patches along each side and need "
        "little memory",
    )
    _add_mask_ratios(parser, ", which stand for M in --design")
    parser.add_argument(
        "--design",
        action="append",
        metavar="DESIGN",
        help="a design of masks to compare, with M for each mask ratio, such as bernoulli:M, "
        "block:6x6 or gaussian_field:M,green; give it again for more (default fixed:M)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="use only N images, drawn at random with --seed (default all)",
    )
    _add_reading_of_models(parser, size="224", native=True)
    group = parser.add_argument_group("widths and depths that the cost is told for (ViT-Base)")
    for name, default in (
        ("--width", 768),
        ("--depth", 12),
        ("--decoder-width", 512),
        ("--decoder-depth", 8),
    ):
        group.add_argument(
            name, type=int, default=default, metavar="N", help=f"(default {default})"
        )
    add_running(parser)
    add_color(parser, "keep colours: three channels (default: gray, ITU-R 601 luma)")
    add_talk(parser)


def _add_patch_sizes(
    parser: argparse.ArgumentParser, by_default: str, default: list[int] | None = None
) -> None:
    """``--patch-size`` with several values."""
    parser.add_argument(
        "--patch-size",
        type=patch_sizes,
        action=_Several,
        default=default,
        metavar="P",
        help=f"patch sizes: pixels of a patch along each axis ({by_default})",
    )


def _add_mask_ratios(parser: argparse.ArgumentParser, meaning: str = "") -> None:
    """``--mask-ratio`` with several values."""
    parser.add_argument(
        "--mask-ratio",
        type=mask_ratios,
        action=_Several,
        metavar="M",
        help=f"mask ratios: fractions of patches hidden{meaning} (default 0.25 0.5 0.6 0.75 0.9)",
    )


def _add_fitting(parser: argparse.ArgumentParser) -> None:
    """What ``fit`` and ``sweep`` share."""
    parser.add_argument(
        "--target",
        choices=["all", "hidden"],
        help="which pixels are scored: all, or those of hidden patches (default all)",
    )
    parser.add_argument(
        "--covariance",
        choices=["banded", "dense", "stationary"],
        default="banded",
        help="which covariance is fitted: one matrix for each spectral band (the frequencies that "
        "alias when an image is sampled once per patch), that of all pixels (small images only), "
        "or the power spectra (default banded)",
    )
    parser.add_argument(
        "--shrinkage",
        metavar="S|auto",
        help="from 0 to 1: weight of the average over all shifts of the images in the covariance; "
        "by default the value that explains held-out images best, or 0 if none is held out",
    )
    _add_reading_of_models(parser, size="224")
    add_running(parser)
    add_color(parser, "keep colours: three channels (default: gray, ITU-R 601 luma)")


def _add_reading_of_models(
    parser: argparse.ArgumentParser, *, size: str, native: bool = False
) -> None:
    """How ``fit``, ``sweep`` and ``plan`` read images."""
    parser.add_argument(
        "--holdout",
        type=float,
        default=0.2,
        metavar="F",
        help="fraction of the images that is held out (default 0.2)",
    )
    parser.add_argument(
        "--size",
        default=size,
        metavar="N|native" if native else "N",
        help="resize the shorter side to N pixels and crop the middle"
        + (", or keep the pixels and crop to a multiple of the patches" if native else "")
        + f" (default {size})",
    )
    parser.add_argument(
        "--crops",
        type=int,
        default=0,
        metavar="N",
        help="instead of resizing, take N random crops of --size from each image",
    )
    add_seed(parser, "seed of held-out images and crops (default 0)")
    add_max_pixels(parser)
