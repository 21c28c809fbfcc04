"""Moments: against their definition, in parts and at once, on disk and back."""

import numpy as np
import pytest

from spectral_mae import PatchGrid
from spectral_mae.linear.moments.blocks import BandTransform
from spectral_mae.linear.moments.kinds import BandMoments, DenseMoments

KINDS = pytest.mark.parametrize("kind", [DenseMoments, BandMoments])
CENTER = pytest.mark.parametrize("center", [True, False])
GRIDS = pytest.mark.parametrize(
    ("shape", "patch", "channels"),
    [
        *(((9,), 3, 1), ((8,), 2, 2)),
        *(((6, 8), 2, 1), ((6, 9), (3, 3), 1), ((5, 4), (5, 2), 3)),
        ((4, 3, 6), (2, 1, 3), 2),
    ],
)


def images(n, grid, channels, seed=0):
    rng = np.random.default_rng(seed)
    return 2.0 + rng.standard_normal((n, *grid.shape, channels)).cumsum(axis=1)


@GRIDS
def test_bands_are_the_dft_over_the_patch_index(shape, patch, channels):
    grid = PatchGrid(shape, patch)
    transform = BandTransform(grid, channels)
    patches = grid.to_patches(images(3, grid, channels), channel_axis=-1)
    axes = tuple(range(1, grid.ndim + 1))
    naive = np.fft.fftn(patches.reshape(3, *grid.counts, -1), axes=axes)
    bands = transform.forward(patches)
    for q, band in zip(transform.frequencies, bands, strict=True):
        np.testing.assert_allclose(band, naive[(slice(None), *q)], atol=1e-12)
    assert transform.multiplicity.sum() == grid.n_patches
    assert not transform.frequencies[0].any()
    np.testing.assert_allclose(transform.inverse(bands), patches, atol=1e-12)
    mirrored = -transform.frequencies % np.array(grid.counts)
    places = {tuple(q) for q in np.concatenate([transform.frequencies, mirrored])}
    assert len(places) == grid.n_patches  # of each pair of conjugate bands one is kept


@GRIDS
def test_a_band_holds_one_alias_class_of_frequencies(shape, patch, channels):
    """A wave of frequency k lives in band k mod counts (and its mirror) alone."""
    grid = PatchGrid(shape, patch)
    transform = BandTransform(grid)
    rng = np.random.default_rng(0)
    k = rng.integers(0, grid.shape)
    phase = sum(
        2 * np.pi * k_axis * axis / n
        for k_axis, axis, n in zip(k, np.indices(grid.shape), grid.shape, strict=True)
    )
    bands = transform.forward(grid.to_patches(np.cos(phase + 0.3)[np.newaxis]))
    power = np.sum(np.abs(bands) ** 2, axis=(1, 2))
    (at,) = np.flatnonzero(power > 1e-9 * power.max())
    q = k % grid.counts
    mirrored = -k % np.array(grid.counts)
    assert any((transform.frequencies[at] == one).all() for one in (q, mirrored))


@GRIDS
@CENTER
def test_dense_moments_by_definition(shape, patch, channels, center):
    grid = PatchGrid(shape, patch)
    x = images(20, grid, channels)
    rows = grid.to_patches(x, channel_axis=-1).reshape(20, -1)
    moments = DenseMoments(grid, channels, center).update(x, channel_axis=-1)
    mean = rows.mean(axis=0) if center else np.zeros(rows.shape[1])
    np.testing.assert_allclose(moments.mean.ravel(), mean, atol=1e-12)
    expected = (rows - mean).T @ (rows - mean) / 20
    np.testing.assert_allclose(moments.stack().blocks[0], expected, atol=1e-12)
    blocks = expected.reshape(grid.n_patches, -1, grid.n_patches, moments.patch_dim).copy()
    for a in range(grid.n_patches):
        for b in range(grid.n_patches):
            blocks[a, :, b] *= a == b
    np.testing.assert_allclose(moments.stack().local, blocks.reshape(expected.shape), atol=1e-12)


@GRIDS
@CENTER
def test_band_moments_by_definition(shape, patch, channels, center):
    grid = PatchGrid(shape, patch)
    x = images(20, grid, channels)
    patches = grid.to_patches(x, channel_axis=-1)
    moments = BandMoments(grid, channels, center).update(x, channel_axis=-1)
    mean = patches.mean(axis=(0, 1)) if center else np.zeros(patches.shape[-1])
    np.testing.assert_allclose(moments.mean, np.broadcast_to(mean, moments.mean.shape), atol=1e-12)
    centred = patches - mean
    bands = moments.transform.forward(centred)
    expected = np.einsum("bni,bnj->bij", bands, bands.conj()) / (20 * grid.n_patches)
    stack = moments.stack()
    np.testing.assert_allclose(stack.blocks, expected, atol=1e-10)
    assert stack.trace == pytest.approx(np.sum(centred**2) / 20, rel=1e-12)
    local = np.einsum("nai,naj->ij", centred, centred) / (20 * grid.n_patches)
    np.testing.assert_allclose(stack.local, local, atol=1e-11)


@pytest.mark.parametrize("strip", [1, 3, 5, 12, 64])
def test_sums_in_strips_are_whole_when_they_are_read(strip, monkeypatch, tmp_path):
    """Also in between, after merging and from a file."""
    monkeypatch.setattr("spectral_mae.linear.moments.accumulator.STRIP", strip)
    grid = PatchGrid((6, 8), (3, 2))
    x = images(30, grid, 2)
    patches = grid.to_patches(x, channel_axis=-1)

    def check(moments, n):
        bands = moments.transform.forward(patches[:n] - patches[:n].mean(axis=(0, 1)))
        expected = np.einsum("bni,bnj->bij", bands, bands.conj()) / (n * grid.n_patches)
        blocks = moments.stack().blocks
        np.testing.assert_allclose(blocks, expected, atol=1e-10)
        np.testing.assert_allclose(blocks, blocks.conj().swapaxes(1, 2), atol=1e-12)

    moments = BandMoments(grid, 2).update(x[:10])
    check(moments, 10)
    check(moments.update(x[10:17]), 17)
    check(moments.merge(BandMoments(grid, 2).update(x[17:20])), 20)
    moments.save(tmp_path / "moments.npz")
    check(BandMoments.load(tmp_path / "moments.npz").update(x[20:]), 30)


@KINDS
@CENTER
@GRIDS
def test_parts_merge_to_one_pass(kind, center, shape, patch, channels):
    grid = PatchGrid(shape, patch)
    x = images(17, grid, channels) + 1e4
    once = kind(grid, channels, center).update(x, channel_axis=-1)
    batches = kind(grid, channels, center)
    merged = kind(grid, channels, center)
    for part in np.split(x, [1, 6, 13]):
        batches.update(part, channel_axis=-1)
        merged.merge(kind(grid, channels, center).update(part, channel_axis=-1))
    merged.merge(kind(grid, channels, center))
    for other in (batches, merged):
        assert other.n_images == 17
        scale = np.abs(once.stack().blocks).max()
        np.testing.assert_allclose(
            other.stack().blocks, once.stack().blocks, rtol=1e-9, atol=1e-11 * scale
        )
        np.testing.assert_allclose(other.mean, once.mean, rtol=1e-13)


@KINDS
def test_saved_moments_come_back_and_go_on(kind, tmp_path):
    grid = PatchGrid((6, 8), 2)
    x = images(12, grid, 3)
    path = tmp_path / "moments.npz"
    kind(grid, 3).update(x[:5]).save(path)
    back = kind.load(path).update(x[5:])
    assert back.n_images == 12
    expected = kind(grid, 3).update(x).stack()
    np.testing.assert_allclose(back.stack().blocks, expected.blocks, atol=1e-11)
    other = BandMoments if kind is DenseMoments else DenseMoments
    with pytest.raises(ValueError, match=f"kind='{kind.kind}', not '{other.kind}'"):
        other.load(path)
    np.savez(tmp_path / "x.npz", a=1)
    with pytest.raises(ValueError, match="kind=None"):
        kind.load(tmp_path / "x.npz")


@KINDS
def test_integer_images_and_single_precision_are_summed_in_double(kind):
    grid = PatchGrid((4, 4), 2)
    x = np.random.default_rng(0).integers(0, 256, (9, 4, 4), dtype=np.uint8)
    expected = kind(grid).update(x.astype(float)).stack().blocks
    np.testing.assert_array_equal(kind(grid).update(x).stack().blocks, expected)
    np.testing.assert_array_equal(kind(grid).update(x.astype(np.float32)).stack().blocks, expected)


@KINDS
def test_what_does_not_fit_is_refused(kind):
    grid = PatchGrid((4, 6), 2)
    with pytest.raises(ValueError, match=r"\(2, 4, 4\)"):
        kind(grid).update(np.ones((2, 4, 4)))
    with pytest.raises(ValueError, match="channels=3"):
        kind(grid, 3).update(np.ones((2, 4, 6, 1)))
    with pytest.raises(ValueError, match="not finite"):
        kind(grid).update(np.full((2, 4, 6), np.nan))
    with pytest.raises(ValueError, match="no images yet"):
        kind(grid).stack()
    with pytest.raises(ValueError, match="do not fit"):
        kind(grid).merge(kind(grid, center=False))
    with pytest.raises(ValueError, match="channels=0"):
        kind(grid, 0)
