"""What an audit has found: responses, steps at borders, receptive fields and tokens, in numbers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spectral_mae._checks import BoolArray, FloatArray
from spectral_mae._files.columns import write_rows
from spectral_mae.linear.frequency_response import FrequencyResponse, RadialResponse
from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.nonlinear.auditing import words
from spectral_mae.nonlinear.auditing.border_steps import BorderSteps
from spectral_mae.nonlinear.auditing.estimate import Estimate
from spectral_mae.nonlinear.evaluation.token_spectra import TokenSpectra
from spectral_mae.nonlinear.model import Target

# Numbers of an octave: the attribute of a response, and whether it is divided by the original.
CURVES = ("explained", "gain", "aliased", "noise", "coherence")


@dataclass(frozen=True, eq=False)
class Strips:
    """Some images, one mask of each, and what the models made of them.

    Attributes
    ----------
    originals : ndarray, shape (n, H, W[, channels])
        Images, in the units in which the models are scored.
    visible : ndarray of bool, shape (n, H, W)
        True where a pixel is visible.
    outputs : dict of str to ndarray
        Outputs of each model, in the shape of the images.
    """

    originals: FloatArray
    visible: BoolArray
    outputs: dict[str, FloatArray]


@dataclass(frozen=True, eq=False, repr=False)
class AuditResult:
    """What a trained model does to each frequency, beside the best linear models.

    Attributes
    ----------
    design : MaskDesign
        Distribution of the masks.
    channels : int
        Number of channels.
    n_images : int
        Number of images.
    n_draws : int
        Masks or pairs of masks drawn for each image.
    target : {"hidden", "all"}
        Which patches are scored.
    units : {"pixels", "patches", "visible"}
        In which units: pixels; patches, each standardised with its own mean and deviation; or
        pixels of a model that predicts standardised patches, with the mean and deviation of visible
        patches.
    covariance : {"banded", "dense", "stationary"}
        Covariance of the linear models.
    n_folds : int
        Parts of the images, each of which was scored by linear models fitted to the others.
    responses : dict of str to FrequencyResponse
        Response of the model and of the linear ones, by name, over all images.
    octaves : tuple of str
        Names of the octaves of frequency, in cycles/pixel.
    bands : dict of str to dict of str to Estimate
        For each model, its numbers in each octave: "explained", "gain", "aliased" and "noise"
        (as parts of the original power) and "coherence".
    total : dict of str to Estimate
        For each model the explained part of the power at all frequencies together.
    differences : dict of str to Estimate
        For each linear model, explained power of the model minus that of the linear model in each
        octave, and over all frequencies as the last number.
    borders : dict of str to BorderSteps
        Steps at the borders of patches, of the originals and of each model.
    border_ratio : dict of str to Estimate
        `BorderSteps.ratio` with its standard error.
    fields : dict of str to ReceptiveField
        Mean receptive field of an output pixel, of the models of which it is known.
    tokens : TokenSpectra or None
        Spectra of the tokens of each layer, of a model whose layers are known.
    strips : Strips
        Some images and what the models made of them.
    notes : tuple of str
        What should be known of these numbers.
    seconds : float
        How long the audit took.

    Examples
    --------
    >>> from spectral_mae.nonlinear import audit
    >>> def zeros(images, visible):  # a model that leaves hidden pixels zero
    ...     return np.where(visible, images, 0.0)
    >>> found = audit(zeros, np.random.default_rng(0).random((8, 8, 8)), patch_size=4)
    >>> found.n_images, sorted(found.total), bool(found.total["model"].value < 0)
    (8, ['best linear map', 'best linear map per mask', 'model'], True)
    """

    design: MaskDesign
    channels: int
    n_images: int
    n_draws: int
    target: Target
    units: str
    covariance: str
    n_folds: int
    responses: dict[str, FrequencyResponse]
    octaves: tuple[str, ...]
    bands: dict[str, dict[str, Estimate]]
    total: dict[str, Estimate]
    differences: dict[str, Estimate]
    borders: dict[str, BorderSteps]
    border_ratio: dict[str, Estimate]
    fields: dict[str, ReceptiveField]
    tokens: TokenSpectra | None
    strips: Strips
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0

    def __repr__(self) -> str:
        explained = ", ".join(f"{n}: {float(e.value):.3f}" for n, e in self.total.items())
        return f"AuditResult({self.n_images} images, explained: {explained})"

    def rows(self) -> list[dict[str, Any]]:
        """The numbers of each model in each octave, as rows of a table.

        Returns
        -------
        list of dict
            ``model``, ``octave``, and each number of `bands` with its standard error,
            ``<number>_stderr``. The last row of a model is of all frequencies.
        """
        found: list[dict[str, Any]] = []
        for name, curves in self.bands.items():
            for i, octave in enumerate(self.octaves):
                row: dict[str, Any] = {"model": name, "octave": octave}
                for curve, one in curves.items():
                    row[curve] = float(one.value[i])
                    row[f"{curve}_stderr"] = float(one.stderr[i])
                found.append(row)
            whole = {"model": name, "octave": "all", "explained": float(self.total[name].value),
                     "explained_stderr": float(self.total[name].stderr)}  # fmt: skip
            found.append({key: whole.get(key, "") for key in found[-1]})
        return found

    def summary(self) -> list[str]:
        """What the numbers mean, in sentences.

        A difference is spoken of where it is more than two standard errors.

        Returns
        -------
        list of str
            Sentences.
        """
        return [
            *words.of_units(self.units),
            *words.of_explained(self.total, self.differences, self.target),
            *words.of_octaves(self.octaves, self.bands, self.differences),
            *words.of_borders(self.border_ratio),
            *words.of_fields(self.fields),
            *words.of_tokens(self.tokens),
            *self.notes,
        ]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `rows` as a CSV file.

        Parameters
        ----------
        path : str or path-like
            File to write. An existing file is replaced.
        """
        write_rows(path, self.rows())

    def to_dict(self) -> dict[str, Any]:
        """Convert the numbers to plain values that JSON can hold, without images and spectra.

        Returns
        -------
        dict
            Settings, explained power, numbers by octave, differences, borders, reach of receptive
            fields, shares of high frequencies by layer, and notes.
        """
        return {
            "design": self.design.text,
            "shape": list(self.design.grid.shape),
            "patch_size": list(self.design.grid.patch_size),
            "channels": self.channels,
            "mask_ratio": self.design.mask_ratio,
            "n_images": self.n_images,
            "n_draws": self.n_draws,
            "target": self.target,
            "units": self.units,
            "covariance": self.covariance,
            "n_folds": self.n_folds,
            "explained": {name: _plain(one) for name, one in self.total.items()},
            "octaves": list(self.octaves),
            "bands": {
                name: {curve: _plain(one) for curve, one in curves.items()}
                for name, curves in self.bands.items()
            },
            "differences": {name: _plain(one) for name, one in self.differences.items()},
            "borders": {name: steps.to_dict() for name, steps in self.borders.items()},
            "border_ratio": {name: _plain(one) for name, one in self.border_ratio.items()},
            "receptive_fields": {
                name: {"mean_distance": one.mean_distance, "entropy": one.entropy}
                for name, one in self.fields.items()
            },
            "tokens": None
            if self.tokens is None
            else {
                "layers": list(self.tokens.layers),
                "share_above_quarter": self.tokens.share_above.tolist(),
            },
            "notes": list(self.notes),
            "seconds": self.seconds,
        }


def _plain(one: Estimate) -> dict[str, Any]:
    return {"value": one.value.tolist(), "stderr": one.stderr.tolist()}


def curves_of(response: RadialResponse) -> dict[str, FloatArray]:
    """The numbers of `CURVES` in each ring or octave.

    Parameters
    ----------
    response : RadialResponse
        Mean powers.

    Returns
    -------
    dict of str to ndarray
        Numbers by name; aliased power and noise as parts of the original power. NaN where the
        images have no power.
    """
    explained = response.explained
    # Where the images have no power but rounding, ratios to it mean nothing.
    power = np.where(np.isfinite(explained), response.original, np.nan)
    known = power / power
    return {
        "explained": explained,
        "gain": response.gain * known,
        "aliased": response.aliased / power,
        "noise": response.noise / power,
        "coherence": response.coherence * known,
    }


def explained_of(responses: Mapping[str, FrequencyResponse]) -> dict[str, float]:
    """Explained part of the power at all frequencies together.

    Parameters
    ----------
    responses : mapping of str to FrequencyResponse
        Responses by name.

    Returns
    -------
    dict of str to float
        1 − Σ error / Σ original of each.
    """
    return {
        name: 1 - float(one.error.sum() / one.original.sum()) for name, one in responses.items()
    }
