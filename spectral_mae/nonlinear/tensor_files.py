"""Files of tensors: those of ``torch.save``, safetensors, and folders of either.

Nothing in a file is executed, and what cannot be read is a ``ValueError`` that names the file.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

AnyPath = str | os.PathLike[str]
State = dict[str, torch.Tensor]

# By the names of safetensors.
TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
# What a folder may hold, in the order in which it is looked for.
WHOLE = ("model.safetensors", "pytorch_model.bin")
INDEX = ".index.json"

# What torch raises for files that are damaged or of another kind.
_UNREADABLE = (
    RuntimeError, EOFError, ValueError, LookupError, AttributeError, TypeError, AssertionError,
    ArithmeticError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


class _TrainingOptions:
    """What an ``argparse.Namespace`` in a file is read as: its values, without its module."""


def torch_content(path: AnyPath) -> Any:
    """Read a file of ``torch.save`` to the CPU: tensors and plain values only.

    The options of a training run (``argparse.Namespace``) may be among them.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    Any
        The contents.

    Raises
    ------
    ValueError
        If it is no such file, or is damaged, or holds objects of other classes.
    """
    name = os.fspath(path)
    if Path(path).is_dir():
        raise ValueError(f"{name!r} is a folder, not a file of torch.save")
    try:
        with (
            torch.serialization.safe_globals([(_TrainingOptions, "argparse.Namespace")]),
            warnings.catch_warnings(action="ignore", category=UserWarning),  # of other protocols
        ):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # Torch advises to switch its check off. That would run what the file says.
        found = re.search(r"(?:GLOBAL |<class ')([\w.]+)", str(error))
        if found is None:
            raise ValueError(f"{name!r} is damaged, or no file of torch.save") from None
        raise ValueError(
            f"{name!r} holds an object of {found[1]}, and reading it would run code: save the "
            "weights alone, torch.save(model.state_dict(), path)"
        ) from None
    except _UNREADABLE as error:
        if "TorchScript" in str(error):
            raise ValueError(
                f"{name!r} is a TorchScript archive, which is a program: save the weights alone, "
                "torch.save(model.state_dict(), path)"
            ) from None
        raise ValueError(f"{name!r} is damaged, or no file of torch.save") from None


def read_tensor_file(path: AnyPath) -> Any:
    """Read one file: the tensors of a safetensors file, or the contents of a file of torch.save.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    Any
        The contents.
    """
    with Path(path).open("rb") as file:
        start = file.read(9)
    if Path(path).suffix == ".safetensors" or start[8:] == b"{":
        return read_safetensors(path)
    return torch_content(path)


def read_safetensors(path: AnyPath) -> State:
    """Read the tensors of a safetensors file: a header in JSON, followed by their bytes.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict of str to Tensor
        Tensors by name.

    Raises
    ------
    ValueError
        If it is no such file, or its tensors do not follow each other without gaps up to its end,
        as the format requires, or a type is not known.

    Examples
    --------
    >>> import tempfile
    >>> header = b'{"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "x.safetensors")
    ...     _ = file.write_bytes(struct.pack("<Q", len(header)) + header + bytes([3, 4]))
    ...     read_safetensors(file)
    {'a': tensor([3, 4], dtype=torch.uint8)}
    """
    name = os.fspath(path)
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > min(size - 8, LONGEST_HEADER):
            raise ValueError(
                f"{name!r} is not a safetensors file, or is cut off: {size} bytes do not hold a "
                f"header of {length}"
            )
        entries = _header(name, file.read(length))
        places = [_place(name, tensor, entry) for tensor, entry in entries.items()]
        state, end = {}, 0
        for first, last, tensor, shape, dtype in sorted(places, key=lambda place: place[:2]):
            if first != end:
                raise ValueError(
                    f"{name!r} is damaged: {tensor} begins at byte {first}, not at {end}, where "
                    "the tensor before it ends"
                )
            end = last
            if end > size - 8 - length:
                break
            state[tensor] = _tensor(file.read(last - first), shape, dtype)
    if end != size - 8 - length:
        raise ValueError(
            f"{name!r} is damaged: its tensors have {end} bytes, and it holds {size - 8 - length}"
        )
    return {tensor: state[tensor] for tensor in entries}


def _header(name: str, text: bytes) -> dict[str, Any]:
    """Entries by tensor."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            raise ValueError("a name stands twice")
        return entries

    header = _json_object(f"the header of {name!r}", text, once)
    header.pop("__metadata__", None)
    return header


def _place(
    name: str, tensor: str, entry: Any
) -> tuple[int, int, str, tuple[int, ...], torch.dtype]:
    """First byte, last byte, name, shape and type of a tensor."""
    entry = entry if isinstance(entry, dict) else {}
    kind, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not (_counts(shape) and _counts(offsets) and len(offsets) == 2):
        raise ValueError(f"{name!r} is damaged: {tensor} has {shape=} and data_offsets={offsets}")
    if not isinstance(kind, str) or kind not in TYPES:
        raise ValueError(f"{name!r}: {tensor} is of type {kind!r}, none of {', '.join(TYPES)}")
    needed = math.prod(shape) * TYPES[kind].itemsize
    if offsets[1] - offsets[0] != needed:
        raise ValueError(
            f"{name!r} is damaged: {tensor} of {kind} and {shape=} needs {needed} bytes, and has "
            f"data_offsets={offsets}"
        )
    return offsets[0], offsets[1], tensor, tuple(shape), TYPES[kind]


def _counts(values: Any) -> bool:
    """Whether this is a list of integers from zero on."""
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _tensor(data: bytes, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    if not data:  # torch reads no empty buffers
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)


def read_weights(path: AnyPath) -> State:
    """Read the weights in one file.

    Parameters
    ----------
    path : str or os.PathLike
        The file.

    Returns
    -------
    dict of str to Tensor
        Weights by name.

    Raises
    ------
    ValueError
        If the file is damaged, or holds no weights.
    """
    content = read_tensor_file(path)
    try:
        return state_of(content)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)!r}: {error}") from error


def read_folder(folder: AnyPath) -> State:
    """Read the weights in a folder, from one file or from several that an index lists.

    Parameters
    ----------
    folder : str or os.PathLike
        The folder.

    Returns
    -------
    dict of str to Tensor
        Weights by name.

    Raises
    ------
    FileNotFoundError
        If there are no weights, or one of the listed files is missing.
    ValueError
        If a file is damaged, or does not hold what the index says.
    """
    place = Path(folder)
    for name in WHOLE:
        if (place / name).exists():
            return read_weights(place / name)
        if (place / (name + INDEX)).exists():
            return _joined(place, name + INDEX)
    there = sorted(entry.name for entry in place.iterdir())
    more = f" and {len(there) - 8} more" if len(there) > 8 else ""
    raise FileNotFoundError(
        f"no weights in {os.fspath(folder)!r}: neither {', '.join(WHOLE)} nor their index "
        f"({WHOLE[0]}{INDEX}) among {', '.join(there[:8]) or 'nothing'}{more}"
    )


def _joined(folder: Path, index: str) -> State:
    listed = read_json(folder / index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise ValueError(f"{folder / index} lists no weights")
    shards = sorted({str(shard) for shard in listed.values()})
    outside = [shard for shard in shards if Path(shard).name != shard]
    if outside:
        raise ValueError(f"{folder / index} names {outside[0]!r}, which is not in its folder")
    missing = [shard for shard in shards if not (folder / shard).exists()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(shards)} shards are missing in {str(folder)!r}, such as "
            f"{missing[0]}, which {index} names"
        )
    state: State = {}
    for shard in shards:
        found = read_weights(folder / shard)
        wanted = [name for name, place in listed.items() if place == shard]
        absent = [name for name in wanted if name not in found]
        if absent:
            raise ValueError(f"{folder / shard} does not hold {absent[0]}, as {index} says")
        state |= {name: found[name] for name in wanted}
    return state


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        The object.
    """
    return _json_object(str(path), path.read_bytes())


def _json_object(what: str, text: bytes, pairs_hook: Any = None) -> dict[str, Any]:
    try:
        content = json.loads(text.decode("utf-8"), object_pairs_hook=pairs_hook)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{what} holds no names, but {content!r:.40}")  # noqa: TRY004 - a file's fault
    return content


# Where trainings put the weights, in the order in which they are looked for.
CONTAINERS = ("model", "state_dict", "model_state_dict", "module", "model_state", "net")


def state_of(content: Any) -> State:
    """Find the weights in the contents of a file.

    They are the contents themselves, or an entry of a checkpoint: ``model`` (facebookresearch/mae),
    ``state_dict`` (Lightning) or a similar one.

    Parameters
    ----------
    content : Any
        Contents of a file.

    Returns
    -------
    dict of str to Tensor
        Weights by name.

    Raises
    ------
    ValueError
        If there are no weights.

    Examples
    --------
    >>> state_of({"epoch": 3, "state_dict": {"w": torch.ones(2)}})
    {'w': tensor([1., 1.])}
    """
    for found in _candidates(content):
        tensors = {n: v for n, v in found.items() if isinstance(v, torch.Tensor)}
        if tensors and all(isinstance(name, str) for name in found):
            others = [name for name in found if name not in tensors]
            if others:
                raise ValueError(f"{others[0]!r} is {found[others[0]]!r:.40}, not a tensor")
            return tensors
    names = list(content)[:6] if isinstance(content, Mapping) else []
    there = ", ".join(repr(name) for name in names) or f"an object of {type(content).__name__}"
    raise ValueError(f"no weights by name, also not in {', '.join(CONTAINERS)}, but {there}")


def options_of(content: Any) -> dict[str, Any]:
    """Find the options of the training run in the contents of a file.

    Checkpoints of facebookresearch/mae hold them as ``args``.

    Parameters
    ----------
    content : Any
        Contents of a file.

    Returns
    -------
    dict
        Options by name; empty if there are none.
    """
    options = content.get("args") if isinstance(content, Mapping) else None
    return dict(vars(options)) if isinstance(options, _TrainingOptions) else {}


def _candidates(content: Any) -> Iterator[Mapping[Any, Any]]:
    if isinstance(content, Mapping):
        inner = [content[name] for name in CONTAINERS if isinstance(content.get(name), Mapping)]
        yield from inner
        yield content
