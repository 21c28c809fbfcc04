"""Tensors of several libraries, and the bounds within which their results equal NumPy's."""

import importlib.util

import array_api_strict
import numpy as np
import pytest

TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not TORCH, reason="needs PyTorch")


def strict(array):
    """An array of the library that refuses whatever is not in the standard."""
    return array_api_strict.asarray(np.array(array))


def shared(array):
    """A tensor of PyTorch whose memory NumPy reads."""
    import torch

    return torch.from_numpy(np.array(array))


def tracked(array):
    """A tensor of PyTorch of which derivatives are wanted, if it is of real numbers."""
    tensor = shared(array)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


KINDS = pytest.mark.parametrize(
    "make",
    [strict, pytest.param(shared, marks=needs_torch), pytest.param(tracked, marks=needs_torch)],
    ids=lambda make: make.__name__,
)
DTYPES = pytest.mark.parametrize("dtype", ["f4", "f8"])


def numbers(tensor):
    """The numbers of a tensor, which must not be a NumPy array already."""
    assert not isinstance(tensor, np.ndarray)
    return np.from_dlpack(tensor.detach().resolve_conj() if hasattr(tensor, "detach") else tensor)


def assert_power(found, truth, floor, dtype):
    """The bound of the guide: amplitudes differ by √floor, and by rounding of the result.

    It holds for means of power too, for the root of a mean square is a norm.
    """
    assert found.shape == truth.shape
    off = np.abs(np.sqrt(found.astype(float)) - np.sqrt(truth))
    assert np.all(off <= np.sqrt(floor) + 4 * np.finfo(dtype).eps * np.sqrt(truth))
