"""What masks do to spectra on average, and the way back from masked images.

- `comparison`: spectra of an image that is visible in part: as they are, unmasked, and of the
  whole image.
- `coupling`: mode coupling: the expected spectrum of a stationary image under a mask, and back.
- `convolution`: eq. 18 on given pixels: the transform of a masked image against (1/D) X ⊛ M, term
  by term.
- `error_bars`: error bars of binned spectra: of Gaussian fields under a mask, and of images by
  resampling.
- `expectation`: what random patch masks do to power spectra on average, exactly and without
  sampling.
- `leaked_power`: leakage, the power that masking brings to a frequency from others, over what it
  keeps there.
- `patch_power`: Σ_b |X_b[k]|²: the power spectra of all patches of an image, each patch on its
  own.
- `slope_fit`: the slope of a power spectrum under a mask, by forward fit.
- `spread`: how much the spectrum of one image varies from mask to mask, exactly.
- `unmasking`: from masked images back to the power spectrum, lag by lag.
- `verification`: the paper's mask equations and the expectations, checked on given pixels.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
