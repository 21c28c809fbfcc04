"""Mask designs: distributions over sets of kept patches, with their exact first and second moments.

Each function makes a `MaskDesign` on a `PatchGrid`. What a design does to a spectrum, and to what a
linear model can learn, depends on it only through the probabilities that one patch and that two
patches are kept.

- `design`: `MaskDesign`, what all designs have in common.
- `uniform`: every set of a given size, also of a random size, or each patch independently.
- `blocks`: one rectangular block.
- `unions`: several blocks, and blocks anywhere (DropBlock).
- `cells`: whole cells of a coarser grid, or a fixed number of patches of each cell.
- `separable`: what designs along axes have in common.
- `axes`: the same patches along one axis, stripes, products of designs along different axes.
- `published`: CAPI's inverse block and BEiT's block-wise masking.
- `targets`: the multi-block masks of I-JEPA.
- `noise`: Gaussian fields above a threshold, and the coloured noise of ColorMAE.
- `sampled`: what is estimated from drawn masks, with standard errors.
- `patterns`: lists of masks, those of others included.
- `text_form`: the text of a design, as in ``--design block:6x6``, and its reading.
- `short_form`: ``patch_size=, mask_ratio=, sampling=`` in place of a uniform design.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
