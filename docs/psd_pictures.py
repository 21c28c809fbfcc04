"""Write ``docs/psd_pictures.md`` and its pictures: power spectra as papers show them.

``python docs/psd_pictures.py``; ``tests/docs/test_psd_pictures.py`` holds that the page is what
this gives. The code of the page runs as doctests.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

from spectral_mae import plot

PAGE = Path(__file__).with_name("psd_pictures.md")
INTRODUCTION = """\
# Power spectra as papers show them

Each picture here is one call. The papers named beside them treat the same question; none of their
figures is copied. The images are crops of photographs and textures that scikit-image
installs, without a download; put your own in their place, as an array of shape (n, H, W). What the
calls need is made once:

```pycon
{setup}

```

In a paper, begin with `plot.use_style("paper")`, and write files with
`plot.save(ax.figure, "spectrum.pdf", width="column")`; text stays text.

*This page is written by `python docs/psd_pictures.py`.*
"""
SETUP = """\
import numpy as np
import spectral_mae as sm
from spectral_mae import plot


def crops(*names):
    pixels = [sm.read_image(f"builtin:{name}").pixels for name in names]
    corners = [(i, j) for i in (0, 128) for j in (0, 128)]
    return np.stack([x[i : i + 128, j : j + 128] for x in pixels for i, j in corners])


photographs = crops("astronaut", "camera", "cat", "coffee", "rocket", "motorcycle")
textures = crops("brick", "grass", "gravel")
options = {"detrend": "constant", "window": "hann"}
rings = sm.Periodogram((128, 128), **options).radial"""


class Picture(NamedTuple):
    """A picture: the name of its file, its title, what it shows and who showed it, and its call."""

    name: str
    title: str
    text: str
    code: str


PICTURES = [
    Picture(
        "power_law",
        "Spectra of photographs follow a power law",
        "The amplitude of natural scenes falls about as 1/f, their power as 1/f² (Field 1987, "
        "*Relations between the statistics of natural images and the response properties of "
        "cortical cells*). The line is the median over images, the band holds 68 % of them; the "
        "fitted slope is dashed, f⁻² dotted.",
        'plot.radial({"photographs": rings(photographs)}, band="percentile", fit=True,\n'
        "            guides=[-2], octaves=True, periods=True)",
    ),
    Picture(
        "slopes",
        "Slopes differ from image to image",
        "Tolhurst, Tadmor and Chao (1992, *Amplitude spectra of natural images*) fitted lines to "
        "135 photographs; the slopes of their amplitude range from −0.8 to −1.5, with a mean of "
        "−1.2. Slopes of the power, which are drawn here, are twice those of the amplitude. Lines "
        "are medians.",
        'plot.slopes({"photographs": sm.summarize(photographs, **options),\n'
        '             "textures": sm.summarize(textures, **options)})',
    ),
    Picture(
        "mean_map",
        "Mean spectrum of a set, on the plane",
        "Torralba and Oliva (2003, *Statistics of natural image categories*) discuss how such "
        "second-order statistics go with categories of scenes. Horizontal and vertical structure "
        "stands out.",
        "plot.psd(sm.summarize(photographs, **options).spectrum)",
    ),
    Picture(
        "rose",
        "Power by orientation",
        "Koch, Denzler and Redies (2010, *1/f² characteristics and isotropy in the Fourier power "
        "spectra of visual art, cartoons, comics, mangas, and different categories of "
        "photographs*) compare the mean power of sectors of the spectrum. 0° is a frequency along "
        "the rows of the image, whose stripes are vertical.",
        "plot.rose(sm.summarize(textures, **options).spectrum.sectors(24))",
    ),
    Picture(
        "generated",
        "Real images beside upsampled ones",
        "Images of generative networks differ from real ones at high frequencies (Dzanic, Shah "
        "and Witherden 2020, *Fourier spectrum discrepancies in deep network generated images*), "
        "which comes from the upsampling in them (Durall, Keuper and Keuper 2020, *Watch your "
        "up-convolution*). Here every second pixel is repeated, the simplest upsampling; lines and "
        "bands are mean and standard deviation over images.",
        "upsampled = photographs[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2)\n"
        'plot.radial_ratio({"real": rings(photographs), "upsampled": rings(upsampled)},\n'
        '                  reference="real", band="std")',
    ),
    Picture(
        "relative",
        "What a layer does to high frequencies",
        "Park and Kim (2022, *How do vision transformers work?*) plot the amplitude of feature "
        "maps relative to that at zero frequency: attention is a low-pass filter, convolution a "
        "high-pass one. Here the power after each filter is divided by that before it, image by "
        "image; put the maps of your own layers in their place.",
        "blurred = (photographs + np.roll(photographs, 1, 1) + np.roll(photographs, 1, 2)) / 3\n"
        "edges = 2 * photographs - blurred\n"
        'plot.ratio({"mean of three pixels": rings(blurred) / rings(photographs),\n'
        '            "sharpened": rings(edges) / rings(photographs)})',
    ),
    Picture(
        "spectral_bias",
        "Low frequencies come first",
        "Networks learn low frequencies first (Rahaman et al. 2019, *On the spectral bias of "
        "neural networks*). In closed form: the power that the best linear masked autoencoder "
        "explains at each frequency, as its bottleneck widens.",
        "def model(rank):\n"
        '    return sm.LinearMAE(16, 0.75, rank=rank, covariance="stationary").fit(photographs)\n'
        "\n"
        "\n"
        'plot.response({f"rank {r}": model(r).frequency_response() for r in (4, 16, 64)},\n'
        '              curves=("explained",))',
    ),
    Picture(
        "masked_grating",
        "What masking does to a single wave",
        "Fig. 22 of the paper (arXiv 2508.15404): the power of random masks of patches, with its "
        "zeros at multiples of 1/16.",
        "plot.grating(sm.PatchGrid((224, 224), 16), 0.75)",
    ),
    Picture(
        "masked_spectrum",
        "Spectrum of a masked image",
        "He et al. (2022, *Masked autoencoders are scalable vision learners*) hide 75 % of the "
        "patches; those here have 16 pixels along each axis. Masking flattens the spectrum; the "
        "expectation over all masks is exact.",
        'camera = sm.read_image("builtin:camera").pixels[:256, :256]\n'
        "plot.masked_radial(\n"
        "    sm.psd(camera).radial(), sm.expected_masked_psd(camera, 16, 0.75).radial(), None\n"
        ")",
    ),
    Picture(
        "leakage",
        "How much power comes from elsewhere",
        "Naseer et al. (2021, *Intriguing properties of vision transformers*) drop patches at "
        "random and measure how much accuracy is left. This is what dropping them does to a "
        "spectrum: power that masks bring to a frequency over what they keep of it, 75 % hidden in "
        "patches of 16 pixels.",
        'camera = sm.read_image("builtin:camera").pixels[:256, :256]\n'
        "plot.leakage(sm.leakage(camera, 16, 0.75).radial(40))",
    ),
]


def draw(picture: Picture) -> Any:
    """Run the code of a picture, and return its axes."""
    names: dict[str, Any] = {}
    exec(f"{SETUP}\n{assigned(picture.code)}", names)
    return names["ax"]


def assigned(code: str) -> str:
    """The code, whose last call, of `plot`, gives ``ax``."""
    before, _, call = f"\n{code}".rpartition("\nplot.")
    call = call.replace("\n", "\n     ")
    return f"{before}\nax = plot.{call}".lstrip("\n")


def session(code: str) -> str:
    """The code as it is typed, so that the tests run it."""
    starts = {node.lineno for node in ast.parse(code).body}
    lines = enumerate(code.splitlines(), 1)
    return "\n".join(f"{'>>>' if n in starts else '...'} {line}" for n, line in lines if line)


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION.format(setup=session(SETUP))]
    for picture in PICTURES:
        parts.append(
            f"## {picture.title}\n\n![{picture.title}](psd_pictures/{picture.name}.png)\n\n"
            f"{picture.text}\n\n```pycon\n{session(assigned(picture.code))}\n\n```\n"
        )
    return "\n".join(parts)


def main() -> None:
    """Write the page and its pictures."""
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    for picture in PICTURES:
        axes = draw(picture)
        first = axes if hasattr(axes, "figure") else axes[0]
        plot.save(first.figure, folder / f"{picture.name}.png")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
