"""Images and their classes from folders, zip archives and the binary batches of CIFAR."""

from __future__ import annotations

import dataclasses
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from spectral_mae._checks import open_unit, positive_int
from spectral_mae.images.files import find_images
from spectral_mae.images.formats import SUFFIXES
from spectral_mae.images.image import read_file, resize_and_crop
from spectral_mae.images.samples import ImageRefused
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import UInt8Array, class_numbers

CIFAR_SIDE = 32
# What reading archives raises where they are cut off, changed, or packed in a way not known.
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError,
           gzip.BadGzipFile, NotImplementedError)  # fmt: skip
CIFAR_ROW = 1 + 3 * CIFAR_SIDE**2  # a label, then red, green and blue planes


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
        Folders, files and patterns, as in `find_images`; or one zip archive of images; or CIFAR's
        binary batches (a ``.bin`` file, a folder with such files, or their ``.tar.gz``).
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
        If no image could be used, or shapes differ.
    FileNotFoundError
        If a path finds no file.
    """
    if limit is not None:
        positive_int("limit", limit)
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    generator = generator_of(rng)
    first = Path(paths[0]) if len(paths) == 1 else None
    batches = [] if first is None else _cifar_batches(first)
    if batches:
        return _from_cifar(batches, size=size, color=color, limit=limit, rng=generator)
    if first is not None and first.suffix.lower() == ".zip":
        with _opened(first) as archive, tempfile.TemporaryDirectory() as folder:
            names = sorted(
                name
                for name in archive.namelist()
                if PurePosixPath(name).suffix.lower() in SUFFIXES
            )
            file = Path(folder, "member")

            def extract(name: str) -> Path:
                try:
                    file.write_bytes(archive.read(name))
                except (*DAMAGED, RuntimeError) as error:  # RuntimeError: it has a password
                    raise ImageRefused(f"cannot be taken out of {first}: {error}") from error
                return file

            folders = [PurePosixPath(name).parent.name for name in names]
            return _read(names, folders, extract, size, color, limit, generator, quiet)
    files = find_images(paths).paths
    return _read(
        [str(file) for file in files],
        [file.parent.name for file in files],
        Path,
        size,
        color,
        limit,
        generator,
        quiet,
    )


def _read(
    names: list[str],
    folders: list[str],
    open_: Callable[[str], Path],
    size: int | None,
    color: bool,
    limit: int | None,
    rng: np.random.Generator,
    quiet: bool,
) -> LabelledImages:
    chosen = _chosen(len(names), limit, rng)
    failed: dict[str, str] = {}
    pixels: list[UInt8Array] = []
    read: list[str] = []
    for i in tqdm(chosen, desc="reading", unit="image", disable=quiet or None):
        try:
            image = read_file(open_(names[i]), color=color)
            if size is not None:
                image = resize_and_crop(image, size)
        except ImageRefused as refusal:
            failed[names[i]] = str(refusal)
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


def _chosen(n: int, limit: int | None, rng: np.random.Generator) -> list[int]:
    if limit is None or limit >= n:
        return list(range(n))
    return np.sort(rng.permutation(n)[:limit]).tolist()


def _cifar_batches(path: Path) -> list[bytes]:
    """The training batches (or the one file that is named), if these are CIFAR's binary ones."""
    if path.suffix == ".bin":
        return [path.read_bytes()]
    if path.is_dir():
        return [file.read_bytes() for file in sorted(path.glob("data_batch_*.bin"))]
    if path.name.endswith((".tar.gz", ".tgz")):
        return list(_members(path))
    return []


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged, or no zip archive: {error}") from error


def _members(path: Path) -> Iterator[bytes]:
    try:
        with tarfile.open(path) as archive:
            members = {Path(m.name).name: m for m in archive.getmembers() if m.isfile()}
            for name in sorted(members):
                if name.startswith("data_batch_") and name.endswith(".bin"):
                    content = archive.extractfile(members[name])
                    if content is not None:
                        yield content.read()
    except DAMAGED as error:
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
    if len(data) % CIFAR_ROW or not data:
        raise ValueError(f"{len(data)} bytes are not rows of {CIFAR_ROW}: not CIFAR-10's format")
    rows = np.frombuffer(data, np.uint8).reshape(-1, CIFAR_ROW)
    rows = rows[_chosen(len(rows), limit, rng)]
    pixels = rows[:, 1:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).transpose(0, 2, 3, 1)
    if not color:
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)[..., np.newaxis]
    labels = rows[:, 0].astype(np.int64)
    classes = tuple(str(i) for i in range(int(labels.max()) + 1))
    return LabelledImages(np.ascontiguousarray(pixels), labels, classes)
