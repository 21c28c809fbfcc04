"""What a linear model solves: second moments of images, and what happens to the images.

- `hidden_target`: the best linear map when only hidden patches are scored.
- `mask_ratio_sweep`: the loss of the full-rank masked autoencoder at many mask ratios.
- `problem`: moments and a corruption: the best map, and what any map explains of other images.
- `stationary_maps`: the two best maps of stationary gray images under uniform masks, band by band.
"""
