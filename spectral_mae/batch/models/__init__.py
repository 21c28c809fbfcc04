"""Linear models of many images, in runs that can be interrupted and resumed.

- `fit`: ``fit``: a model fitted to many images, with a score on images held out.
- `mask_columns`: the columns of a sweep's table: mask ratios, or designs of masks.
- `model_images`: the images of such a run: those that are fitted, and those that are held out.
- `moments_work`: second moments of a chunk of images.
- `pixels_work`: the pixels of a chunk of images, of those that a ``plan`` scores.
- `plan_images`: ``plan``: how hard patch sizes, mask ratios and designs are on images.
- `plan_page`: what ``plan`` writes: tables, pictures and the page.
- `plan_words`: what the page of a plan says of designs and of one setting, in words.
- `settings_run`: what ``sweep`` and ``plan`` share: a run that compares models on images held out.
- `solving_time`: how long the models of a plan take to solve.
- `sweep`: ``sweep``: explained power over patch sizes and mask ratios or designs, on images held
  out.
"""
