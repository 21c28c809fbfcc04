"""Pictures: each function takes results and ``ax=``, draws, and returns the axes.

One style for the whole package (`style`): colours that colour-blind readers tell apart (Okabe and
Ito), units on every axis. Only this package imports matplotlib; `new_figure` and `save` serve those
who write files without a screen.
"""

from spectral_mae.plot.drawing import new_figure, save, style
from spectral_mae.plot.masks import grating, leakage, masking, octaves
from spectral_mae.plot.spectra import masked_radial, power_limits, psd, radial, sectors

__all__ = [
    "grating",
    "leakage",
    "masked_radial",
    "masking",
    "new_figure",
    "octaves",
    "power_limits",
    "psd",
    "radial",
    "save",
    "sectors",
    "style",
]
