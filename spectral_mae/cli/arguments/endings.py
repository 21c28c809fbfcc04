"""What ends the help of each command: examples, and exit codes."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "": {
        "analyze photos -o report": "tables, pictures and a page about your images",
        "psd photo.png -o spectrum.pdf": "the power spectrum of an image",
        "explore photo.png -o explore.html": "a page on which you move a mask",
        "verify": "the equations of the paper, checked on built-in images",
    },
    "analyze": {
        "analyze photos -o report": "all images in a folder; open report/report.html",
        "analyze 'photos/**/*.jpg' --patch-size 8 16 -o report --jobs 4": "two patch sizes, on "
        "four cores",
        "analyze photos -o report --resume": "go on with a run that was interrupted",
        "analyze photos --design block:7x7,keep --size 112 --patch-size 8 --json": "another mask "
        "design; results for a program, and no files",
    },
    "compare": {
        "compare originals outputs -o compared": "files of the same names in two folders",
        "compare originals jpeg blur --labels JPEG,blur -o compared": "two models in one picture",
        "compare originals outputs --masks masks.npy --json": "errors of hidden pixels, for a "
        "program",
    },
    "explore": {
        "explore -o explore.html": "with a photograph, a texture and a random field",
        "explore photo.png builtin:grass -o explore.html": "with these images",
    },
    "psd": {
        "psd photo.png -o spectrum.png": "a map and the radial spectrum",
        "psd photo.png --mask-ratio 0.75 --patch-size 16 -o spectrum.pdf": "also the exact mean "
        "under masks",
        "psd originals outputs -o spectra.svg": "two folders: means, bands and slopes",
        "psd scan.tif --fs file --window hann --detrend constant -o spectrum.csv": "a table in "
        "cycles/mm",
        "psd photo.png --json": "slope and radial spectrum for a program",
    },
    "mask": {
        "mask -o mask.png": "75 % of the patches of 16 pixels hidden, of 224 x 224 pixels",
        "mask --size 96x128 --patch-size 8 --mask-ratio 0.5 --seed 3 -o mask.png": "another one",
        "mask --design block:7x7,keep -o mask.png --figure power.png": "one block that is kept, "
        "and the expected power of such masks",
    },
    "verify": {
        "verify": "on all built-in images",
        "verify photo.png --patch-size 8 --theory": "the lemmas too, on your image",
        "verify photos --json": "the checks of all images for a program",
    },
    "audit-masks": {
        "audit-masks masks.npy --patch-size 16 -o audit": "masks of shape (n, H, W) by patches",
        "audit-masks ids_keep.npy --ids-keep --grid 14x14 -o audit": "what MAE's code calls "
        "ids_keep",
        "audit-masks masks --pixels --hidden --images photos -o audit": "pictures of masks in "
        "which white is hidden, and what they do to your images",
    },
    "fit": {
        "fit photos -o mae.npz": "a linear MAE of 224 x 224 pixels, patches of 16",
        "fit cifar10.zip --size 32 --color --patch-size 4 -o cifar.npz --figure cifar.png": "small "
        "colour images, with a picture",
        "fit photos --model dae --sigma 0.1 -o dae.npz": "a denoising autoencoder",
    },
    "reconstruct": {
        "reconstruct mae.npz photo.png -o pictures": "mask, reconstruct and draw",
        "reconstruct mae.npz photos --seed 3 -o pictures --overwrite": "with other masks, in place "
        "of the pictures that are there",
    },
    "sweep": {
        "sweep photos -o sweep": "patch sizes 8, 16 and 32, five mask ratios",
        "sweep photos --patch-size 4 8 --mask-ratio 0.5 0.75 --size 64 --json": "small ones, for a "
        "program",
        "sweep photos --design block:7x7 --design fixed:0.75 --patch-size 16 -o sweep": "two "
        "designs",
    },
    "plan": {
        "plan photos -o plan": "open plan/report.html",
        "plan photos --patch-size 8 16 --mask-ratio 0.5 0.75 0.9 --limit 500 -o plan": "these "
        "settings, on 500 images",
        "plan photos --design bernoulli:M --design block:6x6 -o plan": "other designs",
    },
    "figures": {
        "figures -o figures": "all of them",
        "figures masking transfer --data photos -o figures": "two of them, from your images",
    },
    "train-mae": {
        "train-mae photos --size 64 --patch-size 8 --epochs 100 -o run": "a small network",
        "train-mae photos --size 64 --patch-size 8 --epochs 200 -o run --resume": "train it longer",
    },
    "audit": {
        "audit run photos -o audit": "a model that 'train-mae' has trained",
        "audit mae_visualize_vit_base.pth photos --limit 100 -o audit": "a checkpoint of He et al.",
        "audit mymodel:reconstruct photos --size 64 --patch-size 8 -o audit": "a function of yours",
    },
    "completion": {
        "completion bash": "for bash: add the line  source <(spectral-mae completion bash)  to "
        "~/.bashrc",
        "completion zsh": "for zsh: the same with zsh in ~/.zshrc, after compinit",
        "completion fish": "for fish: spectral-mae completion fish > "
        "~/.config/fish/completions/spectral-mae.fish",
    },
}
_DONE, _SOME, _NONE = "all images were used", "some images failed", "no image could be used"
_WRONG = "wrong usage, or files that cannot be read or written"
_OWN: Mapping[str, Mapping[int, str]] = {
    "": {
        0: "done",
        1: "some images failed, or a check of verify does not hold",
        3: _NONE,
        4: "a formula failed its check in analyze",
    },
    "analyze": {
        0: _DONE,
        1: _SOME,
        3: _NONE,
        4: "a formula failed its check on an image: a defect of this package",
    },
    "verify": {0: "all checks hold", 1: "a check fails, or some images do", 3: _NONE},
    "mask": {0: "written"},
    "audit-masks": {0: "written"},
    "figures": {0: "written", 1: "the images did not do for some figures"},
    "completion": {0: "printed"},
}
_OF_IMAGES: Mapping[int, str] = {0: _DONE, 1: _SOME, 3: _NONE}


def exits(command: str) -> dict[int, str]:
    """Exit codes of a command and what they mean; "" is any command."""
    found = {**_OWN.get(command, _OF_IMAGES), 2: _WRONG, 130: "interrupted; 143 by SIGTERM"}
    return dict(sorted(found.items()))
