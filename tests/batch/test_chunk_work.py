"""The work of the commands on chunks: the same bits whoever does it."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from chunk_runs import MEMORY, assert_same, total, write_twenty

import spectral_mae as sm
from spectral_mae.batch.analyze import tables
from spectral_mae.batch.analyze.mean_spectra import MeanSpectra
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import BatchAnalyzer
from spectral_mae.batch.analyze.shape_moments import ShapeMoments
from spectral_mae.batch.analyze.work import AnalysisSums, AnalyzeWork
from spectral_mae.batch.chunks import InProcess
from spectral_mae.batch.models.moments_work import MomentSums, MomentsWork
from spectral_mae.batch.workers.processes import WorkerPool
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.moments.kinds import KINDS


@pytest.fixture(scope="module")
def pool():
    with WorkerPool(2, max_memory=MEMORY) as pool:
        yield pool


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return write_twenty(tmp_path_factory.mktemp("images"))


@pytest.mark.slow
def test_analysis_has_the_same_bits_whoever_does_it(references, pool):
    work = AnalyzeWork(AnalyzeOptions((4, 8), 0.5, size=None, checks=3))
    sums, rows = total(references, 3, work, InProcess())
    with ThreadPoolExecutor(3) as threads:
        for executor in (pool, threads):
            again, same = total(references, 3, work, executor)
            assert same == rows
            assert_same(again, sums)
    assert_same(AnalysisSums.from_arrays(sums.to_arrays()), sums)


def test_analysis_is_that_of_image_after_image(references):
    options = AnalyzeOptions((4, 8), 0.5, size=None)
    sums, rows = total(references, 3, AnalyzeWork(options), InProcess())
    batch, spectra = BatchAnalyzer(options), MeanSpectra()
    text = ""
    for reference in references:
        outcomes = batch.analyze(reference)
        spectra.update(outcomes)
        text += tables.images_text(outcomes)
    assert rows["images.csv"].decode() == text
    for shape, moments in batch.moments.by_shape.items():
        found = sums.moments.by_shape[shape]
        assert found.n_images == moments.n_images
        np.testing.assert_allclose(found.spectra(), moments.spectra(), rtol=1e-9, atol=1e-12)
    for name, array in spectra.to_arrays().items():
        np.testing.assert_allclose(sums.spectra.to_arrays()[name], array, rtol=1e-10)


def test_equation_18_is_checked_on_the_first_images(references):
    work = AnalyzeWork(AnalyzeOptions((8,), 0.5, size=16, checks=5))
    rows = total(references, 3, work, InProcess())[1]["numbers"]
    from spectral_mae.batch.analyze.summary.page_numbers import Numbers

    numbers = Numbers(np.frombuffer(rows).reshape(-1, len(Numbers.of([]).rows.T)))
    assert len(numbers) == 19
    assert (~np.isnan(numbers["eq18_error"])).tolist() == [True] * 5 + [False] * 14


def test_masks_are_drawn_for_the_first_images_and_change_no_exact_number(references):
    """Images count from the first, broken ones too; what is not drawn is blank or not there."""
    few = AnalyzeWork(AnalyzeOptions((8,), 0.5, size=16, checks=0, masks_for=9))
    every = AnalyzeWork(AnalyzeOptions((8,), 0.5, size=16, checks=0, masks_for=None))
    (some, rows), (all_, full) = (total(references, 3, w, InProcess()) for w in (few, every))
    images, whole = (list(csv.DictReader(io.StringIO(_images(r)))) for r in (rows, full))
    drawn = ("mask_dft_error", "agreement_rms", "agreement_max")
    for number, (row, other) in enumerate(zip(images, whole, strict=True)):
        hidden = drawn if number >= 9 else ()
        assert row == {name: "" if name in hidden else text for name, text in other.items()}
    masked = np.frombuffer(rows["spectra-masked"])
    n_rings = len(masked) // 19
    assert np.isfinite(masked).tolist() == [i < 8 * n_rings for i in range(len(masked))]
    np.testing.assert_array_equal(
        masked[: 8 * n_rings], np.frombuffer(full["spectra-masked"])[: 8 * n_rings]
    )
    lines = rows["spectra.csv"].decode().splitlines()
    assert [line.split(",")[2] for line in lines].count("masked") == 8 * n_rings
    assert set(lines) < set(full["spectra.csv"].decode().splitlines())
    ((_, means),) = some.spectra.means.items()
    assert {name: mean.n for name, mean in means.items()} == {
        "original": 19,
        "masked": 8,
        "expected": 19,
        "expected_centred": 19,
    }
    np.testing.assert_array_equal(
        means["expected"].mean, all_.spectra.means[16, 16, 8]["expected"].mean
    )


def _images(rows):
    return tables.header(tables.COLUMNS) + rows["images.csv"].decode()


def test_mean_spectra_are_means(references):
    options = AnalyzeOptions((8,), 0.5, size=16)
    batch, spectra = BatchAnalyzer(options), MeanSpectra()
    found = [batch.analyze(r)[0].analysis for r in references if r.name != "07.png"]
    for reference in references:
        spectra.update(batch.analyze(reference))
    ((key, means),) = spectra.means.items()
    assert key == (16, 16, 8)
    assert list(means) == ["original", "masked", "expected", "expected_centred"]
    for series, mean in means.items():
        power = [
            (one.series | {"expected_centred": one.expected_centred})[series].power for one in found
        ]
        assert mean.n == 19
        np.testing.assert_allclose(mean.mean, np.mean(power, axis=0), rtol=1e-12)
        np.testing.assert_allclose(mean.squares / 18, np.var(power, axis=0, ddof=1), rtol=1e-9)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("crops", [0, 2])
@pytest.mark.slow
def test_moments_have_the_same_bits_whoever_does_it(references, pool, kind, crops):
    options = StreamOptions(16, crops, color=True)
    grids = (sm.PatchGrid((16, 16), 4), sm.PatchGrid((16, 16), 8))
    work = MomentsWork(options, (4, 8), kind)
    sums, _ = total(references, 3, work, InProcess())
    assert_same(total(references, 3, work, pool)[0], sums)
    assert_same(MomentSums.from_arrays(sums.to_arrays()), sums)
    batch = np.concatenate(list(ImageStream(options).batches(references)))
    for grid, moments in zip(grids, sums.moments, strict=True):
        expected = KINDS[kind](grid, 3).update(batch)
        assert moments.n_images == len(batch)
        np.testing.assert_allclose(
            moments.stack().blocks, expected.stack().blocks, rtol=1e-9, atol=1e-12
        )


def test_shapes_beyond_the_bound_have_no_part(monkeypatch):
    from spectral_mae.batch.analyze import shape_moments

    monkeypatch.setattr(shape_moments, "ALL_PIXELS", 16 + 25)
    first, second = ShapeMoments(), ShapeMoments()
    for side, moments in ((4, first), (6, second), (5, second), (4, second)):
        moments.update(np.random.default_rng(0).random((side, side)))
    assert list(second.by_shape) == [(6, 6)]
    first.merge(second)
    assert list(first.by_shape) == [(4, 4)]
