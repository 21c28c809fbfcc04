"""Pictures of models: what is drawn is what the results hold."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import SymLogNorm, to_hex

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.plot.responses import LABELS
from spectral_mae.receptive import ReceptiveField
from spectral_mae.reconstruction import Reconstruction, reconstruct_image

mpl.use("Agg")
SHAPES = pytest.mark.parametrize(
    ("shape", "channels"), [((16,), None), ((16,), 3), ((12, 16), None), ((12, 16), 3)]
)


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


def photographs(n, shape, channels=None, seed=0):
    rng = np.random.default_rng(seed)
    smooth = rng.standard_normal((n, *shape, *([channels] if channels else [])))
    for axis in range(1, len(shape) + 1):
        smooth = smooth.cumsum(axis=axis)
    return 0.5 + smooth / 20


def fitted(shape=(12, 16), channels=None, model=None):
    model = model or sm.LinearMAE(4, 0.5)
    return model.fit(photographs(60, shape, channels), None if channels is None else -1)


def gray(weights, channels):
    return weights if channels is None else weights.sum(axis=-1)


# Receptive fields --------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("log", [False, True])
def test_receptive_field_of_an_image(channels, log):
    field = fitted((12, 16), channels).receptive_field((9, 6))
    ax = plot.receptive_field(field, log=log)
    weights = gray(field.weights, channels)
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), weights)
    end = np.abs(weights).max()
    assert (image.norm.vmin, image.norm.vmax) == (-end, end)
    assert isinstance(image.norm, SymLogNorm) == log
    assert image.get_cmap().name == "RdBu_r"
    (box,) = ax.patches
    assert box.get_bbox().bounds == (3.5, 7.5, 4, 4)  # rows 8 to 11, columns 4 to 7
    (cross,) = ax.lines
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (6, 9)
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "weight"
    assert ax.get_xlim() == (-0.5, 15.5)
    assert ax.get_ylim() == (11.5, -0.5)
    if log:
        assert image.norm.linthresh == pytest.approx(end / 1000)
        ticks = bar.get_yticks()
        np.testing.assert_allclose(ticks, -ticks[::-1])
        powers = np.log10(ticks[ticks > 0])
        np.testing.assert_allclose(powers, np.round(powers), atol=1e-12)
        assert end / 10 < ticks.max() <= end
        assert ticks[ticks > 0].min() >= image.norm.linthresh


@pytest.mark.parametrize("channels", [None, 3])
def test_receptive_field_of_a_signal(channels):
    field = fitted((16,), channels).receptive_field(6)
    ax = plot.receptive_field(field)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), gray(field.weights, channels))
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(16))
    (span,) = ax.patches
    assert span.get_extents().transformed(ax.transData.inverted()).intervalx.tolist() == (
        pytest.approx([3.5, 7.5])
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input pixel", "weight")


def test_plain_weights_have_no_outline():
    weights = np.random.default_rng(0).standard_normal((5, 7, 3))
    for given, shown in ((weights, weights.sum(axis=-1)), (weights[..., 0], weights[..., 0])):
        ax = plot.receptive_field(given, colorbar=False)
        np.testing.assert_array_equal(ax.images[0].get_array(), shown)
        assert not ax.patches
        assert not ax.lines
        assert len(ax.figure.axes) == 1
    assert len(plot.receptive_field(weights[:, 0, 0]).lines[0].get_ydata()) == 5
    for bad in (np.ones((2, 2, 2, 2)), np.float64(1)):
        with pytest.raises(ValueError, match="not those of a signal or an image"):
            plot.receptive_field(bad)


@pytest.mark.parametrize(
    ("pixel", "around", "limits"),
    [
        ((9, 6), 1, ((-0.5, 11.5), (11.5, 3.5))),
        ((0, 15), 1, ((7.5, 15.5), (7.5, -0.5))),
        ((5, 9), 0, ((7.5, 11.5), (7.5, 3.5))),
        ((5, 9), 9, ((-0.5, 15.5), (11.5, -0.5))),
    ],
)
def test_only_the_patches_around_are_shown(pixel, around, limits):
    ax = plot.receptive_field(fitted().receptive_field(pixel), around=around)
    assert (ax.get_xlim(), ax.get_ylim()) == limits


def test_weights_that_are_all_zero_are_drawn():
    zero = ReceptiveField(np.zeros((8, 8)), sm.PatchGrid((8, 8), 4), (1, 1), False)
    for log in (False, True):
        ax = plot.receptive_field(zero, log=log)
        assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (-1, 1)
        ax.figure.canvas.draw()
    axes = plot.receptive_fields({"a": {"b": zero}})
    np.testing.assert_array_equal(axes[0, 0].images[0].get_array(), 0)
    ax = plot.weight_by_distance({"zero": zero})
    assert ax.texts[0].get_text() == "no power above rounding"


def test_receptive_fields_on_a_logarithmic_scale():
    field = fitted(model=sm.LinearMAE(4, 0.5)).receptive_field((5, 9))
    ax = plot.receptive_fields({"a": {"b": field}}, log=True)[0, 0]
    norm = ax.images[0].norm
    assert (norm.vmin, norm.linthresh, norm.vmax) == (-1, 0.01, 1)
    bar = ax.figure.axes[-1]
    assert [t.get_text() for t in bar.get_yticklabels()][-3:] == ["0.01", "0.1", "1"]


def test_receptive_fields_side_by_side():
    rows = {
        "gray": {f"m = {m}": fitted(model=sm.LinearMAE(4, m)).receptive_field((5, 9))
                 for m in (0.25, 0.5, 0.75)},
        "colour": {"m = 0.5": fitted(channels=3).receptive_field((9, 6), channel=1)},
    }  # fmt: skip
    axes = plot.receptive_fields(rows)
    assert axes.shape == (2, 3)
    for (name, fields), line in zip(rows.items(), axes, strict=True):
        assert line[0].get_ylabel() == name
        for (title, field), ax in zip(fields.items(), line, strict=False):
            weights = gray(field.weights, 3 if name == "colour" else None)
            shown = ax.images[0].get_array()
            np.testing.assert_allclose(shown, weights / np.abs(weights).max(), rtol=1e-12)
            assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (-1, 1)
            assert ax.get_title() == title
            assert len(ax.patches) == 1
    assert [ax.axison for ax in axes[1]] == [True, False, False]
    assert axes[0, 0].figure.axes[-1].get_ylabel() == "weight / largest"
    with pytest.raises(ValueError, match=r"ax of shape \(2, 2\) is not \(2, 3\)"):
        plot.receptive_fields(rows, axes[:, :2])


@SHAPES
def test_weights_against_distance(shape, channels):
    model = fitted(shape, channels)
    field = model.receptive_field(tuple(n // 2 for n in shape))
    fields = {"whole": field, "without": field.without_own_patch()}
    ax = plot.weight_by_distance(fields)
    for (name, one), line in zip(fields.items(), ax.lines, strict=True):
        rings = one.by_distance()
        there = rings.weight > 1e-9 * rings.weight.max()
        np.testing.assert_array_equal(line.get_xdata(), rings.distance)
        np.testing.assert_array_equal(line.get_ydata()[there], rings.weight[there])
        assert line.get_label() == name
    assert np.isnan(ax.lines[1].get_ydata()[0])
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(fields)
    assert "pixels" in ax.get_xlabel()
    assert "weight" in ax.get_ylabel()


def test_weights_that_are_only_rounding_are_gaps():
    field = fitted(model=sm.LinearMAE(4, 0.5, target="hidden")).receptive_field((5, 9))
    assert field.own_patch_share < 1e-9
    (line,) = plot.weight_by_distance({"hidden": field}).lines
    shown = line.get_ydata()
    assert np.isnan(shown[0])
    assert np.nanmin(shown) > 1e-6


# Filters -----------------------------------------------------------------------------------------


def cells(sheet, shape, columns, n):
    """The single pictures of a sheet, and what is between them."""
    gap = max(1, shape[1] // 16)
    rest, found = np.ones(sheet.shape[:2], dtype=bool), []
    for i in range(n):
        top, left = i // columns * (shape[0] + gap), i % columns * (shape[1] + gap)
        place = slice(top, top + shape[0]), slice(left, left + shape[1])
        found.append(sheet[place])
        rest[place] = False
    return found, sheet[rest]


@pytest.mark.parametrize(
    ("n", "columns", "size"), [(5, 3, (25, 50)), (2, 8, (12, 33)), (6, 6, None)]
)
def test_gray_filters_are_a_sheet(n, columns, size):
    model = fitted(model=sm.LinearAE(4, 6))
    filters = model.decoder(n)
    ax = plot.filters(filters, columns=columns)
    sheet = np.asarray(ax.images[0].get_array())
    if size:
        assert sheet.shape == (*size, 3)
    found, between = cells(sheet, (12, 16), min(columns, n), n)
    np.testing.assert_array_equal(between, 1.0)
    colours = mpl.colormaps["RdBu_r"]
    for picture, one in zip(found, filters, strict=True):
        expected = colours(one / np.abs(one).max() / 2 + 0.5)[..., :3]
        np.testing.assert_allclose(picture, expected, atol=1e-12)


def test_coloured_filters_have_zero_in_middle_gray():
    filters = fitted(channels=3, model=sm.LinearAE(4, 5)).encoder(5)
    filters = np.concatenate([filters, np.zeros((1, 12, 16, 3))])
    sheet = np.asarray(plot.filters(filters, channels=True, columns=4).images[0].get_array())
    found, _ = cells(sheet, (12, 16), 4, 6)
    for picture, one in zip(found[:-1], filters, strict=False):
        np.testing.assert_allclose(picture - 0.5, one / np.abs(one).max() / 2, atol=1e-12)
        assert np.abs(picture - 0.5).max() == pytest.approx(0.5)
    np.testing.assert_array_equal(found[-1], 0.5)


def test_wide_filters_have_wide_gaps():
    sheet = plot.filters(np.ones((2, 8, 64))).images[0].get_array()
    assert sheet.shape == (8, 64 + 4 + 64, 3)


@pytest.mark.parametrize(
    ("shape", "channels"),
    [((0, 4, 4), False), ((0, 8), False), ((4,), False), ((2, 4, 4, 3), False),
     ((2, 4, 4), True), ((2, 4, 4, 2), True)],
)  # fmt: skip
def test_what_are_no_filters_is_refused(shape, channels):
    with pytest.raises(ValueError, match=r"images of shape .* with channels=.* are not filters"):
        plot.filters(np.ones(shape), channels=channels)


def test_filters_of_signals_are_lines():
    filters = fitted((16,), model=sm.LinearAE(4, 3)).decoder()
    ax = plot.filters(filters)
    ticks = ax.get_yticks()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["1", "2", "3"]
    for line, tick, one in zip(ax.lines, ticks, filters, strict=True):
        np.testing.assert_allclose(line.get_ydata() - tick, one, atol=1e-12)
    assert (np.diff(ticks) < -2 * np.abs(filters).max()).all()
    assert ax.get_xlabel() == "pixel"


# Eigenvalues -------------------------------------------------------------------------------------


def test_eigenvalues_of_models_and_numbers():
    model = fitted(model=sm.LinearMAE(4, 0.5, rank=20))
    ax = plot.eigenvalues(model)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), model.eigenvalues_)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, 21))
    assert ax.lines[0].get_marker() == "."
    assert ax.get_legend() is None
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    many = np.geomspace(1, 1e-3, 100)
    ax = plot.eigenvalues({"model": model, "numbers": many, "list": [4.0, 2.0, 1e-20, 0.0, -1.0]})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "model",
        "numbers",
        "list",
    ]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), many)
    assert ax.lines[1].get_marker() == "None"
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), [4, 2, np.nan, np.nan, np.nan])


def test_models_without_eigenvalues_are_refused():
    hidden = fitted(model=sm.LinearMAE(4, 0.5, target="hidden"))
    for given in (hidden, {"a": [1.0], "b": hidden}):
        with pytest.raises(ValueError, match=r"LinearMAE\(.*target='hidden'.* has no eigenvalues"):
            plot.eigenvalues(given)
    ax = plot.eigenvalues(np.zeros(5))
    assert ax.texts[0].get_text() == "no power above rounding"
    plot.eigenvalues([])


# Responses ---------------------------------------------------------------------------------------


def curve_of(rings, name):
    values = getattr(rings, name)
    return values if name in ("gain", "explained") else values / rings.original


@SHAPES
@pytest.mark.parametrize("whole", [True, False])
def test_response_of_one_model(shape, channels, whole):
    response = fitted(shape, channels).frequency_response()
    rings = response.radial()
    ax = plot.response(response if whole else rings)
    names = ("gain", "explained", "aliased", "noise")
    for line, name in zip(ax.lines, names, strict=False):
        np.testing.assert_allclose(line.get_ydata(), curve_of(rings, name))
        np.testing.assert_array_equal(line.get_xdata(), rings.frequency)
        assert line.get_label() == LABELS[name]
    assert len(ax.lines) == 5  # and zero
    np.testing.assert_array_equal(ax.lines[4].get_ydata(), 0)
    assert len({line.get_color() for line in ax.lines[:4]}) == 4
    assert ax.lines[0].get_linestyle() == "--"
    assert [line.get_linestyle() for line in ax.lines[1:4]] == ["-"] * 3
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "frequency (cycles/pixel)"
    assert ax.get_ylabel()


def test_response_of_several_models():
    named = {
        f"m = {m}": fitted(model=sm.LinearMAE(4, m)).frequency_response() for m in (0.25, 0.75)
    }
    curves = ("explained", "error", "gain", "passed", "reconstructed")
    ax = plot.response(named, curves=curves)
    lines = iter(ax.lines)
    colours, dashes = [], []
    for name, response in named.items():
        for curve in curves:
            line = next(lines)
            np.testing.assert_allclose(line.get_ydata(), curve_of(response.radial(), curve))
            assert line.get_label() == f"{name}: {LABELS[curve]}"
            colours.append(to_hex(line.get_color()))
            dashes.append(line.get_linestyle())
    assert len(set(colours[:5])) == len(set(colours[5:])) == 1
    assert colours[0] != colours[5]
    assert dashes[:5] == dashes[5:] == ["-", "--", ":", "-.", "-"]


def test_nothing_to_draw_is_refused():
    response = fitted().frequency_response()
    for make in (lambda: plot.response({}), lambda: plot.response(response, curves=())):
        with pytest.raises(ValueError, match="no responses to draw"):
            make()
    for rows in ({}, {"a": {}}):
        with pytest.raises(ValueError, match="no receptive fields to draw"):
            plot.receptive_fields(rows)


def test_curves_that_do_not_exist_are_refused():
    response = fitted().frequency_response()
    with pytest.raises(ValueError, match=r"curves=\['power'\] are not among gain, explained"):
        plot.response(response, curves=("gain", "power"))


def test_frequencies_without_power_are_gaps():
    model = sm.LinearMAE(4, 0.5).fit(np.full((3, 12, 16), 0.25))
    rings = model.frequency_response().radial()
    ax = plot.response(rings)
    assert all(np.isnan(line.get_ydata()).all() for line in ax.lines[:4])
    ax = plot.response_power(rings)
    assert ax.texts[0].get_text() == "no power above rounding"


@SHAPES
@pytest.mark.parametrize("whole", [True, False])
def test_response_as_power(shape, channels, whole):
    response = fitted(shape, channels).frequency_response()
    rings = response.radial()
    ax = plot.response_power(response if whole else rings)
    names = ("original", "reconstructed", "error", "passed", "aliased", "noise")
    for line, name in zip(ax.lines, names, strict=True):
        values = getattr(rings, name)
        shown = np.where(values > 1e-14 * rings.original.max(), values, np.nan)
        np.testing.assert_array_equal(line.get_ydata(), shown)
        assert name in line.get_label()
    assert [line.get_linestyle() for line in ax.lines] == ["-"] * 3 + ["--"] * 3
    assert ax.get_yscale() == ax.get_xscale() == "log"
    assert "power density" in ax.get_ylabel()


def test_power_that_is_only_rounding_is_a_gap():
    powers = np.array([1.0, 1e-13, 1e-15])
    rings = sm.RadialResponse(np.array([0.1, 0.2, 0.4]), np.ones(3, int), *[powers] * 6)
    for line in plot.response_power(rings).lines:
        np.testing.assert_array_equal(np.isnan(line.get_ydata()), [False, False, True])
    rows, columns = np.mgrid[:12, :16]
    wave = np.cos(2 * np.pi * (columns / 16 + rows / 12) + 0.3)
    one = Reconstruction(sm.PatchGrid((12, 16), 4), wave, wave, wave, np.zeros((12, 16)), None)
    power = plot.reconstruction(one)[1, 2].lines[0].get_ydata()
    assert np.isfinite(power).sum() == 1


# Reconstructions ---------------------------------------------------------------------------------


def one_of(channels, model=None, pixel=None):
    model = fitted((12, 16), channels, model)
    image = photographs(1, (12, 16), channels, seed=7)[0]
    if pixel is not None:
        image = image.copy()
        image[0, 0] = pixel
    return reconstruct_image(model, image, rng=0)


def in_range(pixels):
    return np.clip(pixels, 0, 1)


@pytest.mark.parametrize("channels", [None, 3])
def test_masked_image_in_pictures(channels):
    one = one_of(channels, sm.LinearMAE(4, 0.75), pixel=3.0)
    axes = plot.reconstruction(one)
    assert axes.shape == (2, 3)
    for place, pixels in (((0, 0), one.original), ((0, 2), one.output), ((1, 0), one.filled)):
        image = axes[place].images[0]
        np.testing.assert_array_equal(image.get_array(), in_range(pixels))
        if channels is None:
            assert (image.norm.vmin, image.norm.vmax) == (0, 1)
            assert image.get_cmap().name == "gray"
    seen = np.asarray(axes[0, 1].images[0].get_array())
    assert seen.shape == (12, 16, 3)
    colours = in_range(one.original if channels else one.original[..., np.newaxis])
    kept = np.broadcast_to(colours, (12, 16, 3))[one.visible]
    np.testing.assert_array_equal(seen[one.visible], kept)
    (hidden,) = np.unique(seen[~one.visible], axis=0)
    assert len(set(hidden)) > 1  # no gray
    error = one.output - one.original
    error = error if channels is None else error.mean(axis=-1)
    image = axes[1, 1].images[0]
    np.testing.assert_allclose(image.get_array(), error, atol=1e-15)
    end = np.quantile(np.abs(error), 0.995)
    assert (image.norm.vmin, image.norm.vmax) == (-end, end)
    titles = [ax.get_title() for ax in axes.flat]
    assert titles[0] == "original"
    assert titles[1] == "masked, 75% hidden"
    assert f"{one.explained:.0%}" in titles[2]
    assert f"PSNR {one.psnr:.1f} dB" in titles[3]
    assert titles[4].startswith("error")


@pytest.mark.parametrize("channels", [None, 3])
def test_noisy_image_in_pictures(channels):
    one = one_of(channels, sm.LinearDAE(4, 0.1))
    axes = plot.reconstruction(one)
    assert axes[0, 1].get_title() == "with noise"
    for place, pixels in (((0, 0), one.original), ((0, 1), one.corrupted), ((0, 2), one.output)):
        np.testing.assert_array_equal(axes[place].images[0].get_array(), in_range(pixels))
    assert f"PSNR {one.psnr:.1f} dB" in "".join(ax.get_title() for ax in axes.flat)
    labels = [text.get_text() for text in axes[1, 2].get_legend().get_texts()]
    assert labels == ["original", "with noise", "reconstruction", "error"]


def test_what_an_autoencoder_sees_has_no_noise():
    one = one_of(None, sm.LinearAE(4, 10))
    axes = plot.reconstruction(one)
    assert axes[0, 1].get_title() == "as the model sees it"
    assert not any("noise" in line.get_label() for line in axes[1, 2].lines)


@pytest.mark.parametrize("channels", [None, 3])
def test_spectra_of_a_reconstruction(channels):
    one = one_of(channels)
    ax = plot.reconstruction(one)[1, 2]
    for line, (name, rings) in zip(ax.lines, one.spectra().items(), strict=True):
        shown = np.where(rings.power > rings.floor, rings.power, np.nan)
        np.testing.assert_array_equal(line.get_ydata(), shown)
        np.testing.assert_array_equal(line.get_xdata(), rings.frequency)
        assert line.get_label() == {"corrupted": "masked"}.get(name, name)
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 4
    assert "power density" in ax.get_ylabel()
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_an_image_without_error_is_drawn():
    model = fitted(model=sm.LinearAE(4, 192))
    one = reconstruct_image(model, photographs(1, (12, 16))[0])
    image = plot.reconstruction(one)[1, 1].images[0]
    assert image.norm.vmax == 1e-6
    np.testing.assert_allclose(image.get_array(), 0, atol=1e-6)


@pytest.mark.parametrize("channels", [None, 3])
def test_strips_of_several_images(channels):
    several = [one_of(channels, sm.LinearMAE(4, m)) for m in (0.25, 0.75)]
    axes = plot.reconstructions(several, names=["first"])
    assert axes.shape == (2, 5)
    for row, one in zip(axes, several, strict=True):
        for place, pixels in ((0, one.original), (2, one.output), (3, one.filled)):
            np.testing.assert_array_equal(row[place].images[0].get_array(), in_range(pixels))
            assert channels or (row[place].images[0].norm.vmax == 1)
        seen = np.asarray(row[1].images[0].get_array())
        assert len(np.unique(seen[~one.visible], axis=0)) == 1
        error = one.output - one.original
        error = error if channels is None else error.mean(axis=-1)
        np.testing.assert_allclose(row[4].images[0].get_array(), error, atol=1e-15)
        norm = row[4].images[0].norm
        assert norm.vmax == -norm.vmin == np.quantile(np.abs(error), 0.995)
    assert [ax.get_title() for ax in axes[0]] == [
        "original",
        "masked",
        "reconstruction",
        "hidden filled in",
        "error",
    ]
    assert not any(ax.get_title() for ax in axes[1])
    assert [row[0].get_ylabel() for row in axes] == ["first", ""]
    assert all(len(ax.get_xticks()) == len(ax.get_yticks()) == 0 for ax in axes.flat)


def test_axes_that_do_not_fit_are_refused():
    one = one_of(None)
    _, axes = plot.new_figure(2, 5)
    with pytest.raises(ValueError, match=r"ax of shape \(2, 5\) is not \(2, 3\)"):
        plot.reconstruction(one, axes)
    with pytest.raises(ValueError, match=r"ax of shape \(2, 5\) is not \(1, 5\)"):
        plot.reconstructions([one], axes)


# Tables ------------------------------------------------------------------------------------------


def test_heat_map_writes_its_numbers():
    values = np.array([[0.1, 0.52, np.nan], [0.9, 0.3, 0.7123]])
    ax = plot.heat_map(values, [8, 16], [0.25, 0.5, 0.9])
    shown = ax.images[0]
    np.testing.assert_array_equal(np.ma.filled(shown.get_array(), np.nan), values)
    assert (shown.norm.vmin, shown.norm.vmax) == (0.1, 0.9)
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {
        (j, i): f"{values[i, j]:.3f}"
        for i in range(2)
        for j in range(3)
        if np.isfinite(values[i, j])
    }
    dark = {text.get_position() for text in ax.texts if to_hex(text.get_color()) == "#000000"}
    assert dark == {(0, 1), (2, 1)}  # on the bright end of the scale
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.25", "0.5", "0.9"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["8", "16"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("mask ratio", "patch size (pixels)")
    assert ax.figure.axes[1].get_ylabel() == "explained power, held out"


def test_heat_map_takes_other_labels_and_one_value():
    ax = plot.heat_map(np.array([[2.0]]), ["a"], [1], label="x", row_label="y", column_label="z")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("z", "y")
    assert ax.figure.axes[1].get_ylabel() == "x"
    assert ax.texts[0].get_text() == "2.000"
    empty = plot.heat_map(np.full((1, 2), np.nan), [8], [0.5, 0.75])
    assert not empty.texts
    empty.figure.canvas.draw()


def test_given_axes_are_used_and_returned():
    model = fitted()
    field, response = model.receptive_field((5, 9)), model.frequency_response()
    _, axes = plot.new_figure(2, 4)
    drawn = [
        plot.receptive_field(field, axes[0, 0]),
        plot.weight_by_distance({"a": field}, axes[0, 1]),
        plot.filters(np.ones((2, 4, 4)), axes[0, 2]),
        plot.eigenvalues(model, axes[0, 3]),
        plot.response(response, axes[1, 0]),
        plot.response_power(response, axes[1, 1]),
        plot.heat_map(np.eye(2), [1, 2], [3, 4], axes[1, 2]),
    ]
    assert drawn == list(axes.flat)[:7]
    _, axes = plot.new_figure(2, 3)
    assert plot.reconstruction(one_of(None), axes) is axes
    assert all(ax.get_title() for ax in axes.flat)
    _, axes = plot.new_figure(1, 5)
    assert plot.reconstructions([one_of(None)], axes) is axes
    _, axes = plot.new_figure(1, 1)
    assert plot.receptive_fields({"a": {"b": field}}, axes) is axes
