"""What is measured of each setting, and in which order models are solved."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from spectral_mae._checks import FloatArray
from spectral_mae.linear.estimators import LinearMAE
from spectral_mae.linear.moments.kinds import BandMoments, Moments, StationaryMoments
from spectral_mae.linear.moments.shrinkage import best_shrinkage
from spectral_mae.linear.problems.hidden_target import NoClosedFormError
from spectral_mae.planning.drawn_masks import drawn_errors
from spectral_mae.planning.error_sums import ErrorSums
from spectral_mae.planning.exact_masks import exact_errors, exact_errors_of_moments
from spectral_mae.planning.gaussian_draws import GaussianDraws
from spectral_mae.planning.settings import Setting

SHRINKAGES = (0.01, 0.1, 0.3, 0.7, 1.0)  # that are tried: explained power changes slowly in it
N_GAUSSIAN = 256  # draws in the place of images held out, where there are only moments


def solved(
    models: Sequence[LinearMAE],
    moments: Moments,
    first: int,
    choose: Callable[[LinearMAE], None],
) -> Iterator[tuple[int, LinearMAE]]:
    """Solve models of one patch size one after the other; one solution is held at a time.

    Parameters
    ----------
    models : sequence of LinearMAE
        Of one patch size and covariance. Their shrinkage becomes that of the first.
    moments : BandMoments, DenseMoments or StationaryMoments
        What they are fitted to.
    first : int
        Which of them is solved first.
    choose : callable
        Given the first one with its moments, before it is fitted; it may choose another shrinkage.

    Yields
    ------
    index, model : int, LinearMAE
        Fitted; its solution is gone when the next one comes.
    """
    chosen = models[first].with_moments(moments)
    choose(chosen)
    if not hasattr(chosen, "solution_"):
        chosen.fit_moments(moments)
    # The one that is solved already comes first, and leaves before the next one needs the room.
    for index in sorted(range(len(models)), key=lambda i: i != first):
        model = models[index]
        if model is not chosen:
            model.set_params(shrinkage=chosen.shrinkage).fit_moments(moments)
        yield index, model
        del model.solution_


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of a setting on images of one shape.

    Attributes
    ----------
    setting : Setting
        Patch size and design.
    shape : tuple of int
        Pixels of the images along each axis.
    hidden : float
        Mean fraction of the patches that is hidden.
    n_patches : int
        Patches of an image.
    reach : float
        Mean distance in pixels of the weights of a pixel in the middle, outside of its patch.
    shrinkage : float
        Of the second moment.
    exact : ErrorSums or None
        Of the hidden target, over all masks; None where there is no closed form.
    drawn : ErrorSums or None
        Under drawn masks; None where that was not asked for.
    """

    setting: Setting
    shape: tuple[int, ...]
    hidden: float
    n_patches: int
    reach: float
    shrinkage: float
    exact: ErrorSums | None
    drawn: ErrorSums | None

    @property
    def sums(self) -> ErrorSums:
        """What the difficulty is made of: exact where there is a closed form, else drawn."""
        found = self.drawn if self.exact is None else self.exact
        assert found is not None  # a setting has one of them
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return all as plain values, which `from_dict` reads.

        Returns
        -------
        dict
            Values that ``json.dumps`` takes.
        """
        sums = {name: getattr(self, name) for name in ("exact", "drawn")}
        plain = {name: None if one is None else one.to_dict() for name, one in sums.items()}
        reach = None if math.isnan(self.reach) else self.reach
        setting, shape = vars(self.setting), list(self.shape)
        return {**vars(self), "setting": setting, "shape": shape, "reach": reach, **plain}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Undo `to_dict`.

        Parameters
        ----------
        plain : mapping
            The values by name.

        Returns
        -------
        Measured
            The same.
        """
        sums = {
            name: None if plain[name] is None else ErrorSums.from_dict(plain[name])
            for name in ("exact", "drawn")
        }
        setting, shape = Setting(**plain["setting"]), tuple(plain["shape"])
        reach = math.nan if plain["reach"] is None else plain["reach"]
        return cls(**{**plain, "setting": setting, "shape": shape, "reach": reach, **sums})


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Images held out from a fit, cut into patches, about the mean of the fit.

    Attributes
    ----------
    choosing : ndarray, shape (n, n_patches, patch_dim)
        Images that choose the shrinkage.
    scored : ndarray, shape (n, n_patches, patch_dim)
        Images that are scored.
    """

    choosing: FloatArray
    scored: FloatArray

    @classmethod
    def split(cls, patches: FloatArray, crops: int = 1) -> Self:
        """Let every third image choose, and score the others; fewer than three do both.

        Parameters
        ----------
        patches : ndarray, shape (n, n_patches, patch_dim)
            All images that are held out.
        crops : int
            So many in a row are crops of one photograph, which stay together.

        Returns
        -------
        HeldOut
            Views of them.
        """
        photograph = np.arange(len(patches)) // crops
        if len(patches) < 3 * crops:
            return cls(patches, patches)
        chooses = photograph % 3 == 0
        return cls(patches[chooses], patches[~chooses])

    def choose(self, model: LinearMAE) -> None:
        """Choose the shrinkage of a model.

        Parameters
        ----------
        model : LinearMAE
            Fitted; it is fitted again with the best shrinkage.
        """
        if model.target == "hidden":
            self._choose_image_by_image(model)
            return
        moments = model.empty_second_moment()
        moments.add_patches(self.choosing)
        model.choose_shrinkage(model.second_moment_of(moments), SHRINKAGES)

    def _choose_image_by_image(self, model: LinearMAE) -> None:
        """Choose without the second moment of the images, which may take much more than they."""
        moments = model.moments_

        def solved(shrinkage: float) -> LinearMAE | None:
            if hasattr(model, "solution_"):
                del model.solution_  # room for the next
            try:
                return model.set_params(shrinkage=shrinkage).fit_moments(moments)
            except NoClosedFormError:
                return None

        def explained(_: object) -> float:
            return float(exact_errors(model, self.choosing).explained[0])

        choice, last = best_shrinkage(SHRINKAGES, solved, explained, otherwise=model.shrinkage)
        if last is None:
            model.set_params(shrinkage=choice.best).fit_moments(moments)


@dataclass(frozen=True)
class _Part:
    """One model of a setting."""

    index: int
    exact: bool


def measured(
    settings: Sequence[Setting],
    moments: BandMoments | StationaryMoments,
    held_out: HeldOut | None,
    *,
    drawn: bool,
    shrinkage: float | None,
    rng: int,
    groups: int | None = None,
) -> Iterator[Measured]:
    """Measure settings of one patch size on images of one shape, one after the other.

    Parameters
    ----------
    settings : sequence of Setting
        All of the patch size of the moments.
    moments : BandMoments or StationaryMoments
        Of the images that are fitted.
    held_out : HeldOut or None
        Other images; None measures on Gaussian images of these moments, and exactly what has a
        closed form.
    drawn : bool
        Measure uniform designs under drawn masks too.
    shrinkage : float or None
        Of the second moment; None lets the images held out choose it.
    rng : int
        Seed of masks and Gaussian images.
    groups : int or None
        The scored images are so many groups of equal size, one after the other, of images that
        depend on each other: standard errors are over groups. None is none.

    Yields
    ------
    Measured
        One for each setting that is possible on these images.
    """
    shape = moments.grid.shape
    placed = [(setting, setting.on(shape)) for setting in settings]
    possible = [(setting, design) for setting, design in placed if design is not None]
    parts: list[_Part] = []
    models: list[LinearMAE] = []
    for index, (_, design) in enumerate(possible):
        uniform = design.uniform_given_hidden is not None
        kinds = [True] * uniform + [False] * (drawn or not uniform)
        for exact in kinds:
            target: Any = "hidden" if exact else "all"
            parts.append(_Part(index, exact))
            models.append(
                LinearMAE(
                    design=design,
                    target=target,
                    covariance="banded" if isinstance(moments, BandMoments) else "stationary",
                    center=moments.center,
                    shrinkage=1.0 if shrinkage is None else shrinkage,
                )
            )
    if not models:
        return
    exacts = [i for i, part in enumerate(parts) if part.exact] or list(range(len(parts)))
    choose = held_out.choose if held_out is not None and shrinkage is None else _keep
    left = [sum(part.index == index for part in parts) for index in range(len(possible))]
    found: list[dict[str, Any]] = [{} for _ in possible]
    gaussian: GaussianDraws | None = None
    for place, model in solved(models, moments, exacts[len(exacts) // 2], choose):
        index, exact = parts[place].index, parts[place].exact
        setting, design = possible[index]
        if exact:
            if held_out is None:
                found[index]["exact"] = exact_errors_of_moments(model)
            else:
                found[index]["exact"] = exact_errors(model, held_out.scored, groups)
        else:
            if gaussian is None:
                stack = moments.stack().shrunk(model.shrinkage, moments.transform)
                gaussian = GaussianDraws(stack, moments.transform)
            generator = np.random.default_rng([rng, zlib.crc32(repr((setting, shape)).encode())])
            images = gaussian(N_GAUSSIAN, generator) if held_out is None else held_out.scored
            found[index]["drawn"] = drawn_errors(model, images, gaussian, generator, groups)
        if exact or "reach" not in found[index]:
            found[index]["reach"] = _reach(model)
        left[index] -= 1
        if not left[index]:
            yield Measured(
                setting,
                shape,
                design.mask_ratio,
                design.n_patches,
                found[index]["reach"],
                model.shrinkage,
                found[index].get("exact"),
                found[index].get("drawn"),
            )


def _keep(model: LinearMAE) -> None:
    """Keep the shrinkage that there is."""


def _reach(model: LinearMAE) -> float:
    grid = model.moments_.grid
    counts = zip(grid.counts, grid.patch_size, strict=True)
    middle = tuple(count // 2 * p + p // 2 for count, p in counts)
    return model.receptive_field(middle).without_own_patch().mean_distance
