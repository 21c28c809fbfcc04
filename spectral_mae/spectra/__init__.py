"""Power spectra of whole images and signals.

- `backends`: the libraries that compute transforms: FFTW, SciPy, ducc0.
- `bins/`: sums and means of power over bins of frequencies.
- `conditioning`: detrending, masking and windowing of pixels before the transform.
- `fft`: planned real FFTs of batches.
- `frequencies`: the order of frequencies in arrays: half-plane, Nyquist frequency, shifts.
- `labels`: names and units of axes, and arrays of xarray.
- `octaves`: octaves of radial frequency, as edges of bins, and their names.
- `periodogram`: `psd` and `Periodogram`, with the options of `scipy.signal.periodogram`.
- `ratios`: `RadialRatio` and `SpectrumRatio`, what dividing spectra gives.
- `rings`: averages of a spectrum over rings of radial frequency, `RadialSpectrum`.
- `sectors`: averages of a spectrum over sectors of orientation, `SectorSpectrum`.
- `segments`: `welch`, averaged periodograms of overlapping segments.
- `slope`: the exponent of a power law fitted to ring averages.
- `spectrum`: `Spectrum`, the power spectrum of a signal or image.
- `summary`: `summarize`, the spectra of a set of images in one result.
- `tensors/`: the same for arrays of other libraries, on the device where they are.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
