"""What merges keep of their models' gains: the tasks of the models, the scores that are needed, and the shares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from explorer import registry
from explorer.errors import InputError, RecipeError
from explorer.evaluation.work import Ask
from explorer.merges._recipe import method
from explorer.paths.mixture import uniform
from explorer.statistics.retention import Board, Standing, Yardstick, board
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task
from explorer.workflows.merging import USUAL, merge_point
from explorer.workflows.naming import checkpoint_point
from explorer.workflows.opening import Workspace

METHODS = "explorer.merges"


@dataclass(frozen=True)
class Bench:
    """Models that are merged, and the tasks on which what comes of it is measured."""

    base: Base
    models: tuple[Checkpoint, ...]
    tasks: tuple[Task, ...]
    probe: Probe

    @property
    def origin(self) -> Point:
        return Point.of(self.base.id)

    @property
    def centroid(self) -> Point:
        """The plain mean of the models, which every method is to be compared with."""
        return Point.of(self.base.id, uniform([c.id for c in self.models]))

    def own(self, task: Task) -> list[Checkpoint]:
        """The merged models that were trained on a task."""
        return [c for c in self.models if c.dataset == task.name]

    def asks(self, points: Iterable[Point]) -> list[Ask]:
        """The scores that a look at Points needs: on every task the Points, the centroid, the base, own models."""
        points = list(points)
        wanted = [(p, t) for t in self.tasks
                  for p in (self.origin, *map(checkpoint_point, self.own(t)), self.centroid, *points)]
        return list(dict.fromkeys(Ask(p, t, self.probe) for p, t in wanted))


def bench(ws: Workspace, models: Sequence[Checkpoint], tasks: Sequence[Task] = (), probe: Probe | None = None) -> Bench:
    """Models of one base and the tasks they were trained on, or others; InputError where that is none."""
    if not models:
        raise InputError("no models to merge; give at least one.")
    if len({c.base for c in models}) > 1:
        raise RecipeError("the merged models have different bases; merge those of one base.")
    known = {t.name: t for t in ws.catalog.tasks()}
    found = list(tasks) or [known[d] for d in dict.fromkeys(c.dataset for c in models) if d in known]
    return Bench(ws.catalog.base(models[0].base), tuple(models), tuple(found), probe or Probe())


@dataclass(frozen=True, eq=False)
class Kept:
    """What stored scores say of some Points, in their order: scores by task, and of each task the base's and, of the
    best own model, name and score, as far as measured; `board` holds the retentions where a task has both."""

    scores: tuple[Mapping[str, Score], ...]
    bases: Mapping[str, Score]
    owns: Mapping[str, tuple[str, Score]]
    board: Board

    def standing(self, i: int) -> Standing:
        return self.board.standings[i]


def kept(ws: Workspace, bench: Bench, points: Sequence[Point]) -> Kept:
    """What Points keep of the gains of the tasks' own models."""
    scores: list[dict[str, Score]] = [{} for _ in points]
    bases, owns = {}, {}
    for task in bench.tasks:
        models = bench.own(task)
        base, *found = ws.catalog.scores([bench.origin, *map(checkpoint_point, models), *points], task, bench.probe)
        if base is not None:
            bases[task.name] = base
        known = [(s.loss, c.name, s) for c, s in zip(models, found, strict=False) if s and math.isfinite(s.loss)]
        if known and len(known) == len(models):
            owns[task.name] = min(known, key=lambda row: row[:2])[1:]
        for row, score in zip(scores, found[len(models):], strict=True):
            if score is not None and math.isfinite(score.loss):
                row[task.name] = score
    ends = {name: Yardstick(bases[name], own) for name, (_, own) in owns.items() if name in bases}
    return Kept(tuple(scores), bases, owns, board(scores, ends))


def by_method(ws: Workspace, bench: Bench) -> tuple[Mapping[str, Point], Mapping[str, str]]:
    """(the models merged by every method with its usual options, why the others can't), by method."""
    made, refused = {}, {}
    for name in registry.names(METHODS):
        try:
            made[name] = usual(ws, name, bench.models)
        except (InputError, RecipeError) as error:
            refused[name] = str(error)
    return made, refused


def usual(ws: Workspace, name: str, models: Sequence[Checkpoint]) -> Point:
    """Models of equal weight merged by a method with its usual options."""
    options = {key: value for key, value in USUAL.get(name, {}).items() if key in method(name).options}
    return merge_point(ws, name, {c.name: 1.0 for c in models}, options)
