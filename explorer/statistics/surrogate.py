"""Loss where nothing was measured: a Gaussian process over weight space, fitted on every score of a task so far.

Two Points are as far apart as their task vectors are (exact, from the Gram) and as their norms differ, both in units of
the median distance of the Points measured; the kernel is Matérn 5/2 in that distance; the target is the log loss.

Scores of a task are of the same texts, so most of a standard error is common to all of them and no noise between them.
What is left is the sampling error of a score's difference from the mean score, example by example; the noise is a share
of its square, which the data choose. With whole standard errors as noise 97 % of held-out scores of the embedded zoo
lie in the 90 % interval, in intervals twice as wide; with this, 94 %. Where single examples are not known, the
standard errors stand in.

A prediction is of the loss that would be measured on the same texts. Far from all that was measured it returns to the
mean of the log losses, with an interval as wide as their spread. Errors hold for Points like those measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from explorer.errors import InputError
from explorer.statistics._kernels import Covariance, fit_covariance, matern
from explorer.types import Gram, Point, Score

Goal = Literal["lowest", "least known"]

LEAST = 8
"""Fewer Points do not say how fast a loss changes."""

QUANTILE = 1.6448536269514722
"""Half of a 90 % interval in standard deviations."""

_FITTED_ON = 200
_JITTER = 1e-8
_SMALLEST_LOSS = 1e-6


@dataclass(frozen=True, eq=False)
class Prediction:
    """Of m Points, in nats: median loss and the limits of the 90 % interval, each of shape (m,)."""

    loss: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Calibration:
    """Of n Points, each predicted from all others.

    `inside` is the share within their 90 % interval, `rank` Spearman's correlation of predicted and measured loss.
    """

    n: int
    inside: float
    rank: float


@dataclass(frozen=True)
class Proposal:
    """The candidate to measure next, where it is in the list, and what is expected of it in nats."""

    index: int
    point: Point
    loss: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A fitted process; made by `fit`.

    `ids` are the checkpoints of its Gram, `coefficients` (n, len(ids)) those of the n Points, `squares` (n,) their
    squared norms, `median` their median distance, `target` (n,) their log losses less `mean` over `scale`, `noise` (n,)
    the sampling variances of the target. `left_out` counts scores whose loss was no finite number.
    """

    points: tuple[Point, ...]
    ids: tuple[str, ...]
    coefficients: np.ndarray
    squares: np.ndarray
    median: float
    mean: float
    scale: float
    target: np.ndarray
    noise: np.ndarray
    covariance: Covariance
    matrix: np.ndarray
    left_out: int = 0

    @cached_property
    def lower(self) -> np.ndarray:
        """Inverse of the lower Cholesky factor of the covariance of the n scores, shape (n, n)."""
        from scipy.linalg import solve_triangular

        factor = np.linalg.cholesky(self.matrix)
        return np.asarray(solve_triangular(factor, np.eye(len(factor)), lower=True))

    @cached_property
    def weights(self) -> np.ndarray:
        """The covariance's inverse times the target, shape (n,)."""
        return np.asarray(self.lower.T @ (self.lower @ self.target))

    @property
    def further_noise(self) -> float:
        """Noise variance of a score that is still to be measured."""
        return self.covariance.share * float(self.noise.mean())

    def predict(self, gram: Gram, points: Sequence[Point]) -> Prediction:
        """Loss of m Points that use checkpoints of `gram` only; InputError for another base or another Gram."""
        if alien := [p for p in points if p.base != self.points[0].base]:
            raise InputError(f"{len(alien)} of the Points have another base than the Points this was fitted on.")
        known = (self.coefficients if gram.ids == self.ids
                 else np.array([p.coefficients(gram.ids) for p in self.points]))
        wanted = np.array([p.coefficients(gram.ids) for p in points]).reshape(len(points), len(gram.ids))
        rows = wanted @ gram.matrix
        return self.at(rows @ known.T, np.einsum("mi,mi->m", rows, wanted))

    def at(self, inner: np.ndarray, squares: np.ndarray) -> Prediction:
        """Loss of m places given by their inner products (m, n) with the Points and their squared norms (m,)."""
        near = matern(self.covariance, _distances(inner, squares, self.squares, self.median))
        spread = self.covariance.amplitude + self.further_noise - np.square(near @ self.lower.T).sum(axis=1)
        return self._nats(near @ self.weights, np.maximum(spread, _JITTER))

    def leave_one_out(self) -> Prediction:
        """Each of the n Points predicted from all others, the covariance's constants as fitted on all.

        Rasmussen & Williams 2006, eq. 5.12: mean yᵢ − [K⁻¹y]ᵢ / [K⁻¹]ᵢᵢ, variance 1 / [K⁻¹]ᵢᵢ. The target's mean and
        scale are those of all n too.
        """
        precision = np.square(self.lower).sum(axis=0)
        return self._nats(self.target - self.weights / precision, 1.0 / precision)

    def calibration(self) -> Calibration:
        """How far the intervals and the order of predictions can be trusted, by leaving out one Point at a time.

        The closed form keeps the constants fixed (see `leave_one_out`), and siblings of the one left out stay in: it
        speaks of Points like those measured, not of a cluster in which nothing was.
        """
        from scipy.stats import spearmanr

        out, measured = self.leave_one_out(), np.exp(self.mean + self.scale * self.target)
        inside = float(np.mean((out.low <= measured) & (measured <= out.high)))
        constant = np.ptp(measured) == 0 or np.ptp(out.loss) == 0
        return Calibration(len(measured), inside, 0.0 if constant else float(spearmanr(out.loss, measured).statistic))

    def _nats(self, mean: np.ndarray, variance: np.ndarray) -> Prediction:
        centre, half = self.mean + self.scale * mean, QUANTILE * self.scale * np.sqrt(variance)
        return Prediction(np.exp(centre), np.exp(centre - half), np.exp(centre + half))


def fit(gram: Gram, points: Sequence[Point], scores: Sequence[Score], seed: int = 0) -> Surrogate:
    """The process of n Points and their scores, all on one task, measured in one way.

    The covariance's constants are fitted on at most 200 of them, evenly taken; all are then conditioned on. InputError
    for fewer than 8 finite scores, several bases, several tasks or ways of measuring, or checkpoints without Gram row.
    """
    _check(points, scores)
    kept = [i for i, s in enumerate(scores) if np.isfinite(s.loss)]
    if len(kept) < LEAST:
        raise InputError(f"{len(kept)} Points have a score on this task; a prediction needs at least {LEAST}: evaluate "
                         "a path, or score the models.")
    chosen, measured = [points[i] for i in kept], [scores[i] for i in kept]
    coefficients = np.array([p.coefficients(gram.ids) for p in chosen])
    inner = coefficients @ gram.matrix @ coefficients.T
    squares = np.diag(inner).copy()
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * inner, 0.0))
    median = float(np.median(apart[np.triu_indices(len(chosen), 1)])) or 1.0
    logs = np.log([max(s.loss, _SMALLEST_LOSS) for s in measured])
    mean, scale = float(logs.mean()), float(logs.std()) or 1.0
    target, noise = (logs - mean) / scale, np.maximum(_sampling(measured) / scale**2, 1e-6)
    few = np.unique(np.linspace(0, len(chosen) - 1, min(len(chosen), _FITTED_ON)).round().astype(int))
    covariance = fit_covariance(_features(inner, median)[few], target[few], noise[few], seed)
    matrix = matern(covariance, _distances(inner, squares, squares, median))
    matrix[np.diag_indices_from(matrix)] += covariance.share * noise + _JITTER
    return Surrogate(tuple(chosen), gram.ids, coefficients, squares, median, mean, scale, target, noise, covariance,
                     matrix, len(points) - len(kept))


def propose(surrogate: Surrogate, gram: Gram, candidates: Sequence[Point], goal: Goal) -> Proposal:
    """The candidate to measure next; those that were measured already are passed over.

    "lowest": where the lower limit of the interval is lowest (where the loss may be lowest). "least known": where the
    interval is widest as a ratio of its limits. InputError if no candidate is left.
    """
    measured = {p.hash for p in surrogate.points}
    fresh = [i for i, p in enumerate(candidates) if p.hash not in measured]
    if not fresh:
        raise InputError("every candidate has a score already; select more models or a wider range.")
    found = surrogate.predict(gram, [candidates[i] for i in fresh])
    best = int(np.argmin(found.low) if goal == "lowest" else np.argmax(np.log(found.high) - np.log(found.low)))
    return Proposal(fresh[best], candidates[fresh[best]], float(found.loss[best]), float(found.low[best]),
                    float(found.high[best]))


def _check(points: Sequence[Point], scores: Sequence[Score]) -> None:
    if len(points) != len(scores):
        raise ValueError(f"{len(points)} Points but {len(scores)} scores.")
    if len({p.base for p in points}) > 1:
        raise InputError("the Points have different bases; a prediction is made on one base at a time.")
    if len({(s.task, s.probe) for s in scores}) > 1:
        raise InputError("the scores are of several tasks, or measured in several ways; take those of one.")


def _features(inner: np.ndarray, median: float) -> np.ndarray:
    """Coordinates (n, n + 1) whose squared distances are `_distances`: full-rank ones of the Points, and the norm."""
    values, vectors = np.linalg.eigh(inner)
    norms = np.sqrt(np.maximum(np.diag(inner), 0.0))
    return np.column_stack([vectors * np.sqrt(np.maximum(values, 0.0)), norms]) / median


def _distances(inner: np.ndarray, squares: np.ndarray, others: np.ndarray, median: float) -> np.ndarray:
    """Squared distances (m, n) in median distances, norms as one more feature, of inner products (m, n)."""
    squares, others = np.maximum(squares, 0.0), np.maximum(others, 0.0)
    apart = np.maximum(squares[:, None] + others - 2 * inner, 0.0)
    return np.asarray((apart + np.square(np.sqrt(squares)[:, None] - np.sqrt(others))) / median**2)


def _sampling(scores: Sequence[Score]) -> np.ndarray:
    """Sampling variance of each log loss less the mean's over the same texts, shape (n,)."""
    loss = np.maximum([s.loss for s in scores], _SMALLEST_LOSS)
    sizes = {len(s.losses) for s in scores}
    if len(sizes) == 1 and min(sizes) > 1:
        single = np.array([s.losses for s in scores], dtype=np.float64)
        errors = (single - single.mean(axis=0)).std(axis=1, ddof=1) / np.sqrt(single.shape[1])
    else:
        errors = np.array([s.stderr for s in scores], dtype=np.float64)
    relative = np.square(errors / loss)
    known = relative[np.isfinite(relative)]
    return np.where(np.isfinite(relative), relative, known.max(initial=0.0) or 1e-4)
