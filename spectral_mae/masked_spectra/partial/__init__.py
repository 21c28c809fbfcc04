"""Images that are visible in part: what a mask shows of them, or what is not missing.

- `comparison`: spectra of such an image as they are, unmasked, and of the whole image.
- `missing_pixels`: its spectrum before and under masking, where pixels are missing.
"""
