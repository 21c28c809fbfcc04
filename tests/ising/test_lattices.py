"""Ising lattices: exact results against sums over all states, draws against exact results."""

import math

import numpy as np
import pytest
import scipy.stats

import spectral_mae as sm
from spectral_mae import ising

CRITICAL = ising.CRITICAL_COUPLING
SMALL = [(2, 2), (2, 3), (3, 2), (3, 3), (3, 4), (4, 3), (4, 4), (2, 6)]


def bond_sums(shape):
    """Σ s s' over the bonds to the right and below, for every state; two on a side of two."""
    size = math.prod(shape)
    bits = (np.arange(2**size)[:, np.newaxis] >> np.arange(size)) & 1
    states = (2.0 * bits - 1.0).reshape(-1, *shape)
    return sum(np.sum(states * np.roll(states, 1, axis), axis=(1, 2)) for axis in (1, 2))


def kaufman_original(shape, coupling):
    """log Z as Kaufman wrote it, with γ_0 = 2J + log tanh J."""
    rows, columns = shape
    turn = np.arange(2 * rows) * np.pi / rows
    gamma = np.arccosh(np.cosh(2 * coupling) / np.tanh(2 * coupling) - np.cos(turn))
    gamma[0] = 2 * coupling + math.log(math.tanh(coupling))
    odd, even = gamma[1::2] * columns / 2, gamma[::2] * columns / 2
    products = [np.prod(2 * f(g)) for g in (odd, even) for f in (np.cosh, np.sinh)]
    half = rows * columns / 2
    return math.log(sum(products) / 2) + half * math.log(2 * math.sinh(2 * coupling))


def energies(run, n):
    return np.array([run.sweep().energy for _ in range(n)])


# Exact results -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "coupling"),
    [(shape, j) for shape in SMALL for j in (0.0, 1e-4, 0.2, CRITICAL, 0.6, 1.5, 30.0)]
    + [(shape, j) for shape in [(2, 2), (4, 4), (2, 6)] for j in (-0.3, -CRITICAL, -0.6, -30.0)],
)
def test_the_torus_is_the_sum_over_all_states(shape, coupling):
    sums = bond_sums(shape)
    log_weight = coupling * sums
    weight = np.exp(log_weight - log_weight.max())
    found = ising.exact_torus(shape, coupling)
    log_partition = log_weight.max() + math.log(weight.sum())
    assert found.log_partition == pytest.approx(log_partition, rel=1e-13)
    energy = -(sums @ weight) / weight.sum() / math.prod(shape)
    assert found.energy == pytest.approx(energy, rel=1e-12, abs=1e-14)
    assert found.to_dict()["shape"] == shape


@pytest.mark.parametrize("shape", [(4, 6), (5, 3), (3, 10), (7, 7)])
@pytest.mark.parametrize("coupling", [0.15, 0.4, 0.45, 0.8])
def test_the_torus_is_as_kaufman_wrote_it(shape, coupling):
    found = ising.exact_torus(shape, coupling).log_partition
    assert found == pytest.approx(kaufman_original(shape, coupling), rel=1e-13)
    assert found == pytest.approx(ising.exact_torus(shape[::-1], coupling).log_partition, rel=1e-14)


@pytest.mark.parametrize("shape", [(8, 8), (31, 64), (200, 150)])
@pytest.mark.parametrize("coupling", [0.1, CRITICAL - 1e-3, CRITICAL, CRITICAL + 1e-3, 0.7])
def test_the_energy_is_the_slope_of_log_z(shape, coupling):
    """Central differences of eighth order."""
    step = 0.02 / max(shape)
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    slope = sum(
        sign * weight * ising.exact_torus(shape, coupling + sign * k * step).log_partition
        for k, weight in weights.items()
        for sign in (1, -1)
    ) / (step * math.prod(shape))
    assert ising.exact_torus(shape, coupling).energy == pytest.approx(-slope, rel=1e-8)


def test_the_torus_is_smooth_at_the_critical_coupling():
    at = [ising.exact_torus((64, 64), CRITICAL + step).energy for step in (-1e-9, 0.0, 1e-9)]
    assert at[0] - at[1] == pytest.approx(at[1] - at[2], rel=1e-4)
    assert 1e-9 < at[0] - at[1] < 1e-7


@pytest.mark.parametrize("coupling", [0.005, 0.1, 0.35, 0.55, 1.0, 50.0, -0.2, -0.005])
def test_large_tori_are_the_infinite_lattice(coupling):
    found = ising.exact_torus((180, 200), coupling).energy
    assert ising.infinite_energy(coupling) == pytest.approx(found, rel=1e-11)


def test_the_infinite_energy_has_known_values():
    assert ising.infinite_energy(CRITICAL) == pytest.approx(-math.sqrt(2), rel=1e-14)
    assert ising.infinite_energy(0.0) == 0.0
    series, formula = (ising.infinite_energy(0.01 * (1 + step)) for step in (-1e-14, 1e-14))
    assert series == pytest.approx(formula, rel=1e-11)
    for coupling in (0.0099, 0.02, 0.04):
        torus = ising.exact_torus((60, 60), coupling).energy
        assert ising.infinite_energy(coupling) == pytest.approx(torus, rel=1e-12, abs=0)
    # −2t − 4t³ to third order
    assert ising.infinite_energy(1e-6) == pytest.approx(
        -2e-6 - (4 - 2 / 3) * 1e-18, rel=1e-15, abs=0
    )
    # With the logarithmic cusp of finite lattices rounded off, from both sides.
    large = ising.exact_torus((400, 400), CRITICAL).energy
    assert large == pytest.approx(-math.sqrt(2), abs=2e-3)


def test_the_critical_coupling_is_where_magnetisation_begins():
    assert math.sinh(2 * CRITICAL) == pytest.approx(1.0, rel=1e-15)
    assert ising.spontaneous_magnetisation(CRITICAL) == 0.0
    assert ising.spontaneous_magnetisation(-1.0) == 0.0
    near = ising.spontaneous_magnetisation(CRITICAL + 1e-10)
    assert near == pytest.approx((8 * math.sqrt(2) * 1e-10) ** 0.125, rel=1e-5)
    direct = (1 - math.sinh(1.2) ** -4) ** 0.125
    assert ising.spontaneous_magnetisation(0.6) == pytest.approx(direct, rel=1e-14)
    assert ising.spontaneous_magnetisation(100.0) == 1.0


# Draws -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "coupling"),
    [((3, 3), 0.35), ((3, 3), -0.35), ((2, 3), 0.3), ((2, 2), 0.25), ((4, 3), 0.6), ((2, 4), -0.3)],
)
@pytest.mark.slow
def test_clusters_draw_from_the_distribution_of_all_states(shape, coupling):
    """Every energy as often as enumeration says; odd antiferromagnets and double bonds too."""
    sums = bond_sums(shape)
    levels, which = np.unique(-sums / math.prod(shape), return_inverse=True)
    probability = np.bincount(which, np.exp(coupling * sums))
    probability /= probability.sum()
    run = ising.SwendsenWang(shape, coupling, rng=3).sweep(20)
    found = energies(run, 5000)
    for level, expected in zip(levels, probability, strict=True):
        hit = np.abs(found - level) < 1e-9
        if expected * len(found) < 20:
            continue
        mean = ising.SampledMean.of(hit)
        assert abs(mean.mean - expected) < 4 * mean.stderr
    assert np.all(np.abs(found[:, np.newaxis] - levels).min(axis=1) < 1e-9)


@pytest.mark.slow
def test_every_state_of_the_smallest_lattice_is_drawn_as_often_as_it_is_likely():
    sums = bond_sums((2, 2))
    probability = np.exp(0.2 * sums)
    probability /= probability.sum()
    spins = ising.lattices((2, 2), 0.2, 4000, every=3, rng=4).reshape(-1, 4)
    counts = np.bincount(((spins > 0) @ 2 ** np.arange(4)).astype(int), minlength=16)
    stderr = np.sqrt(probability * (1 - probability) / len(spins))
    assert np.all(np.abs(counts / len(spins) - probability) < 4 * stderr)
    assert scipy.stats.chisquare(counts, probability * len(spins)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("shape", "coupling"), [((32, 32), 0.38), ((32, 24), CRITICAL), ((32, 32), 0.5)]
)
@pytest.mark.slow
def test_mean_energies_are_kaufmans_on_both_sides_of_the_critical_point(shape, coupling):
    run = ising.SwendsenWang(shape, coupling, rng=5).sweep(200)
    found = ising.SampledMean.of(energies(run, 3000))
    exact = ising.exact_torus(shape, coupling).energy
    assert abs(found.mean - exact) < 4 * found.stderr
    assert found.stderr < 7e-3
    assert 0.5 <= found.time < 20


@pytest.mark.parametrize("coupling", [0.48, 0.55])
@pytest.mark.slow
def test_magnetisation_well_below_the_critical_temperature_is_onsagers(coupling):
    run = ising.SwendsenWang((64, 64), coupling, rng=6).sweep(100)
    signed = np.array([run.sweep().magnetisation for _ in range(1500)])
    found = ising.SampledMean.of(np.abs(signed))
    assert abs(found.mean - ising.spontaneous_magnetisation(coupling)) < 4 * found.stderr
    assert found.stderr < 2e-3
    # Clusters turn over freely, so both signs are drawn.
    assert abs(np.mean(signed > 0) - 0.5) < 4 * 0.5 / math.sqrt(len(signed))


def test_antiferromagnets_are_ferromagnets_with_every_other_spin_turned_over():
    run = ising.SwendsenWang((16, 12), -0.6, rng=7).sweep(100)
    board = (-1.0) ** np.add.outer(np.arange(16), np.arange(12))
    found, staggered = [], []
    for _ in range(1500):
        found.append(run.sweep().energy)
        staggered.append(abs(np.mean(run.spins * board)))
    mean = ising.SampledMean.of(found)
    exact = ising.exact_torus((16, 12), -0.6).energy
    assert abs(mean.mean - exact) < 4 * mean.stderr
    assert exact > 1.8
    assert np.mean(staggered) == pytest.approx(ising.spontaneous_magnetisation(0.6), abs=0.01)


def test_energy_and_magnetisation_are_those_of_the_spins():
    run = ising.SwendsenWang((5, 8), 0.4, rng=0)
    np.testing.assert_array_equal(run.spins, np.ones((5, 8)))
    assert (run.energy, run.magnetisation) == (-2.0, 1.0)
    spins = run.sweep(7).spins
    bonds = sum(
        spins[i, j] * (spins[(i + 1) % 5, j] + spins[i, (j + 1) % 8])
        for i in range(5)
        for j in range(8)
    )
    assert run.energy == pytest.approx(-bonds / 40)
    assert run.magnetisation == pytest.approx(spins.mean())
    spins[:] = 0.0
    assert set(np.unique(run.spins)) == {-1.0, 1.0}


def test_without_coupling_every_spin_is_a_coin():
    spins = ising.lattices((6, 6), 0.0, 2000, burn_in=1, every=1, rng=1)
    assert np.all(np.abs(spins.mean(axis=0)) < 4.5 / math.sqrt(2000))
    cold = ising.lattices((6, 6), 100.0, 20, rng=1)
    assert np.all(np.abs(cold.mean(axis=(1, 2))) == 1.0)


def test_seeds_say_which_lattices_and_sweeps_add_up():
    first = ising.lattices((6, 4), 0.3, 4, burn_in=5, every=3, rng=9)
    assert first.shape == (4, 6, 4)
    again = ising.lattices((6, 4), 0.3, 4, burn_in=5, every=3, rng=np.random.default_rng(9))
    np.testing.assert_array_equal(first, again)
    run = ising.SwendsenWang((6, 4), 0.3, rng=9)
    np.testing.assert_array_equal(run.sweep(5).spins, first[0])
    np.testing.assert_array_equal(run.sweep(2).sweep().spins, first[1])
    np.testing.assert_array_equal(run.sweep(6).spins, first[3])
    assert not np.array_equal(first, ising.lattices((6, 4), 0.3, 4, burn_in=5, every=3, rng=8))


def test_linear_models_take_lattices():
    images = ising.lattices((8, 12), 0.5, 300, every=3, rng=2)
    model = sm.LinearMAE(4, 0.5).fit(images[:200])
    assert 0.3 < model.score(images[200:]) < 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ising.SwendsenWang((1, 4), 0.3), ValueError, r"shape=\(1, 4\): a lattice has"),
        (lambda: ising.SwendsenWang((4, 4, 4), 0.3), ValueError, "3 numbers for 2 axes"),
        (lambda: ising.SwendsenWang(4, np.inf), ValueError, "coupling=inf is not between -100"),
        (lambda: ising.SwendsenWang(4, 0.3).sweep(0), ValueError, "k=0 is not at least 1"),
        (lambda: ising.lattices(4, 0.3, 0), ValueError, "n=0 is not at least 1"),
        (lambda: ising.lattices(4, 0.3, 2, every=0), ValueError, "every=0 is not at least 1"),
        (lambda: ising.lattices(4, 0.3, 2, burn_in=0), ValueError, "burn_in=0 is not at least 1"),
        (lambda: ising.exact_torus((4, 3), -0.3), ValueError, r"coupling=-0.3 .* shape=\(4, 3\)"),
        (lambda: ising.exact_torus((4, 1), 0.3), ValueError, r"shape=\(4, 1\): a lattice has"),
        (lambda: ising.exact_torus((4, 4), "a"), TypeError, "coupling='a' is not a real number"),
        (lambda: ising.infinite_energy(np.nan), ValueError, "coupling=nan is not between"),
        (lambda: ising.spontaneous_magnetisation(1e3), ValueError, "coupling=1000.0 is not"),
    ],
)
def test_impossible_lattices_are_refused_with_their_values(call, error, message):
    with pytest.raises(error, match=message):
        call()
