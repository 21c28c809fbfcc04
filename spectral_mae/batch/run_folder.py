"""The folder that a run writes to, and results of other runs in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import ArrayLike

from spectral_mae.batch.run_identity import RunIdentity
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.files import AnyPath
from spectral_mae.images.sources import FoundSources, find_sources

FOLDER = ".run"


class Done(Exception):  # noqa: N818 - nothing is left to do
    """The run was complete already.

    Attributes
    ----------
    record : dict
        What its run.json says.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__("complete already")
        self.record = dict(record)


@dataclass(frozen=True)
class RunPlace:
    """Where a run writes.

    Attributes
    ----------
    out : Path
        As the user named it.
    folder : Path
        Where the journal goes.
    record : Path
        The file that says that a run in this place is complete.
    results : sequence of Path
        What the command writes; not written over unless that was asked for.
    """

    out: Path
    folder: Path
    record: Path
    results: Sequence[Path]

    def goes_on(self, identity: RunIdentity, *, begun: bool, resume: bool, overwrite: bool) -> bool:
        """Whether the run that lies here is to go on, rather than one to begin.

        Parameters
        ----------
        identity : RunIdentity
            Of the run that is asked for.
        begun : bool
            Whether a journal lies here.
        resume, overwrite : bool
            What is asked to become of what lies here.

        Raises
        ------
        Done
            If there is nothing to go on with: the run is complete.
        ValueError
            If another run has left here what nobody asked to replace.
        """
        if begun:
            if resume or overwrite:
                return resume
            raise ValueError(
                f"{self.out} holds a run that was not finished: resume=True goes on with it, "
                "overwrite=True begins again"
            )
        if resume and self.record.exists():
            self._check_complete(identity)
        check_results(self.out, self.results, overwrite=overwrite)
        return False

    def _check_complete(self, identity: RunIdentity) -> None:
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if not {"command", "inputs"} <= record.keys():
            return
        told = identity.differs(record)
        if told:
            raise ValueError(f"{self.out} is complete, but of another run: {told}")
        raise Done(record)


def check_results(out: Path, results: Sequence[Path], *, overwrite: bool) -> None:
    """Raise ``ValueError`` where another run has left what nobody asked to replace.

    Raises
    ------
    ValueError
        If one of the results exists.
    """
    there = [path for path in results if path.exists()]
    if there and not overwrite:
        raise ValueError(
            f"{out} holds results of another run ({there[0].name}): give another folder, "
            "or overwrite=True to replace them"
        )


def check_folder(out: Path) -> None:
    """Raise ``ValueError`` where the output cannot be a folder.

    Raises
    ------
    ValueError
        If it is a file, or would lie in one.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"out={out} is a file, not a folder")
    check_parents(out)


def check_report(out: Path, names: Iterable[str], *, overwrite: bool) -> None:
    """Raise ``ValueError`` where the files of a report cannot be written.

    Parameters
    ----------
    out : Path
        Folder to write.
    names : iterable of str
        Names of the files in it.
    overwrite : bool
        Whether results that are there may be replaced.

    Raises
    ------
    ValueError
        If the folder is a file, or holds results that may not be replaced.
    """
    check_folder(out)
    check_results(out, [out / name for name in names], overwrite=overwrite)


def check_resumed(running: RunOptions, out: str | os.PathLike[str] | None) -> None:
    """Raise ``ValueError`` where there is no place in which a run could go on."""
    if out is None and running.resume:
        raise ValueError("resume=True goes on with a run that was begun in a place: give out")


@contextmanager
def scratch_folder(
    given: Sequence[object], out: str | os.PathLike[str] | None
) -> Iterator[Path | None]:
    """A folder for the time of the block, where there are arrays or no place to write to."""
    if out is not None and all(isinstance(one, str | os.PathLike) for one in given):
        yield None
        return
    with TemporaryDirectory(prefix="spectral-mae-") as scratch:
        yield Path(scratch)


def place_of(out: str | os.PathLike[str] | None, scratch: Path | None, name: str) -> Path:
    """Where a run writes: ``out``, or a name in the folder that goes away."""
    if out is not None:
        return Path(out)
    if scratch is None:
        raise ValueError("no place to write to: give out")
    return scratch / name


def find_some(
    given: Sequence[AnyPath | ArrayLike],
    *,
    output: Path | None = None,
    scratch: Path | None = None,
) -> FoundSources:
    """The images of a run, of which there is at least one; see `find_sources`."""
    found = find_sources(given, output=output, scratch=scratch)
    if not found.references:
        others = f"; {found.passed_over} other files passed over" if found.passed_over else ""
        raise ValueError(f"no image in {', '.join(map(repr, found.given))}{others}")
    return found


def check_parents(out: Path) -> None:
    """Raise ``ValueError`` where nothing can be written.

    Raises
    ------
    ValueError
        If the output would lie in a file.
    """
    above = next((folder for folder in out.parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise ValueError(
            f"out={out} lies in the file {above}; archives are read and never written: give a "
            "place in a folder"
        )
