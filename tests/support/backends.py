"""Libraries that compute transforms, as cases of tests; one that is not installed is skipped."""

import pytest

from spectral_mae.extras import installed

PACKAGES = {"fftw": "pyfftw", "scipy": "scipy", "ducc": "ducc0"}
needs_fftw = pytest.mark.skipif(not installed("pyfftw"), reason="pyfftw is not installed")


def case(*values):
    """A case whose first value names a library."""
    package = PACKAGES[values[0]]
    skip = pytest.mark.skipif(not installed(package), reason=f"{package} is not installed")
    return pytest.param(*values, marks=skip)


BACKENDS = pytest.mark.parametrize("backend", [case(backend) for backend in PACKAGES])
# Only FFTW has planners to choose from.
BACKENDS_AND_PLANNERS = pytest.mark.parametrize(
    ("backend", "planner"),
    [
        case("fftw", "estimate"),
        case("fftw", "measure"),
        case("scipy", "estimate"),
        case("ducc", "estimate"),
    ],
)
