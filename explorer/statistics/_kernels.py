"""The covariance of a Gaussian process over weight space: Matérn 5/2, a trend in the norm, and sampling noise.

`fit_covariance` is the only place that imports scikit-learn, which chooses the four constants by marginal likelihood
(Rasmussen & Williams 2006, section 5.4.1); `covariance_of` repeats the kernel in numpy, so that a prediction needs no
import.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

AMPLITUDE = (1.0, 1e2)
LENGTH = (0.05, 50.0)
SHARE = (1e-3, 4.0)
TREND = (1e-4, 1e1)
"""Bounds of the constants: amplitude and trend in variances of the target, length in median distances.

The amplitude is at least the variance seen: scores of a few alike models say little of what the others do.
"""


@dataclass(frozen=True)
class Covariance:
    """The constants: variance of the function, length over which it changes, variance of its slope in the norm.

    `share` is the part of the sampling variance that is noise between scores of the same texts.
    """

    amplitude: float
    length: float
    trend: float
    share: float


def covariance_of(c: Covariance, squares: np.ndarray, norms: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Covariance (m, n) of places at squared distances (m, n) with norms (m,) and (n,), in median distances.

    amplitude (1 + r + r²/3) exp(−r) + trend · norm · other, with r = √5 distance / length.
    """
    r = np.sqrt(5.0 * np.maximum(squares, 0.0)) / c.length
    return np.asarray(c.amplitude * (1.0 + r + r * r / 3.0) * np.exp(-r) + c.trend * np.outer(norms, others))


def fit_covariance(features: np.ndarray, norms: np.ndarray, target: np.ndarray, noise: np.ndarray,
                   seed: int) -> Covariance:
    """The constants of highest marginal likelihood for features (n, r), norms, target and noise variances (n,).

    Two starts of L-BFGS, the second drawn with `seed`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    kernel = (ConstantKernel(1.0, AMPLITUDE) * Matern(1.0, LENGTH, nu=2.5)
              + _given(np.outer(norms, norms), 0.1, TREND) + _given(np.diag(noise), 0.1, SHARE))
    with warnings.catch_warnings():
        # a constant that ends on its bound is an answer: data without noise, without trend, or without structure
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel, alpha=1e-8, n_restarts_optimizer=1, random_state=seed)
        model.fit(features, target)
    smooth, trend, share = model.kernel_.k1.k1, model.kernel_.k1.k2, model.kernel_.k2
    return Covariance(float(smooth.k1.constant_value), float(smooth.k2.length_scale), float(trend.scale),
                      float(share.scale))


def _given(matrix: np.ndarray, scale: float, bounds: tuple[float, float]) -> Any:
    """A scikit-learn kernel for fitting only: scale · matrix (n, n) on the training points, scale to be found."""
    from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

    class Given(Kernel):
        def __init__(self, matrix: np.ndarray, scale: float, scale_bounds: tuple[float, float]) -> None:
            self.matrix, self.scale, self.scale_bounds = matrix, scale, scale_bounds

        @property
        def hyperparameter_scale(self) -> Any:
            return Hyperparameter("scale", "numeric", self.scale_bounds)

        def __call__(self, x: np.ndarray, y: np.ndarray | None = None, eval_gradient: bool = False) -> Any:
            if y is not None or len(x) != len(self.matrix):
                raise ValueError("this kernel is known on the points it was made for.")
            value = self.scale * self.matrix
            # the gradient is with respect to log scale
            return (value, value[:, :, None]) if eval_gradient else value

        def diag(self, x: np.ndarray) -> np.ndarray:
            return np.asarray(self.scale * np.diag(self.matrix))

        def is_stationary(self) -> bool:
            return False

    return Given(matrix, scale, bounds)
