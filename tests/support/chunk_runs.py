"""Chunks of numbers and of images sent through executors, and what comes back."""

import itertools
import os
import signal
import time
from pathlib import Path

import broken
import numpy as np
from PIL import Image

from spectral_mae.batch.chunks import chunked, in_order
from spectral_mae.batch.merge_tree import MergeTree
from spectral_mae.images.limits import time_limit
from spectral_mae.images.sources import find_sources

MEMORY = 2**30


def square(chunk):
    return [item**2 for item in chunk.items]


def results(items, size, work, executor, ahead=4, **options):
    return [
        result
        for _, result in in_order(chunked(items, size), work, executor, ahead=ahead, **options)
    ]


def flat(items, size, work, executor, **options):
    found = results(items, size, work, executor, **options)
    return list(itertools.chain.from_iterable(found))


def decode(chunk, deadly, folder, how):
    """Pretend to decode: squares, but for images that end their worker, or hang."""
    guard = time_limit.current()
    found = []
    for position, item in enumerate(chunk.items):
        if position in chunk.excluded:
            found.append(chunk.excluded[position])
            continue
        guard.begin(position)
        with guard.limited(0.2):
            if item in deadly:
                with (Path(folder) / f"{item}-{os.getpid()}-{time.monotonic_ns()}").open("w"):
                    how(folder)
        found.append(item**2)
    return found


def die(folder):
    os.kill(os.getpid(), signal.SIGKILL)


def write_twenty(folder):
    """References to twenty images of two shapes, of which one is broken."""
    for i in range(20):
        shape = (24, 32, 3) if i % 3 else (32, 24, 3)
        Image.fromarray(broken.photograph(i, shape)).save(folder / f"{i:02d}.png")
    (folder / "07.png").write_bytes(b"")
    return find_sources([folder]).references


def total(references, size, work, executor):
    tree, rows = MergeTree(), {}
    for _, result in in_order(chunked(references, size), work, executor, ahead=4):
        tree.push(result.sums)
        for name, data in getattr(result, "rows", {}).items():
            rows[name] = rows.get(name, b"") + data
    return tree.result(), rows


def assert_same(one, other):
    arrays, expected = one.to_arrays(), other.to_arrays()
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])
