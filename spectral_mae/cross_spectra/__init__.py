"""Cross spectra of pairs of images: what a reconstruction keeps of its original, by frequency.

- `arrays`: batches of arrays, tensors and Dask arrays, read some images at a time.
- `averages`: cross spectra averaged over rings and sectors, with their curves.
- `comparison`: `SpectraComparison`, pairs of images in batches, with error bars over images.
- `curves`: gain, coherence, Fourier ring correlation, error and explained power of mean powers.
- `distance`: the log-spectral distance of two images.
- `pair_batch`: a batch of originals and reconstructions, checked and read some images at a time.
- `pairs`: planned transforms of batches of pairs.
- `pixel_errors`: squared errors of all pixels of each image, and what is explained of them.
- `resampling`: the bootstrap over images.
- `spectrum`: `cross_spectrum` and `CrossSpectrum`, frequency by frequency.
- `sums`: sums over pairs of images of one shape, and rings that images of several shapes share.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
