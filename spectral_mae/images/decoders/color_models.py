"""Other colour models to RGB, without a profile; all take and give channels in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spectral_mae.images.samples import Pixels


def cmyk_to_rgb(inks: Pixels) -> Pixels:
    """Convert CMYK to RGB without a profile: red is (1−C)(1−K), and so on.

    Parameters
    ----------
    inks : ndarray, shape (..., 4)
        Cyan, magenta, yellow and black, from 0 to 1.

    Returns
    -------
    ndarray, shape (..., 3)
        Red, green and blue, from 0 to 1.

    Examples
    --------
    >>> cmyk_to_rgb(np.array([[1.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.25]]))
    array([[0.  , 1.  , 0.5 ],
           [0.75, 0.75, 0.75]])
    """
    return (1 - inks[..., :3]) * (1 - inks[..., 3:])


@dataclass(frozen=True, slots=True)
class YCbCr:
    """Luma and differences of colour, as TIFF 6.0 defines them (section 21).

    Attributes
    ----------
    weights : tuple of float
        Of red, green and blue in the luma; by default those of ITU-R BT.601.
    black : tuple of float
        What stands for 0 of Y, Cb and Cr, as a fraction of the range of the integers.
    white : tuple of float
        What stands for 1 of Y, and for (almost) ½ of Cb and Cr.

    Examples
    --------
    The 8-bit YCbCr of pure red is (76, 85, 255), rounded:

    >>> YCbCr()(np.array([76.0, 85.0, 255.0]) / 255).round(2)
    array([1., 0., 0.])
    """

    weights: tuple[float, float, float] = (0.299, 0.587, 0.114)
    black: tuple[float, float, float] = (0.0, 128 / 255, 128 / 255)
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __call__(self, coded: Pixels) -> Pixels:
        """Convert to RGB; colours outside its gamut are clipped.

        Parameters
        ----------
        coded : ndarray, shape (..., 3)
            Channels scaled to the range from 0 to 1.

        Returns
        -------
        ndarray, shape (..., 3)
            Red, green and blue, clipped to the range from 0 to 1.
        """
        black, white = np.asarray(self.black), np.asarray(self.white)
        luma, blue, red = np.moveaxis((coded - black) / (white - black), -1, 0)
        of_red, of_green, of_blue = self.weights
        # the spec gives differences of colour 127 of 255 steps to either side
        r = luma + (2 - 2 * of_red) * (127 / 255) * red
        b = luma + (2 - 2 * of_blue) * (127 / 255) * blue
        g = (luma - of_blue * b - of_red * r) / of_green
        return np.clip(np.stack([r, g, b], axis=-1), 0, 1)


@dataclass(frozen=True, slots=True)
class Lab:
    """CIE 1976 L*a*b* under D50, the light of printing, to sRGB.

    Attributes
    ----------
    bits : int
        8 or 16, of the integers that were scaled to [0, 1].
    icc : bool
        Whether a* and b* have the offset of the ICC's encoding, else they are signed.
    """

    bits: int
    icc: bool

    def __call__(self, coded: Pixels) -> Pixels:
        """Convert to RGB; colours outside its gamut are clipped.

        Parameters
        ----------
        coded : ndarray, shape (..., 3)
            Channels scaled to the range from 0 to 1.

        Returns
        -------
        ndarray, shape (..., 3)
            Red, green and blue, clipped to the range from 0 to 1.
        """
        codes = np.rint(coded * (2.0**self.bits - 1))
        steps = 2.0 ** (self.bits - 8)
        lightness = codes[..., :1] * (100 / (255 * steps if self.icc else 2.0**self.bits - 1))
        differences = codes[..., 1:] / steps
        if self.icc:
            differences -= 128
        else:
            differences -= np.where(differences >= 128, 256, 0)
        of_y = (lightness + 16) / 116
        of_x, of_z = of_y + differences[..., :1] / 500, of_y - differences[..., 1:] / 200
        roots = np.concatenate([of_x, of_y, of_z], axis=-1)
        knee = 6 / 29
        xyz = _D50 * np.where(roots > knee, roots**3, 3 * knee**2 * (roots - 4 / 29))
        linear = np.clip(xyz @ _SRGB_OF_D50.T, 0, 1)
        return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


_D50 = np.array([0.96422, 1.0, 0.82521])
# XYZ under D50 to linear sRGB, adapted to D65 by Bradford's transform (as Lindbloom lists it)
_SRGB_OF_D50 = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
