"""Losses at all shrinkages from one factorisation are those of a solve for each."""

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear import shrinkage_path, solver
from spectral_mae.linear.matrices import eigenvectors, inverse, lapack, pencil
from spectral_mae.linear.problems import problem
from spectral_mae.linear.shrinkage_path import losses_by_shrinkage

VALUES = [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0]
SETTINGS = [((9,), (3,), None), ((4, 6), (2, 3), None), ((6, 4), (3, 2), 2)]
SETTINGS += [((2, 3, 4), (1, 3, 2), 2), ((24, 8), (8, 8), None)]
MAKES = [
    lambda patch, **o: sm.LinearMAE(patch, 0.3, **o),
    lambda patch, **o: sm.LinearMAE(patch, 0.6, sampling="bernoulli", **o),
    lambda patch, **o: sm.LinearDAE(patch, 0.7, **o),
]


def steep(n, shape, seed):
    """Images whose spectra fall as those of photographs."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.fft.fftfreq(k) for k in shape), indexing="ij")
    frequency = np.maximum(np.sqrt(sum(f**2 for f in axes)), 1 / max(shape))
    noise = rng.standard_normal((n, *shape))
    which = tuple(range(1, len(shape) + 1))
    return np.fft.ifftn(np.fft.fftn(noise, axes=which) / frequency**3, axes=which).real


def one_by_one(model, images, values=VALUES):
    """Explained fractions of a fit for each value."""
    found = []
    for value in values:
        other = type(model)(**{**model.get_params(), "shrinkage": value})
        found.append(other.fit_moments(model.moments_).score(images))
    return np.array(found)


def no_solve(*_, **__):
    raise AssertionError("a solve for one value")


@pytest.mark.parametrize(("shape", "patch", "channels"), SETTINGS)
@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
@pytest.mark.parametrize("which", range(len(MAKES)))
def test_one_factorisation_gives_the_losses_of_all_solves(
    shape, patch, channels, covariance, which
):
    axis = None if channels is None else -1
    train, others = (dense.photographs(n, shape, channels, seed=n) for n in (400, 7))
    model = MAKES[which](patch, covariance=covariance).fit(train, channel_axis=axis)
    held_out = model.second_moment(others, channel_axis=axis)
    working, mix = model.moments_, model.corruption_.mix
    losses = losses_by_shrinkage(working.stack(), working.transform, mix, held_out, VALUES)
    expected = one_by_one(model, held_out)
    np.testing.assert_allclose(1 - losses / held_out.trace, expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("channels", [None, 2])
def test_large_blocks_are_taken_one_by_one(channels, n, monkeypatch):
    """As LAPACK takes those that are too large to be taken together; one image is a thin factor."""
    thin, factor = [], lapack.thin_factor

    def noted(matrix):
        found = factor(matrix)
        thin.append(found is not None)
        return found

    monkeypatch.setattr(lapack, "thin_factor", noted)
    for module in (inverse, pencil, shrinkage_path, solver):
        monkeypatch.setattr(module, "LARGE", 3)
    for module in (eigenvectors, shrinkage_path):
        monkeypatch.setattr(module, "WIDE", 3)
    monkeypatch.setattr(lapack, "STRIP", 3)
    axis = None if channels is None else -1
    train, others = (dense.photographs(k, (6, 4), channels, seed=k) for k in (400, n))
    model = sm.LinearMAE((3, 2), 0.3).fit(train, channel_axis=axis)
    held_out = model.second_moment(others, channel_axis=axis)
    expected = one_by_one(model, held_out)
    choice = model.choose_shrinkage(held_out, VALUES)
    np.testing.assert_allclose(choice.explained, expected, rtol=0, atol=1e-11)
    assert set(thin) == {n == 1}


@pytest.mark.parametrize("shape", [(24, 24), (27, 18)])
def test_steep_spectra_lose_next_to_nothing(shape):
    """Condition numbers of 1e7; fewer images than numbers in a patch."""
    patch = tuple(n // 3 for n in shape)
    model = sm.LinearMAE(patch, 0.5, sampling="bernoulli").fit(steep(40, shape, 0))
    held_out = model.second_moment(steep(20, shape, 1))
    assert model.solution_.condition > 1e5
    expected = one_by_one(model, held_out)
    choice = model.choose_shrinkage(held_out, VALUES)
    np.testing.assert_allclose(choice.explained, expected, rtol=0, atol=1e-11)
    assert choice.best == VALUES[int(np.argmax(expected))]


def test_a_choice_takes_one_solve(monkeypatch):
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    model = sm.LinearMAE(2, 0.4).fit(train)
    solves = []
    solve = solver.full_rank
    monkeypatch.setattr(solver, "full_rank", lambda *a, **o: solves.append(1) or solve(*a, **o))
    choice = model.choose_shrinkage(others)
    assert len(solves) == 1
    assert len(choice.explained) == 9
    assert np.isfinite(choice.explained).all()


@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_what_is_singular_is_solved_by_itself(covariance):
    """A pixel of each patch is constant: without shrinkage Q has no inverse, with it it has."""
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    train[:, ::2, ::2] = 0.5
    model = sm.LinearMAE(2, 0.4, covariance=covariance).fit(train)
    assert model.solution_.n_dropped == 6
    held_out = model.second_moment(others)
    solved = problem.Problem(model.moments_, model.corruption_)
    losses = solved.losses_by_shrinkage(held_out, VALUES)
    assert np.isnan(losses).tolist() == [True] + [False] * 6
    expected = one_by_one(model, held_out)
    choice = model.choose_shrinkage(held_out, VALUES)
    np.testing.assert_allclose(choice.explained, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: sm.LinearMAE(2, 0.8),  # one patch is kept: π₂ is 0
        lambda: sm.LinearMAE(2, 0.4, target="hidden"),
        lambda: sm.LinearMAE(2, 0.4, rank=5),
        lambda: sm.LinearMAE(2, 0.4, covariance="stationary", random_offset=True),
        lambda: sm.LinearMAE(
            design=sm.designs.parse("block:1x2").on(sm.PatchGrid((4, 6), 2)),
        ),
    ],
)
def test_other_problems_are_solved_value_by_value(make):
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    model = make().fit(train)
    held_out = model.second_moment(others)
    if model.solution_.split is None:
        expected = one_by_one(model, held_out)
        choice = model.choose_shrinkage(held_out, VALUES)
        np.testing.assert_allclose(choice.explained, expected, rtol=0, atol=1e-9)
        assert model.shrinkage == VALUES[int(np.argmax(expected))]


def test_few_values_are_solved_one_by_one(monkeypatch):
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    model = sm.LinearMAE(2, 0.4).fit(train)
    monkeypatch.setattr(problem, "losses_by_shrinkage", no_solve)
    assert len(model.choose_shrinkage(others, VALUES[: problem.FEW]).explained) == problem.FEW
    with pytest.raises(AssertionError, match="a solve"):
        model.choose_shrinkage(others, VALUES)


def test_a_choice_needs_moments_and_no_fit(monkeypatch):
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    fitted = sm.LinearMAE(2, 0.4).fit(train)
    solves = []
    solve = solver.full_rank
    monkeypatch.setattr(solver, "full_rank", lambda *a, **o: solves.append(1) or solve(*a, **o))
    model = sm.LinearMAE(2, 0.4).with_moments(fitted.moments_)
    for ask in (lambda: model.loss_, lambda: model.score(others)):
        with pytest.raises(ValueError, match="not fitted yet"):
            ask()
    choice = model.choose_shrinkage(others)
    assert len(solves) == 1
    expected = fitted.choose_shrinkage(others)
    np.testing.assert_array_equal(choice.explained, expected.explained)
    assert (model.shrinkage, model.loss_) == (fitted.shrinkage, fitted.loss_)


def test_changed_parameters_forget_what_they_stood_for():
    """Else the choice would be that of the masks before."""
    train, others = (dense.photographs(n, (4, 6), seed=n) for n in (60, 9))
    model = sm.LinearMAE(2, 0.4).fit(train).set_params(mask_ratio=0.7)
    with pytest.raises(ValueError, match="not fitted yet"):
        model.choose_shrinkage(others)


def test_moments_that_do_not_fit_are_refused_at_once():
    moments = sm.BandMoments(sm.PatchGrid((4, 6), 2))
    with pytest.raises(ValueError, match="no images yet"):
        sm.LinearMAE(2, 0.4).with_moments(moments)
    with pytest.raises(ValueError, match="do not fit patch_size"):
        sm.LinearMAE((2, 3), 0.4).with_moments(moments.update(dense.photographs(3, (4, 6))))
