"""Pictures of models: receptive fields, filters, eigenvalues, tables of numbers."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import SymLogNorm, to_hex
from plot_cases import SHAPES, fitted, one_of, photographs

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.linear.receptive_field import ReceptiveField

mpl.use("Agg")


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


@pytest.mark.parametrize("channels", [None, 2])
def test_receptive_fields_of_volumes_show_the_frame_of_the_output_pixel(channels):
    volumes = photographs(60, (4, 6, 8), channels)
    model = sm.LinearMAE((2, 3, 4), 0.5).fit(volumes, channel_axis=None if channels is None else -1)
    field = model.receptive_field((3, 1, 6))
    ax = plot.receptive_field(field)
    frame = field.weights[3] if channels is None else field.weights[3].sum(axis=-1)
    np.testing.assert_array_equal(ax.images[0].get_array(), frame)
    assert ax.get_title() == "inputs at 3 along the first axis"
    (outline,) = ax.patches
    assert (outline.get_xy(), outline.get_width(), outline.get_height()) == ((3.5, -0.5), 4, 3)
    row = plot.receptive_fields({"a": {"b": field}})[0, 0]
    np.testing.assert_array_equal(row.images[0].get_array(), frame / np.abs(frame).max())
    assert plot.response_power(model.frequency_response()).get_ylabel().endswith("³)")
    code = sm.LinearMAE((2, 3, 4), 0.5, rank=2)
    code.fit(volumes, channel_axis=None if channels is None else -1)
    with pytest.raises(ValueError, match=r"filters of volumes, shape=\(4, 6, 8\), have no map"):
        plot.encoder_energy(code.encoder(), code.moments_.grid)
