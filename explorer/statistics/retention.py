"""Retention: how much of what a task's own model gained over the base another Point keeps, by paired losses.

1 is the own model's loss, 0 the base's; above 1 is better than the own model, below 0 worse than the base. Intervals
come from resampling the test texts, the same ones for all three scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from explorer.errors import InputError
from explorer.types import Score

DRAWS = 2000
UNSURE = 0.025
"""Share of resamplings without a gain of the own model from which on a ratio to that gain has no interval."""


@dataclass(frozen=True, eq=False)
class Retention:
    """A share of a gain with its 95 % interval (± ∞ where the texts do not bound it), and its resamplings (r,)."""

    value: float
    low: float
    high: float
    draws: np.ndarray = field(repr=False)


def retention(base: Score, own: Score, score: Score) -> Retention | None:
    """(loss_base − loss) / (loss_base − loss_own) on one task; None where the own model gained nothing.

    InputError for scores of several tasks, or measured in several ways.
    """
    if len({s.task for s in (base, own, score)}) > 1 or len({s.probe for s in (base, own, score)}) > 1:
        raise InputError("retention compares three scores on one task, measured in one way.")
    if not own.loss < base.loss or not np.isfinite(score.loss):
        return None
    value = (base.loss - score.loss) / (base.loss - own.loss)
    sizes = {len(s.losses) for s in (base, own, score)}
    if len(sizes) > 1 or min(sizes) < 2:
        return Retention(value, -np.inf, np.inf, np.full(DRAWS, value))
    kept, gained = (_counts(sizes.pop()) @ np.stack(
        [base.losses.astype(np.float64) - s.losses for s in (score, own)], axis=1)).T
    draws = np.divide(kept, gained, out=np.full(DRAWS, np.nan), where=gained > 0)
    return _summed(value, draws)


def mean(shares: Sequence[Retention]) -> Retention:
    """Mean over tasks, whose texts are resampled independently. InputError for none."""
    return _over(shares, np.mean)


def worst(shares: Sequence[Retention]) -> Retention:
    """The lowest of several tasks; its interval says how low the lowest is, whichever task that may be."""
    return _over(shares, np.min)


def _over(shares: Sequence[Retention], how: object) -> Retention:
    if not shares:
        raise InputError("no task has a retention: no own model that is better than the base is measured.")
    assert callable(how)
    # every task's resamplings in an order of their own, so that tasks of equal size are not resampled alike
    rows = [np.random.default_rng(i).permutation(s.draws) for i, s in enumerate(shares)]
    return _summed(float(how([s.value for s in shares])), np.asarray(how(np.stack(rows), axis=0)),
                   bounded=how is np.min or all(np.isfinite(s.low) for s in shares))


def _summed(value: float, draws: np.ndarray, bounded: bool = True) -> Retention:
    known = draws[np.isfinite(draws)]
    if not bounded or len(known) < (1 - UNSURE) * len(draws):
        return Retention(value, -np.inf, np.inf, draws)
    low, high = np.quantile(known, (0.025, 0.975))
    return Retention(value, float(low), float(high), draws)


@lru_cache(maxsize=8)
def _counts(n: int) -> np.ndarray:
    """How often each of n texts is drawn in each resampling, (r, n) float64."""
    return np.random.default_rng(n).multinomial(n, np.full(n, 1 / n), DRAWS).astype(np.float64)
