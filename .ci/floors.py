"""Print pip constraints: the oldest version that pyproject.toml allows of each dependency.

With names of extras, also those of theirs. ``.ci/run`` tests the package with these versions.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\w.]+)")


def floors(extras: list[str]) -> list[str]:
    """A constraint for each dependency with a lower bound; every dependency must have one."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    found = {one: REQUIREMENT.fullmatch(one) for one in wanted}
    unbound = [one for one, match in found.items() if match is None]
    if unbound:
        raise SystemExit(f"no lower bound alone: {', '.join(unbound)}")
    return ["{}=={}".format(*match.groups()) for match in found.values() if match]


if __name__ == "__main__":
    print("\n".join(floors(sys.argv[1:])))
