"""Arguments of the commands about images and masks."""

from __future__ import annotations

from pathlib import Path

from spectral_mae.cli.arguments.shared import (
    SOURCE_HELP,
    AddParser,
    add_color,
    add_design,
    add_detrend,
    add_max_pixels,
    add_nan,
    add_out,
    add_overwrite,
    add_patch_size,
    add_reading,
    add_replacing,
    add_running,
    add_seed,
    add_talk,
    patch_sizes,
)


def add_analyze(add: AddParser) -> None:
    """``analyze``."""
    text = "write tables, pictures and a page about what masking does to the spectra of images"
    parser = add("analyze", out_or_json=True, help=text, description=text, several=["--patch-size"])
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    add_out(parser)
    parser.add_argument(
        "--patch-size",
        type=patch_sizes,
        action="extend",
        metavar="P",
        help="patch size: pixels of a patch along each axis; several, as in 8,16 or 8 16, are "
        "compared (default 16)",
    )
    add_design(parser)
    add_seed(parser)
    add_reading(parser)
    add_color(parser)
    parser.add_argument(
        "--masks",
        type=int,
        default=16,
        metavar="N",
        help="number of random masks drawn for each image of --masks-for, to check the "
        "expectation (default 16)",
    )
    parser.add_argument(
        "--masks-for",
        default="100",
        metavar="N|all",
        help="draw masks for the first N images, or for all; drawing takes several times as long "
        "as the exact numbers, none of which depends on it (default 100)",
    )
    add_detrend(parser)
    add_nan(parser, "the spectrum is then unmasked, and no masks are drawn")
    parser.add_argument(
        "--checks",
        type=int,
        default=100,
        metavar="N",
        help="check Eq. 18 by direct sums on the first N images; the sums take more time than "
        "the rest of the analysis (default 100)",
    )
    parser.add_argument(
        "--no-figures", action="store_true", help="draw no pictures: tables and page alone"
    )
    parser.add_argument(
        "--table-format",
        choices=["csv", "parquet"],
        default="csv",
        help="format of the spectra of all images: spectra.csv, or spectra.parquet in a tenth of "
        "the size, with the other tables beside their CSV files (default csv)",
    )
    add_running(parser)
    add_talk(parser, "print only the path of the page")


def add_compare(add: AddParser) -> None:
    """``compare``."""
    text = "compare reconstructions with their originals by frequency: tables, pictures and a page"
    parser = add("compare", out_or_json=True, help=text, description=text)
    parser.add_argument(
        "originals",
        metavar="ORIGINALS",
        help="a folder, pattern, archive, npy or npz array, or @LIST",
    )
    parser.add_argument(
        "reconstructions",
        nargs="+",
        metavar="RECONSTRUCTIONS",
        help="the same of one model each; several are drawn in one picture. Images in folders and "
        "archives are matched by their path inside, without the ending; images of arrays by order",
    )
    add_out(parser)
    parser.add_argument(
        "--labels",
        type=lambda text: text.split(","),
        metavar="A,B",
        help="names of the models, in the order of RECONSTRUCTIONS (default: of their files)",
    )
    parser.add_argument(
        "--masks",
        metavar="PATH",
        help="masks of the originals, matched like reconstructions, or one for all: pixels of 1 "
        "(in image files white) were visible; the error is then that of hidden pixels",
    )
    add_color(parser)
    add_detrend(parser, before="comparing")
    add_max_pixels(parser)
    add_seed(parser, "seed of the bootstrap over images, for error bars (default 0)")
    add_overwrite(parser)
    add_talk(parser, "print only the path of the page")


def add_explore(add: AddParser) -> None:
    """``explore``."""
    text = "write a page on which you move a mask and see the spectra of your images follow"
    parser = add("explore", help=text, description=f"{text}; one file, which opens offline")
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="IMAGE",
        help="at most 32 images, in the forms that analyze takes; shown in gray, the shorter side "
        "resized to 128 pixels and the middle cropped (default: a photograph, a texture and a "
        "random field)",
    )
    add_out(parser, "FILE.html", "the page to write", required=True)
    add_max_pixels(parser)
    add_replacing(parser)
    add_talk(parser)


def add_psd(add: AddParser) -> None:
    """``psd``."""
    text = "draw the power spectra of images or folders, or write them as a table"
    parser = add(
        "psd",
        out_or_json=True,
        help=text,
        description=f"{text}. Of one image: a map and the radial spectrum, also under masks. Of "
        "several: radial spectra in one picture, of each folder (archive, array, @LIST) the mean "
        "and a band over its images, and of ten images or more a histogram of their slopes.",
    )
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="IMAGE",
        help="an image file, 'builtin:NAME', one image of a file such as 'scan.h5::/raw[3]', or "
        "many images in the forms that analyze takes",
    )
    add_out(parser, "FILE", "FILE.png, FILE.pdf, FILE.svg or FILE.csv")
    parser.add_argument(
        "--band",
        choices=["percentile", "std", "stderr", "none"],
        help="of folders: what the band shows, the 16th to 84th percentile of the images around "
        "their median, one standard deviation or one standard error around their mean, or nothing "
        "(default percentile)",
    )
    parser.add_argument(
        "--mask",
        metavar="MASK.png",
        help="an image of the same size as IMAGE: white pixels are visible, black ones hidden, "
        "gray ones are weighted; the spectrum is that of the masked image",
    )
    parser.add_argument(
        "--unmask",
        action="store_true",
        help="with --mask: estimate the spectrum of the whole image, with standard errors",
    )
    add_nan(parser, "the spectrum is then estimated as with --mask --unmask")
    add_patch_size(parser, default=None)
    add_design(parser, optional=True)
    add_reading(parser, size="native")
    add_color(parser)
    add_detrend(parser)
    parser.add_argument(
        "--window", metavar="NAME", help="a window of scipy.signal.get_window, such as hann"
    )
    parser.add_argument(
        "--fs",
        metavar="file|N[/UNIT]",
        help="sampling frequency: 'file' takes the size of pixels that the file states, so that "
        "axes say cycles/mm, cycles/arcsec and the like; or pixels per unit of length, such as "
        "20/mm (default: cycles/pixel)",
    )
    parser.add_argument(
        "--scaling",
        choices=["density", "spectrum", "energy"],
        default="density",
        help="scaling of the power, as in scipy.signal.periodogram; energy is |X|^2 (default "
        "density)",
    )
    add_replacing(parser)
    add_talk(parser)


def add_mask(add: AddParser) -> None:
    """``mask``."""
    text = "write a random mask as an image: white is visible, black is hidden"
    parser = add("mask", help=text, description=text)
    add_out(parser, "FILE.png", "the mask", required=True)
    parser.add_argument(
        "--size", default="224", metavar="N|HxW", help="rows x columns in pixels (default 224)"
    )
    add_patch_size(parser)
    add_design(parser)
    add_seed(parser)
    parser.add_argument(
        "--figure",
        type=Path,
        metavar="FILE.png",
        help="also draw the expected power of such masks over frequency, and its zeros",
    )
    add_replacing(parser)
    add_talk(parser)


def add_verify(add: AddParser) -> None:
    """``verify``."""
    text = "check Eqs. 15-21 of the paper, and the expectations over masks, on images"
    parser = add("verify", help=text, description=f"{text}; exit 1 if any fails")
    parser.add_argument("paths", nargs="*", metavar="PATH", help=SOURCE_HELP)
    parser.add_argument(
        "--theory",
        action="store_true",
        help="also check Lemmas 1-6, Eqs. 13-14 and Theorem 1, on small crops of each image",
    )
    add_patch_size(parser)
    add_design(parser)
    add_seed(parser)
    add_reading(parser)
    add_talk(parser)


def add_audit_masks(add: AddParser) -> None:
    """``audit-masks``."""
    text = "say what the masks of any generator do: ratios, border bias, spectra, leakage"
    parser = add("audit-masks", out_or_json=True, help=text, description=text)
    parser.add_argument(
        "path",
        metavar="MASKS",
        help="an npy or npz file of masks, of shape (n, H, W) or (n, L), or of indices of patches; "
        "a folder of such files; or a folder of black and white images, in which white is 1",
    )
    add_out(parser)
    parser.add_argument(
        "--grid",
        metavar="HxW",
        help="patches along each axis, such as 14x14 (default: the shape of the masks)",
    )
    add_patch_size(parser)
    parser.add_argument(
        "--pixels",
        action="store_true",
        help="the masks are of pixels (default: of patches)",
    )
    parser.add_argument(
        "--hidden",
        action="store_true",
        help="1 means hidden, as in the masks of MAE (default: 1 means visible)",
    )
    parser.add_argument(
        "--ids-keep", action="store_true", help="the file holds indices of the kept patches"
    )
    parser.add_argument(
        "--ids-restore",
        type=int,
        metavar="K",
        help="the file holds ids_restore of MAE, of which the first K are kept",
    )
    parser.add_argument(
        "--images",
        nargs="+",
        metavar="PATH",
        help="images whose mean spectrum leaks (default: a spectrum of 1/f^2)",
    )
    add_max_pixels(parser)
    add_replacing(parser)
    add_talk(parser)


def add_completion(add: AddParser) -> None:
    """``completion``."""
    text = "print the script by which a shell completes commands, options and their values"
    parser = add("completion", help=text, description=text)
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="your shell")
    parser.set_defaults(json=False, verbose=False)


def add_figures(add: AddParser) -> None:
    """``figures``."""
    text = "draw the figures of the documentation, from built-in images or your own"
    parser = add("figures", help=text, description=text)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which figures (default all)")
    add_out(parser, required=True)
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="PATH",
        help="images, folders, patterns, lists (@FILE) and archives to use instead of "
        "scikit-image's images; figures of a single image take the first",
    )
    add_replacing(parser)
    add_talk(parser)
