"""Columns of the tables of ``sweep``, ``plan``, ``reconstruct`` and ``train-mae``."""

from __future__ import annotations

from spectral_mae._files.column_notes import Column, Notes, integer, number, text
from spectral_mae.batch.columns.units import DESIGN, PATCH_SIZE, PATH, PIXEL
from spectral_mae.planning.planned_setting import OCTAVE_COLUMNS
from spectral_mae.spectra.octaves import all_octave_names

GFLOPS = "GFLOP"
HIDDEN = number("Mean fraction of the pixels that is hidden: whole patches only.")
SHRINKAGE = number("Weight of the average over all shifts in the covariance, from 0 to 1.")
SWEEP: Notes = {
    "patch_size": PATCH_SIZE,
    "design": DESIGN,
    "mask_ratio": number("Fraction of the patches that is hidden, as it was asked for."),
    "shrinkage": SHRINKAGE,
    "explained_fitted": number("Explained fraction of the power, under the fitted moments."),
    "explained_held_out": number("Explained fraction of the power of images held out."),
    "loss_held_out": number("Squared error summed over an image held out."),
    "hidden": HIDDEN,
}


def _bound(what: str) -> Column:
    return text(f"< or > where {what} is an end of the ratios compared, else empty.")


def _interval(name: str, what: str) -> Notes:
    """A number with its interval, and whether each of the three is a bound."""
    return {
        name: number(f"{what}."),
        f"{name}_low": number(f"Lower end of the interval of 95 % of {name}."),
        f"{name}_high": number(f"Upper end of the interval of 95 % of {name}."),
        f"{name}_bound": _bound(name),
        f"{name}_low_bound": _bound(f"{name}_low"),
        f"{name}_high_bound": _bound(f"{name}_high"),
    }


_COSTS: Notes = {
    "relative_total": number("Cost of encoder and decoder together, 1 for He et al."),
    "relative_encoder": number("Cost of the encoder, 1 for He et al."),
}
_TOKENS = number("Visible patches that the encoder is given, per image.")
_REACH = number("Mean distance of the weights from their pixel, outside of its patch.", PIXEL)
_BEYOND = text(
    "easier or harder where the images are estimated to be so at all ratios compared, else empty."
)
PLAN: Notes = {
    "patch_size": PATCH_SIZE,
    "design": text("Text of the design, with M in the place of a mask ratio that can be chosen."),
    "mask_ratio": number("What stands for M."),
    "hidden": number("Mean fraction of the patches that is hidden: whole patches only."),
    "explained": number("Explained power of hidden pixels of images held out, over all masks."),
    "explained_stderr": number("Standard error of explained, over images."),
    "drawn": number("Explained power of hidden pixels of images held out, over drawn masks."),
    "drawn_stderr": number("Standard error of drawn, over images."),
    **_interval("as_hard_as", "Mask ratio of the reference that is as hard"),
    "beyond": _BEYOND,
    "reach": _REACH,
    "shrinkage": SHRINKAGE,
    "visible_tokens": _TOKENS,
    "encoder_gflops": number("Cost of the encoder, forward, per image.", GFLOPS),
    "attention_gflops": number(
        "Cost of the encoder's attention alone, forward, per image.", GFLOPS
    ),
    "decoder_gflops": number("Cost of the decoder, forward, per image.", GFLOPS),
    **_COSTS,
    "relative_attention": number("Cost of the encoder's attention, 1 for He et al."),
    "octaves_of": text("Whether numbers by octave are exact over all masks, or of drawn masks."),
    **{
        f"explained_{column}": number(f"Explained power of hidden pixels {_octave} cycles/pixel.")
        for column, _octave in zip(OCTAVE_COLUMNS, all_octave_names(), strict=True)
    },
    **{
        f"stderr_{column}": number(f"Standard error of explained_{column}, over images.")
        for column in OCTAVE_COLUMNS
    },
}
AS_HARD_AS: Notes = {
    "patch_size": PATCH_SIZE,
    "design": PLAN["design"],
    **_interval("mask_ratio", "Mask ratio at which the images are as hard as the reference"),
    "beyond": _BEYOND,
    **_interval(
        "setting_as_hard_as", "Mask ratio of the reference as hard as a design of one setting"
    ),
    "setting_than": text(
        "easier or harder than the reference, of a design of one setting; empty if unknown."
    ),
    "nearest_mask_ratio": number("The mask ratio nearest to mask_ratio that whole patches allow."),
    "visible_tokens": _TOKENS,
    **_COSTS,
    "reach": _REACH,
}
PLAN_TABLES = {"plan.csv": PLAN, "as_hard_as.csv": AS_HARD_AS}
RECONSTRUCT: Notes = {
    "path": PATH,
    "picture": text("File of the picture in this folder."),
    "masked": integer("1 if the model is given masked images, else 0."),
    "explained": number(
        "Explained fraction of the power of hidden pixels, or of all if not masked."
    ),
    "psnr": number("Peak signal-to-noise ratio for pixels from 0 to 1.", "dB"),
    "borders_original": number("Steps across patch borders over steps inside, of the original."),
    "borders_reconstruction": number("The same ratio, of the reconstruction."),
    "borders_expected": number("The same ratio, expected over all masks."),
}
TRAINING: Notes = {
    "epoch": integer("Epochs that are over."),
    "step": integer("Steps of the optimiser that are over."),
    "rate": number("Learning rate at the end of the epoch."),
    "loss": number("Mean squared error of the scored pixels over the epoch, in model units²."),
    "held_out": number("The same error of images held out, after the epoch."),
    "seconds": number("Time since training began, over all parts of a resumed run.", "s"),
}
