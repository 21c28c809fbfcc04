"""Files that are whole or not there: written under another name, synced, renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = ".part-"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A name beside ``path`` to write to; it becomes ``path`` when the block ends well.

    What the block wrote is on the disk before it takes the name, so that neither a full disk nor
    lost power leaves half a file under it. Where the block fails nothing is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/a.txt") as beside:
    ...         _ = beside.write_text("whole")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.txt']
    """
    final = Path(path)
    beside = final.with_name(f"{MARK}{final.name}")
    try:
        yield beside
        _sync(beside)
        beside.replace(final)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    sync_folder(final.parent)


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write a whole file, or leave what was there."""
    with replacing(path) as beside:
        beside.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def publish(source: Path, target: Path, *, copied: bool = False) -> None:
    """Give a file that is whole its final name, and leave it where it is.

    It becomes a second name of the same file where the file system can; ``copied`` makes a copy,
    for files that will grow.
    """
    _sync(source)
    with suppress(OSError):
        if target.samefile(source):
            return
    with replacing(target) as beside:
        beside.unlink(missing_ok=True)
        if not copied:
            with suppress(OSError):
                beside.hardlink_to(source)
        if not beside.exists():
            shutil.copyfile(source, beside)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with suppress(OSError):  # not every file system, nor Windows, can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
