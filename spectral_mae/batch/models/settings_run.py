"""What ``sweep`` and ``plan`` share: a run that compares linear MAEs on images held out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from spectral_mae.batch.errors import refused
from spectral_mae.batch.models.model_images import ModelImages
from spectral_mae.batch.run import BatchRun
from spectral_mae.batch.run_folder import (
    FOLDER,
    Done,
    RunPlace,
    check_folder,
    check_resumed,
    find_some,
    place_of,
    scratch_folder,
)
from spectral_mae.batch.run_options import RunOptions
from spectral_mae.images.sources import FoundSources, Images, image_list

Result = TypeVar("Result")


class SettingsRun(ABC, Generic[Result]):
    """What a command does with images that are fitted and images that are held out.

    Attributes
    ----------
    command : str
        Name of the command.
    files : tuple of str
        What it writes; ``run.json``, the first, comes last.
    holdout : float
        Fraction of the images that is held out.
    limit : int or None
        Images that are used, drawn at random from those that were found; None is all.
    n_not_drawn : int
        Images that the limit left aside, once images were found.
    """

    command: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    holdout: float
    limit: int | None = None
    n_not_drawn = 0

    @property
    def rng(self) -> int:
        """Seed of the draw of images."""
        return 0

    @abstractmethod
    def images(self, found: FoundSources) -> ModelImages:
        """Check all that can be checked before images are read, and say how they are read."""

    @abstractmethod
    def depends(self) -> dict[str, Any]:
        """All that results depend on, but for how images are read."""

    @abstractmethod
    def solve(self, data: ModelImages, run: BatchRun) -> Result:
        """Fit and compare."""

    @abstractmethod
    def load(self, folder: Path, record: Mapping[str, Any]) -> Result:
        """What a complete run has found, from its folder and its run.json."""

    @abstractmethod
    def write(self, folder: Path, result: Result, data: ModelImages, run: BatchRun) -> None:
        """Write tables and pictures, and run.json last."""

    def carry_out(
        self, images: Images, out: str | os.PathLike[str] | None, run: RunOptions | None
    ) -> Result:
        """Do it.

        Parameters
        ----------
        images : path, list of paths, array_like or list of array_like
            As of `analyze_images`.
        out : path or None
            Folder for the results. None writes nothing that stays.
        run : RunOptions or None
            How the run is carried out; None takes the defaults.
        """
        running = RunOptions() if run is None else run
        given = image_list(images)
        with scratch_folder(given, out) as scratch:
            folder = place_of(out, scratch, "out")
            with refused():
                if self.holdout == 0:
                    raise ValueError(f"holdout=0: a {self.command} compares images held out")
                check_resumed(running, out)
                check_folder(folder)
                found = find_some(given, output=folder, scratch=scratch)
                if self.limit is not None:
                    every, found = found, found.drawn(self.limit, self.rng)
                    self.n_not_drawn = len(every.references) - len(found.references)
                data = self.images(found)
            results = [folder / name for name in self.files]
            try:
                batch_run = BatchRun(
                    self.command,
                    running,
                    place=RunPlace(folder, folder / FOLDER, results[0], results),
                    options={**data.reading, **self.depends()},
                    references=found.references,
                )
            except Done as done:
                return self.load(folder, done.record)
            with batch_run:
                result = self.solve(data, batch_run)
                data.note_enlarged(batch_run)
                if out is not None:
                    self.write(folder, result, data, batch_run)
                batch_run.journal.remove()
            return result
