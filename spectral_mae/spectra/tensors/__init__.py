"""Power spectra of tensors, on the device where they are and open to derivatives.

- `bin_means`: means over bins of frequencies.
- `conditioning`: detrending, masking and windowing before the transform.
- `periodogram`: power of batches, what `Periodogram` does with tensors.
"""
