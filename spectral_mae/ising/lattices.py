"""Ising lattices, sampled by clusters (Swendsen and Wang 1987)."""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.ising.exact_torus import bounded_coupling, torus_shape
from spectral_mae.masks.sampling import Seed, generator_of


class SwendsenWang:
    """An H × W lattice with periodic boundaries, sampled by a Markov chain of cluster flips.

    In a sweep every satisfied bond (J s s' > 0) is closed with probability 1 − exp(−2|J|). Spins
    that closed bonds connect form a cluster, and every cluster is flipped with probability ½
    (Swendsen and Wang 1987). The distribution exp(J Σ s s')/Z stays as it is, for J of either sign
    and for even and odd sides. Critical slowing down is weak, except for frustrated lattices (J < 0
    on an odd side).

    Parameters
    ----------
    shape : int or tuple of int
        (H, W), each at least 2. Along a side of two, neighbours have two bonds between them.
    coupling : float
        J, in units of kT. The critical value is `CRITICAL_COUPLING`.
    rng : int, numpy.random.Generator or None
        Seed or generator of the random draws. Equal seeds give equal results; None takes a new
        seed.

    Examples
    --------
    It starts with all spins up, so the first sweeps are not to be used.

    >>> from spectral_mae.ising import exact_torus
    >>> lattice = SwendsenWang((16, 16), 0.3, rng=0).sweep(50)
    >>> energies = np.array([lattice.sweep().energy for _ in range(2000)])
    >>> bool(np.isclose(energies.mean(), exact_torus((16, 16), 0.3).energy, atol=0.02))
    True
    """

    def __init__(self, shape: _checks.PerAxis, coupling: float, *, rng: Seed = None) -> None:
        self.shape = torus_shape(shape)
        self.coupling = bounded_coupling(coupling)
        self._rng = generator_of(rng)
        site = np.arange(np.prod(self.shape), dtype=np.int32).reshape(self.shape)
        right, below = np.roll(site, -1, 1), np.roll(site, -1, 0)
        self._neighbours = np.stack([right.ravel(), below.ravel()], axis=1)
        self._spins = np.ones(site.size)

    @property
    def spins(self) -> FloatArray:
        """The state, of −1.0 and 1.0, shape (H, W); a copy."""
        return self._spins.reshape(self.shape).copy()

    @property
    def energy(self) -> float:
        """Energy per spin, −Σ s s' over the 2HW bonds, in units of the coupling constant."""
        return -float(self._bonds().sum()) / self._spins.size

    @property
    def magnetisation(self) -> float:
        """The mean of the spins, from −1 to 1; flips of clusters change its sign."""
        return float(self._spins.mean())

    def sweep(self, k: int = 1) -> Self:
        """Run ``k`` more sweeps.

        Parameters
        ----------
        k : int
            Number of sweeps, at least 1.

        Returns
        -------
        SwendsenWang
            The lattice itself, in its new state.
        """
        size = self._spins.size
        chance = -np.expm1(-2 * abs(self.coupling))
        for _ in range(_checks.positive_int("k", k)):
            satisfied = self._bonds() * self.coupling > 0
            closed = satisfied & (self._rng.random(satisfied.shape) < chance)
            ends = self._neighbours[closed]
            starts = np.zeros(size + 1, dtype=np.int32)
            np.cumsum(closed.sum(axis=1), out=starts[1:])
            graph = csr_array((np.ones(len(ends)), ends, starts), shape=(size, size))
            n_clusters, cluster = connected_components(graph, directed=False)
            self._spins *= self._rng.choice([-1.0, 1.0], n_clusters)[cluster]
        return self

    def _bonds(self) -> FloatArray:
        """S s' of every spin with its right and its lower neighbour, shape (HW, 2)."""
        return self._spins[:, np.newaxis] * self._spins[self._neighbours]


def lattices(
    shape: _checks.PerAxis,
    coupling: float,
    n: int,
    *,
    burn_in: int = 100,
    every: int = 10,
    rng: Seed = None,
) -> FloatArray:
    """Draw lattices with periodic boundaries from one run of `SwendsenWang`.

    The draws are close to independent if ``every`` is well above twice the autocorrelation time
    (`integrated_time`). That time is largest near the critical coupling: about 5 sweeps at 64×64.

    Parameters
    ----------
    shape : int or tuple of int
        (H, W), each at least 2.
    coupling : float
        J, in units of kT.
    n : int
        How many lattices to draw.
    burn_in : int
        Number of sweeps before the first draw; the run starts with all spins up.
    every : int
        Number of sweeps from one draw to the next.
    rng : int, numpy.random.Generator or None
        Seed or generator of the random draws. Equal seeds give equal results; None takes a new
        seed.

    Returns
    -------
    ndarray, shape (n, H, W)
        Spins, −1.0 or 1.0.

    Examples
    --------
    >>> from spectral_mae import LinearMAE
    >>> images = lattices((16, 16), 0.4, 300, rng=0)
    >>> model = LinearMAE(4, 0.5).fit(images[:200])
    >>> 0 < model.score(images[200:]) < 1
    True
    """
    n = _checks.positive_int("n", n)
    every = _checks.positive_int("every", every)
    burn_in = _checks.positive_int("burn_in", burn_in)
    run = SwendsenWang(shape, coupling, rng=rng).sweep(burn_in)
    found = np.empty((n, *run.shape))
    for place in range(n):
        found[place] = run.spins
        if place < n - 1:
            run.sweep(every)
    return found
