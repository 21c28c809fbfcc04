"""Find, read and decode images in files, archives and arrays.

- `archives`: images in zip and tar archives, listed without unpacking them.
- `arrays`: images in npy and npz files, and in binary batches of CIFAR-10 and CIFAR-100.
- `containers/`: images in files of many arrays, pages or frames; one file for each format.
- `cropping`: images resized and cropped to a size, or cropped to whole patches.
- `decoders/`: bytes of image files to samples, one file for each format or kind of formats.
- `decoding`: bytes of an image file to pixels; the first bytes determine the format.
- `files`: image files in folders and patterns, and the photographs of scikit-image's wheel.
- `formats`: names of formats, the endings of their files, and their first bytes.
- `gray_png`: gray images and masks written as PNG.
- `image`: `read_image` and the image that it returns.
- `limits/`: the memory and the time that decoding an image may take.
- `pixel_size`: the size of a pixel, in the unit that its file names.
- `reader`: images read one after the other, so that no file can end a run.
- `references`: references to images: small, picklable, and sufficient to read the image.
- `samples`: samples as pixels: scaling, opacity, colours and channels.
- `sources`: the images of a run: files, folders, patterns, lists, archives and arrays.
- `stream`: images of one shape in batches, for fitting models.
- `tiff/`: TIFF files: how a page stores its samples, and what they mean.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
