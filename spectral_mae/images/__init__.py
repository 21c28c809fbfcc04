"""Image files, archives and arrays: found, read and decoded.

- `archives`: what zip and tar archives hold, without unpacking them.
- `arrays`: images in arrays: npy and npz files, and the binary batches of CIFAR-10 and CIFAR-100.
- `decoders/`: bytes of image files to samples: a file for each format, or for formats of one kind.
- `decoding`: bytes of an image file to pixels, by the format that the first bytes tell.
- `files`: where images are: files, folders, patterns, and the photographs inside scikit-image's
  wheel.
- `formats`: formats of image files: the name people know, the endings of file names, the first
  bytes.
- `image`: image files in, arrays out: the one place that reads images and folders of images.
- `memory_budget`: how much memory an image will take, said before it is decoded.
- `reader`: reading images one after the other, so that none can end the run.
- `references`: references to images: small, picklable, and enough to read the image wherever it
  lies.
- `samples`: rules of samples: what the numbers in an image file are as pixels.
- `sources`: where the images of a run are: files, folders, patterns, lists, archives and arrays.
- `stream`: images of one shape from many files, in batches, for models that are fitted to them.
- `tiff/`: TIFF files: how a page stores its samples, and what they mean.
- `time_limit`: who watches while an image is decoded: the time it may take, and where a process
  stands.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
