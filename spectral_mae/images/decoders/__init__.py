"""Bytes of image files to samples: a file for each format, or for formats of one kind.

- `bit_fields`: channels that are some bits of a pixel each, as in BMP, TGA and DDS.
- `bitmap`: BMP, of Windows and of OS/2: palettes, fields of any width, opacity, run lengths.
- `color_models`: other colour models to RGB, without a profile; all take and give channels in [0,
  1].
- `graphics_formats`: formats of graphics programs that Pillow reads, with what its pixels do not
  say.
- `heif`: HEIC and AVIF: pictures in ISO's box format, by pillow-heif and by Pillow or imagecodecs.
- `jpeg`: JPEG: what Pillow reads, and by imagecodecs more bits and what is lossless.
- `jpeg2000`: JPEG 2000, of the depth that its codestream says.
- `jpegxl`: JPEG XL, by imagecodecs; size and depth from the header of the codestream.
- `netpbm`: netpbm's formats: PBM, PGM, PPM and PAM of any maximum, and PFM; values exactly as they
  stand.
- `optional`: packages that read what Pillow does not, where they are installed.
- `pillow`: what Pillow reads, and what its pixels mean.
- `png`: PNG: what Pillow reads, and 16-bit colours exactly.
- `targa`: TGA, as Truevision's specification 2.0 has it.
"""
