"""What ``plan`` writes: tables, pictures and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from spectral_mae import plot
from spectral_mae._files.atomic_file import replacing, write_whole
from spectral_mae.batch.errors import kept_on_disk
from spectral_mae.batch.models.model_images import ModelImages
from spectral_mae.batch.pages.page import render_page
from spectral_mae.batch.pages.picture import Picture
from spectral_mae.batch.progress import Progress
from spectral_mae.planning.reference import MASK_RATIO, PATCH_SIZE
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import UNIFORM
from spectral_mae.spectra.octaves import all_octave_names

FILES = ("report.html", "plan.csv", "plan.json")


def write_plan(
    folder: Path,
    plan: Plan,
    data: ModelImages,
    record: str,
    stage: Callable[[str, int], Progress],
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
    stage : callable
        Given what is done next and its number of steps.
    """
    figures = folder / "figures"
    with kept_on_disk(), stage("drawing pictures", 4 + plan.has_drawn) as drawn:
        figures.mkdir(parents=True, exist_ok=True)
        pictures = []
        for picture in _pictures(figures, plan):
            pictures.append(picture)
            drawn.add(1)
    with kept_on_disk(), stage("writing tables", 4) as written:
        plan.to_csv(folder / "plan.csv")
        written.add(1)
        write_whole(folder / "plan.json", plan.to_json())
        written.add(1)
        write_whole(folder / "report.html", _page(figures, pictures, plan, data))
        written.add(1)
        write_whole(folder / "run.json", record)
        written.add(1)


def _page(figures: Path, pictures: list[Picture], plan: Plan, data: ModelImages) -> str:
    options = data.options
    return render_page(
        "spectral_mae.batch.models",
        "plan.html",
        figures,
        pictures,
        plan=plan,
        options=options,
        shapes=sorted({one.shape for one in plan.measured}),
        equal=plan.as_hard_as(plan.reference.patch_size, MASK_RATIO),
        he=(PATCH_SIZE, MASK_RATIO),
        octaves=all_octave_names(),
        given=data.found.given,
    )


def _pictures(folder: Path, plan: Plan) -> Iterator[Picture]:
    width = 7.4 if len(plan.families) < 5 else 10.0  # with the legend beside it
    name, size = plan.reference.name, plan.reference.patch_size
    figure, axes = plot.new_figure(1, 1, width=width, height=4.8)
    plot.plan_curves(plan, axes[0, 0])
    yield _saved(
        figure,
        folder / "curves.png",
        "How hard each setting is",
        "Explained power of hidden pixels of images held out, exact over all masks, with one "
        f"standard error over images. Gray: the reference, {name}, with patches of {size} pixels. "
        "Level lines: settings on one are as hard as the reference at the mask ratio beside it.",
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
            "Patch size against mask ratio; dots are the settings that were measured. Along a "
            f"white line settings are as hard as the reference with {size} pixels at that ratio.",
        )
    figure, axes = plot.new_figure(1, 1, width=width, height=4.4)
    plot.plan_octaves(plan, axes[0, 0], drawn=plan.has_drawn)
    yield _saved(
        figure,
        folder / "octaves.png",
        "Which frequencies can be filled in",
        "Explained power by octave at the mask ratio next to 0.75. Low octaves hold most of the "
        "power of photographs. Below zero, filling in adds more error at these frequencies than "
        "there is power: mostly the borders of the patches."
        + (
            " Under drawn masks: of the error on hidden pixels alone, which mixes frequencies."
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
        "Explained power against the operations of the encoder for one image, relative to 49 of "
        "196 tokens. The number beside a point is its hidden fraction.",
    )


def _saved(figure: object, path: Path, title: str, caption: str) -> Picture:
    with replacing(path) as beside:
        plot.save(figure, beside)  # type: ignore[arg-type]  # of plot.new_figure
    return Picture(path.name, title, caption)
