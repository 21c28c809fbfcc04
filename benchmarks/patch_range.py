"""Do larger patches look farther? Every measure of range, for chains and for images.

    python -m benchmarks.patch_range [--data PATH ...]

Open Ising chains, from exact second moments, and 64×64 crops of images, by default of those that
come with scikit-image: the models of ``figures/weights_half_hidden.png``. Nothing is timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.plot.gallery import patch_range
from spectral_mae.plot.gallery.data import crop_moments
from spectral_mae.plot.gallery.patch_range import Range

RATIOS = (0.01, 0.5, 0.99)
MEASURES: dict[str, Callable[[Range], float]] = {
    "energy at patch borders / even": lambda r: r.border,
    "mean distance, \\|w\\|": lambda r: r.whole.mean_distance,
    "mean distance, w²": lambda r: r.squared.mean_distance,
    "mean distance, \\|w\\|, other patches": lambda r: r.others.mean_distance,
    "mean distance, w², other patches": lambda r: r.others_squared.mean_distance,
    "decay length, \\|w\\|": lambda r: r.whole.decay_length,
    "decay length, \\|w\\|, other patches": lambda r: r.others.decay_length,
}


def table(title: str, model: Callable[[int, float], LinearMAE]) -> None:
    """Print what patches of 8 and of 16 pixels give."""
    ranges = [[Range.of(model(p, m)) for p in (8, 16)] for m in RATIOS]
    print(f"| {title}, p = 8 → 16 | " + " | ".join(f"{m:.0%} hidden" for m in RATIOS) + " |")
    print("|---" * (len(RATIOS) + 1) + "|")
    for name, measure in MEASURES.items():
        pairs = [(measure(small), measure(large)) for small, large in ranges]
        cells = [f"{a:.2f} → {b:.2f}{'' if b > a else ' (falls)'}" for a, b in pairs]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=[], help="images, folders or patterns")
    moments = crop_moments(parser.parse_args().data, patch_range.SIZE, 8, patch_range.PER_IMAGE)
    table("Ising chain", patch_range.chain_model)
    table("photographs", lambda p, m: patch_range.crop_model(moments, p, m))
