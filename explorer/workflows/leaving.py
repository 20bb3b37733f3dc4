"""Walks out of a region (the paper's Appendix F): from the centroid of models in random directions and to the origins.

Radii are in spreads: the root mean square distance of the models from their centroid. There are two origins, as the
paper does not say which it means: the base, where task vectors are zero, and the model whose weights are all zero. A
walk ends where it arrives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from explorer.backends import Work
from explorer.errors import InputError
from explorer.evaluation.work import Ask
from explorer.paths.hull import distances_from
from explorer.paths.mixture import mixture
from explorer.paths.walks import outward, towards_base, towards_zero
from explorer.statistics.crossings import Crossing, crossing
from explorer.statistics.readings import combined
from explorer.types import Checkpoint, Estimate, Point, Probe, Score, Task
from explorer.weights.norms import Measuring
from explorer.workflows._kept import Kept
from explorer.workflows.lines import attempt
from explorer.workflows.naming import checkpoint_point, folders, members
from explorer.workflows.opening import Workspace

Kind = Literal["random", "base", "zero"]
KINDS: tuple[Kind, ...] = ("random", "base", "zero")
RADII = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
"""In spreads."""
MOST_SEEDS = 20

_norms: Kept[float] = Kept(256)


@dataclass(frozen=True)
class Direction:
    """One walk: where it goes, its Points at rising `radii` (in spreads, from 0), and the seed of a random one."""

    kind: Kind
    radii: tuple[float, ...]
    points: tuple[Point, ...]
    seed: int | None = None


@dataclass(frozen=True)
class Walks:
    """Walks from the `centre` of models: `spread`, `length` ‖Δ‖ and `norm` ‖θ‖ of the centre in weight distance."""

    centre: Point
    names: tuple[str, ...]
    points: tuple[Point, ...]
    spread: float
    length: float
    norm: float
    directions: tuple[Direction, ...]


@dataclass(frozen=True, eq=False)
class Walked:
    """What is known of walks on a task: scores by direction (None: not measured, or lost), and of the models.

    `lost` says of Points without a loss, by hash, why. `leaves` holds, by kind, where the (mean) loss first exceeds
    that of the highest model, in spreads; a kind is missing until its walks are measured.
    """

    walks: Walks
    task: Task
    scores: tuple[tuple[Score | None, ...], ...]
    models: tuple[Score | None, ...]
    base: Score | None
    lost: Mapping[str, str]
    leaves: Mapping[Kind, Crossing]

    @property
    def highest(self) -> Score | None:
        """The model of highest loss; None until all are measured."""
        known = [s for s in self.models if s is not None]
        return max(known, key=lambda s: s.loss) if len(known) == len(self.models) else None

    def mean(self, kind: Kind) -> list[tuple[float, Estimate]]:
        """(radius, mean loss over the walks of a kind) wherever all of them are measured.

        The standard error is that of its difference from the centroid's loss: most of what makes texts hard is shared.
        """
        chosen = [(d.radii, line) for d, line in zip(self.walks.directions, self.scores, strict=True) if d.kind == kind]
        if not chosen or (centre := chosen[0][1][0]) is None:
            return []
        found = []
        for radius, row in zip(chosen[0][0], zip(*(line for _, line in chosen), strict=True), strict=True):
            if len(there := [s for s in row if s is not None]) == len(row):
                above = combined([*((1 / len(row), s) for s in there), (-1.0, centre)])
                found.append((radius, Estimate(above.value + centre.loss, above.stderr)))
        return found


def walks(ws: Workspace, checkpoints: Sequence[Checkpoint], seeds: int = 3,
          radii: Sequence[float] = RADII) -> Walks:
    """Walks from the centroid of models, `seeds` of them in random directions; `radii` in spreads.

    The weights of the centroid are read once for their norm, in the backend. InputError for fewer than two models,
    models of several bases or all at one place, and for radii that do not rise from 0 on.
    """
    at = _checked(checkpoints, seeds, radii)
    gram = ws.catalog.gram(checkpoints[0].base)
    points = [checkpoint_point(c) for c in checkpoints]
    centre = mixture(checkpoints[0].base, {c.id: 1 / len(checkpoints) for c in checkpoints})
    apart = distances_from(gram, points, centre)
    spread = math.sqrt(float((apart**2).mean()))
    if spread == 0:
        raise InputError("the models are all at one place: their region has no size to measure a walk by.")
    length, norm = math.sqrt(max(gram.inner(centre)[1], 0.0)), weights_norm(ws, centre)
    found = [Direction("random", at, tuple(outward(centre, [r * spread for r in at], seed=seed)), seed)
             for seed in range(seeds)]
    if length > 0:
        near = _until(at, length / spread)
        found.append(Direction("base", near, tuple(towards_base(gram, centre, [r * spread for r in near]))))
    near = _until(at, norm / spread)
    found.append(Direction("zero", near, tuple(towards_zero(centre, [r * spread for r in near], norm))))
    return Walks(centre, tuple(c.name for c in checkpoints), tuple(points), spread, length, norm, tuple(found))


def asks(found: Walks, task: Task, probe: Probe) -> list[Ask]:
    """What is to be measured: the models, the centroid and the base, then all walks from near to far."""
    origin = Point.of(found.centre.base)
    steps = sorted((r, k, p) for k, d in enumerate(found.directions) for r, p in zip(d.radii, d.points, strict=True))
    return [Ask(p, task, probe) for p in dict.fromkeys([*found.points, found.centre, origin, *(p for *_, p in steps)])]


def measured(ws: Workspace, found: Walks, task: Task, probe: Probe) -> Walked:
    """Measure what is missing in one job, and wait. A Point at which the model overflows is lost, and is outside."""
    lost = attempt(ws, asks(found, task, probe), f"Walks from the centroid of {len(found.points)} models on "
                                                 f"{task.name}")
    return known(ws, found, task, probe, {ask.point.hash: why for ask, why in lost.items()})


def known(ws: Workspace, found: Walks, task: Task, probe: Probe, lost: Mapping[str, str] | None = None) -> Walked:
    """What stored scores say so far; `lost` are Points without a loss, by hash, and why."""
    lost = lost or {}
    every = [a.point for a in asks(found, task, probe)]
    scores = {p.hash: s for p, s in zip(every, ws.catalog.scores(every, task, probe), strict=True)}
    along = tuple(tuple(scores[p.hash] for p in d.points) for d in found.directions)
    models = tuple(scores[p.hash] for p in found.points)
    mine = {p.hash: lost[p.hash] for p in every if p.hash in lost}
    leaves: dict[Kind, Crossing] = {}
    others = [s for s in models if s is not None]
    for kind in KINDS:
        chosen = [(d, line) for d, line in zip(found.directions, along, strict=True) if d.kind == kind]
        if chosen and len(others) == len(models) and (ready := _whole(chosen, mine)):
            leaves[kind] = crossing(chosen[0][0].radii, ready, others)
    return Walked(found, task, along, models, scores[Point.of(found.centre.base).hash], mine, leaves)


def weights_norm(ws: Workspace, point: Point) -> float:
    """‖θ‖ of a Point, read from the weights once and kept while the program runs."""
    def made() -> float:
        base = ws.catalog.base(point.base)
        request = Measuring(base, str(ws.catalog.resolve(base.path)), folders(ws, members(ws, [point])), point)
        work = Work("Length of a model's weights", "explorer.weights.norms:norm", request, lane="side", priority=0)
        (found,) = ws.backend.submit(work).result()
        return float(found)

    return _norms.get((point.base, point.hash), made)


def _checked(checkpoints: Sequence[Checkpoint], seeds: int, radii: Sequence[float]) -> tuple[float, ...]:
    """The radii, which begin at 0."""
    if len(checkpoints) < 2:
        raise InputError(f"{len(checkpoints)} models have no spread to measure a walk by; at least 2 are needed.")
    if len({c.base for c in checkpoints}) > 1:
        raise InputError("the models have different bases, and no centroid: take those of one base.")
    if not 1 <= seeds <= MOST_SEEDS:
        raise InputError(f"{seeds} random directions; 1 to {MOST_SEEDS} can be walked.")
    at = tuple(dict.fromkeys([0.0, *radii]))
    if not all(math.isfinite(r) and r >= 0 for r in at) or list(at) != sorted(at) or len(at) < 2:
        raise InputError(f"radii {list(radii)}: numbers of spreads that rise from 0 on are needed.")
    return at


def _until(radii: Sequence[float], end: float) -> tuple[float, ...]:
    """The radii before a walk's end, and that."""
    return (*(r for r in radii if r < end), end) if end < radii[-1] else tuple(radii)


def _whole(chosen: Sequence[tuple[Direction, Sequence[Score | None]]],
           lost: Mapping[str, str]) -> list[list[Score]] | None:
    """The scores of walks, infinite where a Point is lost; None until all are measured."""
    found = []
    for direction, scores in chosen:
        first = scores[0]
        if first is None:
            return None
        beyond = replace(first, loss=math.inf, stderr=math.nan, losses=np.full_like(first.losses, np.inf))
        line = [beyond if p.hash in lost else s for p, s in zip(direction.points, scores, strict=True)]
        if any(s is None for s in line):
            return None
        found.append([s for s in line if s is not None])
    return found
