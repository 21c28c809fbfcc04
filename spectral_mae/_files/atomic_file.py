"""Files that are complete or absent: written under another name, synced to disk, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = ".part-"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file under another name, and rename it to ``path`` if the block succeeds.

    The data are on the disk before the file is renamed, so that neither a full disk nor a power
    failure leaves half a file. If the block fails, nothing is left and ``path`` is as it was.

    Parameters
    ----------
    path : str or path-like
        Final name of the file.

    Yields
    ------
    pathlib.Path
        Name to write to, in the same folder.

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
    """Write a complete file, or leave the existing one unchanged.

    Parameters
    ----------
    path : str or path-like
        File to write.
    data : str or bytes
        Its contents; text is encoded as UTF-8.
    """
    with replacing(path) as beside:
        beside.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)


def publish(source: Path, target: Path, *, copied: bool = False) -> None:
    """Give a complete file its final name, and keep the old name too.

    Parameters
    ----------
    source : pathlib.Path
        The file.
    target : pathlib.Path
        Its final name: a second name of the same file where the file system allows that.
    copied : bool
        Make a copy instead, for files that will grow.
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
    """Write the names in a folder to the disk, where the operating system can.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    """
    with suppress(OSError):  # not every file system, nor Windows, can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
