"""The text of a design, as in ``--design block:6x6,keep``, and the design that it stands for.

A text is a name, a colon and items with commas between them: values in their order, options
``key=value``, and words. Numbers for the axes are joined by ``x`` (``6x4``), the ends of a range by
``..`` (``0.15..0.2``). The name of an ``.npy`` or ``.npz`` file stands for the masks in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from spectral_mae import _checks
from spectral_mae.masks.designs.axes import Product, Stripes, Tube, axis_grid, axis_of, without_axis
from spectral_mae.masks.designs.blocks import block
from spectral_mae.masks.designs.cells import grid as cell_grid
from spectral_mae.masks.designs.cells import stratified
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.noise import color_noise, gaussian_field
from spectral_mae.masks.designs.patterns import from_masks
from spectral_mae.masks.designs.published import blockwise, inverse_block
from spectral_mae.masks.designs.targets import multi_block
from spectral_mae.masks.designs.uniform import bernoulli, fixed, random_ratio
from spectral_mae.masks.designs.unions import cutouts, drop_block
from spectral_mae.masks.mask_files import is_mask_file, read_mask_array
from spectral_mae.masks.patches import PatchGrid, expect_grid

Maker = Callable[[PatchGrid], MaskDesign]


@dataclass(frozen=True)
class ParsedDesign:
    """A design without its grid.

    Parameters
    ----------
    text : str
        The text that was read.
    """

    text: str

    def __post_init__(self) -> None:
        _maker(self.text)

    def on(self, grid: PatchGrid) -> MaskDesign:
        """Make the design on a grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches that are kept or hidden.

        Returns
        -------
        MaskDesign
            The design.

        Raises
        ------
        ValueError
            If the numbers in the text do not fit the grid.
        """
        expect_grid(grid)
        try:
            return _maker(self.text)(grid)
        except ValueError as error:
            raise ValueError(f"design {self.text!r} on {grid}: {error}") from error


def parse(text: str) -> ParsedDesign:
    """Read the text of a design.

    It is the inverse of `MaskDesign.text`: ``parse(design.text).on(design.grid)`` is that design.
    A path that ends in ``.npy`` or ``.npz`` stands for the masks in the file, of which True or 1
    is visible; ``masks.npy,hidden`` says that 1 is hidden, as in the code of MAE.

    Parameters
    ----------
    text : str
        A name and numbers, such as ``fixed:0.75``. `help_text` lists them.

    Returns
    -------
    ParsedDesign
        With ``on(grid)``, which makes the design.

    Raises
    ------
    TypeError
        If ``text`` is no text.
    ValueError
        If there is no design of this name, or its numbers cannot be read.

    Examples
    --------
    >>> from spectral_mae import PatchGrid
    >>> parse("block:6x4,keep").on(PatchGrid((224, 224), 16))
    <design block:6x4,keep on 14×14 patches, mask_ratio=0.8776>
    >>> parse("tube:0/fixed:0.5").on(PatchGrid((32, 96), 8)).mask_ratio
    0.5
    """
    if not isinstance(text, str):
        raise TypeError(f"text={_checks.brief(text)} is not the text of a design")
    return ParsedDesign(text)


def help_text() -> str:
    r"""Return the list of all designs that have a text, and what they do.

    Returns
    -------
    str
        For each design a line with its text, and below it one that says what it does.

    Examples
    --------
    >>> print(*help_text().splitlines()[2:4], sep="\n")
    bernoulli:M
        hide each patch independently with probability M
    """
    lines = [*((form.usage, form.line) for form in FORMS.values()), *OTHERS]
    return "\n".join(f"{usage}\n    {line}" for usage, line in lines)


def _number(text: str) -> float:
    return float(text)


def _whole(text: str) -> int:
    return int(text)


def _size(text: str) -> int | tuple[int, ...]:
    sizes = tuple(int(part) for part in text.split("x"))
    return sizes[0] if len(sizes) == 1 else sizes


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split("x"))


def _range(text: str) -> tuple[float, float]:
    low, high = text.split("..")
    return float(low), float(high)


Reader = Callable[[str], Any]


@dataclass(frozen=True)
class Form:
    """How the text of a design is read.

    Parameters
    ----------
    function : callable
        Makes the design from a grid, values and options.
    usage : str
        How it is written.
    line : str
        What the design does.
    values : tuple of callable
        Reads each of the values that must stand after the colon.
    optional : tuple of (str, callable)
        Names of the arguments of values that may follow, and what reads them.
    options : mapping of str to callable
        Reads each of the options ``key=value``; the key is the name of an argument.
    words : mapping of str to (str, object)
        The argument that a word stands for, and its value.
    """

    function: Callable[..., MaskDesign]
    usage: str
    line: str
    values: tuple[Reader, ...] = ()
    optional: tuple[tuple[str, Reader], ...] = ()
    options: Mapping[str, Reader] = field(default_factory=dict)
    words: Mapping[str, tuple[str, Any]] = field(default_factory=dict)

    def read(self, rest: str) -> Maker:
        """Read what stands after the colon.

        Parameters
        ----------
        rest : str
            Items with commas between them.

        Returns
        -------
        callable
            Makes the design on a grid.

        Raises
        ------
        ValueError
            If they are not those of the design.
        """
        values: list[Any] = []
        options: dict[str, Any] = {}
        optional = list(self.optional)
        for item in rest.split(",") if rest else []:
            key, equals, value = item.partition("=")
            if item in self.words:
                name, meant = self.words[item]
                options[name] = meant
            elif equals and key in self.options:
                options[key] = self._value(self.options[key], value)
            elif not equals and len(values) < len(self.values):
                values.append(self._value(self.values[len(values)], item))
            elif not equals and optional:
                name, reader = optional.pop(0)
                options[name] = self._value(reader, item)
            else:
                raise ValueError(
                    f"{item!r} is no item of it; it is written {self.usage}"
                    f"{near(key, [*self.words, *self.options])}"
                )
        if len(values) < len(self.values):
            raise ValueError(f"a value is missing; it is written {self.usage}")
        return lambda grid: self.function(grid, *values, **options)

    def _value(self, reader: Reader, text: str) -> Any:
        try:
            return reader(text)
        except ValueError:
            raise ValueError(f"{text!r} cannot be read; it is written {self.usage}") from None


DRAWS: dict[str, Reader] = {"n_draws": _whole, "rng": _whole}
BERNOULLI = {"bernoulli": ("sampling", "bernoulli")}
FORMS = {
    "fixed": Form(
        fixed,
        "fixed:M[,mae]",
        "keep ⌊L(1−M)⌋ of L patches, as MAE does (mae: rounded as in its code)",
        (_number,),
        words={"mae": ("rounding", "mae")},
    ),
    "bernoulli": Form(
        bernoulli,
        "bernoulli:M",
        "hide each patch independently with probability M",
        (_number,),
    ),
    "block": Form(
        block,
        "block:HxW[,keep][,unrolled]",
        "hide one block of H×W patches, or keep nothing but it",
        (_size,),
        words={"keep": ("keep", True), "unrolled": ("rolled", False)},
    ),
    "cutouts": Form(
        cutouts,
        "cutouts:HxW,N",
        "hide the union of N rolled blocks",
        (_size, _whole),
    ),
    "drop_block": Form(
        drop_block,
        "drop_block:HxW,M",
        "hide blocks at random positions, a fraction M in all (DropBlock)",
        (_size, _number),
    ),
    "grid": Form(
        cell_grid,
        "grid:HxW,M[,bernoulli][,fixed_phase]",
        "hide a fraction M of cells of patches (Pixio: grid:4x4,0.75,fixed_phase)",
        (_size, _number),
        words={**BERNOULLI, "fixed_phase": ("phase", "fixed")},
    ),
    "stratified": Form(
        stratified,
        "stratified:HxW,K",
        "keep K patches of every cell of patches (UM-MAE: stratified:2x2,1)",
        (_size, _whole),
    ),
    "stripes": Form(
        lambda grid, ratios, sampling="fixed": Stripes(grid, ratios, sampling),
        "stripes:M1xM2[,bernoulli]",
        "hide whole rows (a fraction M1) and columns (M2) of patches",
        (_numbers,),
        words=BERNOULLI,
    ),
}
FORMS |= {
    "multi_block": Form(
        multi_block,
        "multi_block[:N,scale=A..B,aspect=A..B,context=A..B]",
        "keep a large block without N smaller ones (I-JEPA, the default)",
        optional=(("n", _whole),),
        options={"scale": _range, "aspect": _range, "context": _range},
    ),
    "inverse_block": Form(
        inverse_block,
        "inverse_block[:M,aspect=A..B,unrolled]",
        "keep one block of random aspect ratio (CAPI, the default)",
        optional=(("mask_ratio", _number),),
        options={"aspect": _range},
        words={"unrolled": ("rolled", False)},
    ),
    "blockwise": Form(
        blockwise,
        "blockwise[:M,least=N,aspect=A..B,n_draws=N,rng=N]",
        "hide random blocks up to a fraction M (BEiT, the default); estimated",
        optional=(("mask_ratio", _number),),
        options={"least": _whole, "aspect": _range, **DRAWS},
    ),
    "gaussian_field": Form(
        gaussian_field,
        "gaussian_field[:M,COLOR,widths=A[xB]]",
        "keep where red, blue, green or purple noise is above a threshold",
        optional=(("mask_ratio", _number), ("color", str)),
        options={"widths": _numbers},
    ),
    "color_noise": Form(
        color_noise,
        "color_noise[:M,COLOR,widths=A[xB],rolled,n_draws=N,rng=N]",
        "keep the greatest values of such noise (ColorMAE: green); estimated",
        optional=(("mask_ratio", _number), ("color", str)),
        options={"widths": _numbers, **DRAWS},
        words={"rolled": ("rolled", True)},
    ),
    "random_ratio": Form(
        random_ratio,
        "random_ratio[:A..B,mean=M,sd=S]",
        "hide a random fraction, normal between A and B (MAR, the default)",
        optional=(("ratios", _range),),
        options={"mean": _number, "sd": _number},
    ),
}
OTHERS = [
    ("tube:AXIS/DESIGN", "the same patches along an axis (VideoMAE: tube:0/fixed:0.9)"),
    ("product:DESIGN/DESIGN", "independent designs, each on one axis; 1+2/... for more axes each"),
    ("FILE.npy[,hidden]", "the masks of a file, True or 1 visible; hidden: 1 is hidden"),
]


def _maker(text: str) -> Maker:
    """What makes the design of a text on a grid."""
    path, comma, word = text.rpartition(",")
    if is_mask_file(text) or (comma and is_mask_file(path)):
        return _of_file(text, "") if is_mask_file(text) else _of_file(path, word)
    name, _, rest = text.strip().partition(":")
    readers: dict[str, Callable[[str], Maker]] = {
        "tube": _tube,
        "product": _product,
        **{name: form.read for name, form in FORMS.items()},
    }
    if name not in readers:
        raise ValueError(
            f"no design {name!r}; there are {', '.join(readers)}, and .npy files of masks"
            f"{near(name, readers)}"
        )
    try:
        return readers[name](rest)
    except ValueError as error:
        raise ValueError(f"design {text!r}: {error}") from error


def _of_file(path: str, word: str) -> Maker:
    if word not in ("", "hidden"):
        raise ValueError(f"{word!r} after {path!r} is not 'hidden'")
    masks = _checks.bool_mask(path, read_mask_array(path))
    return lambda grid: from_masks(grid, ~masks if word else masks)


def _tube(rest: str) -> Maker:
    axis, slash, inner = rest.partition("/")
    try:
        number = int(axis)
    except ValueError:
        slash = ""
    if not slash:
        raise ValueError(f"{rest!r} is not AXIS/DESIGN, such as 0/fixed:0.9")
    design = _maker(_bare(inner))

    def make(grid: PatchGrid) -> MaskDesign:
        place = axis_of(number, grid)
        return Tube(grid, design(without_axis(grid, place)), place)

    return make


def _product(rest: str) -> Maker:
    items = _split(rest)
    axes = [1] * len(items)
    if items and items[0].replace("+", "").isdigit():
        axes = [int(n) for n in items.pop(0).split("+")]
    if not items or len(axes) != len(items):
        raise ValueError(f"{rest!r} is not DESIGN/DESIGN, such as fixed:0.5/block:2")
    makers = [_maker(_bare(item)) for item in items]

    def make(grid: PatchGrid) -> MaskDesign:
        if sum(axes) != grid.ndim:
            raise ValueError(f"its designs have {sum(axes)} axes, not {grid.ndim}")
        ends = [sum(axes[: i + 1]) for i in range(len(axes))]
        parts = [axis_grid(grid, range(end - n, end)) for n, end in zip(axes, ends, strict=True)]
        return Product(grid, tuple(maker(part) for maker, part in zip(makers, parts, strict=True)))

    return make


def _split(text: str) -> list[str]:
    """The parts of a text between slashes that stand in no parentheses."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "/" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]


def _bare(text: str) -> str:
    """A text without the parentheses around all of it."""
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def near(given: str, known: Any) -> str:
    """Return which of the known words may be meant, as a part of a message.

    Parameters
    ----------
    given : str
        A word.
    known : iterable of str
        Words that would be right.

    Returns
    -------
    str
        Empty if none is similar.
    """
    found = get_close_matches(given.lower(), list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, found))}?" if found else ""
