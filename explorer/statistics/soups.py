"""Greedy soup (Wortsman et al. 2022): the models of a pool added one by one to a mean while validation gets no worse.

What is decided depends on validation scores alone, so a walk can be gone through as often as wanted, as far as scores
are known; what it lacks it names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from explorer.errors import InputError
from explorer.statistics.readings import Difference, Reading, barrier, paired
from explorer.types import Point, Score

By = Literal["loss", "accuracy"]
BYS: tuple[str, ...] = get_args(By)
INNER = (0.25, 0.5, 0.75)
"""The α at which the line between the soup and a model that was left out is measured."""


@dataclass(frozen=True, eq=False)
class Step:
    """A model's turn: `model` is its number in the pool, `score` that of the mean with it, `before` of the soup so far.

    `change` is their difference of loss. The first model is the soup's beginning: its `before` and `change` are None.
    """

    model: int
    point: Point
    score: Score
    before: Score | None
    taken: bool
    change: Difference | None


@dataclass(frozen=True, eq=False)
class Walk:
    """How far a soup has come: `steps` in order, `missing` the Points whose scores are needed next.

    `order` are the models' numbers, best first, once all have scores; `soup` is the mean of those taken, None before.
    `barriers` are by model, of those left out, from the finished soup (α = 0) to the model (α = 1).
    """

    order: tuple[int, ...]
    steps: tuple[Step, ...]
    soup: Point | None
    missing: tuple[Point, ...]
    barriers: Mapping[int, Reading]

    @property
    def taken(self) -> list[int]:
        return [s.model for s in self.steps if s.taken]

    @property
    def done(self) -> bool:
        """Whether all is decided; barriers may still be missing."""
        return bool(self.order) and len(self.steps) == len(self.order)


def mean(points: Sequence[Point]) -> Point:
    """The mean of Points of one base."""
    total: dict[str, list[float]] = {}
    for point in points:
        for term, coefficient in point.terms:
            total.setdefault(term, []).append(coefficient)
    return Point.of(points[0].base, {term: math.fsum(some) / len(points) for term, some in total.items()})


def walk(points: Sequence[Point], known: Mapping[str, Score], by: By) -> Walk:
    """The soup of k Points as far as `known` validation scores, by Point, say; InputError for fewer than two."""
    check(points)
    if absent := tuple(p for p in points if p.hash not in known):
        return Walk((), (), None, absent, {})
    single = [known[p.hash] for p in points]
    order = tuple(sorted(range(len(points)), key=lambda i: (_badness(single[i], by), single[i].loss)))
    steps = [Step(order[0], points[order[0]], single[order[0]], None, True, None)]
    taken, soup, now = [order[0]], points[order[0]], single[order[0]]
    for i in order[1:]:
        candidate = mean([*(points[k] for k in taken), points[i]])
        if candidate.hash not in known:
            return Walk(order, tuple(steps), soup, (candidate,), {})
        score = known[candidate.hash]
        better = _badness(score, by) <= _badness(now, by)
        steps.append(Step(i, candidate, score, now, better, paired(score, now)))
        if better:
            taken, soup, now = [*taken, i], candidate, score
    found, absent = _barriers(points, [i for i in order if i not in taken], soup, known)
    return Walk(order, tuple(steps), soup, absent, found)


def check(points: Sequence[Point]) -> None:
    """InputError for Points that make no soup."""
    if len(points) < 2:
        raise InputError(f"{len(points)} models make no soup; give at least two.")
    if len({p.hash for p in points}) < len(points):
        raise InputError("the soup names a model twice.")
    if len({p.base for p in points}) > 1:
        raise InputError("the models have different bases; a soup is of models of one base.")


def _badness(score: Score, by: By) -> float:
    return score.loss if by == "loss" else -score.accuracy


def _barriers(points: Sequence[Point], left: Sequence[int], soup: Point,
              known: Mapping[str, Score]) -> tuple[dict[int, Reading], tuple[Point, ...]]:
    """The barriers that are known, and the Points that the others need."""
    found: dict[int, Reading] = {}
    absent: dict[Point, None] = {}
    for i in left:
        line = [soup, *(soup.moved(points[i], a) for a in INNER), points[i]]
        scores = [known.get(p.hash) for p in line]
        if all(scores) and (reading := barrier((0.0, *INNER, 1.0), scores)) is not None:
            found[i] = reading
        absent |= {p: None for p, s in zip(line, scores, strict=True) if s is None}
    return found, tuple(absent)
