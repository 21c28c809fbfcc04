"""Commands that go on from a run of ``analyze``, with its images and its options."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spectral_mae.batch.analyze.options import AnalyzeOptions

EXPLORED = 8  # images of the explorer's page
_OTHER_SIZES = (8, 16, 32)


@dataclass(frozen=True)
class NextStep:
    """What to do next.

    Attributes
    ----------
    question : str
        What it answers.
    command : str
        A line for a shell.
    """

    question: str
    command: str


def next_steps(
    options: AnalyzeOptions, run: Mapping[str, Any], shown: Sequence[str]
) -> list[NextStep]:
    """Commands for the images of a run.

    Parameters
    ----------
    options : AnalyzeOptions
        Those of the run.
    run : mapping
        Contents of ``run.json``, whose paths are those that were given.
    shown : sequence of str
        Titles of images that the page shows, for the explorer.

    Returns
    -------
    list of NextStep
        None of images that came as arrays.
    """
    paths = list(run["options"]["paths"]) or ["builtin:"]
    if any(" of shape (" in path for path in paths):
        return []
    size = [] if options.size == 224 else ["--size", str(options.size or "native")]
    colour = ["--color"] if options.color else []
    masks = ["--design", str(options.design)]
    if options.design is None:
        masks = ["--mask-ratio", f"{options.mask_ratio:g}"]
    patches = [str(p) for p in options.patch_sizes]
    side = options.size or 0
    others = [str(p) for p in _OTHER_SIZES if side % p == 0 and p < side] or patches
    model = ["MODEL", *paths, "--patch-size", patches[0]]
    same = [*paths, *size, *colour]
    hard = (
        "Which patch size and mask ratio make pretraining on these images as hard as on "
        "photographs, and what does that cost?"
    )
    try_it = (
        "What happens to single frequencies when I move the mask? A page on which you try it with "
        "these images:"
    )
    trained = (
        "Does my trained model do better than the linear one, and at which frequencies? MODEL is a "
        "checkpoint."
    )
    steps = [
        (
            "How do other patch sizes compare on these images?",
            [
                "analyze",
                *paths,
                *size,
                *colour,
                "--patch-size",
                *others,
                *masks,
                "--out",
                "sizes",
            ],
        ),
        (
            hard,
            ["plan", *same, "--out", "plan"],
        ),
        (
            try_it,
            ["explore", *list(shown)[:EXPLORED], "--out", "explore.html"],
        ),
        (
            trained,
            ["audit", *model, *masks, "--out", "audit"],
        ),
        (
            "How good are reconstructions that I have as images, by frequency?",
            ["compare", paths[0], "RECONSTRUCTIONS", "--out", "compare"],
        ),
    ]
    return [NextStep(question, f"spectral-mae {shlex.join(words)}") for question, words in steps]
