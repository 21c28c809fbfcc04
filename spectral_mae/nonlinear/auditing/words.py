"""What the numbers of an audit mean, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from spectral_mae.linear.receptive_field import ReceptiveField
from spectral_mae.nonlinear.auditing.estimate import Estimate
from spectral_mae.nonlinear.evaluation.token_spectra import TokenSpectra

MODEL, ORIGINAL = "model", "original"
ONE_MAP, PER_MASK = "best linear map", "best linear map per mask"

CLEAR = 2.0  # standard errors from which on a difference is said to be there
SHOWN = 0.1  # by which the ratio of steps at borders exceeds that of the originals, if they show
SOME = 0.02  # of the original power: less that is reconstructed is not spoken of

Bands = Mapping[str, Mapping[str, Estimate]]


def of_explained(
    total: Mapping[str, Estimate], differences: Mapping[str, Estimate], target: str
) -> Iterator[str]:
    """Say how much the model explains, and how much less or more than the linear ones.

    Parameters
    ----------
    total : mapping of str to Estimate
        Explained power at all frequencies.
    differences : mapping of str to Estimate
        Explained power of the model minus that of each linear model; the last number is of all
        frequencies.
    target : {"hidden", "all"}
        Which patches are scored.

    Yields
    ------
    str
        Sentences.
    """
    own = total[MODEL]
    whose = "hidden patches" if target == "hidden" else "the images"
    others = " and ".join(
        f"the {name} {float(total[name].value):.1%}" for name in differences if name in total
    )
    yield (
        f"The model explains {float(own.value):.1%} ± {float(own.stderr):.1%} of the power of "
        f"{whose} about the mean image; {others}."
    )
    if PER_MASK not in differences:
        return
    gap, error = float(differences[PER_MASK].value[-1]), float(differences[PER_MASK].stderr[-1])
    points = f"{100 * abs(gap):.1f} ± {100 * error:.1f} percentage points"
    if abs(gap) <= CLEAR * error:
        yield (
            f"Its distance from the {PER_MASK}, {points}, is within two standard errors: over all "
            "frequencies together it is no better than linear interpolation."
        )
    elif gap > 0:
        yield (
            f"This is {points} more than the {PER_MASK}: it uses more than the covariance of "
            "these images, because it is nonlinear or has seen more images."
        )
    else:
        yield (
            f"This is {points} less than the {PER_MASK}, which is linear and was fitted to a part "
            "of these images: a lower loss can be reached."
        )


def of_octaves(
    octaves: Sequence[str], bands: Bands, differences: Mapping[str, Estimate]
) -> Iterator[str]:
    """Say which frequencies are reproduced, lost and invented.

    Parameters
    ----------
    octaves : sequence of str
        Names of the octaves.
    bands : mapping
        Numbers of each model in each octave.
    differences : mapping of str to Estimate
        As in `of_explained`.

    Yields
    ------
    str
        Sentences.
    """
    explained = bands[MODEL]["explained"]
    good = _joined(octaves, explained.value >= 0.5)
    bad = _joined(octaves, explained.value < -CLEAR * explained.stderr)
    if good:
        yield f"Reproduced, with at least half of the power explained: {good} cycles/pixel."
    else:
        yield "In no octave of frequency is half of the power explained."
    gain = bands[MODEL]["gain"].value
    lost = _joined(octaves, np.abs(gain) < 0.25)
    if lost:
        yield f"Lost, with less than a quarter of the amplitude kept (gain): {lost} cycles/pixel."
    if bad:
        yield (
            f"Worse than nothing: in the octaves {bad} cycles/pixel the reconstruction is farther "
            "from the image than the mean image is."
        )
    yield from _invented(octaves, bands[MODEL])
    if PER_MASK in differences:
        value, stderr = differences[PER_MASK].value[:-1], differences[PER_MASK].stderr[:-1]
        more = _joined(octaves, value > CLEAR * stderr)
        less = _joined(octaves, value < -CLEAR * stderr)
        parts = [f"more at {more}"] * bool(more) + [f"less at {less}"] * bool(less)
        if parts:
            yield (
                f"Octave by octave, beside the {PER_MASK}, the model explains "
                f"{', and '.join(parts)} cycles/pixel."
            )


def _invented(octaves: Sequence[str], curves: Mapping[str, Estimate]) -> Iterator[str]:
    """The octave in which most of what is reconstructed is not of the image there."""
    coherence, aliased, noise = (curves[c].value for c in ("coherence", "aliased", "noise"))
    foreign = aliased + noise
    spoken = np.isfinite(coherence) & (foreign > SOME)
    if not spoken.any():
        return
    worst = int(np.argmin(np.where(spoken, coherence, np.inf)))
    if coherence[worst] >= 0.5:
        return
    varied = np.clip(noise[worst] / foreign[worst], 0, 1)
    yield (
        f"Invented: of the power that the model reconstructs in the octave {octaves[worst]} "
        f"cycles/pixel {1 - coherence[worst]:.0%} is not predicted by the image at the same "
        f"frequency; {varied:.0%} of this changes with the mask, and the rest comes from other "
        "frequencies."
    )


def of_borders(ratios: Mapping[str, Estimate]) -> Iterator[str]:
    """Say whether the borders of patches show.

    Parameters
    ----------
    ratios : mapping of str to Estimate
        Steps across the borders of hidden patches relative to those inside.

    Yields
    ------
    str
        Sentences.
    """
    own, true = ratios[MODEL], float(ratios[ORIGINAL].value)
    value, error = float(own.value), float(own.stderr)
    if not np.isfinite([value, true]).all():
        return
    others = "".join(
        f", {float(ratios[name].value):.2f} in those of the {name}"
        for name in (ONE_MAP, PER_MASK)
        if name in ratios
    )
    verdict = (
        "borders of patches show"
        if value > true + max(SHOWN, CLEAR * error)
        else ("borders of patches do not show")
    )
    yield (
        f"Steps across the borders between hidden patches are {value:.2f} ± {error:.2f} times "
        f"those inside patches ({true:.2f} in the images{others}): {verdict}."
    )


def of_fields(fields: Mapping[str, ReceptiveField]) -> Iterator[str]:
    """Say how far receptive fields reach.

    Parameters
    ----------
    fields : mapping of str to ReceptiveField
        Receptive fields by model.

    Yields
    ------
    str
        Sentences.
    """
    if MODEL not in fields:
        return
    reach = fields[MODEL].mean_distance
    text = f"A hidden pixel depends on visible ones at a mean distance of {reach:.1f} pixels"
    if ONE_MAP in fields:
        text += f" ({fields[ONE_MAP].mean_distance:.1f} in the {ONE_MAP})"
    yield f"{text}."


def of_tokens(tokens: TokenSpectra | None) -> Iterator[str]:
    """Say which way the smoothness of tokens goes from layer to layer.

    Parameters
    ----------
    tokens : TokenSpectra or None
        Spectra of tokens.

    Yields
    ------
    str
        Sentences.
    """
    if tokens is None:
        return
    share = dict(zip(tokens.layers, tokens.share_above.tolist(), strict=True))
    for stack, first in (("encoder", "embedding"), ("decoder", "decoder embedding")):
        last = [name for name in tokens.layers if name.startswith(stack)][-1]
        if (
            first not in share
            or last == first
            or not np.isfinite([share[first], share[last]]).all()
        ):
            continue
        change = share[last] - share[first]
        verb = "stays near" if abs(change) < 0.02 else "falls from" if change < 0 else "rises from"
        middle = f"{share[first]:.0%}" + ("" if abs(change) < 0.02 else f" to {share[last]:.0%}")
        meaning = (
            ""
            if abs(change) < 0.02
            else ": its blocks make tokens of neighbouring patches more alike"
            if change < 0
            else ": its blocks make tokens of neighbouring patches more different"
        )
        yield (
            f"Through the {stack} the part of the tokens' power at 1/4 cycles per patch and more "
            f"{verb} {middle}{meaning}."
        )


def of_units(units: str) -> Iterator[str]:
    """Say in which units a model that predicts standardised patches was scored.

    Parameters
    ----------
    units : {"pixels", "patches", "visible"}
        The units.

    Yields
    ------
    str
        Sentences.
    """
    if units == "pixels":
        return
    yield (
        "The model predicts patches that are standardised with their own mean and deviation "
        "(norm_pix_loss), which it does not know for hidden patches."
    )
    if units == "patches":
        yield (
            "It was compared with images whose patches are standardised in the same way, and so "
            "were the linear models, which saw such patches too. Nothing here is said about the "
            "brightness and contrast of patches."
        )
    else:
        yield (
            "Its output was brought to pixels with the mean and deviation of the visible patches "
            "of each image, so the brightness of a single hidden patch is not predicted."
        )
    yield (
        "The true mean and deviation of hidden patches were not used: they hold most of the power "
        "of an image, and with them even a model that sees nothing would look nearly perfect."
    )


def _joined(octaves: Sequence[str], chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    names = [name for name, one in zip(octaves, chosen.tolist(), strict=True) if one]
    return ", ".join(names)
