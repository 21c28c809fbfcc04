"""``spectral-mae audit-masks``: what the masks of a generator do."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spectral_mae import plot
from spectral_mae._checks import positive_int
from spectral_mae._files.column_notes import COLUMNS_JSON, write_column_notes
from spectral_mae._files.columns import write_rows
from spectral_mae._files.output_files import check_replaced
from spectral_mae.batch.columns import comparison as columns
from spectral_mae.cli.console.answer import OK, Answer, written
from spectral_mae.cli.errors import output_errors, usage_errors
from spectral_mae.cli.shared import SizedReader, found_images
from spectral_mae.images.cropping import resize_and_crop
from spectral_mae.images.image import LoadedImage
from spectral_mae.masked_spectra.auditing.mask_audit import MaskAudit, audit_masks
from spectral_mae.masks.conventions import Convention
from spectral_mae.masks.mask_files import read_masks
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.spectra.periodogram import Periodogram
from spectral_mae.spectra.spectrum import Spectrum

FILES = ("masks.png", "pairs.csv", "leakage.csv", COLUMNS_JSON)
MANY = 64  # patches along an axis; more are taken for pixels


def audit(arguments: argparse.Namespace) -> Answer:
    """``spectral-mae audit-masks``: sentences, a picture and two tables."""
    with usage_errors():
        if arguments.out is not None:
            if arguments.out.exists() and not arguments.out.is_dir():
                raise ValueError(f"--out {arguments.out} is a file, not a folder")
            outputs = [arguments.out / name for name in FILES]
            check_replaced(outputs, overwrite=arguments.overwrite)
        convention = _convention(arguments)
        masks = read_masks(arguments.path)
        grid = _grid_of(masks, convention, arguments)
        reference = _reference(grid, arguments) if arguments.images else None
        found = audit_masks(
            grid, masks, convention=convention, n_keep=arguments.ids_restore, reference=reference
        )
    lines = [found.summary()]
    if arguments.out is not None:
        with output_errors():
            _write(found, arguments.out)
        lines.append(f"written to {arguments.out}: {', '.join(FILES)}")
    return Answer(OK, lines, {**found.to_dict(), "files": written(arguments.out, FILES)})


def _write(found: MaskAudit, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    figure, axes = plot.new_figure(2, 3, width=12.5, height=7.2)
    plot.mask_audit(found, axes)
    picture, pairs, leakage, _ = (out / name for name in FILES)
    plot.save(figure, picture)
    found.to_csv(pairs)
    write_rows(leakage, found.to_dict()["leakage"])
    write_column_notes(out, columns.audit_masks(found.grid.ndim))


def _convention(arguments: argparse.Namespace) -> Convention:
    given: list[Convention] = []
    if arguments.hidden:
        given.append("hidden")
    if arguments.ids_keep:
        given.append("ids_keep")
    if arguments.ids_restore is not None:
        given.append("ids_restore")
    if len(given) > 1:
        raise ValueError("--hidden, --ids-keep and --ids-restore exclude each other")
    return given[0] if given else "visible"


def _grid_of(
    masks: NDArray[Any], convention: Convention, arguments: argparse.Namespace
) -> PatchGrid:
    """The patches: those of ``--grid``, or of the shape of the masks."""
    patch = positive_int("patch_size", arguments.patch_size)
    if arguments.grid is not None:
        parts = arguments.grid.split("x")
        if not all(part.isdecimal() and int(part) for part in parts):
            raise ValueError(f"--grid {arguments.grid!r} is not HxW, patches of at least one")
        return PatchGrid([int(part) * patch for part in parts], patch)
    if masks.ndim < 3 or convention in ("ids_keep", "ids_restore"):
        raise ValueError(
            f"an array of shape {masks.shape} does not say how patches lie: give --grid HxW, "
            "such as 14x14"
        )
    shape = masks.shape[1:]
    if arguments.pixels:
        return PatchGrid(shape, patch)
    if any(n > MANY for n in shape) or _in_blocks(masks, patch):
        raise ValueError(
            f"masks of shape {shape}: --pixels says that these are pixels, --grid "
            f"{'x'.join(map(str, shape))} that they are patches"
        )
    return PatchGrid([n * patch for n in shape], patch)


def _in_blocks(masks: NDArray[Any], size: int) -> bool:
    """Whether all masks are constant over blocks of a patch's size, as masks of pixels are."""
    shape = masks.shape[1:]
    if size == 1 or any(n % size for n in shape):
        return False
    blocks = PatchGrid(shape, size).to_patches(masks)
    return bool(np.all(blocks == blocks[..., :1]) and blocks.min() < blocks.max())


def _reference(grid: PatchGrid, arguments: argparse.Namespace) -> Spectrum:
    """Mean spectrum of images, each without its own mean."""
    if grid.ndim != 2:
        raise ValueError(f"--images needs masks of two axes, and these have {grid.ndim}")
    reader = SizedReader(None, arguments.max_pixels)
    images = [_fitted(reader.read(one), grid) for one in found_images(arguments.images)]
    return Periodogram(grid.shape, detrend="constant").mean(np.array(images))


def _fitted(image: LoadedImage, grid: PatchGrid) -> NDArray[np.float64]:
    """The middle of an image, its shorter side resized, in the shape of a grid."""
    side = max(grid.shape)
    pixels = resize_and_crop(image, side).pixels
    first = [(side - n) // 2 for n in grid.shape]
    inside = tuple(slice(a, a + n) for a, n in zip(first, grid.shape, strict=True))
    return np.asarray(pixels[inside], dtype=np.float64)
