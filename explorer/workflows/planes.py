"""Planes through weight space and their losses: a whole grid for callers that wait, a lattice that fills in for pages.

A `Sheet` is what a page looks at: a plane, a lattice on it, and one task (its losses) or two (their disentanglement ξ).
Nothing is remembered between batches but what overflowed: what the catalog holds decides what is measured next, so a
sheet can be left and gone on with, and a deeper one begins with the nodes of the one before.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np

from explorer.errors import InputError, NotFiniteError
from explorer.evaluation.work import Ask
from explorer.paths import plane as planes
from explorer.paths.plane import Plane
from explorer.paths.quadtree import BUDGET, Node, Surface, next_cells, nodes_of, surface
from explorer.statistics.disentanglement import disturbance, xi
from explorer.statistics.readings import Difference, combined
from explorer.types import Point, Probe, Score, Task
from explorer.workflows.lines import attempt
from explorer.workflows.mapping import with_terms
from explorer.workflows.naming import checkpoint_point, describe, main_base
from explorer.workflows.opening import Workspace
from explorer.workflows.probing import unscored

Kind = Literal["models", "components", "random", "coefficients"]

TAKES: Mapping[Kind, int] = {"models": 3, "components": 0, "random": 1, "coefficients": 2}
"""How many Points a plane of each kind is made of."""

MARGINS: Mapping[Kind, float] = {"models": 0.25, "components": 0.1, "random": 0.0, "coefficients": 0.5}
"""How far beyond what there is to see each kind is looked at, unless said otherwise: a share of the longer side."""

MOST = 201
"""Steps a side of a whole grid."""

BATCH = 24
SECONDS = 1.0
"""What a point is taken to cost where none was measured."""

Key = tuple[str, str, str]
"""Of an ask: Point, task, way to measure."""


def make(ws: Workspace, kind: Kind, points: Sequence[Point] = (), *, base: str | None = None, seed: int = 0) -> Plane:
    """The plane of a kind: through three Points, of the first two principal components of a base's models (default:
    the main base), of two random directions from a Point, or of two task vectors' coefficients.

    InputError for another number of Points, for Points that span no plane or lie on different bases.
    """
    if len(points) != TAKES[kind]:
        raise InputError(f"a plane of {_CALLED[kind]} takes {TAKES[kind]} Points, not {len(points)}.")
    if kind == "components":
        of = main_base(ws).id if base is None else base
        return planes.principal(ws.catalog.gram(of), of)
    if kind == "random":
        return planes.random_plane(points[0], seed)
    if kind == "coefficients":
        return planes.coefficient_plane(points[0].base, *points)
    of = points[0].base
    if {p.base for p in points} == {of}:
        return planes.through(with_terms(ws, ws.catalog.gram(of), points), *points)
    told = ", ".join(f"{describe(ws, p)} ({ws.catalog.base(p.base).name})" for p in points)
    raise InputError(f"the corners have different bases: {told}; a plane needs all on one base.")


_CALLED: Mapping[Kind, str] = {"models": "three models", "components": "principal components",
                               "random": "random directions", "coefficients": "two task vectors"}


def corner_names(ws: Workspace, kind: Kind, plane: Plane) -> tuple[str, str, str]:
    """What the corners are called."""
    a, b, c = plane.corners
    if kind == "components":
        return f"mean of {len(a.terms)} models", "PC 1, one s.d.", "PC 2, one s.d."
    if kind == "random":
        return describe(ws, a), "random direction 1", "random direction 2"
    return describe(ws, a), describe(ws, b), describe(ws, c)


@dataclass(frozen=True)
class Placed:
    """A model on a plane: its id and name, its projection, its weight distance from it, its own loss if known."""

    id: str
    name: str
    x: float
    y: float
    distance: float
    score: Score | None = None


def models_on(ws: Workspace, plane: Plane, task: Task, probe: Probe) -> list[Placed]:
    """Every model of the plane's base at its projection; none on a plane of coefficients, where they have no place."""
    if plane.units != "distance":
        return []
    base = plane.corners[0].base
    models = ws.catalog.checkpoints(base)
    found = planes.project(plane, with_terms(ws, ws.catalog.gram(base), plane.corners))
    row = {key: i for i, key in enumerate(found.ids)}
    scores = ws.catalog.scores([checkpoint_point(c) for c in models], task, probe)
    coords, apart = found.coords.tolist(), found.apart.tolist()
    return [Placed(c.id, c.name, coords[row[c.id]][0], coords[row[c.id]][1], apart[row[c.id]], score)
            for c, score in zip(models, scores, strict=True)]


# ------------------------------------------------------------------ a whole grid


@dataclass(frozen=True, eq=False)
class Grid:
    """Scores on a task: `scores[i][j]` at (xs[j], ys[i]), None where `reasons[i, j]` says why; and of the corners."""

    plane: Plane
    task: Task
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    scores: tuple[tuple[Score | None, ...], ...]
    reasons: Mapping[Node, str]
    corners: tuple[Score | None, ...]


def check_grid(size: int) -> None:
    """InputError for a grid that can't be measured whole."""
    if not 2 <= size <= MOST:
        raise InputError(f"a grid of {size} points a side; 2 to {MOST} can be measured.")


def grid_losses(ws: Workspace, plane: Plane, xs: Sequence[float], ys: Sequence[float], task: Task,
                probe: Probe) -> Grid:
    """Every point of a grid and the three corners, measured in one job.

    NotFiniteError where no point has a loss; a single one that overflows takes nothing from the rest.
    """
    rows = plane.grid(xs, ys)
    flat = [point for row in rows for point in row]
    asks = [Ask(point, task, probe) for point in (*plane.corners, *flat)]
    told = attempt(ws, asks, f"Plane of {len(xs)} × {len(ys)} points on {task.name}")
    if all(ask in told for ask in asks):
        raise NotFiniteError(told[asks[0]])
    scores = ws.catalog.scores(flat, task, probe)
    reasons = {divmod(k, len(xs)): told[ask] for k, ask in enumerate(asks[3:]) if ask in told}
    n = len(xs)
    return Grid(plane, task, tuple(xs), tuple(ys), tuple(tuple(scores[i * n:(i + 1) * n]) for i in range(len(ys))),
                reasons, tuple(ws.catalog.scores(plane.corners, task, probe)))


# ------------------------------------------------------------------ a lattice that fills in


@dataclass(frozen=True)
class Sheet:
    """A lattice of 2^depth + 1 nodes a side on a plane, to be measured on one task, or on two for their ξ."""

    plane: Plane
    tasks: tuple[Task, ...]
    probe: Probe
    depth: int
    margin: float

    @property
    def side(self) -> int:
        return nodes_of(self.depth)

    @property
    def axes(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """(xs, ys) of columns and rows."""
        return self.plane.axes(self.side, self.margin)

    @property
    def points(self) -> Mapping[Node, Point]:
        """The Point of every node (row, column)."""
        return _points(self.plane, self.depth, self.margin)

    @property
    def own(self) -> tuple[Point, ...]:
        """The corners and the base: measured first, to compare the others with."""
        return tuple(dict.fromkeys([*self.plane.corners, Point.of(self.plane.corners[0].base)]))

    def asks(self, points: Sequence[Point]) -> list[Ask]:
        return [Ask(point, task, self.probe) for point in points for task in self.tasks]

    def needed(self, node: Node) -> list[Point]:
        """The Points whose losses make a node's value: itself, and for ξ each task vector alone as well."""
        if len(self.tasks) == 1:
            return [self.points[node]]
        row, column = _zero(self)
        return [self.points[row, node[1]], self.points[node[0], column], self.points[node]]


@lru_cache(maxsize=16)
def _points(plane: Plane, depth: int, margin: float) -> Mapping[Node, Point]:
    grid = plane.grid(*plane.axes(nodes_of(depth), margin))
    return {(i, j): point for i, row in enumerate(grid) for j, point in enumerate(row)}


def _zero(sheet: Sheet) -> Node:
    """Row and column of the coefficient 0; InputError where the lattice has none."""
    xs, ys = sheet.axes
    if 0.0 not in xs or 0.0 not in ys:
        raise InputError(f"disentanglement is told from either task vector alone, and a margin of {sheet.margin:g} "
                         "leaves no line for these on the lattice; take 0, 0.5 or 1.5.")
    return ys.index(0.0), xs.index(0.0)


@dataclass(frozen=True, eq=False)
class Filled:
    """What is known of a sheet. `values` by node: loss in nats, or ξ; ∞ where a model overflows.

    `scores` are by Point's hash, one mapping a task; `lost` says of nodes that overflow why.
    """

    sheet: Sheet
    values: Mapping[Node, float]
    scores: tuple[Mapping[str, Score], ...]
    lost: Mapping[Node, str]

    def score(self, point: Point, task: int = 0) -> Score | None:
        return self.scores[task].get(point.hash)

    @property
    def base(self) -> Score | None:
        """The base's own score on the first task."""
        return self.score(Point.of(self.sheet.plane.corners[0].base))

    @property
    def left(self) -> int:
        """At most so many asks are to come."""
        nodes = self.sheet.side**2
        budget = max(int(BUDGET * nodes), min(nodes, nodes_of(3) ** 2))
        own = sum(self.score(p, k) is None for p in self.sheet.own for k in range(len(self.sheet.tasks)))
        return own + max(0, budget - len(self.values)) * len(self.sheet.tasks)

    @property
    def seconds(self) -> float:
        """What an ask costs, going by those that were measured."""
        known = [s.seconds for scores in self.scores for s in scores.values()]
        return float(np.median(known)) if known else SECONDS

    @property
    def lowest(self) -> tuple[Node, Score] | None:
        """The measured node of the lowest loss on the first task."""
        nodes = self.sheet.points
        known = {node: s for node in self.values if (s := self.score(nodes[node])) and math.isfinite(s.loss)}
        return min(known.items(), key=lambda item: item[1].loss) if known else None

    @property
    def height(self) -> tuple[Node | None, Difference] | None:
        """The most by which a loss measured in the triangle is above the flat plane through the three corners' losses,
        and where: on a line what Entezari et al. 2022 do. Never negative; the node is None where nothing is above.

        None until all corners are measured, or where a model overflows between them.
        """
        (xs, ys), plane = self.sheet.axes, self.sheet.plane
        corners = [s for p in plane.corners if (s := self.score(p)) is not None and math.isfinite(s.loss)]
        if len(corners) < 3:
            return None
        top: tuple[Node | None, Difference] = (None, Difference(0.0, 0.0, True))
        for i, j in self.values:
            weights = plane.weights(xs[j], ys[i])
            if min(weights) < 0:
                continue
            if (score := self.score(self.sheet.points[i, j])) is None or not math.isfinite(score.loss):
                return None
            if score.loss - sum(w * c.loss for w, c in zip(weights, corners, strict=True)) > top[1].value:
                top = (i, j), combined([(1.0, score), *((-w, c) for w, c in zip(weights, corners, strict=True))])
        return top

    @property
    def disturbance(self) -> Difference | None:
        """ξ where both task vectors are added in full, α₁ = α₂ = 1; None while it can't be told."""
        plane = self.sheet.plane
        both = [self.score(plane.point(1.0, 1.0), k) for k in range(len(self.sheet.tasks))]
        alone = [self.score(corner, k) for k, corner in enumerate(plane.corners[1:])]
        if len(both) != 2 or None in both or None in alone:
            return None
        return disturbance([s for s in both if s], [s for s in alone if s])

    def surface(self, size: int, ceiling: float = math.inf) -> Surface | None:
        """The picture so far, size × size; None while nothing is known."""
        return surface(self.values, size, self.sheet.depth, ceiling=ceiling) if self.values else None


def filled(ws: Workspace, sheet: Sheet, lost: Mapping[Key, str] | None = None) -> Filled:
    """What the catalog holds of a sheet; `lost` are asks (by key) that have no loss, and why."""
    points = list(dict.fromkeys([*sheet.own, *sheet.points.values()]))
    scores = tuple({p.hash: s for p, s in zip(points, ws.catalog.scores(points, task, sheet.probe), strict=True) if s}
                   for task in sheet.tasks)
    told = {}
    if lost:
        for node in sheet.points:
            if reasons := [lost[a.key] for a in sheet.asks(sheet.needed(node)) if a.key in lost]:
                told[node] = reasons[0]
    if len(sheet.tasks) == 1:
        values = {node: scores[0][p.hash].loss for node, p in sheet.points.items() if p.hash in scores[0]}
    else:
        values = _disentangled(sheet, scores)
    return Filled(sheet, {**values, **dict.fromkeys(told, math.inf)}, scores, told)


def _disentangled(sheet: Sheet, scores: Sequence[Mapping[str, Score]]) -> dict[Node, float]:
    """ξ at every node that can be told, from single texts' losses."""
    losses = []
    for known in scores:
        lengths = {len(s.losses) for s in known.values()}
        if not lengths:
            return {}
        rows = np.full((sheet.side, sheet.side, min(lengths) or 1), np.nan)
        for (i, j), point in sheet.points.items():
            if score := known.get(point.hash):
                rows[i, j] = score.losses if min(lengths) else score.loss
        losses.append(rows)
    _zero(sheet)
    xs, ys = sheet.axes
    found = xi(xs, ys, (losses[0], losses[1]))
    return {(int(i), int(j)): float(found[i, j]) for i, j in np.argwhere(np.isfinite(found))}


@dataclass(eq=False)
class Filling:
    """A sheet while it fills in: what was asked for last, and what has no loss."""

    sheet: Sheet
    lost: dict[Key, str] = field(default_factory=dict)
    asked: list[Ask] = field(default_factory=list)


def step(ws: Workspace, filling: Filling, cause: BaseException | None = None, ceiling: float = math.inf) -> list[Ask]:
    """What to measure next, now that the last batch is over; empty when the surface is done.

    `cause` is what ended that batch, if anything did. Where a model overflowed, what is left is tried one by one, so
    that it takes nothing from the others.
    """
    sheet = filling.sheet
    if isinstance(cause, NotFiniteError):
        left = unscored(ws, filling.asked)
        if len(left) == 1:
            filling.lost[left[0].key] = str(cause)
        elif left:
            filling.asked = left[:1]
            return filling.asked
    asks = _open(ws, filling, sheet.own)
    if not asks:
        known = filled(ws, sheet, filling.lost)
        cells = next_cells(known.values, sheet.depth, ceiling=ceiling, most=BATCH)
        asks = _open(ws, filling, [p for node in cells for p in sheet.needed(node)])
    filling.asked = asks
    return asks


def _open(ws: Workspace, filling: Filling, points: Sequence[Point]) -> list[Ask]:
    """What these Points lack that can be had."""
    return [a for a in unscored(ws, filling.sheet.asks(points)) if a.key not in filling.lost]
