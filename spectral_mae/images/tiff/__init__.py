"""TIFF files: how a page stores its samples, and what they mean.

- `codecs`: compressed strips and tiles to the bytes or samples that they hold.
- `colors`: meaning of the samples: gray values, colours, opacity, or other channels.
- `logluv`: the LogLuv compression of high dynamic range (G. W. Larson, J. Graphics Tools 3, 1998).
- `packing`: packed rows to numbers: bits, bytes and predictors.
- `reader`: a TIFF file to samples.
- `resolution`: the size of a pixel, from resolution tags, OME and ImageJ.
- `storage`: how a page stores its samples, checked, from its tags.
- `strips`: the samples of a page, put together from its strips or tiles.
"""
