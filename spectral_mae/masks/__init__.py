"""Which pixels are kept, and the transforms of masks in closed form.

- `patches`: the cut of an image into equal patches, in row-major order, and how many of them masks
  keep.
- `pulse_mask`: masks in pixels: sums of rectangular pulses, and random masks of patches.
- `pulses`: closed-form transforms of rectangular pulses and of sums of them (Eqs. 15-21).
- `sampling`: draws and enumerations of the patches that are kept, for the two designs of mask
  sampling.
- `tapers`: masks as weights from 0 to 1: checked, tapered, and their pairs counted.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
