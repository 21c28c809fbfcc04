"""Masking of patches as tests ask for it, by a number of patches or on a grid."""

import spectral_mae as sm
from spectral_mae.linear.corruption import PatchMasking


def uniform_masking(patches, ratio, sampling="fixed", target="all"):
    """Uniform masks on a grid, or on so many patches of one pixel."""
    grid = sm.PatchGrid(patches, 1) if isinstance(patches, int) else patches
    return PatchMasking(getattr(sm.designs, sampling)(grid, ratio), target)
