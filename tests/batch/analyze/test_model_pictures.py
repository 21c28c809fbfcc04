"""The part of ``analyze`` that fits models to the images, and its pictures on the page."""

import html

import numpy as np
import pytest
from command_runs import run
from PIL import Image

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.batch.analyze import shape_moments
from spectral_mae.batch.analyze.models import fitted
from spectral_mae.batch.analyze.models import pictures as model_pictures
from spectral_mae.batch.analyze.models.fitted import fitted_models
from spectral_mae.batch.analyze.options import AnalyzeOptions
from spectral_mae.batch.analyze.outcomes import PICTURED, BatchAnalyzer
from spectral_mae.batch.analyze.summary.rounding import percent
from spectral_mae.batch.analyze.summary.sample import SampledImage
from spectral_mae.batch.pages.picture import Picture, short_name
from spectral_mae.images.files import display_name
from spectral_mae.linear.moments.kinds import StationaryMoments
from spectral_mae.linear.reconstruction import reconstruct_image
from spectral_mae.masks.sampling import mask_seed
from spectral_mae.plot.curves import panels


def photograph(path, shape, seed):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal(shape).cumsum(axis=0).cumsum(axis=1)
    pixels = 128 + 120 * smooth / np.abs(smooth).max()
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


@pytest.fixture
def files(tmp_path):
    """Three photographs of 24×32 pixels, one of 24×24 and one of 32×24."""
    shapes = [(24, 24), (24, 32), (24, 32), (32, 24), (24, 32)]
    return [photograph(tmp_path / f"{i}.png", shape, i) for i, shape in enumerate(shapes)]


def analyzed(paths, **options):
    batch = BatchAnalyzer(AnalyzeOptions(**{"patch_sizes": (4, 8), "mask_ratio": 0.5, **options}))
    return batch, [outcome for path in paths for outcome in batch.analyze(path)]


def models_of(batch):
    return fitted_models(batch.moments.largest(), batch.options)


def by_matrices(model, options):
    """The best models for all pixels and for hidden ones, as `LinearMAE` finds them."""
    given = {"sampling": options.sampling, "covariance": "stationary"}
    for target in ("all", "hidden"):
        one = sm.LinearMAE(model.patch_size, options.mask_ratio, target=target, **given)
        yield one.fit_moments(model.moments)


def pixels_of(paths, **options):
    return np.stack([sm.read_image(path, **options).pixels for path in paths])


# Models of the images ----------------------------------------------------------------------------


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.slow
def test_models_are_fitted_to_the_shape_that_most_images_have(tmp_path, color):
    shapes = [(24, 24, 3), (24, 32, 3), (24, 32, 3), (32, 24, 3), (24, 32, 3)]
    files = [photograph(tmp_path / f"{i}.png", shape, i) for i, shape in enumerate(shapes)]
    batch, _ = analyzed(files, size=None, color=color, sampling="bernoulli")
    models = models_of(batch)
    images = pixels_of([files[i] for i in (1, 2, 4)], color=color)
    assert [model.patch_size for model in models] == [4, 8]
    for model in models:
        expected = sm.LinearMAE(
            model.patch_size, 0.5, sampling="bernoulli", covariance="stationary", target="hidden"
        )
        expected.fit(images, channel_axis=-1 if color else None)
        assert model.moments.n_images == 3
        assert model.hidden == pytest.approx(1 - expected.loss_ / expected.trace_, rel=1e-9)
        np.testing.assert_allclose(model.mean, expected.mean_, rtol=1e-12)
        masks = expected.masking(model.moments.grid).masks(3, 0)
        found = model.reconstruct(images, masks)
        np.testing.assert_allclose(found, expected.reconstruct(images, masks), atol=1e-9)


def test_each_image_counts_once_whatever_fails(files, tmp_path):
    """Not once per patch size, and not at all where one of them failed."""
    bad = tmp_path / "bad.png"
    bad.write_bytes(files[0].read_bytes()[:100])
    batch, outcomes = analyzed([*files, bad, files[1]], size=16)
    assert [outcome.ok for outcome in outcomes] == [True] * 10 + [False] * 2 + [True] * 2
    for model in models_of(batch):
        assert model.moments.n_images == 6
    small, outcomes = analyzed([photograph(tmp_path / "s.png", (20, 20), 9)], size=None,
                               patch_sizes=(4, 20))  # fmt: skip
    assert [outcome.ok for outcome in outcomes] == [True, False]
    assert models_of(small) == []


def test_patches_that_do_not_fit_are_left_out(files):
    """At the native size each patch size may crop to pixels of its own."""
    batch, _ = analyzed(files[1:3], size=None, patch_sizes=(8, 5, 4))
    assert [model.patch_size for model in models_of(batch)] == [8, 4]
    batch, _ = analyzed(files[1:3], size=None, patch_sizes=(8, 6))  # 6 divides 24, but not 32
    assert [model.patch_size for model in models_of(batch)] == [8]


@pytest.mark.parametrize(("color", "limit"), [(False, 16), (True, 48)])
def test_patches_of_too_many_numbers_are_left_out(files, monkeypatch, color, limit):
    for room, expected in ((limit, [4, 2]), (limit - 1, [2])):
        monkeypatch.setattr(fitted, "MODEL_DIM", room)
        batch, _ = analyzed(files[1:3], size=24, patch_sizes=(8, 4, 2), color=color)
        assert [m.patch_size for m in models_of(batch)] == expected


def test_images_of_too_many_pixels_are_left_out(files, monkeypatch):
    for room, expected in ((24 * 24, 2), (24 * 24 - 1, 0)):
        monkeypatch.setattr(shape_moments, "PIXELS", room)
        batch, outcomes = analyzed(files[:3], size=24)
        assert all(outcome.ok for outcome in outcomes)
        assert len(models_of(batch)) == expected


def test_so_many_shapes_are_counted_and_no_more(files, monkeypatch):
    monkeypatch.setattr(shape_moments, "SHAPES", 1)
    batch, _ = analyzed([files[0], *files[1:], files[0]], size=None)
    (model, _) = models_of(batch)
    assert model.mean.shape == (24, 24)
    assert model.moments.n_images == 2


def test_there_is_no_model_of_nothing(tmp_path):
    assert models_of(BatchAnalyzer(AnalyzeOptions())) == []
    flat = tmp_path / "flat.png"
    Image.fromarray(np.full((16, 16), 77, np.uint8)).save(flat)
    batch, outcomes = analyzed([flat, flat], size=16)
    assert all(outcome.ok for outcome in outcomes)
    assert models_of(batch) == []
    faint = photograph(tmp_path / "faint.png", (16, 16), 0)
    batch, _ = analyzed([flat, faint], size=16)
    assert len(models_of(batch)) == 2


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize(("shape", "channels"), [((12,), 1), ((8, 12), 1), ((8, 12), 3)])
def test_moments_for_patches_of_another_size(shape, channels, center):
    images = np.random.default_rng(0).random((9, *shape, channels))
    fine = StationaryMoments(sm.PatchGrid(shape, 1), channels, center).update(
        images, channel_axis=-1
    )
    for patch in (2, 4, (4,) * len(shape)):
        found = fine.with_patch_size(patch)
        expected = StationaryMoments(sm.PatchGrid(shape, patch), channels, center)
        expected.update(images, channel_axis=-1)
        assert found.grid.patch_size == expected.grid.patch_size
        assert (found.n_images, found.channels, found.center) == (9, channels, center)
        np.testing.assert_array_equal(found.mean, expected.mean)
        stacks = found.stack(), expected.stack()
        np.testing.assert_allclose(stacks[0].blocks, stacks[1].blocks, atol=1e-14)
        np.testing.assert_array_equal(stacks[0].multiplicity, stacks[1].multiplicity)
    with pytest.raises(ValueError, match="does not divide"):
        fine.with_patch_size(5)


# Their pictures ----------------------------------------------------------------------------------


@pytest.fixture
def drawn(monkeypatch):
    """Figures by file name, which are not saved, to be quick."""
    figures = {}
    monkeypatch.setattr(plot, "save", lambda figure, path: figures.update({path.name: figure}))
    save_as = panels.save_as

    def saved(figure, path, endings):
        figures[path.name] = figure
        save_as(figure, path, endings)

    monkeypatch.setattr(panels, "save_as", saved)
    return figures


def pictures(paths, folder, *, sampled=(), **options):
    batch, outcomes = analyzed(paths, size=16, **options)
    models = models_of(batch)
    explained = {m.patch_size: model_pictures._explained(m, batch.options, sampled) for m in models}
    found = list(model_pictures.model_pictures(folder, outcomes, batch.options, models, explained))
    return found, models, explained


def test_responses_of_all_models(files, tmp_path, drawn):
    (first, _), models, explained = pictures(files, tmp_path)
    assert first.file == "response.png"
    assert "these 5 images of 16 × 16 pixels" in first.caption
    assert len(models) == len(first.panels) == 2
    axes = [ax for panel in first.panels for ax in drawn[panel.file].axes]
    for ax, model, panel in zip(axes, models, first.panels, strict=True):
        found = explained[model.patch_size]
        whole, filling = by_matrices(model, AnalyzeOptions(patch_sizes=(4, 8), mask_ratio=0.5))
        assert found.all == pytest.approx(1 - whole.loss_ / whole.trace_)
        assert found.hidden == pytest.approx(1 - filling.loss_ / filling.trace_)
        assert ax.get_title() == f"patches of {model.patch_size} px"
        rings = whole.frequency_response().radial()
        np.testing.assert_allclose(ax.lines[0].get_ydata(), rings.explained, atol=1e-9)
        np.testing.assert_array_equal(found.curve, ax.lines[0].get_ydata())
        assert list(ax.lines[-1].get_ydata()) == [found.visible] * 2  # the level of copying
        assert panel.alt == found.finding
        assert ax.get_ylabel()


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.slow
def test_strips_are_images_through_the_models(files, tmp_path, drawn, color, monkeypatch):
    made = []
    sound = plot.reconstructions
    monkeypatch.setattr(
        plot,
        "reconstructions",
        lambda several, axes, **names: (
            made.append((several, names)) or sound(several, axes, **names)
        ),
    )
    (_, second), models, _ = pictures(files, tmp_path, color=color, rng=3)
    options = AnalyzeOptions(patch_sizes=(4, 8), mask_ratio=0.5)
    fillings = [filling for model in models for _, filling in [by_matrices(model, options)]]
    assert second.file == "reconstruction.png"
    ((strips, named),) = made
    assert len(strips) == model_pictures.STRIPS == 4
    places = [(path, model) for path in files for model in fillings][:4]
    for strip, (path, model) in zip(strips, places, strict=True):
        image = sm.resize_and_crop(sm.read_image(path, color=color), 16).pixels
        rng = np.random.default_rng(mask_seed(3, display_name(path), model.patch_size))
        expected = reconstruct_image(model, image, rng=rng)
        np.testing.assert_array_equal(strip.original, image)
        np.testing.assert_array_equal(strip.visible, expected.visible)
        np.testing.assert_allclose(strip.output, expected.output, atol=1e-12)
    assert named == {"names": [f"{path.name}\n{model.patch_size} px" for path, model in places]}
    headings = [panel.heading for panel in second.panels if panel.heading]
    for strip, heading in zip(strips, headings, strict=True):
        hidden = ~strip.visible
        error = np.sum((strip.output - strip.original)[hidden] ** 2)
        detail = np.sum((strip.original - strip.original.mean(axis=(0, 1)))[hidden] ** 2)
        assert f": {percent(1 - error / detail)} of the hidden detail" in heading


def test_numbers_of_the_answer_are_those_under_the_pictures(files, tmp_path, drawn):
    """Pooled over images by their power, of the same model and the same masks."""
    _, outcomes = analyzed(files, size=16, patch_sizes=(4,))
    sampled = [SampledImage(o.name, {4: row}, o.pixels) for row, o in enumerate(outcomes)]
    (_, second), models, explained = pictures(files, tmp_path, sampled=sampled, patch_sizes=(4,))
    filled = explained[4].filled
    assert filled.rows == tuple(range(len(files)))
    shown = [panel.heading for panel in second.panels if panel.heading]
    for heading, part in zip(shown, filled.fractions, strict=False):
        assert f": {percent(part)} of the hidden detail" in heading
    assert filled.pooled == pytest.approx(np.average(filled.fractions, weights=filled.detail))
    assert f"fills in {percent(filled.pooled)}" in explained[4].sentence(4)
    # The same model explains more where brightness counts, which differs between images.
    _, filling = by_matrices(models[0], AnalyzeOptions(patch_sizes=(4,), mask_ratio=0.5))
    strips = [reconstruct_image(filling, o.pixels, rng=mask_seed(0, o.name, 4)) for o in outcomes]
    hidden = [one.original[~one.visible] - one.mean[~one.visible] for one in strips]
    np.testing.assert_allclose(filled.hidden, [np.sum(one**2) for one in hidden])
    own = [one.original[~one.visible] - one.original.mean() for one in strips]
    np.testing.assert_allclose(filled.detail, [np.sum(one**2) for one in own])


@pytest.mark.slow
def test_one_model_has_a_strip_for_each_image(files, tmp_path, drawn):
    (_, second), *_ = pictures(files, tmp_path, patch_sizes=(4,))
    assert len(second.panels) == 4 * PICTURED
    (first, second), *_ = pictures(files[:1], tmp_path, patch_sizes=(4,))
    assert "this 1 image of" in first.caption
    assert len(second.panels) == 4
    assert len(drawn["reconstruction.png"].axes) == 5


@pytest.mark.slow
def test_only_images_of_the_models_shape_are_sent_through(files, tmp_path, drawn):
    batch, outcomes = analyzed(files, size=None)
    options = batch.options
    models = models_of(batch)
    explained = {m.patch_size: model_pictures._explained(m, options, ()) for m in models}

    def drawn_of(some, these=models):
        return list(model_pictures.model_pictures(tmp_path, some, options, these, explained))

    _, second = drawn_of(outcomes)
    labels = [ax.get_ylabel() for ax in drawn["reconstruction.png"].axes[::5]]
    assert labels == ["1.png\n4 px", "1.png\n8 px", "2.png\n4 px", "2.png\n8 px"]
    (only,) = drawn_of([outcome.without_pixels() for outcome in outcomes])
    assert only.file == "response.png"
    assert drawn_of(outcomes, []) == []
    (only,) = drawn_of(outcomes[:2])
    assert only.file == "response.png"
    assert isinstance(second, Picture)


def test_names_are_shortened_from_their_end():
    assert short_name("/some/where/photo.png") == "photo.png"
    assert short_name("builtin:camera") == "camera"
    assert short_name("a/" + "x" * 24) == "x" * 24
    assert short_name("a/" + "x" * 25) == "x" * 21 + "…"


# On the page -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_page_holds_the_pictures(files, tmp_path):
    out = tmp_path / "out"
    options = ["--size", 16, "--patch-size", 4, "--mask-ratio", 0.5, "--quiet"]
    assert run("analyze", files[0], "--out", out, *options) == 0
    page = (out / "report.html").read_text("utf-8")
    expected, *_ = pictures(files[:1], tmp_path, patch_sizes=(4,))
    assert [picture.file for picture in expected] == ["response.png", "reconstruction.png"]
    for picture in expected:
        written = (out / "figures" / picture.file).read_bytes()
        assert written == (tmp_path / picture.file).read_bytes()
        assert picture.title in page
        assert html.escape(picture.caption, quote=False) in html.unescape(page)
        assert f'"figures/{picture.file}"' in (out / "run.json").read_text()


@pytest.mark.slow
def test_the_page_of_constant_images_has_no_models(tmp_path):
    Image.fromarray(np.full((16, 16), 77, np.uint8)).save(tmp_path / "flat.png")
    out = tmp_path / "out"
    options = ["--size", 16, "--patch-size", 4, "--mask-ratio", 0.5, "--quiet"]
    assert run("analyze", tmp_path / "flat.png", "--out", out, *options) == 0
    assert not (out / "figures" / "response.png").exists()
    assert not (out / "figures" / "reconstruction.png").exists()
    assert 'id="model"' not in (out / "report.html").read_text("utf-8")
