"""What a run has done so far, on disk, so that it can go on after whatever ends it.

A folder with

- ``journal``: what is run on what and the state at the last checkpoint, as JSON behind its
  checksum. Each checkpoint replaces the whole file.
- ``inputs``: a line for every image, with what changes when it does.
- tables that grow chunk by chunk; the journal says up to where they count, and their checksum.
- the branches of merge trees, a file for each; the journal names those that count.

Files are on the disk before the journal that counts on them.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from spectral_mae._files.array_file import read_arrays, write_arrays
from spectral_mae._files.atomic_file import replacing, sync_folder, write_whole
from spectral_mae.batch.errors import RunRefused

FORMAT = 2


class JournalRefused(RunRefused):
    """The run in a folder cannot go on as asked; the message says why."""


@dataclass
class Phase:
    """How far a pass over images has come.

    Attributes
    ----------
    chunks : int
        Done, from the first on.
    branches : list
        (level, first, last, file) of the merge tree.
    """

    chunks: int = 0
    branches: list[tuple[int, int, int, str]] = field(default_factory=list)


@dataclass
class _Table:
    """A file that grows."""

    file: BinaryIO
    size: int = 0
    checksum: int = 0

    def append(self, data: bytes) -> None:
        """Add to the file, its size and its checksum."""
        self.file.write(data)
        self.size += len(data)
        self.checksum = zlib.crc32(data, self.checksum)


class Journal:
    """A run's folder; one process at a time.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.phases: dict[str, Phase] = {}
        self.counters: dict[str, float] = {}
        self._tables: dict[str, _Table] = {}
        self._checksums: dict[str, int] = {}
        self._run: dict[str, Any] = {}
        self._locked: BinaryIO | None = None

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.folder / "journal").exists()

    def begin(self, header: Mapping[str, Any], inputs: Iterable[str]) -> None:
        """Begin a run; what another has left here is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock()
        (self.folder / "journal").unlink(missing_ok=True)
        for stale in self.folder.iterdir():
            if stale.name != "lock":
                shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        with replacing(self.folder / "inputs") as beside:
            checksum = 0
            with beside.open("wb") as file:
                for line in inputs:
                    data = line.encode("utf-8", "backslashreplace") + b"\n"
                    checksum = zlib.crc32(data, checksum)
                    file.write(data)
        self._run = {"format": FORMAT, "run": dict(header), "inputs": checksum}
        self._write({})

    def resume(self, header: Mapping[str, Any], inputs: Iterable[str]) -> None:
        """Go on with the run that was begun here.

        Raises
        ------
        JournalRefused
            If it was another, or its files are damaged.
        """
        self._lock()
        path = self.folder / "journal"
        last = _read(path)
        if last.get("format") != FORMAT:
            raise JournalRefused(f"{path} is damaged: begin again with overwrite=True")
        self._run = {name: last[name] for name in ("format", "run", "inputs")}
        told = differences(last["run"], json.loads(json.dumps(dict(header))))
        if told:
            raise JournalRefused(
                f"cannot resume: {told}. Give the options of the run that was begun, or begin "
                "again with overwrite=True"
            )
        path = self.folder / "inputs"
        if _checksum(path) != last["inputs"]:
            raise JournalRefused(f"{path} is damaged: begin again with overwrite=True")
        self._same_inputs(inputs)
        for name, (size, checksum) in last.get("tables", {}).items():
            self._reopen(name, size, checksum)
        self.counters = last.get("counters", {})
        for name, phase in last.get("phases", {}).items():
            branches = [(level, a, b, file) for level, a, b, file, _ in phase["branches"]]
            for *_, file, checksum in phase["branches"]:
                if _checksum(self.folder / file) != checksum:
                    raise JournalRefused(f"{self.folder / file} is damaged: use overwrite=True")
                self._checksums[file] = checksum
            self.phases[name] = Phase(phase["chunks"], branches)

    def table(self, name: str) -> Path:
        """Path of a growing table."""
        return self.folder / name

    def append(self, name: str, data: bytes) -> None:
        """Add to a table; it counts from the next checkpoint on."""
        table = self._tables.get(name)
        if table is None:
            path = self.folder / name
            table = self._tables[name] = _Table(path.open("wb"))
        table.append(data)

    def arrays(self, file: str) -> dict[str, NDArray[Any]]:
        """A branch of a merge tree."""
        return read_arrays(self.folder / file)

    def checkpoint(
        self,
        phase: str,
        chunks: int,
        branches: Iterable[tuple[int, int, int, Mapping[str, Any] | None]],
    ) -> None:
        """Write what was done so far, so that a resumed run continues from here.

        Parameters
        ----------
        phase : str
            Name of the pass over the images.
        chunks : int
            Number of chunks done in this pass.
        branches : iterable of (level, first, last, arrays)
            Of its merge tree; no arrays where the file is there already.
        """
        before = {name for one in self.phases.values() for *_, name in one.branches}
        now = Phase(chunks)
        for level, first, last, arrays in branches:
            name = f"{phase}-{level}-{first}-{last}.npz"
            if arrays is not None:
                with replacing(self.folder / name) as beside:
                    write_arrays(beside, arrays)
            now.branches.append((level, first, last, name))
        self.phases[phase] = now
        for table in self._tables.values():
            table.file.flush()
            os.fsync(table.file.fileno())
        sync_folder(self.folder)
        state = {
            "tables": {name: [table.size, table.checksum] for name, table in self._tables.items()},
            "counters": self.counters,
            "phases": {name: self._described(one) for name, one in self.phases.items()},
        }
        self._write(state)
        for stale in before - {name for one in self.phases.values() for *_, name in one.branches}:
            (self.folder / stale).unlink(missing_ok=True)

    def has(self, phase: str, level: int, first: int, last: int) -> bool:
        """Whether a branch is in a file that counts."""
        known = self.phases.get(phase)
        name = f"{phase}-{level}-{first}-{last}.npz"
        return known is not None and any(file == name for *_, file in known.branches)

    def flush(self) -> None:
        """Bring the tables to the disk, to be read."""
        for table in self._tables.values():
            table.file.flush()

    def close(self) -> None:
        """Close the files; what was checkpointed stays."""
        for file in (*(table.file for table in self._tables.values()), self._locked):
            if file is not None:
                with suppress(OSError):  # of what no checkpoint counts on
                    file.close()

    def remove(self) -> None:
        """Remove the folder: the run is done."""
        self.close()
        (self.folder / "journal").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lock(self) -> None:
        """Keep other processes out; the system lets go when this one dies, however it does."""
        try:
            import fcntl
        except ImportError:  # not on this platform
            return
        self._locked = (self.folder / "lock").open("ab")
        try:
            fcntl.flock(self._locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._locked.close()
            raise JournalRefused(f"another run is writing to {self.folder.parent}") from None

    def _write(self, state: Mapping[str, Any]) -> None:
        if not self._run:
            raise RuntimeError("no run was begun")
        text = json.dumps({**self._run, **state}, separators=(",", ":"))
        data = f"{zlib.crc32(text.encode()):08x} {text}"
        write_whole(self.folder / "journal", data)

    def _described(self, phase: Phase) -> dict[str, Any]:
        for *_, file in phase.branches:
            if file not in self._checksums:
                self._checksums[file] = _checksum(self.folder / file)
        branches = [[*branch, self._checksums[branch[-1]]] for branch in phase.branches]
        return {"chunks": phase.chunks, "branches": branches}

    def _reopen(self, name: str, size: int, checksum: int) -> None:
        path = self.folder / name
        if not path.exists() or path.stat().st_size < size or _checksum(path, size) != checksum:
            raise JournalRefused(f"{path} is damaged: begin again with overwrite=True")
        file = path.open("rb+")
        file.truncate(size)
        file.seek(size)
        self._tables[name] = _Table(file, size, checksum)

    def _same_inputs(self, inputs: Iterable[str]) -> None:
        with (self.folder / "inputs").open("rb") as file:
            before = (line[:-1].decode("utf-8") for line in file)
            for line in inputs:
                now = line.encode("utf-8", "backslashreplace").decode("utf-8")
                was = next(before, None)
                if now != was:
                    self._other_input(was, now)
            if (was := next(before, None)) is not None:
                self._other_input(was, None)

    def _other_input(self, was: str | None, now: str | None) -> None:
        one, other = (None if line is None else line.rpartition("\t") for line in (was, now))
        if one is not None and other is not None and one[0] == other[0]:
            what = f"{one[0]} has changed since the run was begun"
        elif other is None and one is not None:
            what = f"{one[0]} is not there any more"
        elif one is None and other is not None:
            what = f"{other[0]} was not there"
        else:
            what = f"where {one[0] if one else ''} was there is {other[0] if other else ''}"
        raise JournalRefused(f"cannot resume: the input differs: {what}; use overwrite=True")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """In which options two runs differ, by name; nothing if in none."""
    was, wanted = dict(_flat(before)), dict(_flat(now))
    return "; ".join(
        f"{name} was {was.get(name, 'not there')} and is {wanted.get(name, 'not there')}"
        for name in {**was, **wanted}
        if name not in was or name not in wanted or was[name] != wanted[name]
    )


def _read(path: Path) -> dict[str, Any]:
    """A journal, or nothing if it is damaged."""
    checksum, _, text = path.read_bytes().partition(b" ")
    whole = checksum == f"{zlib.crc32(text):08x}".encode()
    return json.loads(text) if whole else {}


def _checksum(path: Path, size: int | None = None) -> int:
    """CRC-32 of a file, or of its first bytes."""
    checksum, left = 0, size
    try:
        with path.open("rb") as file:
            while data := file.read(2**20 if left is None else min(left, 2**20)):
                checksum = zlib.crc32(data, checksum)
                left = None if left is None else left - len(data)
    except FileNotFoundError:
        return -1
    return checksum


def _flat(record: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value)
        else:
            yield name, value
