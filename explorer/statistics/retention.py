"""What a model keeps, on each of several tasks, of what the task's own best model gained over the base.

Retention of a Point p on task t is (L_base − L_p) / (L_base − L_own): 1 as good as the task's own best model, 0 no
better than the base, negative worse than it. Losses are generalized losses on the same texts. Intervals are 95 %
percentile bootstraps over texts, which are drawn for p, the base and the own model together; the own model is the best
of several on these very texts, so retentions are a little low. Worst is the lowest of a Point's tasks, in every draw.

With accuracies the differences are turned round. Of them no single answers are kept, so each is drawn by itself from
its binomial distribution, as if measured on texts of its own, and intervals are wider than they need be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explorer import numbers
from explorer.errors import InputError
from explorer.types import Score

By = Literal["loss", "accuracy"]
BYS: tuple[str, ...] = get_args(By)
DRAWS = 2000
_CHUNK = 1 << 22


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Yardstick:
    """A task's ends: the base's score (retention 0) and that of its own best model (retention 1)."""

    base: Score
    own: Score


@dataclass(frozen=True)
class Standing:
    """A Point over all tasks: retention by task, as far as measured, their mean and lowest, and the task of that.

    `mean`, `worst`, `rank` and its interval are None while a task is missing. Rank 1 has the largest mean.
    """

    by_task: Mapping[str, Interval]
    mean: Interval | None
    worst: Interval | None
    worst_task: str | None
    rank: int | None
    ranks: tuple[int, int] | None


@dataclass(frozen=True)
class Board:
    """Standings in the order given; `dropped` says of each task that gives no retention why."""

    standings: tuple[Standing, ...]
    tasks: tuple[str, ...]
    dropped: Mapping[str, str]


def board(scores: Sequence[Mapping[str, Score]], yardsticks: Mapping[str, Yardstick], by: By = "loss", *,
          draws: int = DRAWS, seed: int = 0) -> Board:
    """The standing of each of k Points by its scores (by task's name).

    A task on which the own model's gain over the base is not surely above 0 has no retention and is dropped. InputError
    for scores whose single losses were not kept.
    """
    rng = np.random.default_rng(seed)
    drawn: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    dropped: dict[str, str] = {}
    for task, ends in yardsticks.items():
        every = [ends.base, ends.own, *(some.get(task) for some in scores)]
        values, single = _retentions(*(_losses(task, every, draws, rng) if by == "loss" else
                                       _errors(every, draws, rng)))
        if single is None:
            gain = (numbers.loss(ends.base.loss - ends.own.loss) if by == "loss" else
                    numbers.points(ends.own.accuracy - ends.base.accuracy))
            dropped[task] = f"its own best model gains {gain} over the base, which may be chance"
        else:
            drawn[task] = values, single
    tasks = tuple(drawn)
    whole = [bool(tasks) and all(t in some for t in tasks) for some in scores]
    means = np.array([np.mean([drawn[t][1][i] for t in tasks], axis=0) if ok else np.full(draws, np.nan)
                      for i, ok in enumerate(whole)]).reshape(len(scores), draws)
    middles = [float(np.mean([drawn[t][0][i] for t in tasks])) if ok else np.nan for i, ok in enumerate(whole)]
    return Board(tuple(_standing(i, scores[i], drawn, means, middles) for i in range(len(scores))), tasks, dropped)


def _losses(task: str, every: Sequence[Score | None], draws: int,
            rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean losses (k,) of scores on a task and of every draw of its texts (draws, k); NaN where there is no score."""
    n = next(len(s.losses) for s in every if s is not None)
    if not n or any(s is not None and len(s.losses) != n for s in every):
        raise InputError(f"the scores on {task} are not of the same single texts; measure them again.")
    losses = np.array([np.full(n, np.nan) if s is None else s.losses.astype(np.float64) for s in every])
    parts, most = [], max(1, _CHUNK // n)
    for lo in range(0, draws, most):
        counts = rng.multinomial(n, np.full(n, 1 / n), size=min(most, draws - lo))
        parts.append(counts @ losses.T / n)
    return losses.mean(axis=1), np.concatenate(parts)


def _errors(every: Sequence[Score | None], draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same of error rates, 1 − accuracy; one Point has one draw, however often it is named."""
    known: dict[str, np.ndarray] = {}
    for s in every:
        if s is not None and s.point not in known:
            known[s.point] = rng.binomial(s.n, min(max(1 - s.accuracy, 0.0), 1.0), draws) / s.n
    none = np.full(draws, np.nan)
    return (np.array([np.nan if s is None else 1 - s.accuracy for s in every]),
            np.stack([none if s is None else known[s.point] for s in every], axis=1))


def _retentions(middles: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Retentions (k,) and those of every draw (k, draws), of columns base, own, Points; None for the latter where the
    own gain may be chance."""
    gain, gains = middles[0] - middles[1], means[:, 0] - means[:, 1]
    if not (gain > 0 and np.percentile(gains, 2.5) > 0):
        return np.full(len(middles) - 2, np.nan), None
    safe = np.where(gains > 0, gains, np.nan)
    return (middles[0] - middles[2:]) / gain, ((means[:, :1] - means[:, 2:]) / safe[:, None]).T


def _standing(i: int, scores: Mapping[str, Score], drawn: Mapping[str, tuple[np.ndarray, np.ndarray]],
              means: np.ndarray, middles: Sequence[float]) -> Standing:
    by_task = {t: _interval(float(v[i]), d[i]) for t, (v, d) in drawn.items() if t in scores}
    if np.isnan(middles[i]):
        return Standing(by_task, None, None, None, None, None)
    lowest = min(by_task, key=lambda t: by_task[t].value)
    every = np.array([d[i] for _, d in drawn.values()])
    others = [k for k, m in enumerate(middles) if not np.isnan(m)]
    rank = 1 + sum(middles[k] > middles[i] for k in others)
    # equal means, as of one Point under two names, share the better rank
    above = (means[others] > means[i]).sum(axis=0) + 1
    low, high = np.percentile(above, (2.5, 97.5))
    return Standing(by_task, _interval(middles[i], means[i]), _interval(by_task[lowest].value, every.min(axis=0)),
                    lowest, rank, (int(np.floor(low)), int(np.ceil(high))))


def _interval(value: float, draws: np.ndarray) -> Interval:
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    return Interval(value, float(low), float(high))
