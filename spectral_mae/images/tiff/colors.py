"""What the samples of a TIFF mean: gray values, colours, opacity, or channels of something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae.images.decoders.color_models import Lab, YCbCr, cmyk_to_rgb
from spectral_mae.images.samples import Alpha, ImageRefused, Pixels, Raster
from spectral_mae.images.tiff import codecs
from spectral_mae.images.tiff.storage import Storage

if TYPE_CHECKING:
    from tifffile import TiffPage

Samples = NDArray[Any]

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR = range(7)
CIELAB, ICCLAB = 8, 9
MOSAIC, LOG_L, LOG_LUV, LINEAR_RAW, DEPTH_MAP = 32803, 32844, 32845, 34892, 51177
_COLOURS = {
    WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, MASK: 1, CMYK: 4, YCBCR: 3,
    CIELAB: 3, ICCLAB: 3, MOSAIC: 1, LOG_L: 1, LOG_LUV: 3, LINEAR_RAW: 1, DEPTH_MAP: 1,
}  # fmt: skip
_NAMES = {
    10: "ITU L*a*b*", LOG_L: "LogL", LOG_LUV: "LogLuv", 32892: "a sequence of colour filters",
}  # fmt: skip
_ALPHA: dict[int, Alpha] = {1: "associated", 2: "straight"}  # of the tag ExtraSamples


@dataclass(frozen=True, slots=True)
class Meaning:
    """Which channel of a page is what.

    Attributes
    ----------
    photometric : int
        The tag PhotometricInterpretation.
    channels : tuple of int
        Those of the image, in order.
    alpha : tuple or None
        The channel of opacity, and how it is meant.
    """

    photometric: int
    channels: tuple[int, ...]
    alpha: tuple[int, Alpha] | None = None

    @classmethod
    def of(cls, page: TiffPage, n_channels: int, notes: list[str]) -> Meaning:
        """What the tags of a page say of its channels.

        Extra samples of no stated meaning are no opacity. Beside gray they are channels like it,
        beside colours they are left out.
        """
        photometric = _photometric(page, n_channels, notes)
        colours = _COLOURS[photometric]
        if photometric == LINEAR_RAW and n_channels >= 3:
            colours = 3
        if photometric == CMYK and (n_channels < colours or page.tags.valueof(332, 1) != 1):
            photometric, colours = WHITE_IS_ZERO, n_channels  # other inks, of which none is white
        elif n_channels < colours:
            photometric, colours = BLACK_IS_ZERO, n_channels
        extras = _extras(page, photometric, n_channels - colours, notes)
        opacity = [(colours + i, _ALPHA[kind]) for i, kind in enumerate(extras) if kind in _ALPHA]
        unstated = tuple(colours + i for i, kind in enumerate(extras) if kind not in _ALPHA)
        channels = tuple(range(colours))
        if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
            channels += unstated
        elif unstated:
            n = len(unstated)
            notes.append(f"{n} channel{'s' if n > 1 else ''} beside the colours left out")
        return cls(photometric, channels, opacity[0] if opacity else None)


def _photometric(page: TiffPage, n_channels: int, notes: list[str]) -> int:
    if 262 not in page.tags and page.compression != codecs.OLD_JPEG:
        notes.append("the file does not say what its samples mean: taken for gray or RGB")
        gray = WHITE_IS_ZERO if page.compression in codecs.FAX else BLACK_IS_ZERO  # as libtiff
        return RGB if n_channels in (3, 4) else gray
    value = page.photometric
    is_log = value in (LOG_L, LOG_LUV)
    if is_log != (page.compression == codecs.SGI_LOG):
        what = _NAMES.get(value, f"photometric interpretation {value!r:.20}")
        codec = codecs.name_of(int(page.compression))
        raise ImageRefused(f"TIFF of {what} with {codec}: not read here")
    if value not in _COLOURS:
        name = _NAMES.get(value, f"photometric interpretation {value!r:.20}")
        raise ImageRefused(f"TIFF of {name}: not read here")
    return int(value)


def _extras(page: TiffPage, photometric: int, n: int, notes: list[str]) -> list[int]:
    """The kinds of the last ``n`` channels, as the tag ExtraSamples has them."""
    if photometric == RGB and n == 1 and 338 not in page.tags:  # as Pillow, libtiff and OpenCV
        notes.append("fourth channel taken for opacity: the file does not say what it is")
        return [2]
    return ([int(kind) for kind in page.extrasamples] + n * [0])[:n]


def raster(
    page: TiffPage, storage: Storage, meaning: Meaning, samples: Samples, notes: list[str]
) -> Raster:
    """Samples of a page with what is known of their range, colours and opacity.

    Parameters
    ----------
    page : tifffile.TiffPage
        The page, for its tags.
    storage : Storage
        How it stores its samples.
    meaning : Meaning
        What its channels are.
    samples : ndarray, shape (H, W, channels)
        As `spectral_mae.images.tiff.strips.read_samples` returns them.
    notes : list of str
        Receives what was done that changes what a spectrum means.

    Returns
    -------
    Raster
        The samples and their meaning.
    """
    if storage.signed:  # from the lowest value on: the same bits but for the first
        samples = samples ^ samples.dtype.type(1 << (storage.bits - 1))
    picked = meaning.channels + (meaning.alpha[:1] if meaning.alpha else ())
    if picked != tuple(range(samples.shape[-1])):
        first = range(len(picked))
        samples = samples[..., : len(picked)] if picked == tuple(first) else samples[..., picked]
    alpha = meaning.alpha[1] if meaning.alpha else None
    if meaning.photometric == PALETTE:
        return _palette(page, storage, samples, alpha, notes)
    white_is_zero = meaning.photometric == WHITE_IS_ZERO
    if storage.floating:
        plain = Raster.floats(samples, white_is_zero=white_is_zero, alpha=alpha)
    else:
        plain = Raster.integers(samples, storage.bits, white_is_zero=white_is_zero, alpha=alpha)
    return replace(
        plain,
        to_rgb=_to_rgb(page, storage, meaning, notes),
        gray=meaning.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO),
    )


def _palette(
    page: TiffPage, storage: Storage, samples: Samples, alpha: Alpha | None, notes: list[str]
) -> Raster:
    colours = page.tags.valueof(320)
    index = samples[..., 0]
    if not isinstance(colours, np.ndarray) or colours.ndim != 2 or storage.floating:
        raise ImageRefused("damaged TIFF: no colour map for its palette")
    if (highest := int(index.max())) >= colours.shape[1]:
        raise ImageRefused(
            f"damaged TIFF: colour {highest} of a colour map of {colours.shape[1]} colours"
        )
    white = 65535
    if colours.any() and (colours.max() < 256 or not (colours % 256).any()):
        # Writers that take the map for one of bytes are many, so libtiff looks at it too.
        white = 255 if colours.max() < 256 else 255 * 256
        notes.append(
            f"colour map from 0 to {colours.max()}: taken for one of 8 bits, {white} is white"
        )
    shown = np.ascontiguousarray(colours.T.astype(np.uint16))[index]
    if alpha is None:
        return Raster.of(shown, white=white)
    opacity = samples[..., 1:].astype(np.uint32 if storage.bits > 16 else np.uint16)
    together = np.concatenate([shown, opacity], axis=-1)
    return Raster.of(together, white=(white, white, white, 2**storage.bits - 1), alpha=alpha)


def _to_rgb(
    page: TiffPage, storage: Storage, meaning: Meaning, notes: list[str]
) -> Callable[[Pixels], Pixels] | None:
    """What makes RGB of channels that were scaled to [0, 1]; None where nothing is to be done."""
    photometric = meaning.photometric
    if photometric == CMYK:
        notes.append("CMYK converted to RGB without a colour profile")
        return cmyk_to_rgb
    if photometric in (CIELAB, ICCLAB):
        if storage.floating or storage.bits not in (8, 16):
            raise ImageRefused(f"TIFF of {storage.bits}-bit L*a*b*: not read here")
        notes.append("LAB converted to RGB without a colour profile")
        return Lab(storage.bits, icc=photometric == ICCLAB)
    if photometric == YCBCR and storage.ycbcr:
        return _ycbcr(page, storage)
    if photometric in (LOG_L, LOG_LUV):
        notes.append("LogLuv: linear radiance, not scaled")
    elif photometric in (MOSAIC, LINEAR_RAW):
        notes.append("raw values of a camera, not developed")
    elif photometric == MASK:
        notes.append("a mask of another image")
    return None


def _ycbcr(page: TiffPage, storage: Storage) -> YCbCr:
    if storage.floating or storage.signed:
        raise ImageRefused("TIFF of YCbCr that is no unsigned integers: not read here")
    top, middle = 2**storage.bits - 1, 2 ** (storage.bits - 1)
    limits = _fractions(page, 532, (0, top, middle, top, middle, top))
    weights = _fractions(page, 529, (0.299, 0.587, 0.114))
    black, white = limits[::2] / top, limits[1::2] / top
    if not (black < white).all() or not (weights > 0).all():
        raise ImageRefused(
            f"damaged TIFF: YCbCr with weights {weights.tolist()}, limits {limits.tolist()}"
        )
    return YCbCr(tuple(weights), tuple(black), tuple(white))


def _fractions(page: TiffPage, code: int, default: tuple[float, ...]) -> NDArray[np.float64]:
    """A tag of as many numbers as its default, integers or numerators and denominators."""
    value = np.asarray(page.tags.valueof(code, default), dtype=np.float64)
    n = len(default)
    if value.shape == (2 * n,):
        with np.errstate(divide="ignore", invalid="ignore"):
            value = value[::2] / value[1::2]
    if value.shape != (n,) or not np.isfinite(value).all():
        raise ImageRefused(f"damaged TIFF: its tag {code} is {value.tolist()!r:.80}")
    return value
