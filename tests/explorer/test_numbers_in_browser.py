"""What the page computes, beside what the package computes, for the same images and masks."""

import itertools

import numpy as np
import pytest

import spectral_mae as sm
from spectral_mae.explorer.page_images import SIZE, built_in
from spectral_mae.masks.pulse_mask import PulseMask
from spectral_mae.spectra.octaves import OCTAVES

pytestmark = pytest.mark.browser

PATCHES = (2, 4, 8, 16, 32, 64)
DESIGNS = ("fixed", "bernoulli", "cutouts", "block", "keep", "columns")
RTOL = 1e-5


@pytest.fixture(scope="module")
def page(one_chromium, tmp_path_factory):
    one_chromium.reset()
    path = tmp_path_factory.mktemp("page") / "explore.html"
    one_chromium.open(sm.explore_images(out=path).page)
    assert one_chromium.wait_for("window.spectralMae")
    yield one_chromium
    assert one_chromium.problems() == []


def numbers(page, script, *arguments):
    """What a script gives back, a typed array or a list of them, as arrays."""
    return np.array(page.run(f"const {{ size }} = spectralMae; {script}", *arguments))


def assert_equal_power(found, expected, rtol=RTOL):
    """Equal to a relative error, above what rounding leaves of the largest."""
    np.testing.assert_allclose(found, expected.ravel(), rtol=rtol, atol=1e-13 * expected.max())


IMAGE = built_in()[0].pixels()  # the first image, in the gray values that the page computes with


def test_the_spectrum_of_an_image_is_that_of_psd(page):
    assert_equal_power(
        numbers(page, "return [...spectralMae.density(spectralMae.images[0].pixels, size)]"),
        sm.psd(IMAGE).full(),
    )


@pytest.mark.parametrize("patch", PATCHES)
def test_mask_and_masked_image_have_the_spectra_of_psd(page, patch):
    grid = sm.PatchGrid((SIZE, SIZE), patch)
    mask = PulseMask.random(grid, 0.6, rng=patch)
    kept = grid.to_patches(mask.visible).any(axis=1)
    given = kept.astype(int).tolist(), patch
    assert_equal_power(
        numbers(
            page, "return [...spectralMae.maskDensity(arguments[0], size, arguments[1])]", *given
        ),
        sm.psd(mask.visible.astype(float)).full(),
    )
    power = numbers(
        page,
        "const visible = spectralMae.visiblePixels(arguments[0], size, arguments[1]);"
        "const pixels = spectralMae.masked(spectralMae.images[0].pixels, visible);"
        "return [...spectralMae.density(pixels, size)]",
        *given,
    )
    assert_equal_power(power, sm.psd(IMAGE * mask.visible).full())


def test_radial_means_are_those_of_radial(page):
    rings = sm.psd(IMAGE).radial()
    found = numbers(
        page,
        "const rings = new spectralMae.Rings(size);"
        "const power = spectralMae.density(spectralMae.images[0].pixels, size);"
        "return [[...rings.frequency], [...rings.count], [...rings.means(power)]]",
    )
    for one, expected in zip(found, (rings.frequency, rings.count, rings.power), strict=True):
        np.testing.assert_allclose(one, expected, rtol=RTOL)


@pytest.mark.parametrize(
    ("name", "patch", "ratio"),
    [
        (name, patch, (0.75, 0.3)[i % 2])
        for i, (name, patch) in enumerate(itertools.product(DESIGNS, PATCHES))
    ],
)
def test_designs_and_the_mean_over_masks_are_those_of_the_package(page, name, patch, ratio):
    found = page.run(
        "const { size, chosen, scene, pairSpectrum } = spectralMae;"
        "const [design, patch, ratio] = arguments;"
        "scene.update({ ...chosen, design, patch, ratio, centred: design === 'keep' });"
        "return { text: scene.design.text, inclusion: scene.design.inclusion,"
        "  pairs: [...scene.design.pairs], expected: [...scene.expected.power],"
        "  mask: [...scene.expectedMask], leakage: [...scene.leakage] }",
        name,
        patch,
        ratio,
    )
    detrend = "constant" if name == "keep" else None
    design = sm.designs.parse(found["text"]).on(sm.PatchGrid((SIZE, SIZE), patch))
    assert design.shift_invariant
    assert found["inclusion"] == pytest.approx(design.inclusion.mean(), rel=1e-9)
    if patch < 64:  # of four patches a ratio is one of three
        assert abs(1 - found["inclusion"] - ratio) < 0.2
    np.testing.assert_allclose(found["pairs"], design.pair_inclusion.ravel(), rtol=1e-9, atol=1e-12)
    expected = sm.expected_masked_psd(IMAGE, design=design, detrend=detrend).full()
    assert_equal_power(found["expected"], expected)
    mask = sm.expected_mask_power(design=design) / SIZE**2
    np.testing.assert_allclose(found["mask"], mask.ravel(), rtol=RTOL, atol=1e-12 * mask.max())
    leakage = sm.leakage(IMAGE, design=design, detrend=detrend)
    np.testing.assert_allclose(
        found["leakage"], [leakage.band(low, high) for low, high in OCTAVES], rtol=RTOL, atol=1e-9
    )


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("patch", [8, 32])
def test_drawn_masks_have_the_moments_of_their_design(page, name, patch):
    n_draws, counts = 2000, SIZE // patch
    total, pairs = numbers(
        page,
        "const [name, counts, n_draws] = arguments;"
        "const design = spectralMae.DESIGNS[name].make(counts, 0.6);"
        "const total = new Float64Array(counts ** 2), pairs = new Float64Array(counts ** 2);"
        "for (let seed = 0; seed < n_draws; seed++) {"
        "  const kept = design.draw(spectralMae.generator(seed));"
        "  kept.forEach((one, i) => { total[i] += one / n_draws; });"
        "  if (kept[0]) kept.forEach((one, i) => { pairs[i] += one / n_draws; });"
        "}"
        "return [[...total], [...pairs]]",
        name,
        counts,
        n_draws,
    )
    inclusion, expected = page.run(
        "const design = spectralMae.DESIGNS[arguments[0]].make(arguments[1], 0.6);"
        "return [design.inclusion, [...design.pairs]]",
        name,
        counts,
    )
    deviation = 5 * np.sqrt(0.25 / n_draws)  # five standard deviations, at most
    np.testing.assert_allclose(total, inclusion, atol=deviation)
    np.testing.assert_allclose(pairs, expected, atol=deviation)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("frequency", [[3, 12], [0, 0], [0, 64], [64, 32], [16, 16]])
@pytest.mark.parametrize("patch", [4, 16])
def test_a_wave_needs_no_transform(page, name, frequency, patch):
    for centred in (False, True):
        closed, transformed = numbers(
            page,
            "const [design, wave, patch, centred] = arguments;"
            "const { chosen, scene, PairSums } = spectralMae;"
            "scene.update({ ...chosen, image: 'wave', wave, patch, design, centred });"
            "const sums = new PairSums(scene.pixels, size, patch);"
            "return [[...scene.expected.power], [...sums.expected(scene.design.pairs)]]",
            name,
            frequency,
            patch,
            centred,
        )
        top = max(transformed.max(), 1e-9)  # a centred wave of frequency zero is nothing
        np.testing.assert_allclose(closed, transformed, rtol=RTOL, atol=1e-13 * top)


def test_what_arrives_adds_up_to_the_convolution(page):
    """Over all k, |M|²⊛|X|² holds the power of both; and one k is the sum that it says it is."""
    grid = sm.PatchGrid((SIZE, SIZE), 8)
    mask = PulseMask.random(grid, 0.75, rng=3).visible.astype(float)
    down, across = -7, 21
    power = numbers(
        page,
        "const [k, mask, image] = arguments;return [...spectralMae.arrivals(k, mask, image, size)]",
        [down, across],
        sm.psd(mask).full().ravel().tolist(),
        sm.psd(IMAGE).full().ravel().tolist(),
    )
    X, M = np.fft.fft2(IMAGE), np.fft.fft2(mask)
    j = np.arange(SIZE)
    moved = M[np.ix_((down - j) % SIZE, (across - j) % SIZE)]
    parts = moved * X / SIZE**2
    assert_equal_power(power, np.abs(parts) ** 2 / SIZE**2)
    assert parts.sum() == pytest.approx(np.fft.fft2(IMAGE * mask)[down, across])
    largest = page.run(
        "return spectralMae.largest(arguments[0], spectralMae.size, 4)", power.tolist()
    )
    order = np.argsort(-power)[:4]
    rows, columns = np.unravel_index(order, (SIZE, SIZE))
    signed = np.fft.fftfreq(SIZE, 1 / SIZE)
    assert [one["frequency"] for one in largest] == [
        [signed[row], signed[column]] for row, column in zip(rows, columns, strict=True)
    ]
    np.testing.assert_allclose([one["share"] for one in largest], power[order] / power.sum())
