"""What ``plan`` writes: tables, pictures and the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._files.atomic_file import write_whole
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae.batch.columns.models import PLAN_TABLES
from spectral_mae.batch.errors import kept_on_disk
from spectral_mae.batch.models.model_images import ModelImages
from spectral_mae.batch.models.plan_words import against, design_in_words
from spectral_mae.batch.pages.page import render_page
from spectral_mae.batch.pages.picture import Picture
from spectral_mae.batch.pages.saving import save_lines
from spectral_mae.batch.run import BatchRun
from spectral_mae.planning.reference import MASK_RATIO, Reference
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import UNIFORM
from spectral_mae.spectra.octaves import all_octave_names

TOLD_ELSEWHERE = ("size", "crops", "settings", "transformer", "multiple", "color")
FILES = ("report.html", "plan.csv", "as_hard_as.csv", "plan.json", COLUMNS_JSON)
# What became of images, and how to say it.
COUNTS = {
    "not_drawn": "not drawn (the limit)",
    "failed": "could not be used",
    "left_out": "left out, of shapes that too few others have",
    "fitted": "fitted",
    "choosing": "held out to choose the shrinkage",
    "scored": "held out and scored",
    "unused": "held out and not needed",
}


def counted(counts: Mapping[str, int], *, crops: int) -> str:
    """Return in words what became of the images, in numbers that add up.

    Parameters
    ----------
    counts : mapping of str to int
        As in `Plan`.
    crops : int
        Random crops of each image; 0 is the image itself.

    Returns
    -------
    str
        A sentence.

    Examples
    --------
    >>> counted({"found": 10, "failed": 0, "fitted": 8, "choosing": 1, "scored": 1}, crops=0)
    '10 images found: 8 fitted, 1 held out to choose the shrinkage, 1 held out and scored.'
    """
    parts = [f"{counts[name]:,} {told}" for name, told in COUNTS.items() if counts.get(name)]
    each = f" Each gives {crops} random crops." if crops else ""
    n = counts["found"]
    return f"{n:,} image{'' if n == 1 else 's'} found: {', '.join(parts)}.{each}"


def write_plan(
    folder: Path,
    plan: Plan,
    data: ModelImages,
    record: str,
    run: BatchRun,
) -> None:
    """Write the page, its pictures, plan.csv, plan.json, and run.json last.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    plan : Plan
        What to write.
    data : ModelImages
        The images of the run.
    record : str
        Contents of run.json.
    run : BatchRun
        The run, whose options and versions the page tells.
    """
    figures = folder / "figures"
    with kept_on_disk(), run.stage("drawing pictures", 4 + plan.has_drawn) as drawn:
        figures.mkdir(parents=True, exist_ok=True)
        pictures = []
        for picture in _pictures(figures, plan):
            pictures.append(picture)
            drawn.add(1)
    with kept_on_disk(), run.stage("writing tables", 5) as written:
        plan.to_csv(folder / "plan.csv")
        written.add(1)
        rows = [
            {name: value for name, value in row.items() if name != "text"}
            for row in plan.as_hard_as_he()
        ]
        if rows:
            write_rows(folder / "as_hard_as.csv", rows)
        tables = [name for name in PLAN_TABLES if rows or name == "plan.csv"]
        write_column_notes(folder, {name: PLAN_TABLES[name] for name in tables})
        written.add(1)
        write_whole(folder / "plan.json", plan.to_json())
        written.add(1)
        write_whole(folder / "report.html", _page(figures, pictures, plan, data, run))
        written.add(1)
        write_whole(folder / "run.json", record)
        written.add(1)


def _page(
    figures: Path, pictures: list[Picture], plan: Plan, data: ModelImages, run: BatchRun
) -> str:
    options: Any = run.identity.header["options"]
    return render_page(
        "spectral_mae.batch.models",
        "plan.html",
        figures,
        pictures,
        plan=plan,
        options=data.options,
        shapes=sorted({one.shape for one in plan.measured}),
        counted=counted(plan.counts, crops=data.options.crops),
        equal=plan.as_hard_as_he(),
        of_he=plan.reference.name == Reference.stored().name,
        at=beyond_at,
        against=against,
        words={design: design_in_words(design) for _, design in plan.families},
        cost=relative_cost,
        ratio=MASK_RATIO,
        shrinkages=_shrinkages(plan),
        octaves=all_octave_names(),
        settings={"images": ", ".join(data.found.given), **told_options(options)},
        versions=run.identity.header["versions"],
        command_line=run.running.command_line,
    )


def _shrinkages(plan: Plan) -> str:
    """The shrinkage of each patch size, for people."""
    found: dict[int, set[float]] = {}
    for one in plan.measured:
        found.setdefault(one.setting.patch_size, set()).add(one.shrinkage)
    return ", ".join(
        f"{size} px {' and '.join(f'{value:g}' for value in sorted(values))}"
        for size, values in found.items()
    )


def beyond_at(row: Mapping[str, Any], name: str, alone: bool = False) -> str:
    """Return a number of a row of `Plan.as_hard_as`, marked where the ratio lies beyond.

    Parameters
    ----------
    row : mapping
        The row.
    name : str
        Of a number that falls as the mask ratio rises.
    alone : bool
        Whether this ratio is the only one of its design, so that it is meant itself.

    Returns
    -------
    str
        Such as ``<313``: less, for the mask ratio is higher than all that were compared.

    Examples
    --------
    >>> beyond_at({"beyond": "easier", "visible_tokens": 313.4}, "visible_tokens")
    '<313'
    """
    mark = {"easier": "<", "harder": ">", "": ""}["" if alone else row["beyond"]]
    whole = name == "visible_tokens"
    return mark + (f"{row[name]:,.0f}" if whole else relative_cost(row[name]))


def relative_cost(value: float) -> str:
    """Return a relative cost with decimals that go with its size, and no more than two.

    Parameters
    ----------
    value : float
        1 is that of He et al.

    Returns
    -------
    str
        Three digits or so.

    Examples
    --------
    >>> relative_cost(0.397), relative_cost(70.33), relative_cost(2214.6)
    ('0.40', '70.3', '2,215')
    """
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def told_options(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the options of a run in words.

    Parameters
    ----------
    options : mapping
        As run.json has them.

    Returns
    -------
    dict of str
        By name; without those that the page tells elsewhere.

    Examples
    --------
    >>> told_options({"size": None, "seed": 0, "limit": None, "settings": []})
    {'size': 'native: the pixels as they are, cropped', 'seed': '0'}
    """
    size = options["size"]
    if size is None:
        read = "native: the pixels as they are, cropped"
    elif options.get("crops"):
        read = f"{options['crops']} random crops of {size} × {size} pixels of each image"
    else:
        read = f"shorter side resized to {size} pixels, middle cropped to {size} × {size}"
    told = {"size": read}
    for name, value in options.items():
        if name not in TOLD_ELSEWHERE and value is not None:
            several = isinstance(value, list)
            told[name.replace("_", " ")] = ", ".join(map(str, value)) if several else str(value)
    return told


def _pictures(folder: Path, plan: Plan) -> Iterator[Picture]:
    width = 7.8 if len(plan.families) < 5 else 10.4  # with the legend beside it
    name, size = plan.reference.name, plan.reference.patch_size
    figure, axes = plot.new_figure(1, 1, width=width, height=4.8)
    plot.plan_curves(plan, axes[0, 0])
    yield _saved(
        figure,
        folder / "curves.png",
        "How hard each setting is",
        "Explained power of hidden pixels of images held out, exact over all masks (designs "
        "without a closed form are not in this picture); bars are one "
        f"standard error over images. Gray: the reference, {name}, with patches of {size} pixels, "
        "and a band of one standard error. A setting on a dashed line is as hard as the reference "
        "at the mask ratio on the right. Higher is easier.",
    )
    if plan.has_drawn:
        figure, axes = plot.new_figure(1, 1, width=width, height=4.8)
        plot.plan_curves(plan, axes[0, 0], drawn=True)
        yield _saved(
            figure,
            folder / "designs.png",
            "Designs compared",
            "The same under masks that are drawn, for all designs: the best linear map on all "
            "pixels, each component of a patch scaled for hidden pixels. Compare designs in this "
            "picture, where all are measured alike.",
        )
    sizes = {p for p, design in plan.families if design == UNIFORM}
    ratios = {one.mask_ratio for one in plan.settings if one.design == UNIFORM}
    if len(sizes) > 1 and len(ratios) > 1:
        figure, axes = plot.new_figure(1, 1, width=6.8, height=4.4)
        plot.plan_map(plan, axes[0, 0])
        yield _saved(
            figure,
            folder / "map.png",
            "Lines of equal difficulty",
            "Patch size against hidden fraction; dots are the settings that were measured, colours "
            "are interpolated between them. Along a white line all settings are as hard as the "
            f"reference with patches of {size} pixels at the mask ratio on the line. Gray: not "
            "measured. The map has masks of a fixed number of patches only (fixed:M) and no "
            "other design. "
            "Only whole patches are hidden, so one mask ratio is another hidden fraction "
            "with few large patches than with many small ones.",
        )
    figure, axes = plot.new_figure(1, 1, width=width, height=4.4)
    plot.plan_octaves(plan, axes[0, 0], drawn=plan.has_drawn)
    yield _saved(
        figure,
        folder / "octaves.png",
        "Which frequencies can be filled in",
        "Explained power by octave of frequency, of the setting of each patch size and design "
        "whose hidden fraction is the nearest to 0.75; bars are one standard error over images. "
        "The zero line is as good as the mean. Low octaves hold most "
        "of the power of photographs. Below zero, filling in adds more error at these frequencies "
        "than there is power: mostly the borders of the patches."
        + (
            " Under drawn masks for all designs: of the error on hidden pixels alone, which mixes "
            "frequencies. The table of octaves has the same measure."
            if plan.has_drawn
            else ""
        ),
    )
    figure, axes = plot.new_figure(1, 1, width=width, height=4.4)
    plot.plan_costs(plan, axes[0, 0])
    yield _saved(
        figure,
        folder / "costs.png",
        "What it costs",
        "Explained power against the operations of encoder and decoder together for one image, "
        "relative to 49 of 196 tokens, the setting of He et al. (vertical line). The decoder takes "
        "all patches, hidden or not: it is most of the cost of small patches. "
        "Beside a point is the fraction of patches that it hides. Where the dashed line is "
        "crossed, images are as hard as the reference at 0.75; further left is cheaper.",
    )


def _saved(figure: object, path: Path, title: str, caption: str) -> Picture:
    save_lines(figure, path)
    return Picture(path.name, title, caption, vector=True)
