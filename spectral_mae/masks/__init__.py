"""Masks of square patches: which pixels are kept, and the transforms of masks in closed form.

- `conventions`: masks as others write them: hidden, of patches, as indices.
- `designs/`: distributions over sets of kept patches, `MaskDesign`.
- `mask_files`: files of masks.
- `nearest_design`: which named design is nearest to given masks.
- `patches`: `PatchGrid`, the division of a signal or an image into equal patches,
  and the inclusion probabilities of patches.
- `pulse_mask`: `PulseMask` and `sample_visible`, given and random masks of pixels.
- `pulses`: transforms of rectangular pulses and of sums of them (Eqs. 15-21).
- `sampling`: random sets of kept patches, and all of them by enumeration.
- `tapers`: masks as weights from 0 to 1: checks, tapered edges, autocorrelations.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
