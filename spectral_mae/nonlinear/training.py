"""Training runs: batches, masks, steps, a log, and checkpoints that resume exactly."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import torch
from tqdm import tqdm

from spectral_mae import _checks
from spectral_mae._checks import FloatArray, Sampling
from spectral_mae._files.columns import write_columns
from spectral_mae.masks.designs.design import MaskDesign
from spectral_mae.masks.designs.short_form import MaskChoice, design_on
from spectral_mae.masks.patches import PatchGrid
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear import checkpoint
from spectral_mae.nonlinear.arrays import UInt8Array, eight_bit
from spectral_mae.nonlinear.model import ImageModel, Target
from spectral_mae.nonlinear.schedule import check_rates, warmup_cosine

CHECKPOINT, LOG = "checkpoint.pt", "log.csv"
EVALUATION_BATCH = 256


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run: AdamW with a rate that rises and then falls along a cosine.

    The images, flips and masks of step t depend only on ``rng`` and t.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    batch : int
        Images in a batch. An epoch has whole batches only and leaves out the remaining images.
    rate : float
        Largest learning rate.
    warmup : float
        Number of epochs in which the learning rate rises to its largest value.
    weight_decay : float
        Weight decay of AdamW.
    mask_ratio : float or None
        Fraction of patches hidden, between 0 and 1. None is 0.75, or what the design says.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    target : {"hidden", "all"}
        Which patches are scored.
    flip : bool
        Mirror half of the images, left to right.
    rng : int
        Seed of the run, at least 0. It is stored, so that the run can be resumed: a generator is
        refused.
    design : str, MaskDesign or None
        In the place of mask ratio and sampling, another design of the masks, or its text such as
        ``"block:3x3,keep"``. The text is kept, and made into a design on the grid of the model.
        Where masks keep unequal numbers of patches, batches are padded.

    Examples
    --------
    >>> config = TrainConfig(epochs=10, batch=64, mask_ratio=0.5)
    >>> config.rate, config.masks(PatchGrid((32, 32), 8)).mask_ratio
    (0.001, 0.5)
    """

    epochs: int = 100
    batch: int = 256
    rate: float = 1e-3
    warmup: float = 5.0
    weight_decay: float = 0.05
    mask_ratio: float | None = None
    sampling: Sampling = "fixed"
    target: Target = "hidden"
    flip: bool = True
    rng: int = 0
    design: str | MaskDesign | None = None

    def __post_init__(self) -> None:
        _checks.positive_int("epochs", self.epochs)
        _checks.positive_int("batch", self.batch)
        choice = MaskChoice(self.mask_ratio, self.sampling, self.design)
        object.__setattr__(self, "mask_ratio", choice.mask_ratio)
        object.__setattr__(self, "design", choice.design)
        _checks.choice("target", self.target, Target)
        check_rates(self, "rate", "warmup", "weight_decay")
        _checks.flag("flip", self.flip)
        _checks.run_seed(self.rng)

    def masks(self, grid: PatchGrid) -> MaskDesign:
        """Make the design of the masks on a grid.

        Parameters
        ----------
        grid : PatchGrid
            Patches of the model.

        Returns
        -------
        MaskDesign
            The design, or the uniform one of mask ratio and sampling.

        Raises
        ------
        ValueError
            If it does not fit the grid.

        Examples
        --------
        >>> TrainConfig(design="block:2x2,keep").masks(PatchGrid((32, 32), 8))
        <design block:2x2,keep on 4×4 patches, mask_ratio=0.75>
        """
        return MaskChoice(self.mask_ratio, self.sampling, self.design).on(grid)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as files hold them.

        ``rng`` has the name ``seed``. With a design there is no mask ratio, and without one no
        design.

        Returns
        -------
        dict
            Values by name.
        """
        settings = {k: v for k, v in dataclasses.asdict(self).items() if v is not None}
        return {"seed": settings.pop("rng"), **settings}


@dataclass(frozen=True)
class History:
    """The record of a training run, one row for each epoch.

    Attributes
    ----------
    rows : list of dict
        ``epoch`` (from 1), ``step``, ``rate`` of its last step, ``loss`` (mean over its steps),
        ``held_out`` (loss of held-out images, NaN where there are none), and ``seconds`` since the
        start. Losses are in units of the model.

    Examples
    --------
    >>> history = History([{"epoch": 1, "loss": 0.9}, {"epoch": 2, "loss": 0.5}])
    >>> history.column("loss"), history.to_dict()["epoch"]
    ([0.9, 0.5], [1, 2])
    """

    rows: list[dict[str, float]]

    def column(self, name: str) -> list[float]:
        """One column of the record.

        Parameters
        ----------
        name : str
            Name of the column.

        Returns
        -------
        list of float
            Its values, by epoch.
        """
        return [row[name] for row in self.rows]

    def to_dict(self) -> dict[str, Any]:
        """Convert the record to a dictionary of columns.

        Returns
        -------
        dict
            Lists by name.
        """
        return {name: self.column(name) for name in (self.rows[0] if self.rows else ())}

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a table with one row for each epoch.

        Parameters
        ----------
        path : str or os.PathLike
            The file to write.
        """
        write_columns(path, {k: np.array(v) for k, v in self.to_dict().items()})


def best_device() -> torch.device:
    """The GPU where there is one, else the CPU.

    Returns
    -------
    torch.device
        The device.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_tensor(pixels: UInt8Array, device: torch.device | None = None) -> torch.Tensor:
    """Convert pixels of eight bits to a tensor of numbers from 0 to 1.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.
    device : torch.device or None
        Where the tensor is stored; None for the CPU.

    Returns
    -------
    Tensor of float32, shape (n, channels, H, W)
        The images.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    return tensor.permute(0, 3, 1, 2).float() / 255


def units_of(pixels: UInt8Array) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each channel, for pixels from 0 to 1.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.

    Returns
    -------
    mean : ndarray, shape (channels,)
        The means.
    std : ndarray, shape (channels,)
        The standard deviations, at least 1/255.
    """
    count = np.stack(
        [np.bincount(pixels[..., c].ravel(), minlength=256) for c in range(pixels.shape[-1])]
    )
    share = count / count.sum(1, keepdims=True)
    levels = np.arange(256) / 255
    mean = share @ levels
    deviation = np.sqrt(np.sum(share * (levels - mean[:, np.newaxis]) ** 2, axis=1))
    return mean, np.maximum(deviation, 1 / 255)


def train(
    model: ImageModel,
    pixels: UInt8Array,
    config: TrainConfig,
    *,
    held_out: UInt8Array | None = None,
    folder: str | os.PathLike[str] | None = None,
    keep: Collection[int] = (),
    resume: bool = False,
    until: int | None = None,
    device: torch.device | str | None = None,
    quiet: bool = True,
) -> History:
    """Train a model on images.

    Parameters
    ----------
    model : ImageModel
        Changed in place. Mean and standard deviation of the channels of ``pixels`` become its
        units.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Training images.
    config : TrainConfig
        Settings.
    held_out : ndarray of uint8, shape (n, H, W, channels), or None
        Images that are not trained on. Their loss is computed after each epoch, always under the
        same masks.
    folder : str, os.PathLike or None
        Folder in which ``checkpoint.pt`` and ``log.csv`` are written after each epoch.
    keep : collection of int
        Epochs whose model is kept as ``epoch-0001.pt``; 0 is the start.
    resume : bool
        Continue from the checkpoint in ``folder``, if there is one. On a CPU the result is, bit by
        bit, that of a run without interruption.
    until : int or None
        Stop after this epoch; a later call can continue.
    device : torch.device, str or None
        None uses the GPU where there is one. On a GPU, operations that allow it run in
        half precision (bfloat16).
    quiet : bool
        Show no progress bar.

    Returns
    -------
    History
        The losses by epoch.

    Raises
    ------
    ValueError
        If the images or the masks do not fit, if no mask of an epoch hides a patch, or if the
        checkpoint belongs to another run.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> pixels = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    >>> history = train(model, pixels, TrainConfig(epochs=2, batch=8), device="cpu")
    >>> history.column("epoch"), bool(np.isfinite(history.column("loss")).all())
    ([1, 2], True)
    """
    place = best_device() if device is None else torch.device(device)
    pixels = eight_bit(pixels, model)
    if held_out is not None:
        held_out = eight_bit(held_out, model)
    masks = config.masks(model.grid)
    model.set_units(*units_of(pixels))
    model.to(place)
    optimizer = torch.optim.AdamW(
        _groups(model, config.weight_decay), lr=config.rate, betas=(0.9, 0.95)
    )
    batch = min(config.batch, len(pixels))
    steps = len(pixels) // batch
    history = History([])
    if resume and folder is not None and Path(folder, CHECKPOINT).exists():
        history = _resume(Path(folder, CHECKPOINT), model, optimizer, config, steps)
    elif folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        if 0 in keep:
            checkpoint.save(Path(folder, "epoch-0000.pt"), model)
    before = history.rows[-1]["seconds"] if history.rows else 0.0
    started = time.perf_counter()
    last = config.epochs if until is None else min(until, config.epochs)
    epochs = range(len(history.rows), last)
    with tqdm(total=steps * len(epochs), unit="step", disable=quiet or None) as bar:
        for epoch in epochs:
            order = np.random.default_rng([config.rng, 0, epoch]).permutation(len(pixels))
            losses, rate = [], 0.0
            model.train()
            for number in range(steps):
                step = epoch * steps + number
                rate = config.rate * warmup_cosine(
                    step, config.epochs * steps, round(config.warmup * steps)
                )
                for group in optimizer.param_groups:
                    group["lr"] = rate
                images = pixels[np.sort(order[number * batch : (number + 1) * batch])]
                loss = _step(model, images, optimizer, config, masks, step, place)
                if loss is not None:
                    losses.append(loss)
                bar.update()
            _check_learned(model, losses, masks, config.batch, epoch)
            row = {
                "epoch": epoch + 1,
                "step": (epoch + 1) * steps,
                "rate": rate,
                "loss": float(np.mean(losses)),
                "held_out": float("nan")
                if held_out is None
                else evaluate(
                    model, held_out, design=masks, target=config.target, rng=config.rng,
                ),
                "seconds": before + time.perf_counter() - started,
            }  # fmt: skip
            history.rows.append(row)
            bar.set_postfix(loss=f"{row['loss']:.4f}", held_out=f"{row['held_out']:.4f}")
            if folder is not None:
                _write(Path(folder), model, optimizer, config, history, keep)
    model.eval()
    return history


def evaluate(
    model: ImageModel,
    pixels: UInt8Array,
    mask_ratio: float | None = None,
    *,
    sampling: Sampling = "fixed",
    design: MaskDesign | None = None,
    target: Target = "hidden",
    rng: Seed = 0,
) -> float:
    """Mean loss over images, each under one mask, in units of the model.

    Parameters
    ----------
    model : ImageModel
        The model.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.
    mask_ratio : float or None
        Fraction of patches hidden, between 0 and 1; None with ``design=``.
    sampling : {"fixed", "bernoulli"}
        Whether every mask keeps the same number of patches, or each patch is kept independently.
    design : MaskDesign or None
        Distribution of the masks on the grid of the model, in the place of mask ratio and sampling.
    target : {"hidden", "all"}
        Which patches are scored.
    rng : int, numpy.random.SeedSequence, numpy.random.Generator or None
        Seed or generator of the masks.

    Returns
    -------
    float
        Mean squared error.

    Raises
    ------
    TypeError
        If neither a mask ratio nor a design is given.
    ValueError
        If the images do not fit, both are given, or no mask hides anything.
    FloatingPointError
        If the loss is not finite.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    >>> evaluate(model, pixels, 0.75, rng=0) == evaluate(model, pixels, 0.75, rng=0)  # same masks
    True
    """
    pixels = eight_bit(pixels, model)
    masks = design_on(model.grid, mask_ratio, sampling=sampling, design=design)
    place = model.pixel_mean.device
    if isinstance(rng, SupportsIndex):  # masks of its own, not those of the steps of that seed
        rng = np.random.SeedSequence([_checks.integer("rng", rng, least=0), 2])
    generator = generator_of(rng)
    total, scored = 0.0, 0.0
    training = model.training
    model.eval()
    with torch.no_grad():
        for first in range(0, len(pixels), EVALUATION_BATCH):
            images = to_tensor(pixels[first : first + EVALUATION_BATCH], place)
            kept = masks.sample_kept(len(images), generator)
            weight = float(kept.size if target == "all" else np.sum(~kept))
            if weight == 0:  # of such masks there are some where patches are hidden one by one
                continue
            loss = model.loss(images, torch.from_numpy(kept).to(place), target)
            total, scored = total + weight * loss.item(), scored + weight
    model.train(training)
    if scored == 0:
        raise ValueError(f"{masks}: the masks of {len(pixels)} images hide no patch")
    if not np.isfinite(total):
        raise FloatingPointError(f"the loss over {len(pixels)} images is {total / scored}")
    return total / scored


def _step(
    model: ImageModel,
    pixels: UInt8Array,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
    masks: MaskDesign,
    step: int,
    place: torch.device,
) -> float | None:
    """The loss of a batch, from which the model has learned; None where nothing was hidden."""
    rng = np.random.default_rng([config.rng, 1, step])
    images = to_tensor(pixels, place)
    if config.flip:
        flipped = torch.from_numpy(rng.random(len(pixels)) < 0.5).to(place)
        images = torch.where(flipped[:, None, None, None], images.flip(-1), images)
    kept = masks.sample_kept(len(pixels), rng)
    if config.target == "hidden" and kept.all():
        return None
    with torch.autocast(place.type, torch.bfloat16, enabled=place.type == "cuda"):
        loss = model.loss(images, torch.from_numpy(kept).to(place), config.target)
    if not bool(torch.isfinite(loss)):
        raise _diverged(f"the loss is {loss.item()} at {step=}")
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def _check_learned(
    model: ImageModel, losses: list[float], masks: MaskDesign, batch: int, epoch: int
) -> None:
    """Refuse an epoch that has taught nothing, or after which the model is no numbers."""
    if not losses:
        raise ValueError(f"{masks} with {batch=}: the masks of epoch {epoch + 1} hide no patch")
    if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
        raise _diverged(f"the weights are not finite after epoch {epoch + 1}")


def _diverged(what: str) -> FloatingPointError:
    return FloatingPointError(f"{what}: try a smaller rate")


def _groups(model: ImageModel, weight_decay: float) -> list[dict[str, Any]]:
    """Matrices decay; biases, norms and single tokens do not."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _write(
    folder: Path,
    model: ImageModel,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
    history: History,
    keep: Collection[int],
) -> None:
    checkpoint.save(
        folder / CHECKPOINT,
        model,
        optimizer=optimizer.state_dict(),
        training=config.to_dict(),
        history=history.rows,
        rng=torch.get_rng_state(),
    )
    epoch = len(history.rows)
    if epoch in keep:
        checkpoint.save(folder / f"epoch-{epoch:04d}.pt", model)
    history.to_csv(folder / LOG)


def _resume(
    path: Path,
    model: ImageModel,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
    steps: int,
) -> History:
    """Continue a training of ``steps`` steps an epoch, on images in the units of the model."""
    content = checkpoint.read(path)
    try:
        # Sizes of today's kind, whichever the file has.
        found = checkpoint.settings_of(checkpoint.model_from(content))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    missing = [name for name in ("training", "optimizer", "rng", "history") if name not in content]
    if missing:
        raise ValueError(f"{path} holds no {missing[0]}: a model, not a training that can go on")
    pairs = {
        "settings": (found, checkpoint.settings_of(model)),
        "training": (content["training"], config.to_dict()),
    }
    for name, (theirs, ours) in pairs.items():
        if theirs != ours:
            raise ValueError(f"{path} is of another training: {name} {theirs}, not {ours}")
    same_units = all(
        bool((content["state"][name].to(unit.device) == unit).all())
        for name, unit in (("pixel_mean", model.pixel_mean), ("pixel_std", model.pixel_std))
    )
    rows = content["history"]
    if not same_units or (rows and rows[-1]["step"] != len(rows) * steps):
        raise ValueError(
            f"{path} is of another training: its images had other means and deviations, or there "
            f"were more or fewer than make {steps} steps an epoch"
        )
    model.load_state_dict(content["state"])
    optimizer.load_state_dict(content["optimizer"])
    torch.set_rng_state(content["rng"])
    return History(rows)
