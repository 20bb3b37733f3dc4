"""Two Points side by side: what is known of their making, how their task vectors lie, their scores and barrier.

All but single tensors comes from inner products and stored scores; `tensors` reads the weights once, in the backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from explorer.backends import Job, Work
from explorer.errors import InputError
from explorer.paths.alphas import interpolation
from explorer.statistics import readings
from explorer.statistics.readings import Difference, Reading
from explorer.types import Checkpoint, Group, Point, Probe, Score, Task
from explorer.weights.differing import Changed, Differing
from explorer.workflows import pairs
from explorer.workflows.mapping import with_terms
from explorer.workflows.naming import describe, folders, members
from explorer.workflows.opening import Workspace

POINTS = 7
"""Points of the line that a barrier is read from."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Inner products of two task vectors per parameter group: `inner` (g, 2, 2), float64."""

    groups: tuple[Group, ...]
    inner: np.ndarray

    @cached_property
    def norms(self) -> np.ndarray:
        """‖Δ‖ of both in every group, (g, 2)."""
        return np.sqrt(np.maximum(np.diagonal(self.inner, axis1=1, axis2=2), 0.0))

    @cached_property
    def cosines(self) -> np.ndarray:
        """The cosine in every group, (g,); NaN where one of the two has not moved."""
        lengths = self.norms.prod(axis=1)
        return np.where(lengths > 0, self.inner[:, 0, 1] / np.where(lengths > 0, lengths, 1.0), np.nan).clip(-1, 1)

    @property
    def whole(self) -> Geometry:
        """All groups as one."""
        return Geometry((Group("all", "all"),), self.inner.sum(axis=0, keepdims=True))

    @property
    def distances(self) -> np.ndarray:
        """‖Δ_a − Δ_b‖ in every group, (g,)."""
        i = self.inner
        return np.sqrt(np.maximum(i[:, 0, 0] + i[:, 1, 1] - 2 * i[:, 0, 1], 0.0))


@dataclass(frozen=True)
class OnTask:
    """The scores of both on a task (None: not measured), and a's loss minus b's, paired over the texts."""

    task: Task
    a: Score | None
    b: Score | None

    @property
    def difference(self) -> Difference | None:
        return None if self.a is None or self.b is None else readings.paired(self.a, self.b)


def check(ws: Workspace, a: Point, b: Point) -> None:
    """InputError for two Points that can't be compared."""
    if a == b:
        raise InputError(f"{describe(ws, a)} is compared with itself; choose two different models.")
    if a.base != b.base:
        raise InputError("the two have different bases: their task vectors begin at different places. Compare models "
                         "of one base.")


def facts(a: Checkpoint | None, b: Checkpoint | None) -> list[tuple[str, Any, Any]]:
    """(column, of a, of b) for every column that one of them has; None where it is not known."""
    known = [c for c in (a, b) if c is not None]
    columns = [*(c for c in Checkpoint.STANDARD), "format", *sorted({k for c in known for k in c.columns})]
    rows = []
    for column in columns:
        values = [None if c is None else c.format if column == "format" else c.value(column) for c in (a, b)]
        if any(v is not None for v in values):
            rows.append((column, values[0], values[1]))
    return rows


def checkpoint_of(ws: Workspace, point: Point) -> Checkpoint | None:
    """The checkpoint that a Point is, if it is one."""
    if len(point.terms) != 1 or point.terms[0][1] != 1:
        return None
    return next((c for c in members(ws, [point]) if c.id == point.terms[0][0]), None)


def geometry(ws: Workspace, a: Point, b: Point) -> Geometry:
    """Lengths and directions per layer and kind, from inner products; errors of `check`.

    InputError for a Point that is no sum of task vectors: its place can't be told from inner products.
    """
    check(ws, a, b)
    gram = with_terms(ws, ws.catalog.gram(a.base), [a, b])
    rows = np.stack([p.coefficients(gram.ids) for p in (a, b)])
    return Geometry(gram.groups, np.einsum("pi,gij,qj->gpq", rows, gram.values, rows))


def scores(ws: Workspace, a: Point, b: Point, tasks: Sequence[Task] | None = None,
           probe: Probe | None = None) -> list[OnTask]:
    """What is stored of both on every task."""
    how = probe or Probe()
    return [OnTask(t, *ws.catalog.scores([a, b], t, how)) for t in (ws.catalog.tasks() if tasks is None else tasks)]


def barrier(ws: Workspace, a: Point, b: Point, task: Task, probe: Probe | None = None) -> Reading | None:
    """The barrier between them on a task from stored scores; None while points of the line are missing."""
    found = pairs.known(ws, [a, b], task, probe or Probe(), interpolation(POINTS))
    return found.barriers.readings.get((a.hash, b.hash))


def tensors(ws: Workspace, a: Point, b: Point, *, owner: str = "") -> Job:
    """Every parameter by how far they differ in it: one pass over the weights; the result is [Changed, …]."""
    check(ws, a, b)
    base, used = ws.catalog.base(a.base), members(ws, [a, b])
    request = Differing(base, str(ws.catalog.resolve(base.path)), folders(ws, used), a, b)
    work = Work(f"Tensors of {describe(ws, a)} and {describe(ws, b)}", "explorer.weights.differing:differing", request,
                lane="side")
    return ws.backend.submit(work, owner=owner)


def changed(job: Job) -> list[Changed]:
    """What `tensors` has found; empty while it runs."""
    return next((r for r in job.results if isinstance(r, list)), [])
