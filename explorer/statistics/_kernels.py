"""The covariance of a Gaussian process over weight space: Matérn 5/2 plus noise in proportion to sampling error.

`fit_covariance` is the only place that imports scikit-learn, which chooses the three constants by marginal likelihood
(Rasmussen & Williams 2006, section 5.4.1); `matern` repeats the kernel in numpy, so that a prediction needs no import.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

AMPLITUDE = (1e-2, 1e2)
LENGTH = (0.05, 50.0)
SHARE = (1e-3, 4.0)
"""Bounds of the constants; amplitude in variances of the target, length in median distances."""


@dataclass(frozen=True)
class Covariance:
    """Variance of the function, length over which it changes, and the share of the sampling variance that is noise."""

    amplitude: float
    length: float
    share: float


def matern(covariance: Covariance, squares: np.ndarray) -> np.ndarray:
    """amplitude (1 + r + r²/3) exp(−r), r = √5 distance / length, of squared distances; same shape."""
    r = np.sqrt(5.0 * np.maximum(squares, 0.0)) / covariance.length
    return covariance.amplitude * (1.0 + r + r * r / 3.0) * np.exp(-r)


def fit_covariance(features: np.ndarray, target: np.ndarray, noise: np.ndarray, seed: int) -> Covariance:
    """The constants of highest marginal likelihood for features (n, r), target (n,) and noise variances (n,).

    Two starts of L-BFGS, the second drawn with `seed`.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    kernel = ConstantKernel(1.0, AMPLITUDE) * Matern(1.0, LENGTH, nu=2.5) + _sampling_noise(noise)
    with warnings.catch_warnings():
        # a constant that ends on its bound is an answer: data without noise, or without any structure
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = GaussianProcessRegressor(kernel, alpha=1e-8, n_restarts_optimizer=1, random_state=seed)
        model.fit(features, target)
    product, sampling = model.kernel_.k1, model.kernel_.k2
    return Covariance(float(product.k1.constant_value), float(product.k2.length_scale), float(sampling.share))


def _sampling_noise(variances: np.ndarray) -> Any:
    """A scikit-learn kernel: share · diag(variances) on the training points and nothing between others."""
    from sklearn.gaussian_process.kernels import Hyperparameter, Kernel, StationaryKernelMixin

    class SamplingNoise(StationaryKernelMixin, Kernel):
        def __init__(self, variances: np.ndarray, share: float = 0.1,
                     share_bounds: tuple[float, float] = SHARE) -> None:
            self.variances, self.share, self.share_bounds = variances, share, share_bounds

        @property
        def hyperparameter_share(self) -> Any:
            return Hyperparameter("share", "numeric", self.share_bounds)

        def __call__(self, x: np.ndarray, y: np.ndarray | None = None, eval_gradient: bool = False) -> Any:
            if y is not None:
                return np.zeros((len(x), len(y)))
            value = self.share * np.diag(self.variances)
            # the gradient is with respect to log share
            return (value, value[:, :, None]) if eval_gradient else value

        def diag(self, x: np.ndarray) -> np.ndarray:
            return np.full(len(x), self.share * self.variances.mean())

    return SamplingNoise(variances)
