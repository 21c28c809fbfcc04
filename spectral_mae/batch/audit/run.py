"""`audit_images`: from a model and images in files to an audit and its page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.batch.audit.report import FILES, write_report
from spectral_mae.batch.errors import NothingUsable
from spectral_mae.batch.run_folder import check_report, find_some, scratch_folder
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.images.reader import Reader, title_of
from spectral_mae.images.references import ImageReference
from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import image_list
from spectral_mae.masks.sampling import Seed, generator_of

if TYPE_CHECKING:
    from spectral_mae.nonlinear.auditing.result import AuditResult

MOST_NUMBERS = 2_000_000  # numbers of all images together, by default
FEWEST_USED = 4
FEWEST, MOST = 32, 500  # images, by default


@dataclass(frozen=True, eq=False, repr=False)
class AuditRun:
    """An audit of images from files.

    Attributes
    ----------
    result : AuditResult
        What was found.
    page : Path or None
        The page, if one was written.
    failures : dict of str to str
        For each image that could not be used, the reason.
    n_found : int
        Number of images that were found; of many a part is used.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((8, 8, 8))
    >>> run = audit_images(lambda images, visible: images, images, size=8, patch_size=4)
    >>> run.n_found, run.failures, run.result.n_images, run.page
    (8, {}, 8, None)
    """

    result: AuditResult
    page: Path | None
    failures: dict[str, str]
    n_found: int

    def __repr__(self) -> str:
        return f"AuditRun({self.result!r}, {len(self.failures)} of {self.n_found} images failed)"


def audit_images(
    model: Any,
    images: str | os.PathLike[str] | ArrayLike | Sequence[str | os.PathLike[str] | ArrayLike],
    *,
    out: str | os.PathLike[str] | None = None,
    size: int | tuple[int, int] | None = None,
    color: bool = False,
    limit: int | None = None,
    max_pixels: int = 50_000_000,
    overwrite: bool = False,
    model_options: Mapping[str, Any] | None = None,
    rng: Seed = 0,
    quiet: bool = True,
    **options: Any,
) -> AuditRun:
    """Audit a trained model on images from files, and write a page about it.

    See `spectral_mae.nonlinear.audit` for what is measured.

    Parameters
    ----------
    model : ImageModel, LinearModel, callable, str or os.PathLike
        The model, or what `spectral_mae.nonlinear.open_model` opens.
    images : path, list of paths, array_like or list of array_like
        Images, as `analyze_images` takes them.
    out : path or None
        Folder for the page, its pictures and tables. None writes nothing.
    size : int, tuple of int or None
        Side, or rows and columns, that images are resized and cropped to. None takes the shape
        that the model needs; for a function, images must then have one shape.
    color : bool
        For a function, whether images are read in colour. Other models say it.
    limit : int or None
        Use at most so many images, drawn at random. None is 500 for images of 32 x 32 pixels in
        colour and fewer for larger ones, but not below 32.
    max_pixels : int
        Larger files are refused.
    overwrite : bool
        Replace the results of another run in ``out``.
    model_options : mapping or None
        Arguments of `spectral_mae.nonlinear.open_model`.
    rng : int, numpy.random.Generator or None
        Seed or generator of the choice of images, and of the audit.
    quiet : bool
        Say nothing. Otherwise the time that the audit will take, and progress, go to stderr.
    **options : Any
        Further arguments of `spectral_mae.nonlinear.audit`: ``patch_size``, ``mask_ratio``,
        ``design``, ``sampling``, ``target``, ``normalised``, ``n_draws`` and others.

    Returns
    -------
    AuditRun
        What was found, and the page.

    Raises
    ------
    ValueError
        If the model cannot be opened, images do not fit it, fewer than four of them can be used,
        ``out`` holds another run, or an option is out of range.

    Examples
    --------
    >>> def gray(images, visible):  # a model that fills in the mean of the visible pixels
    ...     mean = images.sum((1, 2)) / visible.sum((1, 2))
    ...     return np.where(visible, images, mean[:, None, None])
    >>> images = np.random.default_rng(0).random((8, 8, 8))
    >>> run = audit_images(gray, images, size=8, patch_size=4)
    >>> bool(run.result.total["model"].value < 0.1)  # nothing can be predicted in white noise
    True
    """
    from spectral_mae.nonlinear.auditing.audit import audit
    from spectral_mae.nonlinear.opening import open_model

    generator = generator_of(rng)
    if limit is not None:
        limit = _checks.integer("limit", limit, least=FEWEST_USED)
    place = None if out is None else Path(out)
    if place is not None:
        check_report(place, FILES, overwrite=overwrite)
    named = isinstance(model, str | os.PathLike)
    opened = open_model(model, **(model_options or {})) if named else model
    shape, channels = needs_of(opened, size, color=color)
    given = image_list(images)
    with scratch_folder(given, place) as scratch:
        found = find_some(given, output=place, scratch=scratch)
        reader = _Images(Reader(channels == 3, max_pixels), shape)
        references: Sequence[ImageReference] = found.references
        most = limit
        if most is None and shape is not None:
            most = default_limit(shape, channels)
        most = MOST if most is None else most
        if len(references) > most:
            chosen = np.sort(generator.permutation(len(references))[:most])
            references = [references[i] for i in chosen]
        pixels = reader.read(references)
    result = audit(opened, pixels, rng=generator, quiet=quiet, **options)
    page = None
    if place is not None:
        about = {
            "model": os.fspath(model)
            if named
            else getattr(model, "__name__", type(model).__name__),
            "images": [one if isinstance(one, str) else "an array" for one in found.given],
            "failed": reader.failed,
        }
        page = write_report(place, result, about)
    return AuditRun(result, page, reader.failed, len(found.references))


def needs_of(
    model: Any, size: int | tuple[int, int] | None, *, color: bool
) -> tuple[tuple[int, int] | None, int]:
    """Shape and channels of the images that a model takes.

    Parameters
    ----------
    model : ImageModel, LinearModel or callable
        The model.
    size : int, tuple of int or None
        Size that was asked for.
    color : bool
        Whether a function takes images in colour.

    Returns
    -------
    shape : tuple of int or None
        Rows and columns; None where images keep theirs.
    channels : int
        1 or 3.

    Raises
    ------
    ValueError
        If the model takes images of another size or number of channels.
    """
    from spectral_mae.linear.model import LinearModel
    from spectral_mae.nonlinear.model import ImageModel

    asked = None if size is None else _checks.per_axis("size", size, 2)
    shape = None if asked is None else (asked[0], asked[1])
    if not isinstance(model, ImageModel | LinearModel):
        return shape, 3 if color else 1
    if isinstance(model, ImageModel):
        grid, channels = model.grid, model.channels
    else:
        grid, channels = model.moments_.grid, model.moments_.channels
    if channels not in (1, 3) or grid.ndim != 2:
        raise ValueError(
            f"a model of {grid.shape} with {channels} channels takes no gray or colour images; "
            "nonlinear.audit takes arrays"
        )
    if shape is not None and shape != grid.shape:
        raise ValueError(f"{size=}; the model takes images of {grid.shape} pixels")
    return (grid.shape[0], grid.shape[1]), channels


def default_limit(shape: tuple[int, int], channels: int) -> int:
    """How many images are used if nothing is said.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of an image.
    channels : int
        Number of channels.

    Returns
    -------
    int
        From 32 to 500.

    Examples
    --------
    >>> default_limit((32, 32), 3), default_limit((64, 64), 3), default_limit((224, 224), 3)
    (500, 162, 32)
    """
    return max(FEWEST, min(MOST, MOST_NUMBERS // (shape[0] * shape[1] * channels)))


class _Images:
    """Reads images of one shape into memory."""

    def __init__(self, reader: Reader, shape: tuple[int, int] | None) -> None:
        self.failed: dict[str, str] = {}
        self._reader, self._shape = reader, shape

    def read(self, references: Sequence[ImageReference]) -> FloatArray:
        """The pixels of all images that can be read."""
        images: list[FloatArray] = []
        for reference in references:
            try:
                image = self._fitted(self._reader.read(reference))
            except ImageRefused as refusal:
                self.failed[title_of(reference)] = str(refusal)
                continue
            if images and image.shape != images[0].shape:
                raise ValueError(
                    f"images of {images[0].shape[:2]} and of {image.shape[:2]} pixels "
                    f"({title_of(reference)}): give size"
                )
            images.append(image)
        if len(images) < FEWEST_USED:
            why = "".join(f"; {name}: {reason}" for name, reason in list(self.failed.items())[:1])
            raise NothingUsable(
                f"{len(images)} images can be used, and an audit needs {FEWEST_USED}{why}"
            )
        return np.stack(images)

    def _fitted(self, image: LoadedImage) -> FloatArray:
        return (image if self._shape is None else resize_and_crop(image, self._shape)).pixels
