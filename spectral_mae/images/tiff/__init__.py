"""TIFF files: how a page stores its samples, and what they mean.

- `codecs`: compressed strips and tiles of a TIFF to the bytes or the samples that they hold.
- `colors`: what the samples of a TIFF mean: gray values, colours, opacity, or channels of
  something else.
- `logluv`: logLuv, the compression of high dynamic range in TIFF (G. W. Larson, J. Graphics Tools
  3, 1998).
- `packing`: packed rows of a TIFF to numbers: bits, bytes and predictors undone.
- `reader`: TIFF files, with all that scientific writers put into them.
- `storage`: how a TIFF page stores its samples, checked, as its tags say it.
- `strips`: samples of a TIFF page as they are stored: its strips or tiles put together.
"""
