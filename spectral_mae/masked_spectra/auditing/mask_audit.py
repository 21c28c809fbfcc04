"""What given masks do: their moments, the nearest named design, and their leakage by octave."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae._files.columns import write_rows
from spectral_mae._results.pictured import PicturedInPanels
from spectral_mae.fields import power_law
from spectral_mae.masked_spectra.auditing.octave_leakage import (
    OctaveLeakage,
    octave_leakage,
    stderr_of_mean,
)
from spectral_mae.masks.conventions import Convention, kept_patterns
from spectral_mae.masks.designs.patterns import Given
from spectral_mae.masks.designs.sampled import SampleMoments
from spectral_mae.masks.nearest_design import DesignDistance, nearest_designs
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False, repr=False)
class MaskAudit(PicturedInPanels):
    """What a sample of masks does.

    Attributes
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    kept : ndarray of bool, shape (n, L)
        The masks, True where a patch is kept.
    moments : SampleMoments
        Maps of π₁, ρ by cyclic offset and ρ̂, each with standard errors.
    distances : tuple of DesignDistance
        For each kind of named design the nearest one, sorted by distance.
    leakage : OctaveLeakage
        Leakage by octave under the reference spectrum.

    Examples
    --------
    >>> from spectral_mae import audit_masks, designs
    >>> grid = PatchGrid((32, 32), 8)
    >>> audit = audit_masks(grid, designs.fixed(grid, 0.75).sample_kept(200, rng=0))
    >>> audit.n_masks, float(audit.ratios.mean()), audit.nearest.design.text
    (200, 0.75, 'fixed:0.75')
    >>> ax = audit.plot()  # masks, probabilities, spectrum, nearest designs, leakage
    """

    _drawn_by = "mask_audit"
    _panels = (2, 3)

    grid: PatchGrid
    kept: BoolArray
    moments: SampleMoments
    distances: tuple[DesignDistance, ...]
    leakage: OctaveLeakage

    @property
    def n_masks(self) -> int:
        """Number of masks."""
        return len(self.kept)

    @property
    def design(self) -> Given:
        """The design that draws these masks with equal probability."""
        return Given(self.grid, self.kept, np.full(self.n_masks, 1.0 / self.n_masks))

    @property
    def ratios(self) -> FloatArray:
        """Fraction of the patches that each mask hides, shape (n,)."""
        ratios: FloatArray = 1.0 - self.kept.mean(axis=1)
        return ratios

    @property
    def nearest(self) -> DesignDistance:
        """The nearest named design."""
        return self.distances[0]

    @property
    def border_bias(self) -> float:
        """Probability that a patch at the border is kept, less that of one inside.

        NaN if all patches lie at the border.
        """
        return float(self._border_biases.mean())

    @property
    def border_bias_stderr(self) -> float:
        """Standard error of `border_bias` over the masks."""
        return stderr_of_mean(self._border_biases)

    @cached_property
    def _border_biases(self) -> FloatArray:
        """Share of the kept patches at the border less that inside, for each mask."""
        border = np.zeros(self.grid.counts, dtype=bool)
        for axis in range(self.grid.ndim):
            np.moveaxis(border, axis, 0)[[0, -1]] = True
        at = border.ravel()
        if at.all():
            return np.full(self.n_masks, math.nan)
        difference: FloatArray = self.kept[:, at].mean(axis=1) - self.kept[:, ~at].mean(axis=1)
        return difference

    @property
    def least_and_most_kept(self) -> tuple[float, float]:
        """Smallest and largest π₁ of a patch."""
        return float(self.moments.inclusion.min()), float(self.moments.inclusion.max())

    def summary(self) -> str:
        """Say in sentences what the masks do.

        Returns
        -------
        str
            Some lines of text.
        """
        ratios, near = self.ratios, self.nearest
        low, high = self.least_and_most_kept
        patches = "×".join(map(str, self.grid.counts))
        hidden = (
            f"Hidden: {ratios.mean():.4f} of the patches on average; standard deviation "
            f"{ratios.std():.4f}, from {ratios.min():.4f} to {ratios.max():.4f}."
        )
        kept = f"A patch is kept with probability {low:.3f} to {high:.3f}"
        if not math.isnan(self.border_bias):
            often = "less" if self.border_bias < 0 else "more"
            kept += (
                f"; at the border by {abs(self.border_bias):.4f} ± {self.border_bias_stderr:.1g} "
                f"{often} often than inside"
            )
        near_by = (
            f"Nearest named design: {near.design.text}, at a distance of {near.total:.3f}; as many "
            f"masks of that design would be at about {near.noise:.3f}."
        )
        lines = [
            f"{self.n_masks} masks of {patches} patches.",
            hidden,
            f"{kept}.",
            near_by,
            f"Leakage by octave {'these masks':>20} {'nearest':>10} {'uniform':>10}",
        ]
        lines += [
            f"  {name:>11} {f'{ratio:.4g} ± {stderr:.1g}':>24} {nearest:>10.4g} {uniform:>10.4g}"
            for name, ratio, stderr, nearest, uniform in self._octave_rows()
        ]
        return "\n".join(lines)

    def _key_numbers(self) -> dict[str, str]:
        low, high = self.least_and_most_kept
        return {
            "masks": str(self.n_masks),
            "patches": " × ".join(map(str, self.grid.counts)),
            "hidden": f"{self.ratios.mean():.1%}",
            "a patch is kept": f"{low:.3f} to {high:.3f}",
            "nearest design": self.nearest.design.text.split(",n_draws", maxsplit=1)[0],
            "distance": f"{self.nearest.total:.3f} (as many of its own masks: "
            f"{self.nearest.noise:.3f})",
        }

    def __repr__(self) -> str:
        return (
            f"MaskAudit({self.n_masks} masks, mask_ratio={self.ratios.mean():.4g}, "
            f"nearest={self.nearest.design.text!r}, distance={self.nearest.total:.3g})"
        )

    def _octave_rows(self) -> list[tuple[str, float, float, float, float]]:
        numbers = (
            column.tolist()
            for column in (
                self.leakage.ratio,
                self.leakage.stderr,
                self.leakage.nearest,
                self.leakage.uniform,
            )
        )
        return list(zip(self.leakage.octaves, *numbers, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain lists.

        Returns
        -------
        dict
            In types that JSON knows; NaN where there is no number.
        """
        found, ratios = self.moments, self.ratios
        names = ("inclusion", "pair_inclusion", "spectrum")
        return {
            "n_masks": self.n_masks,
            "shape": list(self.grid.shape),
            "patch_size": list(self.grid.patch_size),
            "mask_ratio": {
                "mean": float(ratios.mean()),
                "sd": float(ratios.std()),
                "min": float(ratios.min()),
                "max": float(ratios.max()),
            },
            "border_bias": {"value": self.border_bias, "stderr": self.border_bias_stderr},
            **{name: getattr(found, name).tolist() for name in names},
            **{f"{name}_stderr": getattr(found, f"{name}_stderr").tolist() for name in names},
            "designs": [distance.to_dict() for distance in self.distances],
            "leakage": [
                dict(zip(("octave", "ratio", "stderr", "nearest", "uniform"), row, strict=True))
                for row in self._octave_rows()
            ],
        }

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file with one row per patch offset.

        Columns: ``offset_0`` and so on, ``pair_inclusion`` (ρ) and its standard error; and for the
        patch and the patch-grid frequency of the same indices ``inclusion`` (π₁) and ``spectrum``
        (ρ̂) with theirs.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        names = ("pair_inclusion", "inclusion", "spectrum")
        columns = [
            (column, getattr(self.moments, column).ravel().tolist())
            for name in names
            for column in (name, f"{name}_stderr")
        ]
        write_rows(
            path,
            [
                {f"offset_{axis}": int(at) for axis, at in enumerate(index)}
                | {column: values[i] for column, values in columns}
                for i, index in enumerate(np.ndindex(self.grid.counts))
            ],
        )


def audit_masks(
    grid: PatchGrid,
    visible: ArrayLike,
    *,
    convention: Convention = "visible",
    n_keep: int | None = None,
    reference: Spectrum | None = None,
) -> MaskAudit:
    """Say what a sample of masks does: anyone's masks, as their generator draws them.

    The masks are taken as independent draws; the standard errors are over them. ρ is the
    probability that two patches at a cyclic offset are both kept, averaged over the pairs at that
    offset, and ρ̂ its DFT. Leakage is that of a stationary process of the reference spectrum S,
    (S ⊛ E|M|²/D² − π₁²S)/(π₁²S), as the ratio of the sums over an octave. The distance from a named
    design is that of ρ, ‖ρ − ρ_design‖/‖ρ − π₁²‖, and of the maps of π₁, the root mean square
    over √(π₁(1−π₁)), together. Designs that agree in both have equal spectra of stationary
    processes and equal best patch-shift-equivariant linear models.

    Parameters
    ----------
    grid : PatchGrid
        Patches that are kept or hidden.
    visible : array_like
        At least two masks. By default of shape (n, L), (n, *grid.counts) or (n, *grid.shape), True
        or 1 where a patch or a pixel is visible.
    convention : {"visible", "hidden", "ids_keep", "ids_restore"}
        What the numbers mean: 1 is visible; 1 is hidden, as in the masks of MAE; the indices of the
        kept patches, shape (n, K); or for each patch its place in a shuffled order of which the
        first ``n_keep`` are kept, shape (n, L).
    n_keep : int or None
        Number of kept patches; with "ids_restore" only.
    reference : Spectrum or None
        Power spectrum of the images, of the grid's shape; power at zero frequency is left out. None
        is 1/f².

    Returns
    -------
    MaskAudit
        The numbers; ``summary()`` says them in sentences, and `spectral_mae.plot.mask_audit` draws
        them.

    Raises
    ------
    ValueError
        If the masks do not fit the grid, there are fewer than two, or they keep all patches or
        none.

    Examples
    --------
    >>> from spectral_mae import designs
    >>> grid = PatchGrid((224, 224), 16)
    >>> hidden = ~designs.block(grid, 7).sample_kept(400, rng=0)
    >>> audit = audit_masks(grid, hidden, convention="hidden")
    >>> audit.nearest.design.text, audit.nearest.within_noise
    ('block:7x7', True)
    """
    kept = kept_patterns(grid, visible, convention=convention, n_keep=n_keep)
    if len(kept) < 2:
        raise ValueError(f"{len(kept)} mask has no spread; an audit needs two masks or more")
    if kept.all() or not kept.any():
        which = "no patch" if kept.all() else "all patches"
        raise ValueError(f"the {len(kept)} masks hide {which}; there is nothing to audit")
    if reference is None:
        reference = power_law(grid.shape, -2.0)
    _checks.needed("reference", reference, Spectrum, "psd(image) makes one")
    if reference.shape != grid.shape:
        raise ValueError(f"a reference of shape {reference.shape} is not of the shape of {grid}")
    found = SampleMoments.of(kept, grid)
    distances = nearest_designs(grid, kept, found)
    leakage = octave_leakage(grid, kept, reference, distances[0].design)
    return MaskAudit(grid, kept, found, tuple(distances), leakage)
