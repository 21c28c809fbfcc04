"""The libraries that compute transforms, side by side: FFTW and ducc0 against SciPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.contest import Contest, Ratio, Size, Work
from benchmarks.spectra import bare
from spectral_mae.extras import installed
from spectral_mae.spectra.fft import RealFFT
from spectral_mae.spectra.periodogram import TRANSPOSED

PACKAGES = {"fftw": "pyfftw", "ducc": "ducc0"}
BYTES = 2**22  # of the images of a batch


def libraries(size: Size) -> Iterator[Contest]:
    """Bare transforms of single images and of batches, as `Periodogram` prepares them."""
    found = [backend for backend, package in PACKAGES.items() if installed(package)]
    missing = [package for backend, package in PACKAGES.items() if backend not in found]
    for side in size.transform_sides:
        for dtype in (np.float32, np.float64):
            n = max(2, BYTES // (side**2 * np.dtype(dtype).itemsize))
            works: dict[str, Work] = {}
            for backend in ("scipy", *found):
                for kind, chunk in (("one", 1), ("batch", None)):
                    fft = RealFFT(
                        (side, side),
                        dtype=dtype,
                        backend=backend,
                        chunk=chunk,
                        transposed=side**2 >= TRANSPOSED,
                    )
                    works[f"{backend} {kind}"] = bare(fft, 1 if chunk else n)
            yield Contest(
                f"Transforms by other libraries, {side}×{side} {np.dtype(dtype).name}",
                works,
                [
                    Ratio(f"{name}, {what}: as fast as SciPy", f"scipy {kind}", f"{name} {kind}")
                    for name in found
                    for kind, what in (("one", "one image"), ("batch", f"{n} images"))
                ],
                rounds=size.rounds,
                note=f"not installed: {', '.join(missing)}" if missing else "",
            )
