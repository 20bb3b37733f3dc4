"""A surrogate in the form a browser needs: predictions while a marker is dragged over mixtures of k models.

`Compact` holds plain arrays. A mixture is p = Σ wⱼ Δⱼ over k models (what its weights lack to 1 is on the base). With
n Points measured, the steps, which another language can repeat one by one, are

1. square = wᵀ Q w, norm = √max(0, square), inner = wᵀ S (n values)
2. apart = (max(0, square + squares − 2 inner) + (norm − norms)²) / median²
3. r = √(5 apart) / length, slope = min(norm / median, furthest)
4. near = amplitude (1 + r + r² / 3) exp(−r) + trend · slope · min(norms / median, furthest)
5. centre = mean + scale (near · weights)
6. prior = amplitude + trend · slope² + noise, variance = max(floor, prior − |lower near|²)
7. variance ← variance (1 + (doubt − 1) √min(1, variance / prior))
8. half = quantile · scale · √variance; loss exp(centre), interval exp(centre ± half)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.statistics.surrogate import FLOOR, FURTHEST, QUANTILE, Prediction, Surrogate
from explorer.types import Gram


@dataclass(frozen=True, eq=False)
class Compact:
    """Arrays of a surrogate over mixtures of the models `ids` (k); see the module for what is done with them.

    Q (k, k) inner products of the k task vectors; S (k, n) theirs with the n Points; squares and norms (n,) of the
    Points; weights (n,); lower (n, n), the inverse of the covariance's lower Cholesky factor, zero above the diagonal.
    """

    ids: tuple[str, ...]
    Q: np.ndarray
    S: np.ndarray
    squares: np.ndarray
    norms: np.ndarray
    weights: np.ndarray
    lower: np.ndarray
    median: float
    amplitude: float
    length: float
    trend: float
    noise: float
    doubt: float
    mean: float
    scale: float
    furthest: float = FURTHEST
    quantile: float = QUANTILE
    floor: float = FLOOR

    def predict(self, w: np.ndarray) -> Prediction:
        """Loss in nats of m mixtures, weights (m, k): the reference for any other implementation of the steps."""
        square = np.einsum("mi,ij,mj->m", w, self.Q, w)
        norm = np.sqrt(np.maximum(square, 0.0))
        apart = np.maximum(square[:, None] + self.squares - 2 * (w @ self.S), 0.0)
        apart = (apart + np.square(norm[:, None] - self.norms)) / self.median**2
        r, slope = np.sqrt(5 * apart) / self.length, np.minimum(norm / self.median, self.furthest)
        near = self.amplitude * (1 + r + r * r / 3) * np.exp(-r)
        near = near + self.trend * np.outer(slope, np.minimum(self.norms / self.median, self.furthest))
        centre = self.mean + self.scale * (near @ self.weights)
        prior = self.amplitude + self.trend * slope**2 + self.noise
        variance = np.maximum(prior - np.square(near @ self.lower.T.astype(np.float64)).sum(axis=1), self.floor)
        variance = variance * (1 + (self.doubt - 1) * np.sqrt(np.minimum(variance / prior, 1)))
        half = self.quantile * self.scale * np.sqrt(variance)
        return Prediction(np.exp(centre), np.exp(centre - half), np.exp(centre + half))


def compact(surrogate: Surrogate, gram: Gram, ids: Sequence[str], dtype: type = np.float32) -> Compact:
    """The surrogate over mixtures of the checkpoints `ids`; `dtype` is that of `lower`, the one large array.

    InputError if a checkpoint, or one that a measured Point uses, has no row in the Gram.
    """
    if missing := [i for i in ids if i not in set(gram.ids)]:
        raise InputError(f"no Gram row for {', '.join(missing[:5])}: run `gram` first.")
    rows = [gram.ids.index(i) for i in ids]
    known = np.array([p.coefficients(gram.ids) for p in surrogate.points])
    covariance = surrogate.covariance
    return Compact(tuple(ids), gram.matrix[np.ix_(rows, rows)], gram.matrix[rows] @ known.T, surrogate.squares,
                   np.sqrt(np.maximum(surrogate.squares, 0.0)), surrogate.weights, surrogate.lower.astype(dtype),
                   surrogate.median, covariance.amplitude, covariance.length, covariance.trend, surrogate.further_noise,
                   surrogate.doubt, surrogate.mean, surrogate.scale)
