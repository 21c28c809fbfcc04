"""Pictures of images through models."""

import matplotlib as mpl
import numpy as np
import pytest
from plot_cases import fitted, one_of, photographs

import spectral_mae as sm
from spectral_mae import plot
from spectral_mae.linear.reconstruction import reconstruct_image

mpl.use("Agg")


def in_range(pixels):
    return np.clip(pixels, 0, 1)


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.slow
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
        "error (red: too bright)",
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


@pytest.mark.parametrize("channels", [None, 3])
def test_colour_bar_lies_under_the_error_and_says_what_it_shows(channels):
    axes = plot.reconstruction(one_of(channels, sm.LinearMAE(4, 0.75)))
    error, figure = axes[1, 1], axes[0, 0].figure
    figure.canvas.draw()
    (bar,) = error.child_axes
    mean = ", mean of channels" if channels else ""
    assert bar.get_xlabel() == f"difference of pixel values{mean}"
    panel, below = error.get_window_extent(), bar.get_window_extent()
    assert panel.y0 - 0.1 * panel.height < below.y1 < panel.y0
    assert panel.x0 < below.x0 < below.x1 < panel.x1
    assert bar.get_tightbbox().y0 > 0
