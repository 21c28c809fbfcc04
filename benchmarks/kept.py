"""Results by name in a file, so that what was measured once is not measured again."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spectral_mae._files.atomic_file import write_whole


class Kept:
    """Results in a JSON file, written after each.

    Parameters
    ----------
    path : Path
    settings : dict
        What all results depend on; a file that was written under others is refused.
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path = path
        settings = json.loads(json.dumps(settings))
        self._content: dict[str, Any] = {"settings": settings, "results": {}}
        if path.exists():
            self._content = json.loads(path.read_text("utf-8"))
            found = self._content["settings"]
            if found != settings:
                raise ValueError(f"{path} was written with {found}, not {settings}")

    def __contains__(self, name: str) -> bool:
        return name in self._content["results"]

    def get(self, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of that name, measured if there is none yet, with its ``seconds``."""
        results = self._content["results"]
        if name not in results:
            start = time.perf_counter()
            found = measure()
            results[name] = found | {"seconds": time.perf_counter() - start}
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, json.dumps(self._content, indent=1))
            shown = {k: v for k, v in results[name].items() if not isinstance(v, str | list | dict)}
            print(f"{name}: {shown}", file=sys.stderr, flush=True)
        return dict(results[name])
