"""Numbers read off a loss curve: its minimum and its barrier, with standard errors.

Where the single examples' losses were kept, errors are paired over the test texts; otherwise the ends are taken as
independent. Which α is the largest or smallest is chosen from the same texts, so both readings are a little optimistic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.types import Score


@dataclass(frozen=True)
class Reading:
    """A value in nats, its standard error and the α it was read at."""

    value: float
    stderr: float
    alpha: float


def minimum(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """The lowest loss of those there are; None if there are none."""
    known = [(s.loss, s.stderr, a) for a, s in zip(alphas, scores, strict=True) if s is not None]
    return Reading(*min(known)) if known else None


def barrier(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """Highest loss for α in [0, 1], ends included, minus the mean of both ends (Frankle et al. 2020): never negative.

    None until both ends have scores.
    """
    known = {a: s for a, s in zip(alphas, scores, strict=True) if s is not None and 0 <= a <= 1}
    if 0 not in known or 1 not in known:
        return None
    top = max(known, key=lambda a: known[a].loss)
    weights = {0.0: -0.5, 1.0: -0.5}
    weights[top] = weights.get(top, 0.0) + 1.0
    terms = [(weight, known[alpha]) for alpha, weight in weights.items()]
    return Reading(sum(weight * score.loss for weight, score in terms), _stderr(terms), top)


def _stderr(terms: Sequence[tuple[float, Score]]) -> float:
    """Standard error of Σ wᵢ lossᵢ."""
    sizes = {len(score.losses) for _, score in terms}
    if len(sizes) == 1 and min(sizes) > 1:
        single = sum(weight * score.losses.astype(np.float64) for weight, score in terms)
        return float(np.std(single, ddof=1) / math.sqrt(min(sizes)))
    return math.sqrt(sum((weight * score.stderr) ** 2 for weight, score in terms))
