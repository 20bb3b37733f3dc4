"""Where to start training from: the starts that a target data set has, and what training from them gives.

Every start is a Point. Models that were trained on the target are left out of all of them, and so are those trained on
fewer texts than others of their data set. Runs are made once and kept; what is missing is one job.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from explorer import backends, numbers, registry
from explorer.backends import Job, Work
from explorer.catalog import runs
from explorer.errors import InputError, UnknownNameError
from explorer.evaluation.work import Ask
from explorer.paths.hull import FEWEST, distances_from, hull_points
from explorer.paths.mixture import uniform
from explorer.statistics.starts import Agreement, Cell, Outcome, Tally, agreement, cells, tallies
from explorer.tasks.prepare import require_texts
from explorer.training.starting import Run, Starting
from explorer.types import Base, Checkpoint, Point, Probe, Started, Task, Tuning
from explorer.weights.directions import is_generated
from explorer.workflows.acts import changes
from explorer.workflows.naming import checkpoint_point, folders, main_base, members, resolve
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

KINDS = ("base", "centroid", "region", "nearest", "best", "hull")
METHODS = "explorer.training.methods"
RATES: Mapping[str, float] = {"bitfit": 4e-2, "full": 2e-3, "probe": 5e-2}
"""Rates to begin with, of models as small as the demo's; large ones need less."""
HULL = 3
"""Hull samples, where they are asked for."""


@dataclass(frozen=True)
class Start:
    """A Point to train from, its short name, and in words which it is and of how many models."""

    name: str
    point: Point
    why: str


@dataclass(frozen=True)
class Target:
    """A data set to train on, and its starts; `absent` says of each kind without one why."""

    task: Task
    starts: tuple[Start, ...]
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Trainings that are to be compared: targets × sizes (None: all train texts) × seeds, from every start."""

    base: Base
    targets: tuple[Target, ...]
    sizes: tuple[int | None, ...]
    seeds: tuple[int, ...]
    tuning: Tuning

    @property
    def runs(self) -> list[Run]:
        """Every training, each once; those that are paired follow each other."""
        made = [Run(start.point, target.task, size, seed) for target in self.targets for size in self.sizes
                for seed in self.seeds for start in target.starts]
        return list({run.key(self.tuning): run for run in made}.values())


@dataclass(frozen=True)
class Table:
    """What the runs of a plan gave, as far as they are made: `missing` of them are not."""

    runs: tuple[tuple[str, str, Started], ...]
    cells: tuple[Cell, ...]
    tallies: tuple[Tally, ...]
    missing: int


def starts(ws: Workspace, task: Task, kinds: Sequence[str], *, base: str | None = None, region: str | None = None,
           samples: int = HULL, seed: int = 0, probe: Probe | None = None) -> Target:
    """The starts of a target, in the order of `kinds`: those of KINDS, or anything that names a Point.

    `region` is the task whose models' centroid is taken (None: the target's own), `samples` and `seed` are of the hull,
    `probe` says which stored losses count. UnknownNameError for a start that there is none of, InputError for a Point
    of another base. A kind that this target has no model for is told in `absent`.
    """
    chosen = ws.catalog.base(base) if base else main_base(ws)
    others = [c for c in full_size(ws.catalog.checkpoints(chosen.id)) if c.dataset not in (None, task.name)]
    found: list[Start] = []
    absent: list[str] = []
    for kind in kinds:
        try:
            found += _starts(ws, chosen, task, kind, others, region, samples, seed, probe or Probe())
        except _Absent as error:
            absent.append(f"{kind} on {task.name}: {error}")
    return Target(task, tuple({s.name: s for s in found}.values()), tuple(absent))


class _Absent(Exception):
    """There are no models for a kind of start."""


def _starts(ws: Workspace, base: Base, task: Task, kind: str, others: Sequence[Checkpoint], region: str | None,
            samples: int, seed: int, probe: Probe) -> list[Start]:
    ids = [c.id for c in others]
    if kind == "base":
        return [Start("base", Point.of(base.id), "the pretrained model")]
    if kind not in KINDS:
        return [_named(ws, base, kind)]
    if not others:
        raise _Absent("no model of known data set is trained on another one.")
    if kind == "centroid":
        return [Start(kind, Point.of(base.id, uniform(ids)), f"the mean of all {len(ids)} models not trained on it")]
    if kind == "region":
        family = region or task.family
        some = [c.id for c in others if c.task == family]
        if family is None or not some:
            raise _Absent(f"no model of task {family or 'unknown'!r} is trained on another data set.")
        return [Start(kind, Point.of(base.id, uniform(some)), f"the mean of the {len(some)} models of task {family} "
                      "not trained on it")]
    if kind == "hull":
        if len(ids) < 2:
            raise _Absent("one model has no hull.")
        drawn = hull_points(base.id, ids, max(samples, FEWEST), 1.0, seed)[:samples]
        return [Start(f"hull {i}", p, f"a random point inside the hull of {len(ids)} models not trained on it")
                for i, p in enumerate(drawn, start=1)]
    return [_nearest(ws, task, others, probe) if kind == "nearest" else _best(ws, base, task, others, probe)]


def _named(ws: Workspace, base: Base, name: str) -> Start:
    try:
        point = resolve(ws, name)
    except UnknownNameError as error:
        raise UnknownNameError("start", name, [*KINDS, *error.known]) from None
    if point.base != base.id:
        raise InputError(f"the start {name!r} is a Point of {ws.catalog.base(point.base).name!r}; the models here are "
                         f"of {base.name!r}. Choose --base, or another start.")
    return Start(name, point, "as it was given")


def _nearest(ws: Workspace, task: Task, others: Sequence[Checkpoint], probe: Probe) -> Start:
    scores = ws.catalog.scores([checkpoint_point(c) for c in others], task, probe)
    losses = [(s.loss, c.name, c) for c, s in zip(others, scores, strict=True) if s and math.isfinite(s.loss)]
    if not losses:
        raise _Absent(f"no stored loss on it of a model not trained on it; run `score --task {task.name}` first.")
    loss, name, chosen = min(losses, key=lambda row: row[:2])
    return Start("nearest", checkpoint_point(chosen), f"{name}, of the lowest stored generalized loss on it, "
                 f"{numbers.loss(loss)}, among {len(losses)} of {len(others)} models not trained on it")


def _best(ws: Workspace, base: Base, task: Task, others: Sequence[Checkpoint], probe: Probe) -> Start:
    """The model that is lowest on average, minus the base's loss, over the other tasks that all have scores on."""
    points, origin = [checkpoint_point(c) for c in others], Point.of(base.id)
    gains: dict[str, list[float]] = {}
    for other in ws.catalog.tasks():
        scores = ws.catalog.scores([origin, *points], other, probe)
        if other.digest != task.digest and all(s is not None and math.isfinite(s.loss) for s in scores):
            gains[other.name] = [s.loss - scores[0].loss for s in scores[1:] if s and scores[0]]
    if not gains:
        raise _Absent("no other task on which all models have stored scores; run `score --task T` for one.")
    means = [math.fsum(row) / len(row) for row in zip(*gains.values(), strict=True)]
    chosen = min(range(len(others)), key=lambda i: (means[i], others[i].name))
    return Start("best", points[chosen], f"{others[chosen].name}, of the lowest mean stored loss, "
                 f"{numbers.difference(means[chosen])} against the base, on {', '.join(gains)}, among {len(others)} "
                 "models not trained on it")


def plan(ws: Workspace, tasks: Sequence[Task], kinds: Sequence[str], tuning: Tuning, sizes: Sequence[int | None],
         seeds: Sequence[int], *, base: str | None = None, region: str | None = None, samples: int = HULL,
         seed: int = 0, probe: Probe | None = None) -> Plan:
    """Everything checked that can be wrong with trainings, before any is made; see `starts` for the rest.

    A size of all train texts is None. InputError for a number out of its limits or a size above a target's texts,
    UnknownNameError for a method, start or region that there is none of.
    """
    chosen = ws.catalog.base(base) if base else main_base(ws)
    check(tuning)
    known = {c.task for c in ws.catalog.checkpoints(chosen.id) if c.task is not None}
    if region is not None and region not in known:
        raise UnknownNameError("region", region, known)
    if not tasks or not kinds or not sizes or not seeds:
        raise InputError("a target, a start, a size and a seed are needed at least.")
    if not 1 <= samples <= 100:
        raise InputError(f"{samples} hull samples: 1 to 100 can be starts.")
    if wrong := [s for s in seeds if not 0 <= s < 2**31]:
        raise InputError(f"the seed is {wrong[0]}; a whole number from 0 to {2**31 - 1} is needed.")
    for task in tasks:
        _check_sizes(task, sizes, tuning)
    targets = tuple(starts(ws, task, kinds, base=chosen.id, region=region, samples=samples, seed=seed, probe=probe)
                    for task in tasks)
    if not any(target.starts for target in targets):
        raise InputError(f"no start is there: {targets[0].absent[0]}")
    return Plan(chosen, targets, tuple(dict.fromkeys(sizes)), tuple(dict.fromkeys(seeds)), tuning)


def check(tuning: Tuning) -> None:
    """UnknownNameError for its method, InputError for a number out of its limits."""
    if tuning.method not in (known := registry.names(METHODS)):
        raise UnknownNameError("method", tuning.method, known)
    for name, least in (("steps", 1), ("batch", 1), ("length", 4), ("patience", 0)):
        if getattr(tuning, name) < least:
            raise InputError(f"{name} is {getattr(tuning, name)}; at least {least} is needed.")
    if not (math.isfinite(tuning.lr) and tuning.lr > 0):
        raise InputError(f"the rate is {tuning.lr:g}; a finite number above 0 is needed.")


def _check_sizes(task: Task, sizes: Sequence[int | None], tuning: Tuning) -> None:
    least = max(len(task.labels), 10 if tuning.patience else 1)
    for size in sizes:
        if size is not None and not least <= size <= task.n_train:
            raise InputError(f"{size} train texts of {task.name}: {least} to {task.n_train} can be asked for, or "
                             "'full'.")


def stored(ws: Workspace, plan: Plan) -> dict[tuple[str, str, str, int | None, int], Started]:
    """The runs of a plan that are there, by key."""
    wanted = {run.key(plan.tuning) for run in plan.runs}
    found = (r for target in plan.targets
             for r in runs.runs_of(ws.catalog.database, plan.base.id, target.task, plan.tuning))
    return {r.key: r for r in found if r.key in wanted}


def missing(ws: Workspace, plan: Plan) -> list[Run]:
    """The runs that are not there, in the order in which they would be made."""
    there = stored(ws, plan)
    return [run for run in plan.runs if run.key(plan.tuning) not in there]


@changes("training models")
def train(ws: Workspace, plan: Plan, *, owner: str = "") -> Job:
    """Make the runs of a plan that are missing, in one job in the background; each is kept as it comes.

    UnavailableError if texts are not here.
    """
    wanted = missing(ws, plan)
    names = ", ".join(dict.fromkeys(run.task.name for run in wanted))
    title = f"{len(wanted)} trainings on {names}"
    if not wanted:
        return backends.finished(Work("Trainings from start points", "", None))
    for run in wanted:
        require_texts(run.task)
    request = Starting(plan.base, str(ws.catalog.resolve(plan.base.path)),
                       folders(ws, members(ws, {run.point for run in wanted})), tuple(wanted), plan.tuning, ws.device)

    def keep(made: object) -> None:
        if isinstance(made, Started):
            runs.add_runs(ws.catalog.database, [made], plan.tuning)

    return ws.backend.submit(Work(title, "explorer.training.trainer:train_from", request, lane="side"), keep,
                             owner=owner)


def table(ws: Workspace, plan: Plan) -> Table:
    """What is stored of a plan, start by start, with differences to the base."""
    there, rows = stored(ws, plan), []
    for target in plan.targets:
        for size in plan.sizes:
            for start in target.starts:
                for seed in plan.seeds:
                    key = Run(start.point, target.task, size, seed).key(plan.tuning)
                    if key in there:
                        rows.append((target.task.name, start.name, there[key]))
    found = cells(Outcome(t, r.size, s, r.seed, r.accuracy) for t, s, r in rows)
    return Table(tuple(rows), tuple(found), tuple(tallies(found)), len(plan.runs) - len(there))


@dataclass(frozen=True)
class Predicted:
    """What is known of a start without training: its generalized loss on the target (None: not measured), and its
    distance from the centroid of all models not trained on it (None: not told by inner products)."""

    target: str
    start: str
    loss: float | None
    distance: float | None


def asks(plan: Plan, probe: Probe) -> list[Ask]:
    """The losses that predictions need: of every start on its target."""
    return list(dict.fromkeys(Ask(s.point, t.task, probe) for t in plan.targets for s in t.starts))


def predicted(ws: Workspace, plan: Plan, probe: Probe) -> list[Predicted]:
    """What stored losses and the Gram say of every start."""
    gram, rows = ws.catalog.gram(plan.base.id), []
    for target in plan.targets:
        points = [s.point for s in target.starts]
        centre = starts(ws, target.task, ["centroid"], base=plan.base.id).starts
        scores = ws.catalog.scores(points, target.task, probe)
        for start, score in zip(target.starts, scores, strict=True):
            told = centre and not any(is_generated(term) for term, _ in start.point.terms)
            distance = float(distances_from(gram, [start.point], centre[0].point)[0]) if told else None
            rows.append(Predicted(target.task.name, start.name, None if score is None else score.loss, distance))
    return rows


def ranking(rows: Iterable[Predicted], found: Iterable[Cell], size: int | None) -> dict[str, Agreement]:
    """Agreement of what was predicted with the accuracies at one size: by low loss, and by nearness to the centroid."""
    rows = list(rows)
    gained = {(c.target, c.start): c.accuracy.value for c in found if c.size == size}
    by = {"loss": {(r.target, r.start): -r.loss for r in rows if r.loss is not None},
          "distance": {(r.target, r.start): -r.distance for r in rows if r.distance is not None}}
    return {name: agreement(values, gained) for name, values in by.items()}

