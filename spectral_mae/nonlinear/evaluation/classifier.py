"""Classifiers on an encoder: fine-tuned, or trained from a random start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from spectral_mae import _checks
from spectral_mae.nonlinear.arrays import Labels, UInt8Array, class_numbers, eight_bit
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.schedule import check_rates, warmup_cosine
from spectral_mae.nonlinear.training import EVALUATION_BATCH, best_device, to_tensor, units_of


@dataclass(frozen=True)
class ClassifyConfig:
    """Settings of a classifier's training: AdamW on cross entropy.

    The learning rate rises linearly and then falls to zero along a cosine.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    batch : int
        Images in a batch.
    rate : float
        Largest learning rate.
    weight_decay : float
        Weight decay of AdamW.
    warmup : float
        Number of epochs in which the rate rises.
    flip : bool
        Mirror half of the images, left to right.
    rng : int
        Seed of the run, at least 0; a generator is refused, as in `TrainConfig`.

    Examples
    --------
    >>> config = ClassifyConfig(epochs=5, flip=False)  # of digits, which must not be mirrored
    >>> config.epochs, config.rate
    (5, 0.001)
    """

    epochs: int = 10
    batch: int = 128
    rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 1.0
    flip: bool = True
    rng: int = 0

    def __post_init__(self) -> None:
        _checks.positive_int("epochs", self.epochs)
        _checks.integer(
            "batch", self.batch, least=2, why="features are standardised by batch, of 2 or more"
        )
        check_rates(self, "rate", "weight_decay", "warmup")
        _checks.flag("flip", self.flip)
        _checks.run_seed(self.rng)


class Classifier(nn.Module):
    """A model with a linear layer on its standardised features; both learn.

    With a trained model this is fine-tuning, with a new one the supervised baseline. Features are
    standardised in each batch, as those of a probe are over all images. Without it the layer would
    learn slowly, because means over tokens differ little between images.

    Parameters
    ----------
    model : ImageModel
        The model whose features are used.
    n_classes : int
        Number of classes.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> classifier = Classifier(MaskedAutoencoder(config), 3).eval()
    >>> classifier(torch.rand(5, 1, 8, 8))[0]  # before training all scores are zero
    tensor([0., 0., 0.], grad_fn=<SelectBackward0>)
    """

    def __init__(self, model: ImageModel, n_classes: int) -> None:
        super().__init__()
        self.model = model
        device = model.pixel_mean.device
        with torch.no_grad():
            shape = (1, model.channels, *model.grid.shape)
            width = model.features(torch.zeros(shape).to(model.pixel_mean)).shape[1]
        self.standardise = nn.BatchNorm1d(width, affine=False).to(device)
        self.head = nn.Linear(width, _checks.positive_int("n_classes", n_classes)).to(device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the scores (logits) of the classes.

        Parameters
        ----------
        images : Tensor, shape (n, channels, H, W)
            Images in pixel units.

        Returns
        -------
        Tensor, shape (n, n_classes)
            The scores.
        """
        return self.head(self.standardise(self.model.features(images)))


def fit_classifier(
    classifier: Classifier,
    pixels: UInt8Array,
    labels: Labels,
    config: ClassifyConfig | None = None,
    *,
    set_units: bool = False,
    device: torch.device | str | None = None,
) -> list[float]:
    """Train a classifier in place.

    Parameters
    ----------
    classifier : Classifier
        Changed in place.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Training images.
    labels : array_like of int, shape (n,)
        Their classes, numbered from zero.
    config : ClassifyConfig or None
        Settings; None uses the defaults.
    set_units : bool
        Take mean and standard deviation of pixels from these images; needed for a model that was
        never trained.
    device : torch.device, str or None
        None uses the GPU where there is one.

    Returns
    -------
    list of float
        Mean cross entropy of each epoch.

    Raises
    ------
    ValueError
        If the images do not fit the model, there are fewer than two, or labels are not integers
        from 0 to one less than the number of classes, one for each image.
    FloatingPointError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> pixels = np.random.default_rng(0).integers(0, 200, (16, 8, 8, 1), dtype=np.uint8)
    >>> pixels[8:, :4] += 55  # images of class 1 are brighter at the top
    >>> classifier, settings = Classifier(MaskedAutoencoder(config), 2), ClassifyConfig(2, 8)
    >>> options = {"set_units": True, "device": "cpu"}
    >>> len(fit_classifier(classifier, pixels, [0] * 8 + [1] * 8, settings, **options))  # epochs
    2
    """
    pixels = eight_bit(pixels, classifier.model)
    if len(pixels) < 2:
        raise ValueError("one image: features are standardised by batch, of two or more")
    labels = class_numbers("labels", labels, len(pixels), classifier.head.out_features)
    config = ClassifyConfig() if config is None else config
    place = best_device() if device is None else torch.device(device)
    if set_units:
        classifier.model.set_units(*units_of(pixels))
    classifier.to(place).train()
    optimizer = torch.optim.AdamW(
        classifier.parameters(), lr=config.rate, weight_decay=config.weight_decay
    )
    batch = min(config.batch, len(pixels))
    steps = len(pixels) // batch
    targets = torch.from_numpy(labels)
    losses = []
    for epoch in range(config.epochs):
        rng = np.random.default_rng([config.rng, 3, epoch])
        order, total = rng.permutation(len(pixels)), 0.0
        for number in range(steps):
            step = epoch * steps + number
            for group in optimizer.param_groups:
                group["lr"] = config.rate * warmup_cosine(
                    step, config.epochs * steps, round(config.warmup * steps)
                )
            index = order[number * batch : (number + 1) * batch]
            images = to_tensor(pixels[index], place)
            if config.flip:
                flipped = torch.from_numpy(rng.random(len(index)) < 0.5).to(place)
                images = torch.where(flipped[:, None, None, None], images.flip(-1), images)
            loss = nn.functional.cross_entropy(classifier(images), targets[index].to(place))
            if not bool(torch.isfinite(loss)):
                raise FloatingPointError(
                    f"the loss is {loss.item()} at {step=}: try a smaller rate"
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / steps)
    classifier.eval()
    return losses


def predicted_classes(classifier: Classifier, pixels: UInt8Array) -> Labels:
    """The class with the largest score for each image.

    It does not depend on the other images of a batch.

    Parameters
    ----------
    classifier : Classifier
        A trained classifier.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.

    Returns
    -------
    ndarray of int64, shape (n,)
        The classes.

    Raises
    ------
    ValueError
        If the images do not fit the model.
    FloatingPointError
        If a score is NaN or infinite.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> classifier = Classifier(MaskedAutoencoder(config), 3)
    >>> _ = torch.nn.init.constant_(classifier.head.bias[1], 1.0)  # class 1 wins everywhere
    >>> predicted_classes(classifier, np.zeros((4, 8, 8, 1), np.uint8))
    array([1, 1, 1, 1])
    """
    pixels = eight_bit(pixels, classifier.model)
    place = classifier.model.pixel_mean.device
    found = []
    training = classifier.training
    classifier.eval()  # else each batch would be standardised by itself, and remembered
    with torch.no_grad():
        for first in range(0, len(pixels), EVALUATION_BATCH):
            images = to_tensor(pixels[first : first + EVALUATION_BATCH], place)
            scores = classifier(images)
            if not bool(torch.isfinite(scores).all()):
                raise FloatingPointError("scores of classes are not finite")
            found.append(scores.argmax(1).cpu().numpy())
    classifier.train(training)
    return np.concatenate(found)


def accuracy(classifier: Classifier, pixels: UInt8Array, labels: Labels) -> float:
    """The fraction of images that are classified correctly.

    Parameters
    ----------
    classifier : Classifier
        A trained classifier.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.
    labels : array_like of int, shape (n,)
        Their classes.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        As `predicted_classes`, or if there are not as many labels as images.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> classifier = Classifier(MaskedAutoencoder(config), 2)  # all scores are zero: class 0
    >>> accuracy(classifier, np.zeros((4, 8, 8, 1), np.uint8), [0, 0, 0, 1])
    0.75
    """
    truth = class_numbers("labels", labels, len(pixels))
    return float(np.mean(predicted_classes(classifier, pixels) == truth))
