"""Gray images and masks written as PNG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from spectral_mae._files.made_here import SOFTWARE
from spectral_mae.images.files import AnyPath


def write_gray_png(path: AnyPath, values: NDArray[np.bool_] | NDArray[np.uint8]) -> None:
    """Write a 2-D array as an 8-bit gray PNG.

    Parameters
    ----------
    path : str or path-like
        File to write. An existing file is replaced.
    values : ndarray of uint8 or bool, shape (H, W)
        Gray values from 0 to 255; True is written as 255.

    Raises
    ------
    TypeError
        If the type is neither uint8 nor bool.
    ValueError
        If the array is empty or has not two axes.

    Examples
    --------
    >>> import tempfile
    >>> from spectral_mae import read_image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_gray_png(f"{folder}/mask.png", np.array([[True, False]]))
    ...     read_image(f"{folder}/mask.png").pixels
    array([[1., 0.]])
    """
    if values.dtype not in (np.dtype(np.bool_), np.dtype(np.uint8)):
        raise TypeError(f"values have dtype {values.dtype}; bool or uint8 is needed")
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"values of shape {values.shape} are not an image of one channel")
    levels = np.where(values, 255, 0).astype(np.uint8) if values.dtype == np.bool_ else values
    mark = PngInfo()
    mark.add_text("Software", SOFTWARE)
    Image.fromarray(levels).save(path, format="PNG", pnginfo=mark)
