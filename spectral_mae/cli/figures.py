"""What ``figures`` does: the figures of the documentation, from built-in images or your own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from spectral_mae import plot
from spectral_mae._files.atomic_file import replacing
from spectral_mae._files.output_files import check_distinct, check_replaced
from spectral_mae.cli.console.answer import OK, SOME_FAILED, Answer
from spectral_mae.cli.console.messages import failed
from spectral_mae.cli.errors import output_errors, usage_errors
from spectral_mae.cli.parser import did_you_mean
from spectral_mae.cli.shared import found_images
from spectral_mae.plot import gallery


def figures(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae figures``: exit 0, or 1 if the images did not do for some."""
    # --data takes all that follows it, so names may stand there, too.
    after = [one for one in arguments.data if one in gallery.FIGURES and not Path(one).exists()]
    data = [one for one in arguments.data if one not in after]
    names = list(dict.fromkeys([*arguments.names, *after])) or list(gallery.FIGURES)
    with usage_errors():
        for name in names:
            if name not in gallery.FIGURES:
                near = did_you_mean(name, gallery.FIGURES)
                raise ValueError(
                    f"no figure {name!r}{near} (there are {', '.join(gallery.FIGURES)})"
                )
        if arguments.out.exists() and not arguments.out.is_dir():
            raise ValueError(f"--out {arguments.out} is a file, not a folder")
        found = found_images(data)  # before minutes of work; the figures take what is found here
        outputs = [arguments.out / f"{name}.png" for name in names]
        check_distinct(outputs, [reference.place.path for reference in found])
        check_replaced(outputs, overwrite=arguments.overwrite)
    drawn: list[dict[str, Any]] = []
    wrong: list[dict[str, str]] = []
    for name in names:
        try:
            figure = gallery.draw(name, found if data else [])
        except ValueError as error:
            wrong.append({"name": name, "error": str(error)})
            failed(name, error)
            continue
        with output_errors():
            arguments.out.mkdir(parents=True, exist_ok=True)
            with replacing(arguments.out / f"{name}.png") as beside:  # a link, not what it leads to
                plot.save(figure, beside)
        caption = gallery.caption(name).splitlines()[0]
        drawn.append({"name": name, "file": arguments.out / f"{name}.png", "caption": caption})
        if not arguments.json:
            print(f"{drawn[-1]['file']}: {caption}")
    files = [one["file"] for one in drawn]
    answer = {"figures": drawn, "failures": wrong, "files": files}
    return Answer(SOME_FAILED if wrong else OK, found=answer)


def script(path: str) -> None:
    """Run ``python figures/NAME.py``: draw the figure that the file is named after.

    Parameters
    ----------
    path : str
        The file, ``figures/NAME.py``.
    """
    here = Path(path)
    parser = argparse.ArgumentParser(
        description=gallery.caption(here.stem), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = "images, folders, patterns, lists or archives"
    parser.add_argument("--data", nargs="+", default=[], help=words)
    parser.add_argument("--out", type=Path, default=here.parent, help="folder")
    arguments = parser.parse_args()
    figure = gallery.draw(here.stem, arguments.data)
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot.save(figure, arguments.out / f"{here.stem}.png")
