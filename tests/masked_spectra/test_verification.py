"""The checks themselves: they pass on sound formulas and fail on broken ones."""

import dataclasses

import laws
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae import PulseMask
from spectral_mae.masked_spectra import verification
from spectral_mae.masked_spectra.verification import Check, mask_dft_error, rounding_bound, worst_of
from spectral_mae.masks import pulses
from spectral_mae.masks.designs.uniform import Uniform
from spectral_mae.masks.patches import inclusion_probabilities


@pytest.fixture
def photograph():
    """Rows and columns of different, partly odd, size with a steep spectrum and a mean."""
    rng = np.random.default_rng(0)
    return 0.5 + 0.1 * np.cumsum(np.cumsum(rng.standard_normal((48, 45)), 0), 1) / 48


@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize("mask_ratio", [0.3, 0.75])
def test_all_checks_hold(photograph, sampling, mask_ratio):
    checks = verification.verify_image(
        photograph, 3, mask_ratio, sampling=sampling, rng=np.random.default_rng(1), where="here"
    )
    assert [c for c in checks if not c.ok] == []
    assert {c.where for c in checks} == {"here"}
    assert {c.precision for c in checks} == {"float32", "float64"}
    equations = {c.equation for c in checks}
    assert {f"Eq. {n}" for n in range(17, 22)} | {"Eqs. 15-16", "E|M|²", "E|Y|²"} <= equations


def test_mask_error_is_that_of_the_whole_grid(photograph):
    mask = PulseMask((9, 10), 2, [(1, 3), (5, 5)])
    other = PulseMask((9, 10), 2, [(1, 3), (5, 6)])
    mask.__dict__["visible"] = other.visible
    truth = laws.relative_error(other.dft(), mask.dft())
    assert mask_dft_error(mask, verification.RealFFT((9, 10))) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        ("dirichlet_kernel", {"Eq. 18", "Eq. 19", "Eq. 20"}),
        ("dirichlet_power", {"Eq. 21"}),
        ("start_phases", {"Eq. 21"}),
        ("_write_repeated", {"Eq. 18", "Eq. 19", "Eq. 21"}),
    ],
)
def test_each_row_checks_the_formula_of_its_equation(photograph, monkeypatch, wrong, broken):
    """Eq. 18 is X ⊛ M, Eq. 19 M[k] of a mask, Eq. 20 R[k] of a pulse, Eq. 21 the modulus |M[k]|.

    M is made of R and of the sum over the starts, |M| of |R| and of the same sum.
    """
    home = pulses.PulseSum if wrong.startswith("_") else pulses
    sound = getattr(home, wrong)

    def slightly_off(*arguments):
        if wrong == "_write_repeated":  # the sum over starts on the patch grid, written into out
            mask, kept, *rest = arguments
            return sound(mask, kept * 1.001, *rest)
        return sound(*arguments) * 1.001

    monkeypatch.setattr(home, wrong, slightly_off)
    checks = verification.verify_image(
        photograph, 3, 0.75, sampling="fixed", rng=np.random.default_rng(1)
    )
    found = {c.equation for c in checks if c.precision == "float64" and not c.ok}
    assert found == broken


def test_rows_say_what_their_equations_are(photograph):
    """What the paper calls M[k], R[k] and |M[k]|; in the order of the paper."""
    checks = verification.verify_image(
        photograph, 3, 0.75, sampling="fixed", rng=np.random.default_rng(1)
    )
    rows = [(c.equation, c.statement) for c in checks if c.equation.startswith("Eq. ")]
    said = {equation: statement.split()[0] for equation, statement in rows}
    assert {n: said[f"Eq. {n}"] for n in (19, 20, 21)} == {19: "M[k]", 20: "R[k]", 21: "|M[k]|"}
    numbers = [int(equation.removeprefix("Eq. ")) for equation, _ in rows]
    assert numbers == [17, 18, 19, 20, 21, 18, 19, 20, 21]


def test_documents_number_the_equations_as_the_paper_does():
    """Eq. 19 is that of M, Eq. 20 that of R."""
    assert "(Eq. 20)" in pulses.dirichlet_kernel.__doc__
    assert "(Eq. 19)" in pulses.PulseSum.__doc__
    assert "(Eq. 19)" in PulseMask.dft.__doc__
    for part in ("R[k] =", "M[k] ="):
        assert part in pulses.dirichlet_kernel.__doc__ + pulses.PulseSum.__doc__


def test_mask_error_sees_the_slip_of_equation_19(photograph, monkeypatch):
    """The paper's Eq. 19 misses the /D in the exponent; with the slip the check fails."""

    def slipped(n, multiples):
        return np.exp(-2j * np.pi * multiples)

    def error():
        mask = PulseMask(photograph.shape, 4, [(0, 0), (8, 20)])
        return mask_dft_error(mask, verification.RealFFT(mask.shape))

    assert error() <= rounding_bound(photograph.size, np.float64)
    monkeypatch.setattr(pulses, "unit_roots", slipped)
    assert error() > 0.1


def test_expectations_see_swapped_inclusion_probabilities(photograph, monkeypatch):
    sound = inclusion_probabilities

    def wrong(design):
        other = "bernoulli" if design.sampling == "fixed" else "fixed"
        return sound(design.n_patches, design.nominal_ratio, sampling=other)

    monkeypatch.setattr(Uniform, "uniform", property(wrong))
    checks = verification.verify_image(
        photograph, 3, 0.5, sampling="fixed", rng=np.random.default_rng(0)
    )
    assert {c.equation for c in checks if not c.ok} == {"E|M|²", "E|Y|²"}


GRID = sm.PatchGrid((48, 45), 3)
UNDER = {
    "all 240 masks": lambda: sm.designs.block(GRID, (5, 4)),
    "all 165 masks": lambda: sm.designs.block(GRID, (2, 5), keep=True, rolled=False),
    "400 drawn masks": lambda: sm.designs.cutouts(GRID, (3, 4), 3),
}


@pytest.mark.parametrize("which", UNDER)
def test_checks_hold_under_designs(photograph, which):
    design = UNDER[which]()
    checks = verification.verify_image(photograph, design=design, rng=np.random.default_rng(1))
    assert [c for c in checks if not c.ok] == []
    expectations = [c.statement for c in checks if c.equation in ("E|M|²", "E|Y|²")]
    assert len(expectations) == 2
    assert all(which in said and f"({design.text})" in said for said in expectations)


@pytest.mark.parametrize("which", UNDER)
def test_checks_see_a_wrong_design(photograph, which, monkeypatch):
    """The masks of one, the moments of another that hides as many patches."""
    sound, wrong = UNDER[which](), sm.designs.block(GRID, (2, 10))
    monkeypatch.setattr(type(sound), "inclusion", wrong.inclusion)
    monkeypatch.setattr(type(sound), "pair_inclusion", wrong.pair_inclusion)
    monkeypatch.setattr(type(sound), "spectrum", wrong.spectrum)
    monkeypatch.setattr(type(sound), "factor", wrong.factor)
    checks = verification.verify_image(photograph, design=sound, rng=np.random.default_rng(1))
    assert {c.equation for c in checks if not c.ok} == {"E|M|²", "E|Y|²"}


def test_worst_is_kept_and_nan_is_a_failure():
    small = Check("Eq. 18", "s", "float64", 1e-16, 1e-15, "a")
    large = dataclasses.replace(small, error=5e-16, where="b")
    broken = dataclasses.replace(small, error=float("nan"), where="c")
    assert worst_of([small, large]) == [large]
    assert worst_of([large, small]) == [large]
    assert not broken.ok
    assert [c.where for c in worst_of([small, broken])] == ["c"]
