"""The table of docs/theory.md on how far weights reach is what its script prints."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def tables(text):
    """Rows of both tables: name, numbers, and which of them fall."""
    start = text.index("| Ising chain, p = 8 → 16 |")
    rows = [line for line in text[start:].splitlines() if line.startswith("| ")][:16]
    names = [row.split(" | ")[0] for row in rows]
    numbers = [[float(n) for n in re.findall(r"\d+\.\d+", row)] for row in rows]
    return names, [row for row in numbers if row], [row.count("(falls)") for row in rows]


@pytest.mark.slow
def test_the_table_of_the_page_is_what_the_script_prints():
    call = [sys.executable, "-m", "benchmarks.patch_range"]
    printed = subprocess.run(call, cwd=ROOT, capture_output=True, check=True).stdout.decode("utf-8")
    names, found, falling = tables(printed)
    page_names, page, page_falling = tables((ROOT / "docs" / "theory.md").read_text("utf-8"))
    assert len(found) == 14
    assert names == page_names
    np.testing.assert_allclose(found, page, rtol=0, atol=0.011)
    assert falling == page_falling
