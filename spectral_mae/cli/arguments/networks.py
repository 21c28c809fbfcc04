"""Arguments of the commands about trained models: ``train-mae`` and ``audit``."""

from __future__ import annotations

import argparse

from spectral_mae.cli.arguments.shared import (
    SOURCE_HELP,
    AddParser,
    add_color,
    add_design,
    add_max_pixels,
    add_out,
    add_overwrite,
    add_sampling,
    add_seed,
    add_talk,
    design_text,
    fraction,
)


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
    _add_device(parser)
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
    _add_device(parser)
    add_seed(parser, "seed of images, masks and bootstrap samples (default 0)")
    add_max_pixels(parser)
    add_overwrite(parser)
    add_talk(parser)


def _add_device(parser: argparse.ArgumentParser) -> None:
    """``--device``."""
    parser.add_argument(
        "--device", metavar="NAME", help="cpu, cuda, ... (default: a GPU where there is one)"
    )
