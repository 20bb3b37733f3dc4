"""Regions: models that share a trait (In), Points inside their hull (In′), models without it (Ex), and their losses.

Covers which models take part, what is to be measured, P_B between the three groups, their loss by the hull's dimension
and by distance from In's centroid. Draws, shares and intervals are for `paths.hull` and `statistics.regions` to say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np

from explorer.errors import InputError, UnknownNameError
from explorer.evaluation.work import Ask
from explorer.paths.hull import distances_from, hull_points
from explorer.paths.mixture import uniform
from explorer.paths.walks import random_models
from explorer.statistics import averages
from explorer.statistics.regions import Region, Share, mean_share, region
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task
from explorer.workflows.lines import attempt
from explorer.workflows.naming import checkpoint_point, main_base
from explorer.workflows.opening import Workspace

Level = Literal["dataset", "task", "general"]
LEVELS: tuple[Level, ...] = ("dataset", "task", "general")
Random = Literal["whole", "groups"]

FEWEST_RANDOM = 20
"""On the general level Ex has as many random directions as In has models, and at least so many."""
FACES = 8
"""Samples of every dimension of the hull between 0 and the highest."""
_SEEDS = 100_000
_NAMES: Mapping[Level, str] = {"dataset": "data set", "task": "task", "general": "general level"}


@dataclass(frozen=True)
class Members:
    """Points of one group with their names; `datasets` are drawn together by the bootstrap (None: single Points)."""

    points: tuple[Point, ...]
    names: tuple[str, ...]
    datasets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Groups:
    """In, In′ and Ex of a trait, to be measured on one task; base is an id, `trait` is "" on the general level.

    `limited` of In's models were trained on fewer texts than others of their data set. `concentration` and `seed` are
    those of In′.
    """

    base: str
    level: Level
    trait: str
    task: Task
    inside: Members
    in_prime: Members
    outside: Members
    limited: int = 0
    concentration: float = 1.0
    seed: int = 0

    @property
    def centroid(self) -> Point:
        """The mean of In's models."""
        return Point.of(self.base, uniform([p.terms[0][0] for p in self.inside.points]))

    @property
    def said(self) -> str:
        """What In's models share, in words."""
        return {"dataset": f"models trained on {self.trait}", "task": f"models of task {self.trait}",
                "general": "all models"}[self.level]


@dataclass(frozen=True, eq=False)
class RegionScores:
    """Scores of the three groups in their order, None where there is none yet; and what is read off them.

    A Point at which the model overflows has a Score of infinite loss, of no text, and a reason by its hash. `base` is
    the base's own score.
    """

    groups: Groups
    probe: Probe
    inside: tuple[Score | None, ...]
    in_prime: tuple[Score | None, ...]
    outside: tuple[Score | None, ...]
    base: Score | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(s is None for s in (*self.inside, *self.in_prime, *self.outside))

    @cached_property
    def region(self) -> Region | None:
        """P_B between them; None until In and Ex are complete and one Point of In′ is measured."""
        inside, hull, outside = ([s for s in side if s] for side in (self.inside, self.in_prime, self.outside))
        if len(inside) < len(self.inside) or len(outside) < len(self.outside) or not hull:
            return None
        return region(inside, hull, outside, clusters=(self.groups.inside.datasets, self.groups.outside.datasets))


@dataclass(frozen=True)
class Mean:
    """P_B as the mean over k regions, or over k tasks that one region was measured on; `over` names them."""

    region: Region
    over: tuple[str, ...]


@dataclass(frozen=True)
class Face:
    """Loss of Points inside faces of one dimension of the hull; `mean` is None until one is measured."""

    dimension: int
    points: tuple[Point, ...]
    scores: tuple[Score | None, ...]
    mean: averages.Average | None


def groups(ws: Workspace, task: Task, level: Level = "dataset", trait: str | None = None, *, base: str | None = None,
           samples: int = 20, concentration: float = 1.0, seed: int = 0, leave_out: bool = False,
           random: Random = "whole", ids: Collection[str] | None = None) -> Groups:
    """In, In′ and Ex of a base's models (by name or id; None: the main base), to be measured on `task`.

    `trait` is a data set or a task; None: the task's own name, or its family. Models of which the trait is not known
    are in neither group; all training sizes take part. On the general level In is every model, and Ex are random
    directions as long as the models' mean ("whole"), or as they are in every parameter group ("groups").
    `leave_out`: without models trained on the task's own data set. `ids`: of these checkpoints alone. InputError, in
    one line, for a trait nobody has, fewer than two models in In, none in Ex, or settings out of their limits.
    """
    chosen = _base(ws, base)
    _check(level, trait, random, seed)
    models = [c for c in ws.catalog.checkpoints(chosen.id) if ids is None or c.id in ids]
    value = _column(level)
    trait = _trait(models, chosen, task, level, trait)
    inside = [c for c in models if level == "general" or value(c) == trait]
    outside = [c for c in models if level != "general" and value(c) not in (None, trait)]
    if leave_out:
        inside, outside = ([c for c in side if c.dataset != task.name] for side in (inside, outside))
    if len(inside) < 2 or (level != "general" and not outside):
        raise InputError(_too_few(inside, chosen, level, trait, task if leave_out else None))
    ids = [c.id for c in inside]
    hull = tuple(hull_points(chosen.id, ids, samples, concentration, seed))
    within = Members(hull, tuple(f"In′ {i}" for i in range(1, len(hull) + 1)))
    if level == "general":
        gram = ws.catalog.gram(chosen.id).subset(ids)
        drawn = random_models(gram, chosen.id, max(FEWEST_RANDOM, len(ids)), seed=seed * _SEEDS, by=random)
        others = Members(tuple(drawn), tuple(f"random direction {i}" for i in range(1, len(drawn) + 1)))
    else:
        others = _members(outside, level="task")
    return Groups(chosen.id, level, trait, task, _members(inside, level=level), within, others,
                  len(set(ids) - {c.id for c in full_size(models)}), concentration, seed)


def traits(ws: Workspace, level: Level, base: str | None = None) -> dict[str, int]:
    """Traits that models of a base have, and how many models have each; none on the general level."""
    if level == "general":
        return {}
    value, counts = _column(level), dict[str, int]()
    for checkpoint in ws.catalog.checkpoints(_base(ws, base).id):
        if (found := value(checkpoint)) is not None:
            counts[found] = counts.get(found, 0) + 1
    return dict(sorted(counts.items()))


def full_size(models: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The models trained on as many texts as any of their base and data set; of unknown size ones, all."""
    most: dict[tuple[str, str | None], int] = {}
    for c in models:
        most[c.base, c.dataset] = max(most.get((c.base, c.dataset), 0), c.train_size or 0)
    return [c for c in models if c.train_size is None or c.train_size == most[c.base, c.dataset]]


def asks(groups: Groups, probe: Probe) -> list[Ask]:
    """What is to be measured: In, Ex, In′ and, after all of them, the base; each once.

    InputError for the models' own heads: models of other data sets have none for this task.
    """
    if probe.head == "end-to-end":
        raise InputError("regions can't be measured with the heads the models were trained with, of which models "
                         "without the trait have none for this task: choose the refitted head or the language model's.")
    every = [*groups.inside.points, *groups.outside.points, *groups.in_prime.points, Point.of(groups.base)]
    return [Ask(point, groups.task, probe) for point in dict.fromkeys(every)]


def known(ws: Workspace, groups: Groups, probe: Probe, lost: Mapping[str, str] | None = None) -> RegionScores:
    """What is stored of them; `lost` says, by a Point's hash, why it has no loss."""
    lost = lost or {}
    sides = (groups.inside, groups.in_prime, groups.outside)
    points = [p for side in sides for p in side.points]
    *found, base = ws.catalog.scores([*points, Point.of(groups.base)], groups.task, probe)
    scores = [_overflowed(p, groups.task, probe) if s is None and p.hash in lost else s
              for p, s in zip(points, found, strict=True)]
    ends = np.cumsum([0, *(len(side.points) for side in sides)])
    inside, in_prime, outside = (tuple(scores[a:b]) for a, b in pairwise(ends))
    return RegionScores(groups, probe, inside, in_prime, outside, base,
                        {p.hash: lost[p.hash] for p in points if p.hash in lost})


def measured(ws: Workspace, groups: Groups, probe: Probe) -> RegionScores:
    """All of them, measured to the end. A model that overflows counts as of infinite loss, and its reason is told."""
    title = f"In, In′ and Ex of {groups.said} on {groups.task.name}"
    lost = attempt(ws, asks(groups, probe), title)
    return known(ws, groups, probe, {ask.point.hash: reason for ask, reason in lost.items()})


def average(found: Sequence[RegionScores]) -> Mean:
    """Mean P_B over several regions, or over several tasks that one region was measured on, with an interval.

    See `mean_share` for the interval. InputError for none, one that is not measured yet, or several ways of measuring.
    """
    if len({scores.probe for scores in found}) > 1:
        raise InputError("the regions are measured in several ways; take those of one.")
    regions = [scores.region for scores in found if scores.region is not None]
    if len(regions) < len(found) or not found:
        raise InputError(f"{len(regions)} of {len(found)} regions are measured: a mean needs one at least, and all.")
    models = [p for scores in found for p in scores.groups.inside.points]
    together = len(set(models)) < len(models)

    def mean(pick: Callable[[Region], Share]) -> Share:
        return mean_share([pick(r) for r in regions], together=together)

    whole = Region(mean(lambda r: r.in_ex), mean(lambda r: r.in_prime_ex), mean(lambda r: r.in_prime_in))
    tasks = [scores.groups.task.name for scores in found]
    return Mean(whole, tuple(tasks))


def faces(groups: Groups, count: int = FACES, most: int = 6) -> dict[int, tuple[Point, ...]]:
    """Points by dimension of the face they are drawn in: 0 the models, then `count` draws each, the highest In′.

    At most `most` dimensions, spread from 0 to the number of models − 1 as powers are.
    """
    top = len(groups.inside.points) - 1
    between = np.unique(np.geomspace(1, max(top, 1), max(most - 1, 1)).round().astype(int))
    ids = [p.terms[0][0] for p in groups.inside.points]
    drawn = {int(k): tuple(hull_points(groups.base, ids, count, groups.concentration, groups.seed, int(k)))
             for k in between if k < top}
    return {0: groups.inside.points, **drawn, top: groups.in_prime.points}


def face_asks(groups: Groups, probe: Probe, drawn: Mapping[int, Sequence[Point]]) -> list[Ask]:
    """What `by_dimension` needs measured, from the lowest dimension to the highest."""
    return [Ask(p, groups.task, probe) for p in dict.fromkeys(p for k in sorted(drawn) for p in drawn[k])]


def by_dimension(ws: Workspace, groups: Groups, probe: Probe, drawn: Mapping[int, Sequence[Point]] | None = None,
                 ) -> list[Face]:
    """Stored losses by dimension, lowest first, with their mean; its interval is of further draws from this hull."""
    found = []
    for dimension, points in sorted((faces(groups) if drawn is None else drawn).items()):
        scores = tuple(ws.catalog.scores(points, groups.task, probe))
        losses = [s.loss for s in scores if s is not None and math.isfinite(s.loss)]
        found.append(Face(dimension, tuple(points), scores, averages.mean(losses) if losses else None))
    return found


def distances(ws: Workspace, groups: Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance in weight space of In, In′ and Ex from In's centroid, each (n,), from the Gram alone."""
    gram, centroid = ws.catalog.gram(groups.base), groups.centroid
    sides = (groups.inside.points, groups.in_prime.points)
    inside, in_prime = (distances_from(gram, points, centroid) for points in sides)
    if groups.level != "general":
        return inside, in_prime, distances_from(gram, groups.outside.points, centroid)
    # A random direction is 1 long on what it touches, and at right angles to the models but for 1 / √d.
    lengths = [math.sqrt(math.fsum(c * c for _, c in p.terms)) for p in groups.outside.points]
    return inside, in_prime, np.hypot(lengths, math.sqrt(max(gram.inner(centroid)[1], 0.0)))


def _base(ws: Workspace, base: str | None) -> Base:
    if base == "all":
        raise InputError("a region is of one base: task vectors of several have no common origin; name one of "
                         f"{', '.join(b.name for b in ws.catalog.bases())}.")
    return ws.catalog.base(base) if base else main_base(ws)


def _check(level: str, trait: str | None, random: str, seed: int) -> None:
    if level not in LEVELS:
        raise UnknownNameError("level", level, LEVELS)
    if level == "general" and trait:
        raise InputError(f"the general level takes all models and has no trait, but {trait!r} was given; leave it out.")
    if random not in ("whole", "groups"):
        raise UnknownNameError("kind of random directions", random, ("whole", "groups"))
    if not 0 <= seed < 2**31:
        raise InputError(f"the seed is {seed}; a whole number from 0 to {2**31 - 1} is needed.")


def _column(level: Level) -> Callable[[Checkpoint], str | None]:
    return (lambda c: c.dataset) if level == "dataset" else (lambda c: c.task)


def _trait(models: Iterable[Checkpoint], base: Base, task: Task, level: Level, trait: str | None) -> str:
    """The trait asked for, or the task's own; InputError if no model has it."""
    if level == "general":
        return ""
    value, what = _column(level), _NAMES[level]
    traits = sorted({v for c in models if (v := value(c)) is not None})
    if trait is not None:
        if trait not in traits:
            raise UnknownNameError(f"{what} of {base.name!r}'s models", trait, traits)
        return trait
    own = task.name if level == "dataset" else task.family
    if own in traits:
        return str(own)
    said = f"no model of {base.name!r} is of {what} {own!r}" if own else f"the {what} of {task.name!r} is not known"
    raise InputError(f"{said}: say whose region it shall be; known: {', '.join(traits) or 'none'}.")


def _too_few(inside: Sequence[Checkpoint], base: Base, level: Level, trait: str, left: Task | None) -> str:
    shared = "in all" if level == "general" else f"of {_NAMES[level]} {trait!r}"
    without = f" (those trained on {left.name} left out)" if left else ""
    if len(inside) < 2:
        count = {0: "no model", 1: "1 model"}[len(inside)]
        return f"{base.name!r} has {count} {shared}{without}; In needs at least 2: choose another, or import more."
    return (f"{base.name!r} has no model that is not {shared}{without}; Ex needs at least 1: import models of another, "
            "or take the general level.")


def _members(models: Sequence[Checkpoint], *, level: Level) -> Members:
    """Models as a group; above the level of data sets those of one data set are drawn together."""
    datasets = tuple(c.dataset or c.id for c in models)
    nested = level == "task" or level == "general"
    return Members(tuple(checkpoint_point(c) for c in models), tuple(c.name for c in models),
                   datasets if nested and len(set(datasets)) > 1 else None)


def _overflowed(point: Point, task: Task, probe: Probe) -> Score:
    return Score(point.hash, task.digest, probe.key, math.inf, math.nan, math.nan, 0, "", 0.0)
