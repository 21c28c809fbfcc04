"""The conditional mean: against dense linear algebra, and no linear MAE does better."""

import dense
import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.linear.interpolator import Interpolator
from spectral_mae.linear.moments.kinds import KINDS

COVARIANCES = ["banded", "dense", "stationary"]
SETTINGS = [
    ((12,), (3,), None),
    ((8,), (2,), 2),
    ((4, 6), (2, 3), None),
    ((6, 4), (3, 2), 2),
    ((2, 3, 4), (1, 3, 2), None),
]
EVERY = pytest.mark.parametrize(("shape", "patch", "channels"), SETTINGS)
KIND = pytest.mark.parametrize("covariance", COVARIANCES)


def fitted(shape, patch, channels, covariance, n=80):
    """Moments of the package, and the same by definition as a matrix and a flat mean."""
    images = dense.photographs(n, shape, channels)
    moments = KINDS[covariance](sm.PatchGrid(shape, patch), channels or 1).update(images)
    second, mean = dense.moments(images, patch, covariance)
    return moments, second, mean.ravel()


def with_second_moment(second, grid, covariance="dense"):
    """Moments whose matrix (in row-major order) is given, about a mean of one."""
    root = np.linalg.cholesky(second).T * np.sqrt(len(second))
    images = 1.0 + np.concatenate([root, -root]).reshape(-1, *grid.shape)
    return KINDS[covariance](grid).update(images)


def conditional_mean(second, mean, image, seen, noise=0.0):
    """m + S(:,v)(S_vv+νI)⁻¹(x_v−m_v); without noise visible numbers stay as they are."""
    inner = second[np.ix_(seen, seen)] + noise * np.eye(seen.sum())
    filled = mean + second[:, seen] @ np.linalg.solve(inner, image[seen] - mean[seen])
    return np.where(seen, image, filled) if noise == 0 else filled


def conditional_error(second, seen):
    """Tr(S_hh − S_hv S_vv⁻¹ S_vh)."""
    hidden = ~seen
    between = second[np.ix_(seen, hidden)]
    known = between.T @ np.linalg.solve(second[np.ix_(seen, seen)], between)
    return float(np.trace(second[np.ix_(hidden, hidden)] - known))


def numbers(visible, channels):
    """A mask of pixels as one of the numbers of a flattened image."""
    return np.repeat(np.asarray(visible, dtype=bool).ravel(), channels or 1)


def masks_of(kind, grid, n):
    if kind == "patches":
        return sm.sample_visible(grid, 0.5, n, rng=1)
    seen = np.random.default_rng(1).random((n, *grid.shape)) < 0.4
    seen[:, *(0,) * grid.ndim] = True
    return seen


@EVERY
@KIND
@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("kind", ["patches", "pixels"])
def test_hidden_pixels_get_the_conditional_mean(shape, patch, channels, covariance, noise, kind):
    moments, second, mean = fitted(shape, patch, channels, covariance)
    images = dense.photographs(5, shape, channels, seed=1)
    masks = masks_of(kind, moments.grid, 5)
    interpolator = Interpolator(moments, noise=noise, tolerance=1e-13, max_iterations=2000)
    found = interpolator.fill(images, masks)
    expected = [
        conditional_mean(second, mean, image.ravel(), numbers(mask, channels), noise)
        for image, mask in zip(images, masks, strict=True)
    ]
    scale = np.abs(images).max()
    expected = np.reshape(expected, images.shape)
    np.testing.assert_allclose(found.images, expected, atol=1e-8 * scale)
    if noise == 0:
        every = masks if channels is None else np.repeat(masks[..., np.newaxis], channels, -1)
        np.testing.assert_array_equal(found.images[every], images[every])
    one = interpolator.fill(images, masks[0])
    broadcast = interpolator.fill(images, np.broadcast_to(masks[0], masks.shape))
    np.testing.assert_array_equal(one.images, broadcast.images)
    np.testing.assert_allclose(one.images[0], expected[0], atol=1e-8 * scale)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
def test_shrunken_moments_are_interpolated_with(covariance):
    moments, second, mean = fitted((4, 6), (2, 3), None, covariance)
    second = 0.7 * second + 0.3 * dense.pixel_average(second, (4, 6), 1)
    image = dense.photographs(1, (4, 6), seed=1)
    visible = masks_of("patches", moments.grid, 1)
    found = Interpolator(moments, shrinkage=0.3, tolerance=1e-13).fill(image, visible)
    expected = conditional_mean(second, mean, image.ravel(), visible.ravel())
    np.testing.assert_allclose(found.images.ravel(), expected, atol=1e-8)


@KIND
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_what_hidden_pixels_hold_does_not_matter(covariance, noise):
    moments, *_ = fitted((6, 4), (3, 2), 2, covariance)
    images = dense.photographs(3, (6, 4), 2, seed=1)
    visible = masks_of("pixels", moments.grid, 3)
    interpolator = Interpolator(moments, noise=noise)
    expected = interpolator.fill(images, visible).images
    for hidden in (1e6, np.nan, np.inf):
        other = np.where(visible[..., np.newaxis], images, hidden)
        np.testing.assert_array_equal(interpolator.fill(other, visible).images, expected)
    with pytest.raises(ValueError, match="not finite"):
        interpolator.fill(np.where(visible[..., np.newaxis], np.nan, images), visible)


def test_channels_stand_where_they_are_said_to():
    moments, *_ = fitted((6, 4), (3, 2), 2, "banded")
    images = dense.photographs(3, (6, 4), 2, seed=1)
    visible = masks_of("patches", moments.grid, 3)
    last = Interpolator(moments).fill(images, visible, channel_axis=-1).images
    first = Interpolator(moments).fill(np.moveaxis(images, -1, 1), visible, channel_axis=1).images
    assert last.shape == first.shape == images.shape
    np.testing.assert_array_equal(first, last)


@KIND
@pytest.mark.parametrize("sampling", ["fixed", "bernoulli"])
@pytest.mark.parametrize(
    ("shape", "patch", "channels"), [((8,), (2,), None), ((4, 6), (2, 3), None), ((4,), (1,), 2)]
)
def test_no_linear_mae_has_a_smaller_error(shape, patch, channels, covariance, sampling):
    """Over all masks, exactly; and the interpolator has that error, measured on unit images."""
    moments, second, mean = fitted(shape, patch, channels, covariance)
    size = len(mean)
    units = (mean + np.eye(size)).reshape(size, *shape, *([channels] if channels else []))
    interpolator = Interpolator(moments, tolerance=1e-13, max_iterations=2000)
    smallest = 0.0
    for visible, probability in dense.masks(shape, patch, 0.5, sampling):
        seen = numbers(visible, channels)
        error = conditional_error(second, seen)
        smallest += probability * error
        if not seen.any():  # then the mean is all there is
            continue
        filled = interpolator.fill(units, visible).images.reshape(size, size)
        left = filled - mean - np.eye(size)
        measured = float(np.trace(left.T @ second @ left))
        assert measured == pytest.approx(error, rel=1e-7, abs=1e-9)
    for target in ("all", "hidden"):
        model = sm.LinearMAE(
            patch, 0.5, sampling=sampling, target=target, covariance=covariance
        ).fit_moments(moments)
        assert 0 < smallest < model.loss_


@KIND
def test_drawn_images_are_filled_with_the_error_of_the_theory(covariance):
    moments, second, _ = fitted((4, 6), (2, 3), None, covariance)
    interpolator = Interpolator(moments)
    images = interpolator.draw(4000, rng=0)
    visible = masks_of("patches", moments.grid, 1)[0]
    error = np.sum((interpolator.fill(images, visible).images - images) ** 2) / 4000
    assert error == pytest.approx(conditional_error(second, visible.ravel()), rel=0.05)


def recomputed_residual(second, mean, image, seen, filled, noise):
    """‖b−(S_vv+νI)a‖/‖b‖ with the a that made ``filled`` = m + S(:,v)a."""
    right = image[seen] - mean[seen]
    a = np.linalg.lstsq(second[:, seen], filled - mean)[0]
    left = second[np.ix_(seen, seen)] @ a + noise * a
    return np.linalg.norm(right - left) / np.linalg.norm(right)


@KIND
@pytest.mark.parametrize("limit", [1, 3, 500])
def test_residual_and_convergence_are_honest(covariance, limit):
    noise = 0.01
    moments, second, mean = fitted((4, 6), (2, 3), None, covariance)
    images = dense.photographs(4, (4, 6), seed=1)
    masks = masks_of("patches", moments.grid, 4)
    found = Interpolator(moments, noise=noise, max_iterations=limit).fill(images, masks)
    residual = [
        recomputed_residual(second, mean, image.ravel(), mask.ravel(), filled.ravel(), noise)
        for image, mask, filled in zip(images, masks, found.images, strict=True)
    ]
    np.testing.assert_allclose(found.residual, residual, rtol=1e-3, atol=1e-12)
    assert found.converged == (limit == 500)
    assert (found.residual <= 1e-6).all() == (limit == 500)
    assert 0 < found.n_iterations <= limit
    assert (found.n_iterations == limit) == (limit != 500)
    assert repr(found) == (
        f"Interpolation(4 images, residual at most {found.residual.max():.2g} after "
        f"{found.n_iterations} iterations, converged={found.converged})"
    )


def test_tolerance_is_reached_and_no_more():
    moments, *_ = fitted((4, 6), (2, 3), None, "banded")
    images = dense.photographs(4, (4, 6), seed=1)
    visible = masks_of("patches", moments.grid, 4)
    rough, fine = (
        Interpolator(moments, tolerance=tolerance).fill(images, visible)
        for tolerance in (1e-1, 1e-10)
    )
    assert rough.converged
    assert fine.converged
    assert rough.n_iterations < fine.n_iterations
    assert fine.residual.max() <= 1e-10 < rough.residual.max() <= 1e-1


@KIND
def test_more_iterations_are_never_worse(covariance):
    """Residuals of conjugate gradients go up and down; the smallest counts."""
    moments, *_ = fitted((4, 6), (2, 3), None, covariance, n=26)
    images = dense.photographs(8, (4, 6), seed=1)
    visible = masks_of("pixels", moments.grid, 8)
    limits = range(1, 12)
    found = [Interpolator(moments, max_iterations=limit).fill(images, visible) for limit in limits]
    residual = np.array([one.residual for one in found])
    assert (np.diff(residual, axis=0) <= 1e-9 * residual[:-1]).all()
    assert (np.diff(residual, axis=0) == 0).any()


@KIND
def test_directions_are_conjugate(covariance):
    """Then there are no more steps than visible numbers, but for rounding."""
    moments, *_ = fitted((4, 6), (2, 3), None, covariance)
    images = dense.photographs(8, (4, 6), seed=1)
    found = Interpolator(moments).fill(images, masks_of("patches", moments.grid, 8))
    assert found.converged
    assert found.n_iterations <= 12 + 2


def test_images_do_not_mind_their_companions():
    """Each stops where it would have stopped alone."""
    moments, *_ = fitted((4, 6), (2, 3), None, "banded")
    images = dense.photographs(6, (4, 6), seed=1)
    visible = masks_of("pixels", moments.grid, 6)
    interpolator = Interpolator(moments, tolerance=0.05)
    together = interpolator.fill(images, visible)
    alone = [interpolator.fill(images[i : i + 1], visible[i]) for i in range(6)]
    assert len({one.n_iterations for one in alone}) > 1
    np.testing.assert_allclose(together.residual, [one.residual[0] for one in alone], rtol=1e-6)
    np.testing.assert_allclose(together.images, [one.images[0] for one in alone], atol=1e-9)


@KIND
def test_the_mean_itself_needs_no_iteration(covariance):
    moments, *_ = fitted((4, 6), (2, 3), None, covariance)
    image = moments.grid.from_patches(moments.mean)[np.newaxis]
    found = Interpolator(moments).fill(image, masks_of("patches", moments.grid, 1))
    np.testing.assert_array_equal(found.images, image)
    assert (found.n_iterations, found.residual.tolist(), found.converged) == (0, [0.0], True)


@pytest.mark.parametrize("covariance", ["banded", "dense"])
@pytest.mark.parametrize("kind", ["patches", "pixels"])
def test_patches_that_know_nothing_of_each_other_take_one_step(covariance, kind):
    """Then the equations of each patch are solved by themselves, whichever pixels it shows."""
    grid = sm.PatchGrid((4, 6), (2, 3))
    blocks = [dense.second_moment(dense.photographs(40, (6,), seed=s)) for s in range(4)]
    blocks = blocks if covariance == "dense" else blocks[:1] * 4
    order = dense.patch_order((4, 6), (2, 3), 1)
    second = np.zeros((24, 24))
    for i, block in enumerate(blocks):
        own = order[6 * i : 6 * i + 6]
        second[np.ix_(own, own)] = block
    moments = with_second_moment(second, grid, covariance)
    images = 1.0 + dense.photographs(3, (4, 6), seed=1)
    for noise in (0.0, 0.5):
        found = Interpolator(moments, noise=noise, tolerance=1e-6).fill(
            images, masks_of(kind, grid, 3)
        )
        assert found.n_iterations == 1
        assert found.converged
    if kind == "patches":
        visible = masks_of(kind, grid, 3)
        np.testing.assert_allclose(
            Interpolator(moments).fill(images, visible).images, np.where(visible, images, 1.0)
        )


@KIND
def test_fewer_images_than_pixels_still_interpolate(covariance):
    """What was fitted is in the range of S and comes back; what was not gives finite numbers."""
    images = dense.photographs(3, (4, 6))
    grid = sm.PatchGrid((4, 6), (2, 3))
    moments = KINDS[covariance](grid).update(images)
    visible = masks_of("patches", grid, 1)
    other = dense.photographs(3, (4, 6), seed=1)
    for batch in (images, other):
        found = Interpolator(moments).fill(batch, visible[0])
        assert np.isfinite(found.images).all()
        assert np.isfinite(found.residual).all()
        assert found.converged == (found.residual <= 1e-6).all()
    if covariance == "dense":
        back = Interpolator(moments, tolerance=1e-9).fill(images, visible[0])
        np.testing.assert_allclose(back.images, images, atol=1e-5)


@KIND
def test_constant_images_tell_nothing_but_their_mean(covariance):
    grid = sm.PatchGrid((4, 6), (2, 3))
    moments = KINDS[covariance](grid).update(np.full((3, 4, 6), 0.25))
    visible = masks_of("patches", grid, 1)[0]
    same = Interpolator(moments).fill(np.full((1, 4, 6), 0.25), visible)
    np.testing.assert_array_equal(same.images, 0.25)
    assert same.converged
    other = Interpolator(moments).fill(np.ones((1, 4, 6)), visible)
    np.testing.assert_array_equal(other.images[0], np.where(visible, 1.0, 0.25))
    np.testing.assert_array_equal(other.residual, 1.0)
    assert not other.converged


@EVERY
@KIND
@pytest.mark.parametrize("shrinkage", [0.0, 0.5])
def test_drawn_images_have_the_moments(shape, patch, channels, covariance, shrinkage):
    moments, second, mean = fitted(shape, patch, channels, covariance)
    average = dense.pixel_average(second, shape, channels or 1)
    second = (1 - shrinkage) * second + shrinkage * average
    interpolator = Interpolator(moments, shrinkage=shrinkage)
    n = 20_000
    drawn = interpolator.draw(n, rng=0)
    assert drawn.shape == (n, *shape, *([channels] if channels else []))
    rows = drawn.reshape(n, -1)
    error = (rows.mean(axis=0) - mean) / np.sqrt(np.diag(second) / n)
    assert np.abs(error).max() < 5
    # The elements of a Gaussian's sample covariance have variance (S_ii S_jj + S_ij²)/n.
    spread = np.sqrt((np.outer(np.diag(second), np.diag(second)) + second**2) / n)
    found = dense.second_moment(rows, mean)
    assert (np.abs(found - second) / spread).max() < 5.5
    fourth = np.mean((rows - mean) ** 4, axis=0) / np.diag(second) ** 2
    np.testing.assert_allclose(fourth, 3.0, rtol=0.15)


def test_equal_seeds_draw_equal_images():
    interpolator = Interpolator(fitted((4, 6), (2, 3), None, "banded")[0])
    first = interpolator.draw(2, rng=3)
    np.testing.assert_array_equal(interpolator.draw(2, rng=3), first)
    assert (interpolator.draw(2, rng=4) != first).any()
    assert (first[0] != first[1]).all()
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(interpolator.draw(2, rng=generator), first)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"noise": -0.5}, ValueError, "noise=-0.5 is negative or not finite"),
        ({"noise": np.inf}, ValueError, "noise=inf is negative or not finite"),
        ({"noise": np.nan}, ValueError, "noise=nan is negative or not finite"),
        ({"noise": "little"}, TypeError, "noise='little'"),
        ({"tolerance": 0.0}, ValueError, "tolerance=0.0"),
        ({"tolerance": 1.0}, ValueError, "tolerance=1.0"),
        ({"max_iterations": 0}, ValueError, "max_iterations=0"),
        ({"shrinkage": 1.5}, ValueError, "shrinkage=1.5"),
    ],
)
def test_impossible_options_are_refused_with_their_values(options, error, message):
    moments, *_ = fitted((4, 6), (2, 3), None, "banded", n=3)
    with pytest.raises(error, match=message):
        Interpolator(moments, **options)


@pytest.mark.parametrize(
    ("images", "visible", "message"),
    [
        (np.ones((2, 4, 6)), np.ones((4, 4)), r"\(4, 4\) is neither \(4, 6\) nor \(2, 4, 6\)"),
        (np.ones((2, 4, 6)), np.ones((3, 4, 6)), r"\(3, 4, 6\) is neither"),
        (np.ones((2, 4, 4)), np.ones((4, 4)), r"\(2, 4, 4\)"),
        (np.ones((4, 6)), np.ones((4, 6)), r"\(4, 6\)"),
        (np.ones((2, 4, 6)), np.zeros((4, 6)), "without a visible pixel"),
        (
            np.ones((2, 4, 6)),
            np.stack([np.ones((4, 6)), np.zeros((4, 6))]),
            "without a visible pixel",
        ),
    ],
)
def test_images_and_masks_that_do_not_fit_are_refused(images, visible, message):
    interpolator = Interpolator(fitted((4, 6), (2, 3), None, "banded", n=3)[0])
    with pytest.raises(ValueError, match=message):
        interpolator.fill(images, visible)


@pytest.mark.parametrize("covariance", ["banded", "dense", "stationary"])
def test_what_moments_take_in_later_changes_nothing(covariance):
    moments = fitted((4, 6), (2, 3), None, covariance, n=30)[0]
    images = dense.photographs(2, (4, 6), None)
    interpolator = Interpolator(moments)
    visible = np.arange(24).reshape(4, 6) % 3 > 0
    before = interpolator.fill(images, visible).images
    moments.update(images + 100)
    np.testing.assert_array_equal(interpolator.fill(images, visible).images, before)


def test_no_images_are_filled_to_none():
    filled = Interpolator(fitted((4, 6), (2, 3), None, "banded", n=3)[0]).fill(np.ones((0, 4, 6)))
    assert filled.images.shape == (0, 4, 6)
    assert (filled.residual.shape, filled.n_iterations, filled.converged) == ((0,), 0, True)


@pytest.mark.parametrize(
    ("shape", "patch_size", "channels"),
    [((12, 8), (3, 4), 1), ((12, 8), 4, 3), ((15, 9), 3, 2), ((24,), 4, 1)],
)
def test_products_by_frequency_are_those_by_band(shape, patch_size, channels):
    """Stationary moments multiply frequency by frequency, which is the same matrix."""
    rng, grid = np.random.default_rng(0), sm.PatchGrid(shape, patch_size)
    images = rng.standard_normal((30, *shape, channels)).cumsum(1)
    moments = sm.StationaryMoments(grid, channels).update(images, channel_axis=-1)
    solver = Interpolator(moments)
    patches = rng.standard_normal((5, grid.n_patches, moments.patch_dim))
    by_band = moments.transform.apply(moments.stack().blocks, patches)
    np.testing.assert_allclose(solver._times(patches), by_band, atol=1e-11)
