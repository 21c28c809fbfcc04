"""Exit 1 unless the archives hold every file of the package that git tracks.

python .ci/package_files.py dist/*.whl dist/*.tar.gz
"""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "spectral_mae/"


def names(archive: Path) -> set[str]:
    """Paths in a wheel; in a source distribution those below its one folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return set(wheel.namelist())
    with tarfile.open(archive) as source:
        return {name.partition("/")[2] for name in source.getnames()}


def main() -> int:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", PACKAGE], capture_output=True, text=True, check=True
    )
    tracked = {name for name in listed.stdout.split("\0") if name}
    missing = 0
    for archive in map(Path, sys.argv[1:]):
        lost = sorted(tracked - names(archive))
        print(f"{archive.name}: {len(tracked) - len(lost)} of {len(tracked)} files", *lost)
        missing += len(lost)
    return int(missing > 0 or not tracked or len(sys.argv) < 2)


if __name__ == "__main__":
    sys.exit(main())
