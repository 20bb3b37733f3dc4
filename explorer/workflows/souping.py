"""Greedy soups of models on a task: which texts choose, the job that finds it, and what is known of it so far.

Validation texts are the last half of a task's test split, which no model was trained on and no head is fitted on; the
outcome is measured on texts of the first half. So neither choosing nor training has seen what is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from explorer import backends
from explorer.backends import Job, Work
from explorer.errors import InputError, TaskError, UnknownNameError
from explorer.evaluation.souping import Souping, last
from explorer.evaluation.work import Scored
from explorer.statistics.readings import Difference, paired
from explorer.statistics.soups import BYS, By, Walk, check, walk
from explorer.tasks.prepare import Split, load, read_task, require_texts, write
from explorer.tasks.splits import Row
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task
from explorer.workflows.naming import describe, folders, members, resolve
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

FEWEST = 8
"""Texts of a test split that can be parted."""
OUTCOMES = ("soup", "best", "uniform", "base")


@dataclass(frozen=True, eq=False)
class Plan:
    """A soup to make: models with their names, texts that choose (`validation`) and texts that tell (`final`)."""

    base: Base
    points: tuple[Point, ...]
    names: tuple[str, ...]
    task: Task
    validation: Task
    probe: Probe
    final: Probe
    by: By


@dataclass(frozen=True, eq=False)
class Found:
    """What is known of a soup: the walk, the single models' validation scores, test scores by outcome, and the test
    loss of each outcome minus the best single model's, paired over texts."""

    plan: Plan
    walk: Walk
    singles: tuple[Score | None, ...]
    outcomes: dict[str, Score]
    differences: dict[str, Difference]

    @property
    def missing(self) -> bool:
        return bool(self.walk.missing) or len(self.outcomes) < len(OUTCOMES)


def models_of(ws: Workspace, base: Base, dataset: str) -> list[Checkpoint]:
    """A data set's models of a base, those trained on fewer texts than others of them left out."""
    return [c for c in full_size(ws.catalog.checkpoints(base.id)) if c.dataset == dataset]


def plan(ws: Workspace, names: Sequence[str], task: Task, probe: Probe | None = None, by: str = "loss") -> Plan:
    """The soup of models by name; InputError where they or the task's texts make none."""
    if by not in BYS:
        raise UnknownNameError("measure to choose by", by, BYS)
    how, points = probe or Probe(), tuple(resolve(ws, name) for name in names)
    check(points)
    validation = _validation(ws, task)
    first = task.n_test - validation.n_test
    final = replace(how, test=min(how.test or first, first))
    chosen: By = "accuracy" if by == "accuracy" else "loss"
    return Plan(ws.catalog.base(points[0].base), points, tuple(describe(ws, p) for p in points), task, validation, how,
                final, chosen)


def start(ws: Workspace, wanted: Plan, *, owner: str = "", replaces: str = "") -> Job:
    """Measure what a soup lacks, in one job; every score is stored as it is made."""
    known = found(ws, wanted)
    title = f"Soup of {len(wanted.points)} models on {wanted.task.name}"
    if not known.missing:
        return backends.finished(Work(title, "", None))
    for task in (wanted.task, wanted.validation):
        require_texts(task)
    used = members(ws, wanted.points)
    scores = ws.catalog.known_scores(wanted.validation, wanted.probe)
    tested = frozenset(ws.catalog.known_scores(wanted.task, wanted.final))
    request = Souping(wanted.base, str(ws.catalog.resolve(wanted.base.path)), folders(ws, used),
                      {c.id: c.dataset for c in used if c.dataset is not None}, wanted.points, wanted.validation,
                      wanted.probe, wanted.task, wanted.final, wanted.by, tuple(scores.values()), tested, ws.device)

    def keep(made: object) -> None:
        if isinstance(made, Scored):
            ws.catalog.add_scores([(made.point, made.score)])

    work = Work(title, "explorer.evaluation.souping:soup", request, replaces=replaces)
    return ws.backend.submit(work, keep, owner=owner)


def found(ws: Workspace, wanted: Plan) -> Found:
    """What stored scores say of a soup."""
    known = ws.catalog.known_scores(wanted.validation, wanted.probe)
    walked = walk(wanted.points, known, wanted.by)
    ends = last(walked, wanted.points)
    scores = ws.catalog.scores(ends, wanted.task, wanted.final) if ends else []
    outcomes = {name: s for name, s in zip(OUTCOMES, scores, strict=False) if s is not None}
    best = outcomes.get("best")
    differences = {name: paired(s, best) for name, s in outcomes.items() if best is not None and name != "best"}
    return Found(wanted, walked, tuple(known.get(p.hash) for p in wanted.points), outcomes, differences)


def _validation(ws: Workspace, task: Task) -> Task:
    """The task whose test texts are the last half of another's, made once and kept beside the texts."""
    if task.n_test < FEWEST:
        raise InputError(f"{task.name} has {task.n_test} test texts; at least {FEWEST} are needed, half of which "
                         "choose the soup.")
    folder = ws.folder / "tasks" / "validation"
    path = folder / f"{task.digest}.parquet"
    if not path.is_file() or not _readable(path):
        require_texts(task)
        texts = load(task)
        half = len(texts.test) // 2
        write(task.digest, [*_rows(task, texts.train, "train", 0),
                            *_rows(task, texts.test, "test", len(texts.test) - half)], folder)
    made = read_task(path)
    return replace(made, name=f"{task.name} (validation)", family=task.family, domain=task.domain)


def _rows(task: Task, part: Split, which: Literal["train", "test"], first: int) -> list[Row]:
    """The texts of a split from the number `first` on, as rows of another task's."""
    return [Row(part.texts[i], task.labels[part.labels[i]], None if part.pairs is None else part.pairs[i], split=which)
            for i in range(first, len(part))]


def _readable(path: Path) -> bool:
    try:
        read_task(path)
    except TaskError:
        return False
    return True
