"""Linear probes: how well a linear classifier predicts classes from features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.special
import torch

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.masks.sampling import Seed, generator_of
from spectral_mae.nonlinear.arrays import Labels, UInt8Array, class_numbers, eight_bit, real_numbers
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.training import EVALUATION_BATCH, to_tensor

PENALTIES = tuple(10.0 ** np.arange(2, -6, -1))


@dataclass(frozen=True)
class ProbeResult:
    """Accuracy of a linear probe on test images.

    Attributes
    ----------
    accuracy : float
        Fraction of the test images that are classified correctly.
    stderr : float
        Standard error of the accuracy a over the draw of the test images, √(a(1−a)/n).
    penalty : float
        The penalty that held-out training images chose.
    n_features : int
        Number of features.
    n_train : int
        Number of training images.
    n_test : int
        Number of test images.

    Examples
    --------
    >>> found = ProbeResult(0.9, 0.03, penalty=1.0, n_features=3, n_train=100, n_test=100)
    >>> found.accuracy - 2 * found.stderr > 0.5  # better than guessing one of two classes
    True
    """

    accuracy: float
    stderr: float
    penalty: float
    n_features: int
    n_train: int
    n_test: int

    def to_dict(self) -> dict[str, Any]:
        """Convert the result to plain numbers, which JSON can hold.

        Returns
        -------
        dict
            The attributes by name.
        """
        return asdict(self)


def features_of(model: ImageModel, pixels: UInt8Array) -> FloatArray:
    """Features of whole images, as a model computes them.

    Parameters
    ----------
    model : ImageModel
        The model.
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.

    Returns
    -------
    ndarray, shape (n, n_features)
        The features.

    Raises
    ------
    ValueError
        If the images do not fit the model, or features are not finite.

    Examples
    --------
    >>> from spectral_mae.nonlinear import MAEConfig, MaskedAutoencoder
    >>> config = MAEConfig((8, 8), 4, channels=1, width=8, depth=1, decoder_depth=1)
    >>> model = MaskedAutoencoder(config)
    >>> features_of(model, np.zeros((5, 8, 8, 1), np.uint8)).shape
    (5, 8)
    """
    pixels = eight_bit(pixels, model)
    place = model.pixel_mean.device
    parts = []
    with torch.no_grad():
        for first in range(0, len(pixels), EVALUATION_BATCH):
            images = to_tensor(pixels[first : first + EVALUATION_BATCH], place)
            images = images.to(model.pixel_mean.dtype)
            parts.append(model.features(images).double().cpu().numpy())
    return real_numbers("features", np.concatenate(parts))


def pixel_features(pixels: UInt8Array) -> FloatArray:
    """The pixels themselves as features, a baseline for probes.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (n, H, W, channels)
        Images.

    Returns
    -------
    ndarray, shape (n, n_features)
        Values from 0 to 1.

    Raises
    ------
    ValueError
        If they have another type: floats may be from 0 to 1 already.

    Examples
    --------
    >>> pixel_features(np.array([[[[0], [51]], [[102], [255]]]], dtype=np.uint8))
    array([[0. , 0.2, 0.4, 1. ]])
    """
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim != 4:
        raise ValueError(
            f"pixels of {array.dtype} and shape {array.shape} are not uint8, (n, H, W, channels)"
        )
    return array.reshape(len(array), -1) / 255.0


def linear_probe(
    features: FloatArray,
    labels: Labels,
    test_features: FloatArray,
    test_labels: Labels,
    *,
    penalties: Sequence[float] = PENALTIES,
    holdout: float = 0.2,
    rng: Seed = 0,
) -> ProbeResult:
    """Fit a linear classifier to features, and score it on test images.

    The classifier is a logistic regression on standardised features. It minimises the mean of −log
    p(label) plus penalty/2 times the sum of squared weights. A fraction of the training images is
    held out: for each penalty a fit to the others is scored on them. The penalty with the highest
    accuracy is used for a fit to all training images. The test images have no part in the choice.
    Test images of a class that no training image has count as wrong.

    Parameters
    ----------
    features : ndarray, shape (n, n_features)
        Features of the training images.
    labels : array_like of int, shape (n,)
        Their classes, numbered from zero.
    test_features : ndarray, shape (n_test, n_features)
        Features of the test images.
    test_labels : array_like of int, shape (n_test,)
        Their classes.
    penalties : sequence of float
        The penalties to try.
    holdout : float
        Fraction of the training images that is held out.
    rng : int, numpy.random.Generator or None
        Seed or generator of the held-out images.

    Returns
    -------
    ProbeResult
        Accuracy on the test images, and the chosen penalty.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or no image to hold out; if features are not finite, or
        their number differs from that of the labels; or if labels are not integers from zero.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> x = rng.standard_normal((200, 3)) + 2 * labels[:, np.newaxis]
    >>> linear_probe(x[:100], labels[:100], x[100:], labels[100:]).accuracy > 0.9
    True
    """
    features, test_features = (
        _matrix(name, x) for name, x in (("features", features), ("test_features", test_features))
    )
    if test_features.shape[1] != features.shape[1] or not len(test_features):
        raise ValueError(
            f"test_features of shape {test_features.shape}, features of {features.shape}"
        )
    labels = class_numbers("labels", labels, len(features))
    test_labels = class_numbers("test_labels", test_labels, len(test_features))
    found = len(np.unique(labels))
    n_held = round(_checks.open_unit("holdout", holdout) * len(labels))
    if found < 2 or not 0 < n_held < len(labels) or not penalties:
        classes = "1 class" if found == 1 else f"{found} classes"
        raise ValueError(
            f"{len(labels)} images of {classes} with {holdout=} and {len(penalties)} penalties: "
            "nothing to tune"
        )
    penalties = [_checks.non_negative_number("penalties", penalty) for penalty in penalties]
    n_classes = int(labels.max()) + 1
    with np.errstate(over="ignore"):
        mean, std = features.mean(0), features.std(0)
    if not np.isfinite(std).all():
        raise ValueError("features are too large: their deviations are not finite")
    # A feature that varies by rounding alone is none.
    varies = std > 1e-12 * np.abs(features).max(0)
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=varies)
    x, test = (features - mean) * scale, (test_features - mean) * scale
    order = generator_of(rng).permutation(len(labels))
    held, fitted = order[:n_held], order[n_held:]
    weights: FloatArray = np.zeros((x.shape[1] + 1, n_classes))
    right = []
    for penalty in penalties:  # each starts where the one before ended
        weights = _fit(x[fitted], labels[fitted], penalty, weights)
        right.append(_accuracy(x[held], labels[held], weights))
    best = penalties[int(np.argmax(right))]
    weights = _fit(x, labels, best, np.zeros_like(weights))
    accuracy = _accuracy(test, test_labels, weights)
    stderr = float(np.sqrt(accuracy * (1 - accuracy) / len(test_labels)))
    return ProbeResult(accuracy, stderr, best, x.shape[1], len(labels), len(test_labels))


def _matrix(name: str, values: FloatArray) -> FloatArray:
    array = real_numbers(name, values)
    if array.ndim != 2:
        raise ValueError(f"{name} of shape {array.shape} are not (n, n_features)")
    return array


def _fit(x: FloatArray, labels: Labels, penalty: float, start: FloatArray) -> FloatArray:
    one_hot = np.eye(start.shape[1])[labels]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(start.shape)
        scores = x @ weights[:-1] + weights[-1]
        log_p = scores - scipy.special.logsumexp(scores, axis=1, keepdims=True)
        excess = (np.exp(log_p) - one_hot) / len(x)
        slope = np.vstack([x.T @ excess + penalty * weights[:-1], excess.sum(0)])
        value = -np.sum(one_hot * log_p) / len(x) + penalty / 2 * np.sum(weights[:-1] ** 2)
        return float(value), slope.ravel()

    found = scipy.optimize.minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300}
    )
    return np.asarray(found.x).reshape(start.shape)


def _accuracy(x: FloatArray, labels: Labels, weights: FloatArray) -> float:
    return float(np.mean(np.argmax(x @ weights[:-1] + weights[-1], axis=1) == labels))
