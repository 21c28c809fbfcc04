"""Sums over patches, or pairs of patches, of the power spectra of an image cut up.

- `pair_power`: the mean power under a design that is not uniform, from all pairs of patches.
- `patch_power`: Σ_b |X_b[k]|², the sum of the power spectra of all patches of an image.
- `set_sums`: sums of Σ_b |X_b[k]|² over sets of frequencies, without the spectrum.
- `tensor_patches`: the sum of the power spectra of all patches, for arrays of other libraries.
"""
