"""Bytes of image files to samples: one file for each format or kind of formats.

- `bit_fields`: channels that are bit fields of a pixel, as in BMP, TGA and DDS.
- `bitmap`: BMP of Windows and OS/2: palettes, bit fields, opacity, run lengths.
- `color_models`: CMYK, YCbCr and L*a*b* to RGB, without a profile.
- `graphics_formats`: DDS, ICO and PSD, which Pillow reads in part.
- `heif`: HEIC and AVIF, by pillow-heif, Pillow or imagecodecs.
- `jpeg`: JPEG by Pillow; more than 8 bits and lossless JPEG by imagecodecs.
- `jpeg2000`: JPEG 2000 with the bit depth of its codestream.
- `jpegxl`: JPEG XL by imagecodecs; size and depth from the header of the codestream.
- `netpbm`: PBM, PGM, PPM and PAM of any maximum, and PFM.
- `optional`: optional packages for formats that Pillow does not read.
- `pillow`: formats that Pillow reads, and the meaning of its pixels.
- `png`: PNG by Pillow, and 16-bit colours exactly.
- `targa`: TGA, as Truevision's specification 2.0 defines it.
"""
