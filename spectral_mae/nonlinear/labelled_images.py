"""Images and their classes from folders, zip archives and the binary batches of CIFAR."""

from __future__ import annotations

import dataclasses
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from spectral_mae._checks import open_unit, positive_int
from spectral_mae.images.arrays import CIFAR_10
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.reader import Reader
from spectral_mae.images.samples import ImageRefused, to_channels
from spectral_mae.images.sources import find_sources
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import UInt8Array, class_numbers

CIFAR_SIDE = 32


@dataclass(frozen=True, eq=False, repr=False)
class LabelledImages:
    """Images of one shape with their classes, in eight bits, all in memory.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Values from 0 to 255.
    labels : ndarray of int64, shape (n,), or None
        Class of each image, as an index into ``classes``; None where the images have no classes.
    classes : tuple of str
        Names of the classes, sorted: names of folders, or numbers for CIFAR's binary batches.
    failed : dict
        For each file that could not be read, the reason.

    Examples
    --------
    >>> pixels = np.zeros((6, 8, 8, 3), np.uint8)
    >>> images = LabelledImages(pixels, [0, 1, 0, 1, 0, 1], ("cat", "dog"))
    >>> training, held_out = images.split(0.5, rng=0)
    >>> images, len(training), len(held_out), held_out.classes
    (LabelledImages((6, 8, 8, 3), 2 classes), 3, 3, ('cat', 'dog'))
    """

    pixels: UInt8Array
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    failed: dict[str, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 4:
            raise ValueError(
                f"pixels of {self.pixels.dtype} and shape {self.pixels.shape} are not uint8, "
                "(n, H, W, channels)"
            )
        if self.labels is not None:
            n_classes = len(self.classes) or None
            labels = class_numbers("labels", self.labels, len(self.pixels), n_classes)
            object.__setattr__(self, "labels", labels)

    def __len__(self) -> int:
        return len(self.pixels)

    def __repr__(self) -> str:
        return f"LabelledImages({self.pixels.shape}, {len(self.classes)} classes)"

    @property
    def unit(self) -> NDArray[np.float64]:
        """Pixels as numbers from 0 to 1; gray images have no axis of channels."""
        pixels = self.pixels / 255.0
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels

    def subset(self, index: NDArray[np.integer] | slice) -> LabelledImages:
        """Select some of the images.

        Parameters
        ----------
        index : ndarray of int, or slice
            Which images.

        Returns
        -------
        LabelledImages
            These images and their classes.
        """
        labels = None if self.labels is None else self.labels[index]
        return dataclasses.replace(self, pixels=self.pixels[index], labels=labels)

    def split(self, share: float, rng: Seed = None) -> tuple[LabelledImages, LabelledImages]:
        """Split the images at random into training images and held-out images.

        Parameters
        ----------
        share : float
            Fraction of the images that is held out, between 0 and 1.
        rng : int, numpy.random.Generator or None
            Seed or generator of the split.

        Returns
        -------
        training : LabelledImages
            Images to fit to.
        held_out : LabelledImages
            Images to score on.

        Raises
        ------
        ValueError
            If either part would be empty.
        """
        share = open_unit("share", share)
        n = round(share * len(self))
        if not 0 < n < len(self):
            raise ValueError(f"{share=} of {len(self)} images holds {n} out")
        order = generator_of(rng).permutation(len(self))
        return self.subset(np.sort(order[n:])), self.subset(np.sort(order[:n]))


def read_labelled(
    paths: str | Path | Sequence[str | Path],
    *,
    size: int | None = None,
    color: bool = True,
    limit: int | None = None,
    rng: Seed = 0,
    quiet: bool = True,
) -> LabelledImages:
    """Read images of one shape and the classes that their folders name.

    Parameters
    ----------
    paths : str, Path or sequence of either
        Folders, files, patterns, lists (``@FILE``), zip and tar archives of images, npy and npz
        arrays; or, alone, CIFAR-10's binary batches: a ``.bin`` file, a folder with the training
        batches, or their ``.tar.gz``.
    size : int or None
        Resize the shorter side to this many pixels and crop the middle. None leaves images as they
        are; then all must have one shape.
    color : bool
        Read three channels; False reads gray values.
    limit : int or None
        Read only this many images, drawn at random; None reads all.
    rng : int, numpy.random.Generator or None
        Seed or generator of that draw.
    quiet : bool
        Show no progress bar.

    Returns
    -------
    LabelledImages
        The class of an image is the name of its folder, if there is more than one folder.

    Raises
    ------
    ValueError
        If no image could be used, or shapes differ; if an archive is damaged; or if binary batches
        of CIFAR are given beside something else.
    FileNotFoundError
        If a path finds no file.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         Path(folder, name).mkdir()
    ...         Image.new("RGB", (8, 8)).save(Path(folder, name, "1.png"))
    ...     images = read_labelled(folder)
    >>> images.classes, images.labels, images.pixels.shape
    (('cat', 'dog'), array([0, 1]), (2, 8, 8, 3))
    """
    if limit is not None:
        positive_int("limit", limit)
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    generator = generator_of(rng)
    batches = _cifar_batches(Path(paths[0])) if len(paths) == 1 else []
    if batches:
        return _from_cifar(batches, size=size, color=color, limit=limit, rng=generator)
    found = find_sources(paths)
    references = found.references
    if not references:
        raise ValueError(f"no image in {', '.join(map(repr, found.given))}")
    for one in references:
        if one.samples is not None and one.samples.planar:
            raise ValueError(
                f"{one.title} is of a binary batch of CIFAR; its classes are known only where "
                "CIFAR-10's training batches are given alone: a .bin file, a folder, or the .tar.gz"
            )
    # A member of an archive is called ARCHIVE/FOLDER/NAME.
    folders = [Path(one.title).parent.name for one in references]
    chosen = _chosen(len(references), limit, generator)
    reader = Reader(color=color)
    failed: dict[str, str] = {}
    pixels: list[UInt8Array] = []
    read: list[str] = []
    for i in tqdm(chosen, desc="reading", unit="image", disable=quiet or None):
        try:
            image = _of_unit_range(reader.read(references[i]))
            if size is not None:
                image = resize_and_crop(image, size)
        except ImageRefused as refusal:
            failed[references[i].title] = str(refusal)
            continue
        values = image.pixels if color else image.pixels[..., np.newaxis]
        pixels.append(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8))
        read.append(folders[i])
    if not pixels:
        reasons = "".join(f"; {name}: {why}" for name, why in list(failed.items())[:1])
        raise ValueError(f"no image could be used{reasons}")
    shapes = {p.shape[:2] for p in pixels}
    if len(shapes) > 1:
        raise ValueError(f"images of {len(shapes)} shapes, such as {sorted(shapes)[:2]}; give size")
    classes = tuple(sorted(set(folders)))
    labels = None
    if len(classes) > 1:
        labels = np.array([classes.index(folder) for folder in read], dtype=np.int64)
    return LabelledImages(np.stack(pixels), labels, classes if len(classes) > 1 else (), failed)


def _of_unit_range(image: LoadedImage) -> LoadedImage:
    """The same image, unless eight bits would clip its values."""
    lowest, highest = image.pixels.min(), image.pixels.max()
    if not 0 <= lowest <= highest <= 1:
        raise ImageRefused(
            f"holds values from {lowest:g} to {highest:g}; those of images are from 0 to 1"
        )
    return image


def _chosen(n: int, limit: int | None, rng: np.random.Generator) -> list[int]:
    if limit is None or limit >= n:
        return list(range(n))
    return np.sort(rng.permutation(n)[:limit]).tolist()


def _cifar_batches(path: Path) -> list[bytes]:
    """The training batches (or the one file that is named), if these are CIFAR's binary ones."""
    if path.suffix == ".bin" and path.is_file():
        return [path.read_bytes()]
    if path.is_dir():
        return [file.read_bytes() for file in sorted(path.glob("data_batch_*.bin"))]
    if path.name.endswith((".tar.gz", ".tgz")):
        return list(_members(path))
    return []


def _members(path: Path) -> Iterator[bytes]:
    try:
        with tarfile.open(path) as archive:
            members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
            for name in sorted(members):
                if name.startswith("data_batch_") and name.endswith(".bin"):
                    content = archive.extractfile(members[name])
                    if content is not None:
                        yield content.read()
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged, or no tar archive: {error}") from error


def _from_cifar(
    batches: list[bytes],
    *,
    size: int | None,
    color: bool,
    limit: int | None,
    rng: np.random.Generator,
) -> LabelledImages:
    if size not in (None, CIFAR_SIDE):
        raise ValueError(f"{size=}: CIFAR's binary batches are of {CIFAR_SIDE}x{CIFAR_SIDE} pixels")
    data = b"".join(batches)
    if len(data) % CIFAR_10 or not data:
        raise ValueError(f"{len(data)} bytes are not rows of {CIFAR_10}: not CIFAR-10's format")
    rows = np.frombuffer(data, np.uint8).reshape(-1, CIFAR_10)
    rows = rows[_chosen(len(rows), limit, rng)]
    pixels = rows[:, 1:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1)
    if not color:
        gray = to_channels(pixels.astype(np.float64), color=False)
        pixels = np.rint(gray).astype(np.uint8)[..., np.newaxis]
    labels = rows[:, 0].astype(np.int64)
    classes = tuple(str(i) for i in range(int(labels.max()) + 1))
    return LabelledImages(np.ascontiguousarray(pixels), labels, classes)
