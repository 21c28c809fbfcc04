"""How long the explorer takes for a frame of a drag: ``python -m benchmarks.explorer_frames``.

Chromium runs without a window and draws in software. For each thing that is dragged the table has,
per frame, the time that the page's own work took, the processor time of the page's thread (which
does not grow when other programs take the processor), and the time from frame to frame.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spectral_mae import explore_images

sys.path.append(str(Path(__file__).parents[1] / "tests" / "support"))
import chromium  # the browser of the tests

# What is dragged, over which values, and what is shown meanwhile.
DRAGS = {
    "mask ratio": ("ratio", [*range(5, 96)] * 2, ""),
    "seed": ("seed", range(200), ""),
    "patch size": ("patch", [0, 1, 2, 3, 4, 5, 4, 3, 2, 1] * 18, ""),
    "frequency": ("across", [*range(-64, 64)] * 2, ""),
    "scattered blocks, 2 px": ("ratio", [*range(5, 96)] * 2, "design=cutouts&patch=2"),
    "one wave": ("wave-across", [*range(65)] * 3, "image=wave"),
}
DRAG = """
  const [id, values] = arguments, input = document.getElementById(id);
  spectralMae.times.length = 0;
  return new Promise((done) => {
    const gaps = [];
    let last = 0, i = 0;
    const step = (now) => {
      if (last) gaps.push(now - last);
      last = now;
      if (i === values.length) return done([spectralMae.times, gaps]);
      input.value = values[i++];
      input.dispatchEvent(new Event("input", { bubbles: true }));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
"""


def thread_seconds(browser: chromium.Browser) -> float:
    """Processor time of the page's thread so far."""
    metrics = browser.tell("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def summary(times: Sequence[float]) -> str:
    """Median and 95th percentile, in milliseconds."""
    middle, high = np.quantile(times, [0.5, 0.95])
    return f"{middle:5.1f} ({high:5.1f})"


def main() -> None:
    """Print the table."""
    if lacks := chromium.missing():
        raise SystemExit(lacks)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; milliseconds, median (95 %)")
    print(f"{'dragged':24} {'work':>14} {'thread':>7} {'frame to frame':>15}")
    with tempfile.TemporaryDirectory() as folder:
        page = explore_images(out=Path(folder, "explore.html")).page
        with chromium.chromium(Path(folder, "profile")) as browser:
            browser.resize(1200, scale=2)
            browser.tell("Performance.enable", timeDomain="threadTicks")
            for name, (control, values, fragment) in DRAGS.items():
                browser.open("about:blank")
                browser.open(f"{page.as_uri()}#{fragment}")
                browser.wait_for("window.spectralMae && spectralMae.times.length")
                browser.run(DRAG, control, list(values)[:40])  # compiled by then
                before = thread_seconds(browser)
                work, gaps = browser.run(DRAG, control, list(values))
                thread = 1000 * (thread_seconds(browser) - before) / len(gaps)
                print(
                    f"{name:24} {summary(work):>14} {thread:7.1f} {summary(gaps):>15}", flush=True
                )


if __name__ == "__main__":
    main()
