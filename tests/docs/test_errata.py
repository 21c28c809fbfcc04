"""Every slip of the paper is shown by a number, and docs/errata.md says these numbers."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "errata.py"
SPEC = importlib.util.spec_from_file_location("errata", SCRIPT)
errata = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = errata
SPEC.loader.exec_module(errata)


@pytest.mark.parametrize("slip", errata.SLIPS, ids=lambda slip: slip.prove.__name__)
def test_what_is_printed_fails_and_what_is_corrected_holds(slip):
    printed, corrected = slip.prove()
    assert printed > 1e-3
    assert 0 <= corrected < 1e-12
    assert "{0}" in slip.shown
    assert "{1}" in slip.shown


def test_the_page_is_what_the_proofs_give():
    assert errata.PAGE.read_text(encoding="utf-8") == errata.page()
