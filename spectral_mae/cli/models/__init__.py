"""The commands about linear models.

- `fit`: ``spectral-mae fit``: a model from images to a file.
- `plan`: ``spectral-mae plan``: how hard settings of masking are on images, and what they cost.
- `reconstruct`: ``spectral-mae reconstruct``: images, masked, through a fitted model.
- `sweep`: ``spectral-mae sweep``: models over patch sizes and masks.
"""
