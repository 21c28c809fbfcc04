"""Steps across patch borders of what linear MAEs make of pictures, beside their expectation.

    python -m benchmarks.linear_borders TRAINING_FOLDER PICTURES_FOLDER

The models are those of `spectral-mae fit` (224×224 gray, patches of 16, 75 % hidden, the shrinkage
that a fifth of the training pictures chooses), the numbers those of `spectral-mae reconstruct`.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from pathlib import Path

import numpy as np

from spectral_mae.cli.main import main as spectral_mae

COLUMNS = ("borders_original", "borders_reconstruction", "borders_expected")


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    training, pictures = sys.argv[1:]
    table = ["| scored pixels | original | reconstruction | expected |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for target in ("all", "hidden"):
            model, out = str(Path(folder, f"{target}.npz")), Path(folder, target)
            spectral_mae(["fit", training, "--target", target, "--out", model, "--quiet"])
            spectral_mae(["reconstruct", model, pictures, "--out", str(out), "--quiet"])
            with (out / "reconstruct.csv").open(encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            values = [np.array([float(row[name]) for row in rows]) for name in COLUMNS]
            cells = [f"{np.median(v):.2f} ({v.min():.2f} to {v.max():.2f})" for v in values]
            table.append(f"| {target} | {' | '.join(cells)} |")
            worst = np.abs(values[1] / values[2] - 1).max()
            table.append(f"  (reconstruction and expectation differ by {worst:.0%} at most)")
    print("\n".join(table))


if __name__ == "__main__":
    main()
