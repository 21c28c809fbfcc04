"""What pytest has to know before it collects: whether the extra ``torch`` is there."""

import importlib.util

TORCH = importlib.util.find_spec("torch") is not None
# Doctests import the modules that hold them. The tests say themselves why they are skipped.
collect_ignore_glob = [] if TORCH else ["spectral_mae/nonlinear/*"]


def pytest_report_header() -> str:
    """Say it where everybody looks."""
    missing = "not installed: doctests and tests of spectral_mae.nonlinear are skipped"
    return f"torch: {'installed' if TORCH else missing}"
