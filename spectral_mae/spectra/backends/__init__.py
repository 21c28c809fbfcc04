"""The libraries that compute transforms: one file for each; `fft` says which is used.

- `ducc`: ducc0, which the extra ``ducc`` installs; the only file that imports it.
- `fftw`: FFTW; the only file that imports pyfftw.
- `scipy_fft`: SciPy's FFT, which is always there.
- `workspace`: buffers of one chunk of images, in which all of them work.
"""
