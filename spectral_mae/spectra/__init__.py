"""Power spectra of whole images and signals.

- `annulus`: sums of power over an annulus of frequencies, without a table as large as the
  spectrum.
- `binning`: means over bins of frequencies, worked out once and used for many spectra.
- `conditioning`: what happens to pixels before they are transformed: detrend, then mask, then
  window.
- `fft`: planned real FFTs on batches: the only place that knows FFTW.
- `frequencies`: patches and frequency axes: how an image is cut, and how its spectrum is laid out.
- `periodogram`: power spectra of signals and images, in the vocabulary of
  `scipy.signal.periodogram`.
- `rings`: averages of a two-dimensional spectrum over rings of frequency.
- `sectors`: averages of a two-dimensional spectrum over sectors of orientation.
- `slope`: the slope of a power law through ring averages.
- `spectrum`: the power spectrum of a real signal or image, as a result.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
