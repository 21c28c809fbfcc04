"""Where a run writes, and what another run may have left there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spectral_mae.batch.run_identity import RunIdentity

FOLDER = ".run"


class Done(Exception):  # noqa: N818 - nothing is left to do
    """The run was complete already.

    Attributes
    ----------
    code : int
        Its exit code.
    """

    def __init__(self, code: int) -> None:
        super().__init__("complete already")
        self.code = code


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
                f"{self.out} holds a run that was not finished: --resume goes on with it, "
                "--overwrite begins again"
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
        raise Done(record["exit"])


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
            f"{out} holds results of another run ({there[0].name}): give another --out, "
            "or --overwrite to replace them"
        )


def check_folder(out: Path) -> None:
    """Raise ``ValueError`` where the output cannot be a folder.

    Raises
    ------
    ValueError
        If it is a file, or would lie in one.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file, not a folder")
    check_parents(out)


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
            f"--out {out} lies in the file {above}; archives are read and never written: give a "
            "place in a folder"
        )
