"""A plan from second moments, without images."""

from __future__ import annotations

from collections.abc import Sequence

from spectral_mae import _checks
from spectral_mae.linear.moments.kinds import BandMoments, StationaryMoments
from spectral_mae.planning.costs import TransformerSizes
from spectral_mae.planning.evaluation import Measured, measured
from spectral_mae.planning.reference import Reference
from spectral_mae.planning.result import Plan
from spectral_mae.planning.settings import (
    Design,
    Setting,
    default_patch_sizes,
    settings_of,
)

MOST_TOLD = 2  # settings that an error names
Known = BandMoments | StationaryMoments


def plan_moments(
    moments: Known | Sequence[Known],
    patch_sizes: Sequence[int] | None = None,
    mask_ratios: Sequence[float] | None = None,
    *,
    designs: Sequence[Design] | None = None,
    reference: Reference | Plan | None = None,
    shrinkage: float = 0.0,
    transformer: TransformerSizes | None = None,
    rng: int = 0,
) -> Plan:
    """Make a plan for images of which only the second moments are known.

    The explained power is that of images of these moments: exact for uniform designs, and under
    drawn masks on Gaussian images for the others.

    Parameters
    ----------
    moments : StationaryMoments, BandMoments or list of BandMoments
        Stationary moments serve any patch size; those in bands serve their own.
    patch_sizes : sequence of int or None
        Sides of square patches; None takes those of the moments in bands, or powers of two.
    mask_ratios : sequence of float or None
        Fractions of patches that are hidden; None as in `settings_of`.
    designs : sequence of str or None
        As in `settings_of`.
    reference : Reference, Plan or None
        Scale of the difficulty; None is the photographs that come with the package.
    shrinkage : float
        From 0 to 1.
    transformer : TransformerSizes or None
        Whose cost is told.
    rng : int
        Seed of masks and Gaussian images.

    Returns
    -------
    Plan
        With no standard errors over images.

    Raises
    ------
    ValueError
        If moments and patch sizes do not go together, or no setting is possible.
    """
    by_size = _by_size(moments, patch_sizes)
    settings = settings_of(list(by_size), mask_ratios, designs)
    drawn = any_drawn(settings, next(iter(by_size.values())).grid.shape)
    seed, shrinkage = _checks.run_seed(rng), _checks.closed_unit("shrinkage", shrinkage)
    found: list[Measured] = []
    left_out: list[str] = []
    for size, one in by_size.items():
        mine = [setting for setting in settings if setting.patch_size == size]
        left_out += settings_left_out(mine, [one.grid.shape])
        found += measured(mine, one, None, drawn=drawn, shrinkage=shrinkage, rng=seed)
    if not found:
        shapes = {size: one.grid.shape for size, one in by_size.items()}
        raise ValueError(none_possible(settings, [shapes[one.patch_size] for one in settings]))
    return Plan.of(
        sorted_by(found, settings),
        reference=reference_of(reference),
        transformer=transformer,
        left_out=left_out,
    )


def reference_of(reference: Reference | Plan | None) -> Reference:
    """Return the scale of difficulty that was asked for.

    Parameters
    ----------
    reference : Reference, Plan or None
        None is the photographs that come with the package.

    Returns
    -------
    Reference
        The scale.
    """
    if isinstance(reference, Plan):
        return reference.as_reference("the reference plan")
    if reference is None:
        return Reference.stored()
    _checks.needed("reference", reference, Reference, "Plan.as_reference(name) makes one")
    return reference


def any_drawn(settings: Sequence[Setting], shape: tuple[int, ...]) -> bool:
    """Tell whether a setting has no closed form, so that all are measured under drawn masks.

    Parameters
    ----------
    settings : sequence of Setting
        Of a plan.
    shape : tuple of int
        Pixels of the images along each axis.

    Returns
    -------
    bool
        Whether a design is not uniform.
    """
    designs = (setting.on(shape) for setting in settings)
    return any(one is not None and one.uniform_given_hidden is None for one in designs)


def none_possible(settings: Sequence[Setting], shapes: Sequence[tuple[int, ...]]) -> str:
    """Return why no setting is possible.

    Parameters
    ----------
    settings : sequence of Setting
        Of a plan.
    shapes : sequence of tuple of int
        Pixels of the images along each axis, of each setting.

    Returns
    -------
    str
        A sentence that names the first few.
    """
    why = list(dict.fromkeys(s.refusal(shape) for s, shape in zip(settings, shapes, strict=True)))
    more = f" (and {len(why) - MOST_TOLD} more)" if len(why) > MOST_TOLD else ""
    return f"no setting hides some patches and keeps others: {'; '.join(why[:MOST_TOLD])}{more}"


def settings_left_out(settings: Sequence[Setting], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """Return which settings are not possible on images of these shapes, and why.

    Parameters
    ----------
    settings : sequence of Setting
        That were asked for.
    shapes : sequence of tuple of int
        Pixels of the images along each axis.

    Returns
    -------
    list of str
        A sentence for each setting and shape.

    Examples
    --------
    >>> (told,) = settings_left_out([Setting(8, "fixed:M", 0.99)], [(32, 32)])
    >>> told.partition(": ")[0]
    'fixed:0.99 with patches of 8 pixels, on images of 32 × 32'
    >>> settings_left_out([Setting(8, "fixed:M", 0.5)], [(32, 32)])
    []
    """
    reasons = [(one, shape, one.reason(shape)) for one in settings for shape in shapes]
    return [
        f"{one.text} with patches of {one.patch_size} pixels, "
        f"on images of {' × '.join(map(str, shape))}: {reason}"
        for one, shape, reason in reasons
        if reason
    ]


def sorted_by(found: Sequence[Measured], settings: Sequence[Setting]) -> list[Measured]:
    """Return what was measured in the order of the settings.

    Parameters
    ----------
    found : sequence of Measured
        In the order in which models were solved.
    settings : sequence of Setting
        Of the plan.

    Returns
    -------
    list of Measured
        Those of one setting stay as they were among each other.
    """
    place = {setting: i for i, setting in enumerate(settings)}
    return sorted(found, key=lambda one: place[one.setting])


def _by_size(moments: Known | Sequence[Known], sizes: Sequence[int] | None) -> dict[int, Known]:
    given = list(moments) if isinstance(moments, Sequence) else [moments]
    for one in given:
        _checks.needed("moments", one, (BandMoments, StationaryMoments), "BandMoments(grid)")
    given = [one.numpy() for one in given]
    first = given[0]
    if isinstance(first, StationaryMoments) and len(given) == 1:
        wanted = default_patch_sizes(first.grid.shape) if sizes is None else list(sizes)
        return {p: first.with_patch_size(p) for p in wanted}
    by_size = {max(one.grid.patch_size): one for one in given}
    wanted = sorted(by_size) if sizes is None else list(sizes)
    missing = [p for p in wanted if p not in by_size]
    if missing:
        raise ValueError(
            f"no moments of patch_sizes {missing}; those given are of {sorted(by_size)}, and "
            "StationaryMoments serve any"
        )
    return {p: by_size[p] for p in wanted}
