"""Columns of the tables of ``compare``, ``audit`` and ``audit-masks``."""

from __future__ import annotations

from collections.abc import Sequence

from spectral_mae._files.column_notes import Notes, integer, number, text
from spectral_mae.batch.columns.units import (
    COUNT,
    FREQUENCIES,
    FREQUENCY,
    HEIGHT,
    PATH,
    POWER,
    WIDTH,
    stderr_of,
)

MODEL = text("Label of the model.")
EXPLAINED = number("1 − error/power of the originals: 1 is perfect, 0 as good as nothing.")
SQUARED_ERROR = number("Mean squared error of the pixels that are scored.")
DISTANCE = number("Log-spectral distance, mean over images.", "dB")
CURVES = {
    "gain": number("Re⟨A*B⟩/⟨|A|²⟩: how much of the original A is in the reconstruction B."),
    "coherence": number("|⟨A*B⟩|²/(⟨|A|²⟩⟨|B|²⟩), from 0 to 1."),
    "frc": number("Fourier ring correlation Re⟨A*B⟩/√(⟨|A|²⟩⟨|B|²⟩), from −1 to 1."),
    "error": number("Mean power density of the difference.", POWER),
    "explained": EXPLAINED,
}

IMAGES: Notes = {
    "path": PATH,
    "model": MODEL,
    "status": text("ok, or failed."),
    "error": text("Why the image could not be compared."),
    "height": HEIGHT,
    "width": WIDTH,
    "explained": EXPLAINED,
    "mean_squared_error": SQUARED_ERROR,
    "log_spectral_distance": number("Log-spectral distance.", "dB"),
}
MODELS: Notes = {
    "model": MODEL,
    "pairs": integer("Images that were compared."),
    "explained": EXPLAINED,
    "explained_stderr": stderr_of("explained"),
    "mean_squared_error": SQUARED_ERROR,
    "mean_squared_error_stderr": stderr_of("mean_squared_error"),
    "log_spectral_distance": DISTANCE,
    "log_spectral_distance_stderr": stderr_of("log_spectral_distance", "dB"),
    "frc_half": number("Frequency at which frc falls below 1/2; infinite if nowhere.", FREQUENCIES),
    "frc_one_seventh": number(
        "Frequency at which frc falls below 1/7; infinite if nowhere.", FREQUENCIES
    ),
}
RINGS: Notes = {
    "model": MODEL,
    "frequency": FREQUENCY,
    "lower": number("Lower edge of the ring.", FREQUENCIES),
    "upper": number("Upper edge of the ring.", FREQUENCIES),
    "count": number("Frequencies in the ring; of images of several shapes the mean over them."),
    "power_a": number("Mean power density of the originals.", POWER),
    "power_b": number("Mean power density of the reconstructions.", POWER),
    "cross_real": number("Real part of the mean cross spectrum ⟨A*B⟩.", POWER),
    "cross_imag": number("Imaginary part of the mean cross spectrum ⟨A*B⟩.", POWER),
    **{
        key: column
        for name, curve in CURVES.items()
        for key, column in (
            (name, curve),
            (f"{name}_stderr", stderr_of(name, curve.unit or "1")),
        )
    },
    "half_bit": number("Threshold for frc at half a bit of information per frequency."),
}
COMPARE = {"images.csv": IMAGES, "models.csv": MODELS, "octaves.csv": RINGS, "rings.csv": RINGS}

_PARTS = {
    "explained": "1 − error/power of the originals in the octave, of the pixels that are scored",
    "gain": "How much of the original is in the reconstruction, real part",
    "aliased": "Power that came from other frequencies of the same image over that of the original",
    "noise": "Power that depends on which patches were drawn over that of the original",
    "coherence": "Part of the reconstructed power that the original predicts at the same frequency",
}
AUDIT_OCTAVES: Notes = {
    "model": text("The model, or a linear model under the same images and masks."),
    "octave": text("Range of frequencies in cycles/pixel, or all."),
    **{
        key: column
        for name, told in _PARTS.items()
        for key, column in ((name, number(f"{told}.")), (f"{name}_stderr", stderr_of(name)))
    },
}
RESPONSES: Notes = {
    "model": text("The model, or a linear model under the same images and masks."),
    "frequency": FREQUENCY,
    "count": COUNT,
    "gain": number("Real part of the gain, weighted with the power of the images."),
    "original": number("Mean power density of the images about their mean.", POWER),
    "passed": number("Power of the reconstruction that the same frequency predicts.", POWER),
    "aliased": number("Power of the reconstruction from other frequencies.", POWER),
    "noise": number("Power of the reconstruction that depends on the mask drawn.", POWER),
    "reconstructed": number("Power of the reconstruction: passed + aliased + noise.", POWER),
    "error": number("Power of the difference.", POWER),
    "explained": EXPLAINED,
}


def audit(layers: Sequence[str] | None) -> dict[str, Notes]:
    """Columns of the tables of ``audit``.

    Parameters
    ----------
    layers : sequence of str or None
        Names of the layers whose tokens have spectra; None without tokens.

    Returns
    -------
    dict
        By the names of the files.
    """
    found = {"octaves.csv": AUDIT_OCTAVES, "responses.csv": RESPONSES}
    if layers is None:
        return found
    tokens = {"frequency": number("Mean frequency of the ring.", "1/patch")}
    tokens |= {
        layer.replace(" ", "_"): number(f"Mean power density of the tokens of {layer}.", "patch^2")
        for layer in layers
    }
    return {**found, "tokens.csv": tokens}


def audit_masks(ndim: int) -> dict[str, Notes]:
    """Columns of the tables of ``audit-masks``, for patches along so many axes."""
    pairs = {
        f"offset_{axis}": integer(f"Offset of two patches along axis {axis}.", "patch")
        for axis in range(ndim)
    }
    pairs |= {
        "pair_inclusion": number(
            "Probability ρ that two patches at this offset are both kept, mean over positions."
        ),
        "pair_inclusion_stderr": stderr_of("pair_inclusion"),
        "inclusion": number("Probability π₁ that the patch at these indices is kept."),
        "inclusion_stderr": stderr_of("inclusion"),
        "spectrum": number(
            "Mean power ρ̂ of the masks of patches at the patch-grid frequency of these indices."
        ),
        "spectrum_stderr": stderr_of("spectrum"),
    }
    leakage = {
        "octave": text("Range of frequencies in cycles/pixel."),
        "ratio": number("Leakage under these masks: power from elsewhere over power kept."),
        "stderr": stderr_of("ratio"),
        "nearest": number("The same under the nearest named design."),
        "uniform": number("The same under uniform masks of the same mask ratio."),
    }
    return {"pairs.csv": pairs, "leakage.csv": leakage}
