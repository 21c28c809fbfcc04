"""Ising models: random fields whose correlations are known exactly.

Linear models can be fitted to their exact second moments, and images drawn from them have
correlations of any length.

Spins are ±1, and a state has the probability exp(J Σ s s')/Z with one term for each bond between
neighbours. The coupling J is in units of kT: above zero neighbours tend to be equal, below zero to
differ. There is no external field, so the mean of every spin is exactly zero.

The files:

- `chains`: chains of spins: exact correlations, spectra, second moments, and random draws.
- `exact_torus`: exact results for the square lattice (Onsager, Kaufman, Yang).
- `lattices`: random draws of the square lattice by cluster flips (Swendsen and Wang 1987).
- `sampled_mean`: means of correlated samples, such as a Markov chain's, with standard errors.
"""

from spectral_mae.ising.chains import (
    chain_correlations,
    chain_moments,
    chain_psd,
    chains,
    correlation_length,
)
from spectral_mae.ising.exact_torus import (
    CRITICAL_COUPLING,
    ExactTorus,
    exact_torus,
    infinite_energy,
    spontaneous_magnetisation,
)
from spectral_mae.ising.lattices import SwendsenWang, lattices
from spectral_mae.ising.sampled_mean import SampledMean, integrated_time

__all__ = [
    "CRITICAL_COUPLING",
    "ExactTorus",
    "SampledMean",
    "SwendsenWang",
    "chain_correlations",
    "chain_moments",
    "chain_psd",
    "chains",
    "correlation_length",
    "exact_torus",
    "infinite_energy",
    "integrated_time",
    "lattices",
    "spontaneous_magnetisation",
]
