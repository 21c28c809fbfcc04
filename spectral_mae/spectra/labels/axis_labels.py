"""Names and units of the axes of an array, and the units of its frequencies and powers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spectral_mae import _checks
from spectral_mae._checks import Scaling

DIMS = ("z", "y", "x")  # names of axes that have none; those of fewer axes are the last of them
ONE = "1"  # the unit of numbers without a dimension


@dataclass(frozen=True)
class Labels:
    """Names and units of the axes of an array, and the unit of its numbers.

    Attributes
    ----------
    units : tuple of (str or None)
        Unit of length or time of each axis, in whose inverse the sampling frequency is given.
        None where it is not known.
    dims : tuple of str
        Name of each axis. By default ``("x",)``, ``("y", "x")`` or ``("z", "y", "x")``.
    values : str or None
        Unit of the numbers in the array, such as "K" or "counts". None where it is not known.
    directions : tuple of int
        1 where the coordinate of an axis rises from pixel to pixel, -1 where it falls, as the
        latitudes of a map often do. By default 1.

    Raises
    ------
    TypeError
        If a name or a unit is no text.
    ValueError
        If there are not as many names or directions as units, or a text is empty.

    Examples
    --------
    >>> Labels(units=("mm", "mm"), values="K").dims
    ('y', 'x')
    """

    units: tuple[str | None, ...]
    dims: tuple[str, ...] = ()
    values: str | None = None
    directions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        units = tuple(_text_or_none("units", one) for one in _checks.items("units", self.units))
        n = len(units)
        if n not in _checks.AXES:
            raise ValueError(f"units={_checks.brief(self.units)} are not those of 1 to 3 axes")
        dims = tuple(_text("dims", one) for one in _checks.items("dims", self.dims)) or DIMS[-n:]
        given = _checks.items("directions", self.directions) or [1] * n
        directions = _checks.integers("directions", given)
        if len(dims) != n or len(set(dims)) != n:
            raise ValueError(f"dims={_checks.brief(dims)} are not {n} different names, as {units=}")
        if len(directions) != n or not set(directions) <= {1, -1}:
            raise ValueError(f"directions={_checks.brief(directions)} are not {n} times 1 or -1")
        for name, value in (("units", units), ("dims", dims), ("directions", directions)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "values", _text_or_none("values", self.values))

    @property
    def unit(self) -> str | None:
        """The unit that all axes have in common; None where it is not known.

        Raises
        ------
        ValueError
            If the axes have different units: a distance or an angle between frequencies in 1/s and
            in 1/mm has no meaning.
        """
        if len(set(self.units)) > 1:
            listed = ", ".join(
                f"{dim!r} in {unit or 'pixels or an unknown unit'}"
                for dim, unit in zip(self.dims, self.units, strict=True)
            )
            raise ValueError(
                f"the axes have different units ({listed}): rings, sectors and bands of frequency "
                "need one unit for all axes"
            )
        return self.units[0]


Unit = str | Sequence[str | None] | Labels | None


def labels_of(unit: Unit, ndim: int) -> Labels | None:
    """Return the labels that the option ``unit`` stands for.

    Parameters
    ----------
    unit : str, sequence of (str or None), Labels or None
        Unit of all axes, of each, or labels.
    ndim : int
        Number of axes.

    Returns
    -------
    Labels or None
        None for None.

    Raises
    ------
    TypeError
        If a unit is no text.
    ValueError
        If there are not as many units as axes.
    """
    if unit is None:
        return None
    if isinstance(unit, str):
        unit = (unit,) * ndim
    labels = unit if isinstance(unit, Labels) else Labels(tuple(_checks.items("unit", unit)))
    if len(labels.units) != ndim:
        raise ValueError(
            f"unit={_checks.brief(unit)} has {len(labels.units)} units for {ndim} axes"
        )
    return labels


def axis_units(labels: Labels | None, fs: tuple[float, ...]) -> tuple[str | None, ...]:
    """Return the unit of each axis.

    Parameters
    ----------
    labels : Labels or None
        What is known of the axes.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    tuple of (str or None)
        The unit in the labels; without one "pixel" where the sampling frequency is 1, else None.
        Without labels "pixel" only if that is so along all axes.
    """
    if labels is None:
        return ("pixel" if all(rate == 1.0 for rate in fs) else None,) * len(fs)
    return tuple(
        ("pixel" if rate == 1.0 else None) if unit is None else unit
        for unit, rate in zip(labels.units, fs, strict=True)
    )


def ring_unit(labels: Labels | None, fs: tuple[float, ...]) -> str | None:
    """Return the unit that all axes have in common, as `axis_units`; None where there is none.

    Parameters
    ----------
    labels : Labels or None
        What is known of the axes.
    fs : tuple of float
        Sampling frequency along each axis.

    Returns
    -------
    str or None
        Unit of length or time, whose inverse is that of distances of frequency.
    """
    units = set(axis_units(labels, fs))
    return units.pop() if len(units) == 1 else None


def expect_one_unit(labels: Labels | None) -> None:
    """Raise ``ValueError`` where axes have different units, as `Labels.unit` does.

    Parameters
    ----------
    labels : Labels or None
        What is known of the axes.
    """
    if labels is not None:
        _ = labels.unit


def inverse(unit: str | None) -> str | None:
    """Return the unit of a frequency along an axis.

    Parameters
    ----------
    unit : str or None
        Unit of the axis.

    Returns
    -------
    str or None
        Such as "1/mm", which UDUNITS and pint read.
    """
    return None if unit is None else f"1/{_factor(unit)}"


def squared(unit: str) -> str:
    """Return the unit of a square.

    Parameters
    ----------
    unit : str
        Unit of the numbers.

    Returns
    -------
    str
        Such as "K^2".
    """
    return ONE if unit == ONE else f"{_factor(unit)}^2"


def power_unit(labels: Labels | None, fs: tuple[float, ...], scaling: Scaling) -> str | None:
    """Return the unit of a power.

    Parameters
    ----------
    labels : Labels or None
        What is known of the axes and the numbers.
    fs : tuple of float
        Sampling frequency along each axis.
    scaling : {"density", "spectrum", "energy"}
        As in `spectral_mae.psd`.

    Returns
    -------
    str or None
        Such as "K^2 mm^2" for a density in two dimensions; None where a unit is not known.
    """
    if labels is None or labels.values is None:
        return None
    parts = [] if labels.values == ONE else [squared(labels.values)]
    if scaling == "density":
        units = axis_units(labels, fs)
        for unit in dict.fromkeys(units):
            if unit is None:
                return None
            times = units.count(unit)
            parts.append(f"{_factor(unit)}^{times}" if times > 1 else _factor(unit))
    return " ".join(parts) or ONE


def _factor(unit: str) -> str:
    """A unit as a factor of a product; one that is itself a product in parentheses."""
    return unit if unit.isalpha() else f"({unit})"


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}={_checks.brief(value)} is no text")
    if not value.strip():
        raise ValueError(f"{name}={value!r} is empty")
    return value


def _text_or_none(name: str, value: Any) -> str | None:
    return None if value is None else _text(name, value)
