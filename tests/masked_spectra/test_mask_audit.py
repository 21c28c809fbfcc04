"""Audits of masks: realised ratios, maps, leakage by octave against its definition."""

import csv
import json
import math
from itertools import pairwise

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.masked_spectra.auditing.octave_leakage import octave_leakage
from spectral_mae.spectra.octaves import octave_edges

GRIDS = pytest.mark.parametrize(
    "grid",
    [sm.PatchGrid(96, 8), sm.PatchGrid((48, 60), (8, 6)), sm.PatchGrid((6, 16, 24), (2, 4, 4))],
    ids=lambda grid: str(grid.counts),
)


def coupled(spectrum, power_of_mask):
    """S ⊛ E|M|²/D² frequency by frequency."""
    shape = spectrum.shape
    masked = np.zeros(shape)
    for k in np.ndindex(shape):
        masked += spectrum[k] * np.roll(power_of_mask, k, range(len(shape)))
    return masked / math.prod(shape) ** 2


def by_octave(grid, design, spectrum):
    pi1 = design.inclusion.mean()
    masked = coupled(spectrum, sm.expected_mask_power(design=design))
    radius = np.sqrt(sum(f**2 for f in np.meshgrid(
        *(np.fft.fftfreq(n) for n in grid.shape), indexing="ij")))  # fmt: skip
    edges = octave_edges(grid.shape)
    ratios = []
    for low, high in pairwise(edges):
        inside = (radius >= low) & (radius < high) & (radius > 0)
        if inside.any():
            ratios.append(masked[inside].sum() / (pi1**2 * spectrum[inside].sum()) - 1)
    return np.array(ratios)


@GRIDS
def test_leakage_by_octave_is_that_of_the_masked_spectrum(grid):
    kept = np.random.default_rng(0).random((30, grid.n_patches)) < 0.4
    reference = sm.fields.power_law(grid.shape, -2.0)
    audit = sm.audit_masks(grid, kept)
    spectrum = reference.full()
    np.testing.assert_allclose(
        audit.leakage.ratio, by_octave(grid, audit.design, spectrum), rtol=1e-9
    )
    nearest = by_octave(grid, audit.nearest.design, spectrum)
    np.testing.assert_allclose(audit.leakage.nearest, nearest, rtol=1e-9)
    n_kept = round(kept.mean() * grid.n_patches)
    uniform = sm.designs.fixed(grid, 1 - n_kept / grid.n_patches)
    np.testing.assert_allclose(audit.leakage.uniform, by_octave(grid, uniform, spectrum), rtol=1e-9)


def test_leakage_of_a_given_spectrum_is_that_of_its_fields():
    grid = sm.PatchGrid((32, 32), 4)
    reference = sm.fields.power_law(grid.shape, -1.0, outer=0.1)
    design = sm.designs.block(grid, (4, 5), keep=True)
    audit = sm.audit_masks(grid, design.enumerate()[0], reference=reference)
    images = sm.fields.gaussian_fields(reference, 200, rng=0)
    edges = octave_edges(grid.shape)
    planned = sm.MaskedPeriodogram(design=design)
    leaked, kept = (
        np.mean([getattr(planned.components(image).leakage(), part).radial(bins=edges).power
                 for image in images], axis=0)
        for part in ("leaked", "kept")
    )  # fmt: skip
    n = len(audit.leakage.octaves)  # rings hold zero frequency too
    np.testing.assert_allclose(audit.leakage.ratio, (leaked / kept)[-n:], rtol=0.05)


def test_standard_errors_of_leakage_are_its_scatter():
    grid = sm.PatchGrid((32, 32), 4)
    design = sm.designs.bernoulli(grid, 0.5)
    reference = sm.fields.power_law(grid.shape, -2.0)
    found = [
        octave_leakage(grid, design.sample_kept(100, rng=rng), reference, design)
        for rng in range(150)
    ]
    scatter = np.std([one.ratio for one in found], axis=0)
    errors = np.mean([one.stderr for one in found], axis=0)
    np.testing.assert_allclose(errors, scatter, rtol=0.25)


def test_ratios_and_border_bias_are_those_of_the_masks():
    grid = sm.PatchGrid((24, 30), 6)
    kept = sm.designs.block(grid, (2, 3), rolled=False).sample_kept(200, rng=0)
    audit = sm.audit_masks(grid, kept)
    assert audit.n_masks == 200
    np.testing.assert_allclose(audit.ratios, 1 - kept.mean(axis=1))
    maps = kept.reshape(200, 4, 5)
    inside = maps[:, 1:-1, 1:-1].mean()
    outside = (maps.sum() - maps[:, 1:-1, 1:-1].sum()) / (200 * 14)
    assert audit.border_bias == pytest.approx(outside - inside)
    assert 0 < audit.border_bias_stderr < 0.1
    assert audit.border_bias > 5 * audit.border_bias_stderr
    np.testing.assert_allclose(audit.moments.inclusion, maps.mean(axis=0))
    small = sm.audit_masks(sm.PatchGrid((4, 6), 2), np.eye(6, dtype=bool))
    assert math.isnan(small.border_bias)
    assert "border" not in small.summary()
    assert "border" in audit.summary()


def test_every_convention_gives_the_same_audit():
    grid = sm.PatchGrid((24, 24), 6)
    rng = np.random.default_rng(0)
    places = np.argsort(np.argsort(rng.random((50, 16)), axis=1), axis=1)
    kept = places < 5
    wanted = sm.audit_masks(grid, kept).to_dict()
    ids = np.argsort(places, axis=1)[:, :5]
    for masks, options in (
        (grid.expand(kept), {}),
        (~kept, {"convention": "hidden"}),
        (ids, {"convention": "ids_keep"}),
        (places, {"convention": "ids_restore", "n_keep": 5}),
    ):
        assert sm.audit_masks(grid, masks, **options).to_dict() == wanted


def test_an_audit_is_written_as_a_table_and_as_json(tmp_path):
    grid = sm.PatchGrid((24, 36), 6)
    audit = sm.audit_masks(grid, sm.designs.fixed(grid, 0.5).sample_kept(80, rng=0))
    found = json.loads(json.dumps(audit.to_dict()))
    assert found["n_masks"] == 80
    assert found["designs"][0]["design"] == audit.nearest.design.text
    assert len(found["leakage"]) == len(audit.leakage.octaves)
    path = tmp_path / "pairs.csv"
    audit.to_csv(path)
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    for row in rows:
        at = int(row["offset_0"]), int(row["offset_1"])
        for name in ("pair_inclusion", "inclusion_stderr", "spectrum"):
            assert float(row[name]) == pytest.approx(getattr(audit.moments, name)[at], abs=1e-7)
    text = audit.summary()
    assert "80 masks of 4×6 patches" in text
    assert all(name in text for name in audit.leakage.octaves)
    assert audit.nearest.design.text in repr(audit)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.ones((1, 16)), "1 mask has no spread"),
        (np.ones((3, 16)), "the 3 masks hide no patch"),
        (np.zeros((3, 16)), "the 3 masks hide all patches"),
        (np.ones((3, 17)), "not \\(n, 16\\)"),
    ],
)
def test_masks_without_content_are_refused(masks, message):
    with pytest.raises(ValueError, match=message):
        sm.audit_masks(sm.PatchGrid((24, 24), 6), masks)


def test_a_reference_of_another_shape_is_refused():
    grid = sm.PatchGrid((24, 24), 6)
    kept = sm.designs.fixed(grid, 0.5).sample_kept(5, rng=0)
    with pytest.raises(ValueError, match="reference of shape"):
        sm.audit_masks(grid, kept, reference=sm.fields.power_law((24, 30), -2.0))
