"""Bootstrap samples of the images of a plan, the same for all of its settings.

Settings are scored on the same images, so their errors go together: what is easy to fill in at one
mask ratio is so at another. Samples that are shared keep that, in the place where two curves meet
and in differences between settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.planning.error_sums import ErrorSums

N_RESAMPLES = 2000
Shape = tuple[int, ...]


class Resamples:
    """How often each image is in each bootstrap sample.

    Parameters
    ----------
    n_images : mapping of tuple of int to int
        Images of each shape that were scored.

    Examples
    --------
    >>> resamples = Resamples({(8, 8): 40})
    >>> rng = np.random.default_rng(0)
    >>> power = rng.gamma(4.0, 1.0, (40, 1))
    >>> sums = ErrorSums.of(0.4 * power * rng.uniform(0.5, 1.5, (40, 1)), power)
    >>> spread = resamples.explained([((8, 8), sums)]).std()
    >>> bool(np.isclose(spread, sums.stderr[0], rtol=0.1))
    True
    """

    def __init__(self, n_images: Mapping[Shape, int]) -> None:
        total = sum(n_images.values())
        rng = np.random.default_rng(0)
        times = np.ones((N_RESAMPLES, total))
        if total > 1:
            times = rng.multinomial(total, np.full(total, 1 / total), N_RESAMPLES).astype(float)
        ends = np.cumsum(list(n_images.values()))[:-1]
        self._times = dict(zip(n_images, np.split(times, ends, axis=1), strict=True))

    @classmethod
    def of(cls, scored: Iterable[tuple[Shape, ErrorSums]]) -> Resamples:
        """Return samples of the images that sums are of.

        Parameters
        ----------
        scored : iterable of (shape, ErrorSums)
            Of any settings; all of one shape are of the same images.

        Returns
        -------
        Resamples
            Of the images of all shapes together.
        """
        n_images: dict[Shape, int] = {}
        for shape, sums in scored:
            n_images[shape] = max(sums.n_images, n_images.get(shape, 0))
        return cls(n_images)

    def explained(self, parts: Sequence[tuple[Shape, ErrorSums]]) -> FloatArray:
        """Return the explained power of a setting in each sample.

        Parameters
        ----------
        parts : sequence of (shape, ErrorSums)
            The setting on images of each shape.

        Returns
        -------
        ndarray, shape (2000,)
            1 − ΣE/ΣP over all frequencies; NaN where a sample has no power. Without a second image
            all are the same.
        """
        error, power = np.zeros((2, N_RESAMPLES))
        for shape, sums in parts:
            # Of moments there is one, which is exact: the same in all samples.
            times = self._times[shape] if sums.n_images > 1 else np.ones((N_RESAMPLES, 1))
            error += times @ sums.images[0]
            power += times @ sums.images[1]
        return 1.0 - np.divide(error, power, out=np.full_like(error, np.nan), where=power > 0)


def reference_errors(n_images: int) -> FloatArray:
    """Return by how many standard errors a reference is wrong in each sample.

    Only the standard errors of a reference are known. They are of few images, so that their ratio
    to the true error has Student's distribution.

    Parameters
    ----------
    n_images : int
        Images of the reference that are independent.

    Returns
    -------
    ndarray, shape (2000,)
        Draws; zeros where there are fewer than two images.
    """
    if n_images < 2:
        return np.zeros(N_RESAMPLES)
    return np.random.default_rng(1).standard_t(n_images - 1, N_RESAMPLES)
