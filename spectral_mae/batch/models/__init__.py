"""Linear models of many images, in runs that can be interrupted and resumed.

- `fit`: ``fit``: a model fitted to many images, with a score on images held out.
- `mask_columns`: the columns of a sweep's table: mask ratios, or designs of masks.
- `model_images`: the images of such a run: those that are fitted, and those that are held out.
- `moments_work`: second moments of a chunk of images.
- `sweep`: ``sweep``: explained power over patch sizes and mask ratios or designs, on images held
  out.
"""
