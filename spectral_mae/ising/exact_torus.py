"""What is known exactly of the Ising model on the square lattice.

Onsager (1944) on the infinite lattice and Kaufman (1949) on finite ones with periodic boundaries;
the spontaneous magnetisation is Yang's (1952). Energies are −Σ s s' per spin over the bonds, in
units of the coupling constant, so a state has the probability exp(−J·E)/Z.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.special

from spectral_mae import _checks

CRITICAL_COUPLING = math.log1p(math.sqrt(2.0)) / 2
# Beyond, a bond is broken with a probability of less than 1e-86; squares of e^(2J) stay finite.
MAX_COUPLING = 100.0


@dataclass(frozen=True)
class ExactTorus:
    """The Ising model on a finite lattice with periodic boundaries.

    Attributes
    ----------
    shape : tuple of int
        (H, W), spins along each axis.
    coupling : float
        J, in units of kT.
    log_partition : float
        log Z, the logarithm of the sum of exp(−J·E) over all 2^(HW) states.
    energy : float
        Mean energy per spin, −∂ log Z/∂J/(HW), in units of the coupling constant.

    Examples
    --------
    >>> from spectral_mae.ising import exact_torus
    >>> torus = exact_torus((4, 4), 0.0)  # 2^16 states of equal weight
    >>> round(float(torus.log_partition / np.log(2)), 9), abs(torus.energy) < 1e-12
    (16.0, True)
    """

    shape: tuple[int, ...]
    coupling: float
    log_partition: float
    energy: float

    def to_dict(self) -> dict[str, Any]:
        """Convert all fields to a dictionary that JSON can hold.

        Returns
        -------
        dict
            The attributes by name.
        """
        return asdict(self)


def exact_torus(shape: _checks.PerAxis, coupling: float) -> ExactTorus:
    """Partition function and energy of a finite lattice with periodic boundaries (Kaufman 1949).

    With s = sinh 2J, HW spins and the wave numbers k₁, k₂ of the two axes,

        Z = 2^(HW−1) (Z_aa + Z_ap + Z_pa − Z_pp),
        Z_xy = Π √((1−s)² + 2s(sin²(k₁/2) + sin²(k₂/2))),

    where a stands for the odd multiples of π/n along an axis (antiperiodic) and p for the even
    ones. The product over one axis in closed form gives Kaufman's 2 cosh(Wγ/2) and 2 sinh(Wγ/2).
    Her γ₀ = 2J + log tanh J changes sign at the critical coupling. So the root at k₁ = k₂ = 0 is 1
    − s with its sign, not |1 − s|, and Z is smooth there.

    Parameters
    ----------
    shape : int or tuple of int
        (H, W), each at least 2. Along a side of two, neighbours have two bonds between them.
    coupling : float
        J, in units of kT. Below zero both sides must be even: then Z(−J) = Z(J), because turning
        over every other spin exchanges the two. On odd sides the four terms cancel, and for large
        lattices no digits would be left.

    Returns
    -------
    ExactTorus
        log Z and the mean energy per spin.

    Raises
    ------
    ValueError
        If a side is shorter than 2, or odd with J < 0.

    Examples
    --------
    >>> torus = exact_torus((2, 2), 0.3)
    >>> states = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(2, 2, -1)
    >>> bonds = sum((states * np.roll(states, 1, axis)).sum((0, 1)) for axis in (0, 1))
    >>> bool(np.isclose(np.exp(torus.log_partition), np.exp(0.3 * bonds).sum()))
    True
    """
    sides = torus_shape(shape)
    signed = bounded_coupling(coupling)
    if signed < 0 and any(side % 2 for side in sides):
        raise ValueError(f"{coupling=} below zero needs even sides, not {shape=}")
    j, size = abs(signed), math.prod(sides)
    s, c = math.sinh(2 * j), math.cosh(2 * j)
    gap = 1.0 - s
    log_roots, slopes = [], []
    for first in (1, 0):
        for second in (1, 0):
            sines = [
                np.sin(np.pi * (np.arange(side) + half / 2) / side) ** 2
                for side, half in zip(sides, (first, second), strict=True)
            ]
            total = np.add.outer(*sines).ravel()
            if first == second == 0:
                total = total[1:]  # the root at zero is the factor 1 − s below
            square = gap**2 + 2 * s * total
            log_roots.append(np.log(square).sum() / 2)
            slopes.append(np.sum(2 * c * (total - gap) / square))  # of log_roots, ds/dJ = 2c
    scale = max(log_roots)
    roots = np.exp(np.array(log_roots) - scale)
    factors = np.array([1.0, 1.0, 1.0, -gap])
    whole = float(factors @ roots)
    slope = float((factors * slopes) @ roots + 2 * c * roots[-1]) / whole
    log_partition = (size - 1) * math.log(2.0) + scale + math.log(whole)
    energy = -math.copysign(slope / size, signed) + 0.0
    return ExactTorus(sides, signed, float(log_partition), energy)


def infinite_energy(coupling: float) -> float:
    """Energy per spin of the infinite lattice (Onsager 1944), in units of the coupling constant.

    u = −coth 2J [1 + (2/π)(2 tanh² 2J − 1) K(κ)],  κ = 2 sinh 2J/cosh² 2J,

    with the complete elliptic integral K of modulus κ.

    Parameters
    ----------
    coupling : float
        J, in units of kT; the energy is an odd function of it.

    Returns
    -------
    float
        The energy u, from −2 to 2.

    Examples
    --------
    >>> round(infinite_energy(CRITICAL_COUPLING), 9), round(-(2**0.5), 9)
    (-1.414213562, -1.414213562)
    """
    coupling = bounded_coupling(coupling)
    j = abs(coupling)
    if j < 0.01:  # high-temperature series; the formula would lose digits to cancellation
        t = math.tanh(j)
        return -math.copysign(2 * t + 4 * t**3 + 8 * t**5 + 24 * t**7, coupling) + 0.0
    s, c = math.sinh(2 * j), math.cosh(2 * j)
    q = (s - 1.0) * (s + 1.0) / c**2  # 2 tanh² 2J − 1; 1 − κ² is its square
    logarithmic = q * float(scipy.special.ellipkm1(q * q)) if q else 0.0
    return -math.copysign(c / s * (1.0 + 2.0 / math.pi * logarithmic), coupling)


def spontaneous_magnetisation(coupling: float) -> float:
    """Spontaneous magnetisation of the infinite lattice, (1 − sinh(2J)^−4)^(1/8).

    The formula is Onsager's; Yang (1952) published the proof.

    Parameters
    ----------
    coupling : float
        J, in units of kT. Up to the critical coupling, and below zero, the magnetisation is zero.

    Returns
    -------
    float
        The mean spin in size, from 0 to 1.

    Examples
    --------
    >>> round(spontaneous_magnetisation(0.5), 4), spontaneous_magnetisation(0.4)
    (0.9113, 0.0)
    """
    coupling = bounded_coupling(coupling)
    if coupling <= CRITICAL_COUPLING:
        return 0.0
    return max(0.0, -math.expm1(-4 * math.log(math.sinh(2 * coupling)))) ** 0.125


def torus_shape(shape: _checks.PerAxis) -> tuple[int, ...]:
    """Check the sides of a lattice.

    Parameters
    ----------
    shape : int or tuple of int
        One side for both axes, or (H, W).

    Returns
    -------
    tuple of int
        (H, W).

    Raises
    ------
    ValueError
        If a side is shorter than 2.
    """
    sides = _checks.per_axis("shape", shape, 2)
    if min(sides) < 2:
        raise ValueError(f"{shape=}: a lattice has sides of at least 2")
    return sides


def bounded_coupling(coupling: float) -> float:
    """Check a coupling.

    Parameters
    ----------
    coupling : float
        J, in units of kT.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    ValueError
        If its size is beyond `MAX_COUPLING`.
    """
    return _checks.bounded_number("coupling", coupling, MAX_COUPLING)
