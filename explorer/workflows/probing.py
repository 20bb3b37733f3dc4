"""Losses of Points: one by one, along a line, of every checkpoint.

Everything asked for becomes one list of asks (a Point, a task, how to measure); what the catalog holds is never run
again, and what is missing is run in the order given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from explorer import backends
from explorer.backends import Job, Work
from explorer.errors import InputError
from explorer.evaluation.work import Ask, Evaluation, Scored
from explorer.numbers import count, size
from explorer.paths.alphas import coarse_first
from explorer.statistics.passes import estimate
from explorer.tasks.prepare import require_texts
from explorer.types import Base, DeviceFacts, Estimate, Line, Point, Probe, Score, Task
from explorer.workflows.naming import checkpoint_point, folders, members
from explorer.workflows.opening import Workspace

URGENT = 0
"""Priority of what a user waits for; a path's points have 10."""


def path(ws: Workspace, zero: Point, one: Point, alphas: Sequence[float]) -> Line:
    """The line from `zero` (α = 0) to `one` (α = 1); InputError for an α that is no finite number or mixed bases."""
    if not alphas or not all(np.isfinite(alphas)):
        raise InputError(f"α must be finite numbers, got {list(alphas)!r}.")
    line = Line(zero, one, tuple(float(a) for a in alphas))
    zero.moved(one, 0.0)
    return line


def measure(ws: Workspace, asks: Iterable[Ask], *, title: str = "", owner: str = "", replaces: str = "",
            priority: int = 10) -> Job:
    """Score what has no stored score yet, in order; each score is stored as it is made.

    UnavailableError if a task's texts are not here; InputError for Points of several bases.
    """
    missing = unscored(ws, asks)
    counted = len({a.point for a in missing})
    named = title or f"{counted} points on {', '.join(dict.fromkeys(a.task.name for a in missing))}"
    if not missing:
        if replaces:
            ws.backend.withdraw(replaces)
        return backends.finished(Work(named, "", None))
    for task in {a.task.digest: a.task for a in missing}.values():
        require_texts(task)
    bases = {a.point.base for a in missing}
    if len(bases) > 1:
        raise InputError("the points have different bases; evaluate one base at a time.")
    base = ws.catalog.base(bases.pop())
    used = members(ws, (a.point for a in missing))
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), folders(ws, used), tuple(missing), ws.device,
                         {c.id: c.dataset for c in used if c.dataset is not None})

    def keep(made: object) -> None:
        if isinstance(made, Scored):
            ws.catalog.add_scores([(made.point, made.score)])

    work = Work(named, "explorer.evaluation.work:evaluate", request, priority=priority, replaces=replaces)
    return ws.backend.submit(work, keep, owner=owner)


def unscored(ws: Workspace, asks: Iterable[Ask]) -> list[Ask]:
    """The asks without a stored score, each once, in order."""
    wanted = list(dict.fromkeys(asks))
    groups: dict[tuple[str, str], list[Ask]] = {}
    for ask in wanted:
        groups.setdefault((ask.task.digest, ask.probe.key), []).append(ask)
    known = set()
    for group in groups.values():
        scores = ws.catalog.scores([a.point for a in group], group[0].task, group[0].probe)
        known |= {a for a, score in zip(group, scores, strict=True) if score is not None}
    return [a for a in wanted if a not in known]


def evaluate(ws: Workspace, points: Sequence[Point], task: Task, probe: Probe | None = None, *, title: str = "",
             owner: str = "", replaces: str = "", priority: int = 10) -> Job:
    """Score Points on a task; only those without a stored score are run, each is stored as it is made."""
    return measure(ws, [Ask(p, task, probe or Probe()) for p in points], title=title, owner=owner, replaces=replaces,
                   priority=priority)


def passes(ws: Workspace, line: Line, tasks: Sequence[Task], probe: Probe) -> list[Ask]:
    """What a path lacks: both ends and the path from coarse to fine on a first few texts, then the same on all of them.

    Several tasks take turns, so that their curves grow together; the base comes last. A first pass is for the refitted
    head alone; of the Points measured on all texts the ends have one too, because what both say there corrects the
    first pass of the others.
    """
    points = line.points
    ordered = list(dict.fromkeys([line.zero, line.one, *(points[i] for i in coarse_first(len(points)))]))
    full = unscored(ws, [Ask(point, task, probe) for point in ordered for task in tasks])
    ends = [Ask(point, task, probe) for point in (line.zero, line.one) for task in tasks] if full else []
    few = [Ask(a.point, a.task, probe.first()) for a in [*ends, *full]] if probe.head == "probe" else []
    return [*unscored(ws, few), *full, *unscored(ws, [Ask(Point.of(line.zero.base), t, probe) for t in tasks])]


def curve(ws: Workspace, line: Line, task: Task, probe: Probe,
          quantity: Literal["loss", "accuracy"] = "loss") -> list[Estimate | None]:
    """What is known of a path's values: measured where the whole test split was, estimated from a first pass."""
    full = ws.catalog.scores(line.points, task, probe)
    first = ws.catalog.scores(line.points, task, probe.first())
    return estimate(first, full, quantity)


def warm(ws: Workspace, base: Base) -> Job:
    """Load a base's model in the backend before its first Point is asked for, so that the answer comes sooner."""
    request = Evaluation(base, str(ws.catalog.resolve(base.path)), {}, (), ws.device)
    return ws.backend.submit(Work(f"Loading the model {base.name}", "explorer.evaluation.work:evaluate", request))


def device_lines(ws: Workspace) -> list[str]:
    """One sentence for each device that has evaluated something: precision, pace and memory."""
    latest: dict[str, DeviceFacts] = {}
    for job in ws.backend.jobs():
        latest |= {r.device: r for r in job.results if isinstance(r, DeviceFacts)}
    return [f"{f.name}: {f.dtype}, {count(round(f.tokens_per_second))} tokens a second, {size(f.memory_used)} "
            f"of {size(f.memory_total)} in use, batches of up to {count(f.batch_tokens)} tokens"
            for f in latest.values()]


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
    how = probe or Probe()

    def read() -> Mapping[str, Score]:
        known = ws.catalog.known_scores(task, how)
        found = {c.id: known.get(checkpoint_point(c).hash) for c in ws.catalog.checkpoints()} if known else {}
        return {i: s for i, s in found.items() if s is not None}

    return ws.catalog.changes.remembered(("scores of checkpoints", task.digest, how.key), ("scores", "checkpoints"),
                                         read, lambda found: sum(s.losses.nbytes for s in found.values()))
