"""How hard a patch size, a mask ratio and a mask design are on given images, before training.

The measure is the part of the power of hidden pixels that the best linear masked autoencoder
explains on images held out, in all and by octave of frequency.

- `costs`: visible tokens, and the arithmetic of a ViT encoder and decoder.
- `difficulty`: which mask ratio of a reference is as hard, and how sure that is.
- `drawn_masks`: explained power of hidden pixels under masks drawn from any design.
- `error_sums`: ratios of sums over images, with standard errors.
- `evaluation`: what is measured of each setting, and in which order models are solved.
- `exact_masks`: explained power of hidden pixels, exact over all masks of uniform designs.
- `gaussian_draws`: Gaussian images of given second moments.
- `moments_plan`: a plan from second moments, without images.
- `octave_power`: power of images by octave.
- `planned_setting`: `PlannedSetting`, a row of a plan, over images of all shapes.
- `reference`: explained power of photographs, the scale of difficulty.
- `resampling`: bootstrap samples of images, the same for all settings.
- `result`: `Plan`, a table of settings with their difficulty and cost.
- `settings`: patch sizes, mask ratios and designs that are compared.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
