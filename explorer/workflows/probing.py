"""Losses of Points: one by one, along a line, of every checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from explorer import backends
from explorer.backends import Job, Work
from explorer.errors import InputError, UnavailableError
from explorer.evaluation.work import Evaluation, Scored
from explorer.types import Base, Line, Point, Probe, Score, Task
from explorer.workflows.naming import checkpoint_point
from explorer.workflows.opening import Workspace


def path(ws: Workspace, zero: Point, one: Point, alphas: Sequence[float]) -> Line:
    """The line from `zero` (α = 0) to `one` (α = 1); InputError for an α that is no finite number or mixed bases."""
    if not alphas or not all(np.isfinite(alphas)):
        raise InputError(f"α must be finite numbers, got {list(alphas)!r}.")
    line = Line(zero, one, tuple(float(a) for a in alphas))
    zero.moved(one, 0.0)
    return line


def evaluate(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe | None = None) -> Job:
    """Score Points on a task; only those without a stored score are run, each is stored as it is made."""
    probe = probe or Probe()
    stored = ws.catalog.scores(points, task, probe)
    missing = tuple(dict.fromkeys(p for p, s in zip(points, stored, strict=True) if s is None))
    title = f"{len(missing)} points on {task.name}"
    if not missing:
        return backends.finished(Work(title, "", None))
    if not Path(task.path).is_file():
        raise UnavailableError(f"the texts of task {task.name!r} are not here; get them with `python -m explorer "
                               "datasets fetch` or on the Catalog page.")
    bases = {p.base for p in missing}
    if len(bases) > 1:
        raise InputError("the points have different bases; evaluate one base at a time.")
    base = ws.catalog.base(bases.pop())
    used = {i for p in missing for i, _ in p.terms}
    folders = {c.id: str(ws.catalog.resolve(c.path)) for c in ws.catalog.checkpoints(base.id) if c.id in used}
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), folders, missing, task, probe, ws.device)

    def keep(scored: Scored) -> None:
        ws.catalog.add_scores([(scored.point, scored.score)])

    return ws.backend.submit(Work(title, "explorer.evaluation.work:evaluate", request), keep)


def warm(ws: Workspace, base: Base) -> Job:
    """Load a base's model in the backend before its first Point is asked for, so that the answer comes sooner."""
    task = Task("", "", (), 0, 0, "")
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), {}, (), task, Probe(), ws.device)
    return ws.backend.submit(Work(f"Loading the model {base.name}", "explorer.evaluation.work:evaluate", request))


def score_checkpoints(ws: Workspace, task: Task, probe: Probe | None = None, own: bool = False) -> list[Job]:
    """Score every checkpoint on a task, and every base; `own`: only the checkpoints trained on that data set.

    One job for each base.
    """
    chosen = [c for c in ws.catalog.checkpoints() if not own or c.dataset == task.name]
    jobs = []
    for base in ws.catalog.bases():
        points = [checkpoint_point(c) for c in chosen if c.base == base.id]
        jobs.append(evaluate(ws, [Point.of(base.id), *points], task, probe))
    return jobs


def checkpoint_scores(ws: Workspace, task: Task, probe: Probe | None = None) -> Mapping[str, Score]:
    """Checkpoint id → stored score of its Point on a task."""
    known = ws.catalog.known_scores(task, probe or Probe())
    found = {c.id: known.get(checkpoint_point(c).hash) for c in ws.catalog.checkpoints()}
    return {i: s for i, s in found.items() if s is not None}
