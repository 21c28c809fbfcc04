"""What users may hand to a function by mistake, as Hypothesis strategies; and what may follow."""

import dataclasses
import linecache
import traceback
import warnings
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import spectral_mae

OURS = TypeError, ValueError, spectral_mae.NotFittedError, spectral_mae.ImageRefused
PACKAGE = str(Path(spectral_mae.__file__).parent)
# The same examples in every run: what fails in CI fails on every desk. Their number is that of the
# profile, which tests/conftest.py chooses.
SETTINGS = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

REAL_TYPES = ["?", "i1", "u1", "<i2", ">i4", "<i8", "u8", "<f2", "<f4", ">f4", "<f8", ">f8", "g"]
NO_NUMBERS = ["<c8", "<c16", "O", "<U3", "S2", "<M8[s]", "<m8[s]", [("a", "<f8")]]
VALUES = [0.0, 1.0, 0.25, -0.5, 3.0, 255.0, 1e-300, 1e300, -1e300, 1e-170, 1e150, np.nan, np.inf]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=8)


@st.composite
def laid_out(draw, array):
    """The same numbers in memory as they are, strided, backwards, by columns, or not writeable."""
    layout = draw(st.sampled_from(["plain", "strided", "backwards", "columns", "read-only"]))
    if layout == "strided" and array.ndim:
        twice = np.repeat(array, 2, axis=-1)
        array = twice[..., ::2]
    elif layout == "backwards" and array.ndim:
        array = array[::-1].copy()[::-1]
    elif layout == "columns":
        array = np.asfortranarray(array)
    elif layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


@st.composite
def real_arrays(draw, shape=SHAPES, types=REAL_TYPES, values=VALUES):
    """Arrays of real numbers of any type and layout, of few values each."""
    size = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    few = np.array(draw(st.lists(st.sampled_from(values), min_size=1, max_size=4)))
    kind = np.dtype(draw(st.sampled_from(types)))
    seed = draw(st.integers(0, 99))
    array = np.random.default_rng(seed).choice(few, size)
    varied = draw(st.booleans())
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if varied:
            array = array * np.random.default_rng(seed).integers(0, 5, size)
        if kind.kind in "iu":
            array = np.clip(np.nan_to_num(array), 0, 100)
        return draw(laid_out(np.asarray(array).astype(kind)))


@st.composite
def no_numbers(draw):
    """Arrays of what no spectrum can be taken of."""
    kind = np.dtype(draw(st.sampled_from(NO_NUMBERS)))
    shape = draw(SHAPES)
    return np.ones(shape, kind) if kind.kind in "cOUS" else np.zeros(shape, kind)


ODD_OPTIONS = st.sampled_from(
    [
        None, True, False, np.True_, 0, 1, 2, 3, 4, 8, -1, -2, 1.0, 2.5, -0.5, 0.5, 0.0, 1e-300,
        1e300, np.nan, np.inf, -np.inf, "", "fixed", "density", "hann", "a", b"x", 1j, (), (2,),
        (2, 2), (2, 3), (2, 2, 2), (0, 2), (1.5, 2), [], [1], [[1], [2, 3]], {}, {"a": 1}, set(),
        object(), np.int64(2), np.float32(0.5), np.uint8(3), range(3), slice(2), ...,
    ]
)  # fmt: skip


def snapshot(value):
    """A copy of the arrays in an argument."""
    if isinstance(value, np.ndarray):
        return value.tobytes() if value.dtype.kind != "O" else None
    if isinstance(value, list | tuple):
        return [snapshot(one) for one in value]
    return None


def documented(call, /, **arguments):
    """Call; return the result, or None where the package itself refuses the arguments.

    A refusal is a ``raise`` of a ``TypeError`` or ``ValueError`` in the package's own source, one
    line long. Warnings are errors, and arguments stay as they are.
    """
    before = {name: snapshot(value) for name, value in arguments.items()}
    result = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("default", DeprecationWarning)
        warnings.simplefilter(
            "ignore", UserWarning
        )  # ours, of results that say less than they could
        try:
            result = call(**arguments)
        except (TypeError, ValueError) as error:
            assert_ours(error)
    assert before == {name: snapshot(value) for name, value in arguments.items()}
    return result


def assert_ours(error):
    """Whether an error was raised by the package on purpose, and is fit to be read."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{last.filename}:{last.lineno}: {type(error).__name__}: {error}"
    assert type(error) in (
        TypeError,
        ValueError,
        spectral_mae.NotFittedError,
        spectral_mae.ImageRefused,
    ), where
    assert last.filename.startswith(PACKAGE), where
    assert linecache.getline(last.filename, last.lineno).lstrip().startswith("raise "), where
    assert len(str(error)) < 500, where
    assert "\n" not in str(error), where


def numbers_of(result):
    """The numbers in a result, its fields' among them."""
    if isinstance(result, np.ndarray | np.number | float):
        array = np.asarray(result)
        return [array] if array.dtype.kind in "fc" else []
    if dataclasses.is_dataclass(result):
        names = {field.name for field in dataclasses.fields(result)} - MAY_BE_NAN
        return [array for name in names for array in numbers_of(getattr(result, name))]
    if isinstance(result, list | tuple):
        return [array for value in result for array in numbers_of(value)]
    return []


# What is NaN where there is nothing to say, as its documentation has it: a standard error of one
# mask, a gap to nothing, the order of two numbers, the covariance at lags that no mask sees, the
# length over which weights decay that do not.
MAY_BE_NAN = {"stderr", "gap", "smallest_gap", "order", "autocovariance", "decay_length"}


def assert_finite(result):
    """No NaN and no infinity anywhere in a result."""
    for array in numbers_of(result):
        assert np.isfinite(array).all(), (type(result).__name__, array)
