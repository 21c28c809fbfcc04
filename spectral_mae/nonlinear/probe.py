"""How well classes can be read off features: a tuned linear classifier, on any features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.special
import torch
from numpy.typing import NDArray

from spectral_mae import _checks
from spectral_mae._checks import FloatArray
from spectral_mae.nonlinear.data import UInt8Array
from spectral_mae.nonlinear.model import ImageModel
from spectral_mae.nonlinear.training import EVALUATION_BATCH, to_tensor
from spectral_mae.sampling import Seed, generator_of

Labels = NDArray[np.int64]

PENALTIES = tuple(10.0 ** np.arange(2, -6, -1))


@dataclass(frozen=True)
class ProbeResult:
    """How a probe did on images it has not seen.

    Attributes
    ----------
    accuracy : float
        Fraction of the test images that are classified rightly.
    stderr : float
        Its standard error, √(a(1−a)/n), over the draw of the test images.
    penalty : float
        Chosen by images held out from the training ones.
    n_features, n_train, n_test : int
    """

    accuracy: float
    stderr: float
    penalty: float
    n_features: int
    n_train: int
    n_test: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return asdict(self)


def features_of(model: ImageModel, pixels: UInt8Array) -> FloatArray:
    """What a model makes of whole images, (n, n_features)."""
    place = model.pixel_mean.device
    parts = []
    with torch.no_grad():
        for first in range(0, len(pixels), EVALUATION_BATCH):
            images = to_tensor(pixels[first : first + EVALUATION_BATCH], place)
            images = images.to(model.pixel_mean.dtype)
            parts.append(model.features(images).double().cpu().numpy())
    return np.concatenate(parts)


def pixel_features(pixels: UInt8Array) -> FloatArray:
    """The pixels themselves, (n, n_features): the baseline."""
    return pixels.reshape(len(pixels), -1) / 255.0


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
    """Logistic regression on standardised features, its penalty chosen by images held out.

    Minimises the mean of −log p(label) plus penalty/2 times the squared weights, for each penalty
    on the training images but a share of them; the penalty that classifies most of that share is
    taken for a fit to all training images. The test images choose nothing.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or nothing to hold out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(200) % 2
    >>> x = rng.standard_normal((200, 3)) + 2 * labels[:, np.newaxis]
    >>> linear_probe(x[:100], labels[:100], x[100:], labels[100:]).accuracy > 0.9
    True
    """
    n_classes = int(labels.max()) + 1 if len(labels) else 0
    n_held = round(_checks.open_unit("holdout", holdout) * len(labels))
    penalties = [_checks.non_negative_number("penalty", penalty) for penalty in penalties]
    if n_classes < 2 or not 0 < n_held < len(labels) or not penalties:
        raise ValueError(
            f"{len(labels)} images of {n_classes} classes with {holdout=} and {len(penalties)} "
            "penalties: nothing to tune"
        )
    mean, std = features.mean(0), features.std(0)
    scale = np.divide(1.0, std, out=np.zeros_like(std), where=std > 1e-12)
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
