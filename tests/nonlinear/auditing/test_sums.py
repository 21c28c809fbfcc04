"""Sums of an audit over images and masks: responses, steps at borders, composed reconstructions."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from spectral_mae import LinearMAE, PatchGrid, border_gradient_ratio
from spectral_mae.fields import gaussian_fields, power_law
from spectral_mae.masks.designs import bernoulli, fixed
from spectral_mae.nonlinear.auditing.border_steps import BorderSums
from spectral_mae.nonlinear.auditing.hidden_views import hidden_views, put_together, whole_views
from spectral_mae.nonlinear.auditing.linear_references import LinearReferences, folds_of
from spectral_mae.nonlinear.evaluation.measured_response import response_of
from spectral_mae.nonlinear.evaluation.response_sums import ResponseSums

FIELDS = ("gain", "original", "passed", "aliased", "noise", "error")
SHAPES = [((6, 8), 2), ((5, 9), (5, 3)), ((12,), 3)]


def images_of(n, shape, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((n, *shape, channels)).cumsum(axis=1)
    return images[..., 0] if channels == 1 else images


def same(one, other):
    for name in FIELDS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-9)


@pytest.mark.parametrize(("shape", "patch_size"), SHAPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_weights_of_groups_are_repeated_images(shape, patch_size, channels):
    grid, truth = PatchGrid(shape, patch_size), images_of(12, shape, channels)
    outputs = [truth + images_of(12, shape, channels, seed) for seed in (1, 2, 3)]
    group = np.arange(12) % 4
    sums = ResponseSums(grid, channels, ("a", "b"), 4)
    for part in (slice(0, 5), slice(5, 12)):  # in batches
        draws = ({"a": y[part], "b": 0.5 * y[part]} for y in outputs)
        sums.add(truth[part], draws, group[part])
    assert sums.n_images.tolist() == [3, 3, 3, 3]
    weights = np.array([2.0, 0, 1, 1])
    rows = np.concatenate([np.flatnonzero(group == g) for g in (0, 0, 2, 3)])
    for name, factor in (("a", 1.0), ("b", 0.5)):
        truly = response_of(truth, [factor * y for y in outputs], grid)
        same(sums.responses()[name], truly)
        truly = response_of(truth[rows], [factor * y[rows] for y in outputs], grid)
        same(sums.responses(weights)[name], truly)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_response_is_its_definition(channels):
    """Power by hand at one frequency."""
    grid, truth = PatchGrid((4, 6), 2), images_of(9, (4, 6), channels)
    outputs = [images_of(9, (4, 6), channels, seed) for seed in (1, 2)]
    found = response_of(truth, outputs, grid)
    k = (1, 2)
    places = zip(np.indices((4, 6)), k, (4, 6), strict=True)
    wave = np.exp(-2j * np.pi * sum(n * f / s for n, f, s in places))

    def at(images):
        last = images.reshape(9, 4, 6, -1)
        return np.einsum("nijc,ij->nc", last, wave) / np.sqrt(24)

    x, (y, z) = at(truth), map(at, outputs)
    assert found.original[k] == pytest.approx(np.mean(np.sum(abs(x) ** 2, 1)))
    error = np.mean([np.sum(abs(o - x) ** 2, 1) for o in (y, z)])
    assert found.error[k] == pytest.approx(error)
    power = np.mean([np.sum(abs(o) ** 2, 1) for o in (y, z)])
    assert found.reconstructed[k] == pytest.approx(power)
    assert found.noise[k] == pytest.approx(power - np.mean(np.sum((y * z.conj()).real, 1)))
    assert found.coherence[k] == pytest.approx(found.passed[k] / power)


def test_octaves_hold_every_frequency_once():
    grid, truth = PatchGrid((32, 24), 4), images_of(6, (32, 24))
    found = response_of(truth, [0.5 * truth, 0.6 * truth], grid)
    octaves = found.octaves()
    assert octaves.count.sum() == 32 * 24
    assert octaves.error @ octaves.count == pytest.approx(found.error.sum())


@pytest.mark.parametrize(
    ("design", "disjoint", "rounds"),
    [
        (fixed(PatchGrid((4, 6), 2), 0.75), True, 2),
        (fixed(PatchGrid((4, 6), 2), 0.25), False, None),
        (bernoulli(PatchGrid((4, 6), 2), 0.5), False, None),
    ],
)
def test_each_patch_is_taken_once_from_a_mask_that_hides_it(design, disjoint, rounds):
    views = hidden_views(3000, design.sample_kept, np.random.default_rng(0), disjoint=disjoint)
    taken = np.zeros((3000, 6), int)
    given = np.zeros((6, 6))
    for one in views:
        assert not (one.taken & one.kept).any()
        taken[one.images] += one.taken
        given += one.taken.astype(float).T @ one.kept
    assert (taken == 1).all()
    assert rounds is None or len(views) == rounds
    # Given that a patch is hidden, the others are kept as under any mask that hides it.
    patterns, weights = design.enumerate()
    hides = ~patterns * weights[:, np.newaxis]
    truly = hides.T @ patterns / hides.sum(0)[:, np.newaxis]
    np.testing.assert_allclose(given / 3000, truly, atol=0.04)


def test_a_patch_that_is_never_hidden_is_an_error():
    def always(n, rng):
        return np.tile([True, False, False], (n, 1))

    with pytest.raises(ValueError, match="patch 0 was hidden by none of"):
        hidden_views(2, always, np.random.default_rng(0))


@pytest.mark.parametrize("mask_ratio", [0.75, 0.25])
def test_the_error_of_composed_reconstructions_is_the_closed_form(mask_ratio):
    grid = PatchGrid((8, 8), 4 if mask_ratio == 0.75 else 2)
    images = gaussian_fields(power_law((8, 8), -2.0), 30, rng=0)
    model = LinearMAE(grid.patch_size, mask_ratio, target="hidden", shrinkage=0.3).fit(images)
    design, rng = fixed(grid, mask_ratio), np.random.default_rng(0)
    total = 0.0
    for _ in range(150):
        views = hidden_views(30, design.sample_kept, rng, disjoint=mask_ratio >= 0.5)
        outputs = [model.reconstruct(images[v.images], grid.expand(v.kept)) for v in views]
        total += np.sum((put_together(outputs, views, grid) - images) ** 2) / (150 * 30)
    about = images - model.mean_
    expected = (1 - model.score(images)) * np.sum(about**2) / 30
    assert total == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("shape", "patch_size"), [((6, 8), 2), ((6, 9), (2, 3))])
def test_steps_at_borders_are_those_counted_one_by_one(shape, patch_size, channels):
    grid = PatchGrid(shape, patch_size)
    images, design = images_of(4, shape, channels), fixed(grid, 0.5)
    kept = design.sample_kept(4, 0)
    sums = BorderSums(grid, ("x",), 2)
    sums.add("x", images, kept, np.array([0, 1, 0, 1]))
    patch = grid.expand(np.arange(grid.n_patches))
    squares = {"inside": [], "hidden": [], "seam": []}
    for image, mask in zip(images, grid.expand(kept), strict=True):
        for row, column in np.ndindex(*shape):
            for other in ((row + 1, column), (row, column + 1)):
                if other[0] == shape[0] or other[1] == shape[1]:
                    continue
                seen = int(mask[row, column]) + int(mask[other])
                border = patch[row, column] != patch[other]
                kind = {(0, False): "inside", (0, True): "hidden", (1, True): "seam"}
                name = kind.get((seen, bool(border)))
                if name:
                    squares[name].append(np.mean((image[row, column] - image[other]) ** 2))
    found = sums.steps()["x"]
    for name, values in squares.items():
        assert getattr(found, name) == pytest.approx(np.sqrt(np.mean(values)))


def test_where_all_is_hidden_the_ratio_is_that_of_the_image():
    grid, images = PatchGrid((8, 6), 2), images_of(1, (8, 6))
    sums = BorderSums(grid, ("x",))
    sums.add("x", images, np.zeros((1, 12), bool), np.zeros(1, int))
    assert sums.steps()["x"].ratio == pytest.approx(border_gradient_ratio(images[0], grid))


@pytest.mark.parametrize(("n", "n_folds"), [(4, 2), (4, 4), (10, 5), (23, 5)])
def test_no_image_is_fitted_and_scored(n, n_folds):
    folds = folds_of(n, n_folds, np.random.default_rng(0))
    assert sorted(i for fold in folds for i in fold.scored) == list(range(n))
    for fold in folds:
        parts = [fold.fitted, fold.tuned, fold.scored]
        assert sorted(np.concatenate(parts)) == list(range(n))
        assert all(len(part) for part in parts)


@pytest.mark.parametrize("covariance", ["banded", "stationary", "dense"])
@pytest.mark.parametrize("channels", [1, 3])
def test_linear_models_do_not_look_at_what_they_are_scored_on(covariance, channels):
    grid = PatchGrid((8, 8), 4)
    images = 0.1 * images_of(20, (8, 8), channels)
    fold = folds_of(20, 4, np.random.default_rng(0))[0]
    images[fold.scored] = np.nan
    references = LinearReferences(fixed(grid, 0.5), channels, "hidden", covariance)
    fitted = references.fit(images, fold, np.random.default_rng(1))
    assert fitted.model.n_images_ == 20 - len(fold.scored)
    kept = np.zeros((2, 4), bool)
    kept[0, :2] = True  # and one image of which nothing is visible
    for fill in fitted.fillers.values():
        assert np.isfinite(fill(images[fold.fitted[:2]], kept)).all()


def test_whole_views_take_everything():
    (one,) = whole_views(4, fixed(PatchGrid(8, 2), 0.5).sample_kept, np.random.default_rng(0))
    assert one.taken.all()
    assert one.kept.sum(1).tolist() == [2] * 4
