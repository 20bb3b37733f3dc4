"""A leaderboard over a pool of Points: what each keeps, on several tasks, of what the tasks' own best models gained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from explorer.backends import Job
from explorer.errors import InputError, UnknownNameError
from explorer.evaluation.work import Ask
from explorer.paths.mixture import uniform
from explorer.statistics.retention import BYS, Board, By, Yardstick, board
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task
from explorer.workflows.merging import merge_point
from explorer.workflows.naming import checkpoint_point, describe, main_base, resolve
from explorer.workflows.opening import Workspace
from explorer.workflows.probing import measure, unscored
from explorer.workflows.regions import full_size

CENTROID = "centroid"


@dataclass(frozen=True, eq=False)
class Pool:
    """Points of one base with their names, the tasks, and each task's own models (`own`, by the task's name).

    `absent` says of every task that has no model of its own, and can't be a yardstick.
    """

    base: Base
    points: tuple[Point, ...]
    names: tuple[str, ...]
    tasks: tuple[Task, ...]
    own: dict[str, tuple[Checkpoint, ...]]
    probe: Probe
    absent: tuple[str, ...] = ()

    @property
    def asks(self) -> list[Ask]:
        """What is to be measured: task by task the base, the own models, then the pool."""
        made = [Ask(p, task, self.probe) for task in self.tasks
                for p in (Point.of(self.base.id), *map(checkpoint_point, self.own[task.name]), *self.points)]
        return list(dict.fromkeys(made))


@dataclass(frozen=True, eq=False)
class Standings:
    """What stored scores say: the board over tasks whose yardsticks are known, each task's own best model, the Points'
    scores by task, and how many scores are missing."""

    board: Board
    best: dict[str, Checkpoint]
    scores: tuple[dict[str, Score], ...]
    missing: int


def centroid(ws: Workspace, base: Base) -> Point:
    """The mean of all of a base's models, those trained on fewer texts than others of their data set left out."""
    return Point.of(base.id, uniform([c.id for c in full_size(ws.catalog.checkpoints(base.id))]))


def pool(ws: Workspace, names: Sequence[str], tasks: Iterable[Task], probe: Probe | None = None,
         merges: Sequence[str] = ()) -> Pool:
    """A pool of Points by name ("centroid" is the mean of all models), and of merges, by method, of its checkpoints.

    No names: the base, the centroid and every kept Point of the main base. Merges have their methods' default options
    and even weights. InputError where the Points have different bases or no task has a model of its own.
    """
    found = {name: centroid(ws, main_base(ws)) if name == CENTROID else resolve(ws, name) for name in names}
    if not names:
        base = main_base(ws)
        kept = {name: p for name, p in ws.catalog.points().items() if p.base == base.id}
        found = {"base": Point.of(base.id), CENTROID: centroid(ws, base), **kept}
    if len(bases := {p.base for p in found.values()}) > 1:
        raise InputError(f"the Points have different bases ({', '.join(sorted(ws.catalog.base(b).name for b in bases))}"
                         "); a leaderboard is of one base.")
    base = ws.catalog.base(bases.pop())
    found |= _merged(ws, base, found, merges)
    own, absent, kept_tasks = {}, [], []
    for task in tasks:
        if models := tuple(c for c in full_size(ws.catalog.checkpoints(base.id)) if c.dataset == task.name):
            own[task.name] = models
            kept_tasks.append(task)
        else:
            absent.append(f"{task.name}: no model of {base.name!r} is trained on it, so nothing says what there is to "
                          "gain.")
    if not kept_tasks:
        raise InputError(f"no task with a model of its own: {' '.join(absent) or 'none was named.'}")
    by_point = {point: name for name, point in reversed(found.items())}
    points = tuple(dict.fromkeys(found.values()))
    return Pool(base, points, tuple(_said(ws, by_point[p], p) for p in points), tuple(kept_tasks), own,
                probe or Probe(), tuple(absent))


def start(ws: Workspace, wanted: Pool, *, owner: str = "", replaces: str = "") -> Job:
    """Measure what a leaderboard lacks, in one job."""
    return measure(ws, wanted.asks, title=f"Leaderboard of {len(wanted.points)} Points on {len(wanted.tasks)} tasks",
                   owner=owner, replaces=replaces)


def standings(ws: Workspace, wanted: Pool, by: By = "loss") -> Standings:
    """The leaderboard as far as stored scores make one; a task's own best model is best by the same measure."""
    scores: list[dict[str, Score]] = [{} for _ in wanted.points]
    yardsticks, best = {}, {}
    for task in wanted.tasks:
        models = wanted.own[task.name]
        ends = ws.catalog.scores([Point.of(wanted.base.id), *map(checkpoint_point, models)], task, wanted.probe)
        for known, score in zip(scores, ws.catalog.scores(wanted.points, task, wanted.probe), strict=True):
            if score is not None:
                known[task.name] = score
        base, own = ends[0], [s for s in ends[1:] if s is not None]
        if base is None or len(own) < len(models):
            continue
        top = min(range(len(own)), key=lambda i: own[i].loss if by == "loss" else -own[i].accuracy)
        yardsticks[task.name], best[task.name] = Yardstick(base, own[top]), models[top]
    return Standings(board(scores, yardsticks, by), best, tuple(scores), len(unscored(ws, wanted.asks)))


def check_by(name: str) -> By:
    """The measure of a name; UnknownNameError lists those there are."""
    if name not in BYS:
        raise UnknownNameError("measure to compare by", name, BYS)
    return "accuracy" if name == "accuracy" else "loss"


def _merged(ws: Workspace, base: Base, found: dict[str, Point], merges: Sequence[str]) -> dict[str, Point]:
    """Merges of the checkpoints among some Points."""
    models = [c.name for c in ws.catalog.checkpoints(base.id) if checkpoint_point(c) in set(found.values())]
    if merges and len(models) < 2:
        raise InputError(f"merges of {len(models)} of the models named; name at least two checkpoints to be merged.")
    return {f"{method} of {len(models)}": merge_point(ws, method, dict.fromkeys(models, 1.0)) for method in merges}


def _said(ws: Workspace, name: str, point: Point) -> str:
    return describe(ws, point) if name.lstrip().startswith("{") else name
