"""The fresh linear head of the generalized loss: multinomial logistic regression on frozen features.

Minimises mean cross-entropy + (l2 / 2) ‖W‖² over W (h, c) and bias (c,), in float64 on features standardised by the
train split. The problem is convex and solved to a tight tolerance from zero, so a head depends on nothing but its data.
Paper: φ = argmin l(f_{φ,ω}(x_train), y_train).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

# Past this many features the decomposition costs more than the steps it saves.
_DECOMPOSED = 512


def fit_head(features: np.ndarray, labels: np.ndarray, classes: int, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """(W (h, c), bias (c,)) fitted on features (b, h) float64 and labels (b,) int."""
    from scipy.optimize import minimize

    b, h = features.shape
    target = np.zeros((b, classes))
    target[np.arange(b), labels] = 1.0

    # the products are too small to share: threads would only wait for each other
    with _threads().limit(limits=1):
        axes, scale = _preconditioned(features, classes, l2)
        inputs = (features @ axes) * scale
        penalty = l2 * np.square(scale)[:, None]

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights, bias = flat[: h * classes].reshape(h, classes), flat[h * classes :]
            logp = log_softmax(inputs @ weights + bias)
            residual = (np.exp(logp) - target) / b
            shrunk = penalty * weights
            value = -(target * logp).sum() / b + 0.5 * (shrunk * weights).sum()
            return value, np.concatenate([(inputs.T @ residual + shrunk).ravel(), residual.sum(axis=0)])

        best = minimize(objective, np.zeros(h * classes + classes), jac=True, method="L-BFGS-B",
                        options={"maxiter": 2000, "maxfun": 4000, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-6})
        weights = axes @ (scale[:, None] * best.x[: h * classes].reshape(h, classes))
    return weights, best.x[h * classes :]


def _preconditioned(features: np.ndarray, classes: int, l2: float) -> tuple[np.ndarray, np.ndarray]:
    """(axes (h, h), scale (h,)) in which the objective curves about equally in all directions at zero.

    The Hessian there is XᵀX / (b c) + l2 up to the classes' common shift; without this the search takes up to five
    times the steps.
    """
    h = features.shape[1]
    if h > _DECOMPOSED:
        return np.eye(h), np.ones(h)
    spread, axes = np.linalg.eigh(features.T @ features / len(features))
    return axes, 1.0 / np.sqrt(np.maximum(spread, 0.0) / classes + max(l2, 1e-12))


def generalized_loss(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray,
                     classes: int, l2: float) -> tuple[np.ndarray, float]:
    """(cross-entropy of each test example in nats (b,), accuracy) of a head fitted on the train features.

    Features of any scale are allowed (a Point far outside has large ones): both splits are standardised by the train
    split's mean and deviation, constant features are left at zero.
    """
    centre, safe = _scales(train)
    train, test = (train - centre) / safe, (test - centre) / safe
    weights, bias = fit_head(train, train_labels, classes, l2)
    logp = log_softmax(test @ weights + bias)
    losses = -logp[np.arange(len(test_labels)), test_labels]
    return losses, float(np.mean(logp.argmax(axis=1) == test_labels))


def linear_head(train: np.ndarray, labels: np.ndarray, classes: int,
                l2: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(W (c, h), bias (c,), centre (h,)) of the head that `generalized_loss` fits: logits = W (x − centre) + bias for
    features x as they are."""
    centre, safe = _scales(train)
    weights, bias = fit_head((train - centre) / safe, labels, classes, l2)
    return (weights / safe[:, None]).T, bias, centre


def _scales(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (h,) of features, the latter infinite where they are constant."""
    centre, spread = train.mean(axis=0), train.std(axis=0)
    return centre, np.where(spread > 1e-12 * (1 + np.abs(centre)), spread, np.inf)


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise log-softmax of (b, c)."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
