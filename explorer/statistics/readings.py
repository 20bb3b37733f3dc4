"""Numbers read off losses: a curve's minimum and barrier, differences between Points, means over tasks.

Every reading has a standard error and a 95 % interval. Where the single examples' losses were kept, errors are paired
over the test texts; otherwise the scores are taken as independent, and `paired` says so. Which α is the largest or
smallest is chosen from the same texts, so both of those readings are a little optimistic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.types import Score

NORMAL = 1.959963984540054
"""Half of a 95 % interval in standard errors."""


@dataclass(frozen=True)
class Reading:
    """A value in nats, its standard error and the α it was read at."""

    value: float
    stderr: float
    alpha: float
    paired: bool = True

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval in nats."""
        return self.value - NORMAL * self.stderr, self.value + NORMAL * self.stderr


@dataclass(frozen=True)
class Difference:
    """A difference of losses, or a mean of such, in nats. `paired` False: taken as if of different texts."""

    value: float
    stderr: float
    paired: bool

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval in nats."""
        return self.value - NORMAL * self.stderr, self.value + NORMAL * self.stderr


def minimum(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """The lowest loss of those there are; None if there are none that are finite numbers."""
    known = [(s.loss, s.stderr, a) for a, s in zip(alphas, scores, strict=True) if s and math.isfinite(s.loss)]
    return Reading(*min(known)) if known else None


def barrier(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """Highest loss for α in [0, 1], ends included, minus the mean of both ends (Frankle et al. 2020): never negative.

    None until both ends have scores.
    """
    known = {a: s for a, s in zip(alphas, scores, strict=True) if s is not None and 0 <= a <= 1}
    if 0 not in known or 1 not in known:
        return None
    top = max(known, key=lambda a: known[a].loss if not math.isnan(known[a].loss) else math.inf)
    weights = {0.0: -0.5, 1.0: -0.5}
    weights[top] = weights.get(top, 0.0) + 1.0
    found = combined([(weight, known[alpha]) for alpha, weight in weights.items()])
    return Reading(found.value, found.stderr, top, found.paired)


def height(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """The most by which the loss for α in [0, 1] is above the straight line between both ends' losses (Entezari et al.
    2022): never negative, and fair to ends that differ, where a barrier counts half of their difference.

    None until both ends have scores, or where one of them has no finite loss.
    """
    known = {a: s for a, s in zip(alphas, scores, strict=True) if s is not None and 0 <= a <= 1}
    if 0 not in known or 1 not in known or not all(math.isfinite(known[a].loss) for a in (0, 1)):
        return None
    above = {a: s.loss - (1 - a) * known[0].loss - a * known[1].loss for a, s in known.items()}
    top = max(above, key=lambda a: above[a] if not math.isnan(above[a]) else math.inf)
    if top in (0, 1):
        return Reading(0.0, 0.0, top)
    found = combined([(1.0, known[top]), (top - 1.0, known[0]), (-top, known[1])])
    return Reading(found.value, found.stderr, top, found.paired)


def gain(alphas: Sequence[float], scores: Sequence[Score | None]) -> Reading | None:
    """Lowest loss on the path minus the better end's: negative where the best lies elsewhere; None without both ends.

    The paper's question of Figs 3 and 10, whether the minimum is strictly inside.
    """
    known = {a: s for a, s in zip(alphas, scores, strict=True) if s is not None}
    lowest, better = minimum(alphas, scores), ends(alphas, scores)
    if lowest is None or better is None:
        return None
    found = paired(known[lowest.alpha], min(better, key=lambda s: s.loss))
    return Reading(found.value, found.stderr, lowest.alpha, found.paired)


def ends(alphas: Sequence[float], scores: Sequence[Score | None]) -> tuple[Score, Score] | None:
    """The scores at α = 0 and α = 1; None until both are there."""
    known = dict(zip(alphas, scores, strict=True))
    zero, one = known.get(0.0), known.get(1.0)
    return None if zero is None or one is None else (zero, one)


def paired(a: Score, b: Score) -> Difference:
    """Loss of a minus loss of b, with the standard error over the single texts where both were kept.

    ValueError for scores of two tasks: such a difference has no meaning.
    """
    if a.task != b.task:
        raise ValueError("the scores are of different tasks.")
    return combined([(1.0, a), (-1.0, b)])


def normalised(score: Score, base: Score) -> Difference:
    """Loss minus the base's on the same task: what tasks of different difficulty can be compared by."""
    return paired(score, base)


def mean_over_tasks(scores: Mapping[str, Score | None], bases: Mapping[str, Score | None] | None = None,
                    ) -> Difference | None:
    """Mean generalized loss over a set of tasks, by name; `bases`: each minus the base's on that task.

    Tasks have different texts, so errors are independent between them. It is the mean over these tasks, and says
    nothing of others. None until every task has its scores.
    """
    parts = []
    for task, score in scores.items():
        base = bases.get(task) if bases is not None else None
        if score is None or (bases is not None and base is None):
            return None
        parts.append(Difference(score.loss, score.stderr, True) if base is None else normalised(score, base))
    if not parts:
        return None
    error = math.sqrt(math.fsum(p.stderr**2 for p in parts)) / len(parts)
    return Difference(math.fsum(p.value for p in parts) / len(parts), error, all(p.paired for p in parts))


def combined(terms: Sequence[tuple[float, Score]]) -> Difference:
    """Σ wᵢ lossᵢ with its standard error."""
    terms = [(weight, score) for weight, score in terms if weight]
    value = sum(weight * score.loss for weight, score in terms)
    ways, sizes = {score.probe for _, score in terms}, {len(score.losses) for _, score in terms}
    if len(ways) == len(sizes) == 1 and min(sizes) > 1:
        with np.errstate(invalid="ignore"):  # of an overflow there is no error to speak of: NaN
            single = sum(weight * score.losses.astype(np.float64) for weight, score in terms)
            return Difference(value, float(np.std(single, ddof=1) / math.sqrt(min(sizes))), True)
    return Difference(value, math.sqrt(sum((weight * score.stderr) ** 2 for weight, score in terms)), False)
