"""``spectral-mae reconstruct``: images through a fitted model, a picture for each."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae._files.made_here import made_here
from spectral_mae._files.output_files import check_distinct
from spectral_mae.batch.columns.models import RECONSTRUCT
from spectral_mae.batch.pages.picture import short_name
from spectral_mae.batch.progress import enlarged
from spectral_mae.batch.run_folder import check_folder, check_results
from spectral_mae.cli.console.answer import NOTHING, OK, SOME_FAILED, Answer, failures
from spectral_mae.cli.console.messages import note
from spectral_mae.cli.errors import output_errors, usage_errors
from spectral_mae.cli.shared import (
    found_images,
    progress,
    report_failures,
)
from spectral_mae.images.formats import SUFFIXES
from spectral_mae.images.stream import ImageStream, StreamOptions
from spectral_mae.linear.estimators import LinearMAE, load_linear_model
from spectral_mae.linear.model import LinearModel
from spectral_mae.linear.reconstruction import (
    Reconstruction,
    border_gradient_ratio,
    expected_border_gradient_ratio,
    reconstruct_image,
)
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.text_form import parse
from spectral_mae.masks.sampling import mask_seed


def reconstruct(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae reconstruct``: images through a fitted model, a picture for each."""
    with usage_errors():
        if arguments.model.suffix.lower() in SUFFIXES:
            raise ValueError(
                f"{arguments.model} is no model: MODEL.npz, which 'spectral-mae fit' has written, "
                "comes first, and then the images"
            )
        model = load_linear_model(arguments.model)
        grid, channels = model.moments_.grid, model.moments_.channels
        if grid.ndim != 2 or grid.shape[0] != grid.shape[1] or channels not in (1, 3):
            raise ValueError(
                f"{arguments.model} is a model of shape={grid.shape} with "
                f"{channels} channels, not of square gray or colour images"
            )
        design = None
        if arguments.design is not None:
            if not isinstance(model, LinearMAE):
                raise ValueError(f"--design is for masked autoencoders, not for {model!r}")
            design = parse(arguments.design).on(grid)
        size = grid.shape[0]
        options = StreamOptions(size, 0, channels == 3, arguments.max_pixels, arguments.seed)
        check_folder(arguments.out)
        found = found_images(arguments.paths)
        names = [reference.title for reference in found]
        files = [f"{number:03d}-{_stem(name)}.png" for number, name in enumerate(names, 1)]
        earlier = _make_room(arguments, files, [reference.place.path for reference in found])
    stream = ImageStream(options)
    rows: list[dict[str, Any]] = []
    with output_errors():
        arguments.out.mkdir(parents=True, exist_ok=True)
        for path in earlier:
            path.unlink()
        every = zip(names, files, progress(found, quiet=arguments.quiet), strict=True)
        for name, file, reference in every:
            for batch in stream.batches([reference]):
                rng = mask_seed(arguments.seed, name, grid.patch_size[0])
                one = reconstruct_image(model, batch[0], design=design, rng=rng)
                _draw_reconstruction(arguments.out / file, one, name)
                rows.append(_row(name, file, model, one, design))
        if rows:
            write_rows(arguments.out / "reconstruct.csv", rows)
            write_column_notes(arguments.out, {"reconstruct.csv": RECONSTRUCT})
    report_failures(stream)
    if stream.enlarged:
        note(enlarged(len(stream.enlarged), size))
    files = [row["picture"] for row in rows]
    if rows:
        files += ["reconstruct.csv", COLUMNS_JSON]
    data = {
        "images": rows,
        "failures": failures(stream.failed.items()),
        "files": [arguments.out / name for name in files],
    }
    if not rows:
        print("no image could be used", file=sys.stderr)
        return Answer(NOTHING, found=data)
    last = f"{len(rows)} picture{'s' * (len(rows) != 1)} and reconstruct.csv in {arguments.out}"
    return Answer(SOME_FAILED if stream.failed else OK, [*map(_line, rows), last], data)


def _make_room(
    arguments: argparse.Namespace, files: Sequence[str], read: Sequence[str]
) -> list[Path]:
    """What an earlier run has left, to be removed; refused unless that was asked for."""
    out: Path = arguments.out
    table, notes = out / "reconstruct.csv", out / COLUMNS_JSON
    results = [table, *(out / file for file in files)]
    named = (path for path in out.glob("*.png") if re.fullmatch(r"\d{3,}-.+", path.stem))
    earlier = [path for path in sorted(named) if made_here(path)]
    check_distinct([*dict.fromkeys([*results, *earlier, notes])], [arguments.model, *read])
    check_results(out, [*results, *earlier, notes], overwrite=arguments.overwrite)
    return [*filter(Path.exists, (table, notes)), *earlier]


def _row(
    name: str, file: str, model: LinearModel, one: Reconstruction, design: MaskDesign | None
) -> dict[str, Any]:
    expected = math.nan
    if isinstance(model, LinearMAE) and not model.random_offset:
        expected = expected_border_gradient_ratio(model, one.original, design=design)
    return {
        "path": name,
        "picture": file,
        "masked": int(one.visible is not None),
        "explained": one.explained,
        "psnr": one.psnr,
        "borders_original": border_gradient_ratio(one.original, one.grid),
        "borders_reconstruction": border_gradient_ratio(one.output, one.grid),
        "borders_expected": expected,
    }


def _line(row: dict[str, Any]) -> str:
    expected = row["borders_expected"]
    foreseen = "" if math.isnan(expected) else f", expected {expected:.2f}"
    of_hidden = " of hidden pixels" if row["masked"] else ""
    return (
        f"{row['path']}: explained {row['explained']:.3f}{of_hidden}, PSNR {row['psnr']:.1f} dB; "
        f"steps across patch borders over steps inside: {row['borders_reconstruction']:.2f}"
        f"{foreseen} (original {row['borders_original']:.2f})"
    )


def _stem(name: str) -> str:
    """A file name from any path, for pictures."""
    stem = Path(name.removeprefix("builtin:")).stem
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in stem)[:60] or "image"


def _draw_reconstruction(path: Path, one: Reconstruction, name: str) -> None:
    figure, axes = plot.new_figure(2, 3, width=10.2, height=6.6)
    plot.reconstruction(one, axes)
    figure.suptitle(short_name(name))
    plot.save(figure, path)
