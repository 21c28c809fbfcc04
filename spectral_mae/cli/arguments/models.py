"""Arguments of the commands that fit, train or use models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from spectral_mae.cli.arguments.shared import (
    SOURCE_HELP,
    AddParser,
    add_color,
    add_design,
    add_max_pixels,
    add_out,
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
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the results of another run in --out"
    )
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
    parser.add_argument(
        "--patch-size",
        type=patch_sizes,
        action=_Several,
        default=[8, 16, 32],
        metavar="P",
        help="patch sizes: pixels of a patch along each axis (default 8 16 32)",
    )
    parser.add_argument(
        "--mask-ratio",
        type=mask_ratios,
        action=_Several,
        metavar="M",
        help="mask ratios: fractions of patches hidden (default 0.25 0.5 0.6 0.75 0.9)",
    )
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
    parser.add_argument(
        "--patch-size",
        type=patch_sizes,
        action=_Several,
        metavar="P",
        help="patch sizes: pixels of a patch along each axis (default: powers of two, at most 32, "
        "that leave four patches along each side and need little memory)",
    )
    parser.add_argument(
        "--mask-ratio",
        type=mask_ratios,
        action=_Several,
        metavar="M",
        help="mask ratios: fractions of patches hidden, which stand for M in --design (default "
        "0.25 0.5 0.6 0.75 0.9)",
    )
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


def add_train(add: AddParser) -> None:
    """``train-mae``."""
    text = "train a nonlinear masked autoencoder (needs PyTorch, the extra 'torch')"
    parser = add("train-mae", help=text, description=text)
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files, folders, patterns, archives, arrays and @LIST, as in analyze; or, alone, "
        "CIFAR-10's binary batches (a folder, a .bin file, the .tar.gz)",
    )
    add_out(parser, required=True)
    parser.add_argument(
        "--model",
        choices=["tiny", "small", "medium", "base"],
        default="tiny",
        help="size of the network; base is that of He et al. (default tiny)",
    )
    parser.add_argument(
        "--patch-size",
        type=int,
        default=4,
        metavar="P",
        help="patch size: pixels of a patch along each axis (default 4)",
    )
    add_design(parser)
    parser.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="resize the shorter side to N pixels and crop the middle (default: keep the pixels)",
    )
    parser.add_argument(
        "--epochs", type=int, default=50, metavar="N", help="number of epochs (default 50)"
    )
    parser.add_argument(
        "--batch-size", type=int, default=128, metavar="N", help="images in a batch (default 128)"
    )
    parser.add_argument(
        "--rate", type=float, default=1e-3, metavar="R", help="largest learning rate (default 1e-3)"
    )
    parser.add_argument(
        "--warmup",
        type=float,
        default=1.0,
        metavar="E",
        help="epochs in which the learning rate rises to its largest value (default 1)",
    )
    parser.add_argument(
        "--norm-target",
        action="store_true",
        help="score patches that are standardised with their own mean and standard deviation",
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
        "--device", metavar="NAME", help="cpu, cuda, ... (default: a GPU where there is one)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint in --out, if any"
    )
    add_seed(parser, "seed of weights, masks, order and held-out images (default 0)")
    add_color(parser, "keep colours: three channels (default: gray, ITU-R 601 luma)")
    add_talk(parser)


def add_audit(add: AddParser) -> None:
    """``audit``."""
    text = "measure what a trained model does to each frequency, beside the best linear models "
    text += "(needs PyTorch, the extra 'torch')"
    parser = add("audit", out_or_json=True, help=text, description=text)
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a folder of Hugging Face's ViTMAEForPreTraining; a folder or checkpoint of "
        "'train-mae'; a checkpoint of facebookresearch/mae, timm or lightly; MODEL.npz of 'fit'; "
        "or module:function, a Python function of images (n, H, W[, 3]) with hidden pixels zero "
        "and visible pixels (n, H, W) that returns the reconstructions. Nothing in a file is "
        "executed; importing a module runs its code",
    )
    parser.add_argument("paths", nargs="*", metavar="IMAGE", help=SOURCE_HELP)
    add_out(parser)
    parser.add_argument(
        "--patch-size",
        type=int,
        metavar="P",
        help="patch size of a function: pixels of a patch along each axis (default: the model's)",
    )
    parser.add_argument(
        "--mask-ratio",
        type=fraction,
        metavar="M",
        help="fraction of patches hidden, between 0 and 1 (default 0.75)",
    )
    add_sampling(parser, default=None)
    parser.add_argument(
        "--design",
        type=design_text,
        metavar="TEXT",
        help="draw masks from another design, in the place of --mask-ratio and --sampling, such as "
        "block:4,keep or cutouts:2x2,3",
    )
    parser.add_argument(
        "--target",
        choices=["hidden", "all"],
        default="hidden",
        help="which pixels are scored: those of hidden patches, or all (default hidden)",
    )
    parser.add_argument(
        "--normalised",
        choices=["keep", "visible"],
        default="keep",
        help="units of a model that predicts standardised patches (norm_pix_loss): 'keep' scores "
        "standardised patches; 'visible' takes mean and deviation from the visible patches of each "
        "image. Those of hidden patches are never used: with them a model that sees nothing would "
        "look nearly perfect (default keep)",
    )
    parser.add_argument(
        "--masks",
        type=int,
        default=2,
        metavar="N",
        help="reconstructions of each image, at least 2 (default 2)",
    )
    parser.add_argument(
        "--covariance",
        choices=["banded", "dense", "stationary"],
        help="covariance of the linear models, as in 'fit' (default: banded with enough images, "
        "else stationary)",
    )
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="use only N images, drawn at random (default 500, fewer for images above 32x32)",
    )
    parser.add_argument(
        "--size",
        type=int,
        metavar="N",
        help="for a function: resize the shorter side to N pixels and crop the middle",
    )
    add_color(parser, "for a function: keep colours (default: gray, ITU-R 601 luma)")
    parser.add_argument(
        "--heads", type=int, metavar="N", help="attention heads of a checkpoint's encoder"
    )
    parser.add_argument(
        "--decoder-heads", type=int, metavar="N", help="attention heads of its decoder"
    )
    parser.add_argument(
        "--norm-target",
        action="store_true",
        help="the checkpoint was trained on standardised patches (default: as its options say)",
    )
    parser.add_argument(
        "--units",
        metavar="MEAN,STD",
        help="mean and deviation of pixels that the model was trained with, one or three of each "
        "(default: as the files say, else those of ImageNet for three channels)",
    )
    parser.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, ... (default: a GPU where there is one)"
    )
    add_seed(parser, "seed of images, masks and bootstrap samples (default 0)")
    add_max_pixels(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the results of another run in --out"
    )
    add_talk(parser)


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
