"""unusual.csv: how unusual each image is, and how much of it a linear model fills in."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from spectral_mae.batch.analyze.summary.choice import scores, unusual
from spectral_mae.batch.analyze.summary.filling import Explained, filled_parts
from spectral_mae.batch.analyze.summary.page_numbers import Numbers
from spectral_mae.batch.analyze.tables import read_images_csv

UNUSUAL_COLUMNS = ("path", "patch_size", "unusual", "filled_in")


def write_unusual(
    path: Path, images: Path, numbers: Numbers, explained: Mapping[int, Explained]
) -> None:
    """Write a row of `UNUSUAL_COLUMNS` for each row of images.csv that was analysed.

    Parameters
    ----------
    path : Path
        The file to write.
    images : Path
        images.csv.
    numbers : Numbers
        Of all images.
    explained : mapping of int to Explained
        What models fill in, by patch size; of other images the column is empty.
    """
    far: list[float] = unusual(scores(numbers)).tolist() if len(numbers) else []
    filled = filled_parts(explained)
    analysed = (row for row in read_images_csv(images) if row["status"] == "ok")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(UNUSUAL_COLUMNS)
        for number, (row, distance) in enumerate(zip(analysed, far, strict=True)):
            part = f"{filled[number]:.8g}" if number in filled else ""
            writer.writerow([row["path"], row["patch_size"], f"{distance:.8g}", part])
