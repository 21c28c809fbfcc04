"""What random patch masks do to power spectra, and estimates of the spectrum from masked images.

- `auditing/`: what given masks do, anyone's.
- `components`: `MaskedComponents`, the spectra of an image of which its mean spectra are sums.
- `convolution`: Eq. 18, the transform of a masked image, checked by direct sums.
- `coupling`: mode coupling: the expected spectrum of a stationary image under a mask, and back.
- `error_bars`: standard errors by drawing Gaussian fields, and by the bootstrap over images.
- `expectation`: the mean spectrum of an image under random masks, exactly.
- `leaked_power`: `Leakage`, the power that masking brings to a frequency from others.
- `masked_periodogram`: `MaskedPeriodogram`, which keeps the plans of the mean spectra.
- `masked_sums`: `MaskedSums`, the mean spectra over sets of frequencies, without the spectra.
- `partial/`: images that are visible in part, by a mask or because pixels are missing.
- `patch_sums/`: sums of the power of patches, and of pairs of patches.
- `slope_fit`: the exponent of a power law fitted to a masked image by Whittle's likelihood.
- `spread`: the standard deviation of the spectrum from mask to mask, exactly.
- `unmasking`: the power spectrum estimated from masked images, lag by lag.
- `verification`: the paper's mask equations and the expectations, checked on given pixels.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
