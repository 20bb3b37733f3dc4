"""Claims C7 and C8: lines between models, and beyond them.

Pairs are drawn once from a fixed seed, each of other data sets as far as there are such, and measured on the data set
of the model at α = 1.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from explorer import numbers
from explorer.errors import InputError
from explorer.evaluation.work import Ask
from explorer.paths import alphas
from explorer.statistics import averages, readings
from explorer.types import Base, Checkpoint, Finding, Line, Point, Probe, Score, Task
from explorer.workflows.claims.question import Question, average
from explorer.workflows.naming import checkpoint_point
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

PAIRS = 10
"""Of each kind, as the paper's same-data-set pairs."""
FAR_PAIRS = 5
LOW = 0.1
"""The loss stays low where it rises by less than this share of what fine-tuning has gained over the base."""
FLAT, STEEP = 1.5, 4.0
"""A flat base reaches beyond α = FLAT; a cliff rises from a tenth to nine tenths within a factor STEEP of α."""


@dataclass(frozen=True)
class Pair:
    """Two models; losses are measured on the data set of `one`, which is at α = 1."""

    zero: Checkpoint
    one: Checkpoint
    task: Task

    def line(self, at: Sequence[float]) -> Line:
        return Line(checkpoint_point(self.zero), checkpoint_point(self.one), tuple(at))


Kind = Callable[[Checkpoint, Checkpoint], bool]
KINDS: Mapping[str, Kind] = {
    "same data set": lambda a, b: a.dataset == b.dataset,
    "same task": lambda a, b: a.dataset != b.dataset and a.task is not None and a.task == b.task,
    "any two": lambda a, b: a.dataset != b.dataset and a.task is not None and b.task is not None and a.task != b.task,
}


def pairs(ws: Workspace, base: Base, kind: Kind, most: int) -> list[Pair]:
    """At most so many pairs of a kind, whose data sets take turns, always the same ones for the same models."""
    tasks = {t.name: t for t in ws.catalog.tasks()}
    models = sorted((c for c in full_size(ws.catalog.checkpoints(base.id)) if c.dataset in tasks), key=lambda c: c.id)
    order = np.random.default_rng(0).permutation(len(models))
    chosen: list[Pair] = []
    used: dict[str, int] = defaultdict(int)
    possible = [(models[i], models[j]) for i in order for j in order if i != j and kind(models[i], models[j])]
    while possible and len(chosen) < most:
        a, b = min(possible, key=lambda pair: used[pair[0].id] + used[pair[1].id]
                   + used[f"set {pair[0].dataset}"] + used[f"set {pair[1].dataset}"])
        chosen.append(Pair(a, b, tasks[str(b.dataset)]))
        for key in (a.id, b.id, f"set {a.dataset}", f"set {b.dataset}"):
            used[key] += 1
        possible = [p for p in possible if {p[0].id, p[1].id} != {a.id, b.id}]
    return chosen


def between(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C7: between models the loss stays low, and the minimum is often strictly inside."""
    at, origin = alphas.interpolation(11), Point.of(base.id)
    found = {name: pairs(ws, base, kind, PAIRS) for name, kind in KINDS.items()}
    if not all(len(p) > 1 for p in found.values()):
        few = ", ".join(name for name, p in found.items() if len(p) < 2)
        raise InputError(f"fewer than two pairs of models whose data sets have texts: {few}.")
    asks = [Ask(p, pair.task, probe) for some in found.values() for pair in some
            for p in (*pair.line(at).points, origin)]

    def conclude(reasons: Mapping[Ask, str]) -> Finding:
        figures, shares = [], {}
        for name, some in found.items():
            measured = [shape for pair in some if (shape := _between(ws, pair, at, origin, probe))]
            rises = averages.mean([rise for rise, _, _ in measured])
            shares[name] = rises.value / float(np.mean([gain for _, gain, _ in measured]))
            inside = averages.proportion(sum(within for _, _, within in measured), len(measured))
            figures += [average(f"{name}: minimum strictly inside", inside, "pairs"),
                        average(f"{name}: rise above the line between the ends", rises, "pairs", unit="nats")]
        agrees = all(0 <= share < LOW for share in shares.values())
        said = ", ".join(f"{name} {numbers.share_told(share)}" for name, share in shares.items())
        return Finding("C7", "agrees" if agrees else "differs",
                       f"The rise between two models, as a share of what fine-tuning gained over the base: {said}.",
                       tuple(figures), f"{sum(map(len, found.values()))} pairs, {len(at)} α each", "path",
                       _settings(found["same data set"][0], "Between"))

    return Question("C7", tuple(asks), conclude)


def _between(ws: Workspace, pair: Pair, at: Sequence[float], origin: Point,
             probe: Probe) -> tuple[float, float, bool] | None:
    """(rise above the line between the ends, the better end's gain over the base, whether the minimum is inside)."""
    scores = ws.catalog.scores(pair.line(at).points, pair.task, probe)
    (start,) = ws.catalog.scores([origin], pair.task, probe)
    height, lowest, ends = readings.height(at, scores), readings.minimum(at, scores), readings.ends(at, scores)
    if height is None or lowest is None or ends is None or start is None:
        return None
    return height.value, start.loss - min(e.loss for e in ends), 0 < lowest.alpha < 1


def beyond(ws: Workspace, base: Base, probe: Probe) -> Question:
    """C8: beyond the models, a flat base with steep cliffs; on pairs of one data set, both sides."""
    at = alphas.far()
    found = pairs(ws, base, KINDS["same data set"], FAR_PAIRS)
    if len(found) < 2:
        raise InputError("fewer than two pairs of models of one data set that has texts.")
    asks = [Ask(p, pair.task, probe) for pair in found for p in pair.line(at).points]

    def conclude(reasons: Mapping[Ask, str]) -> Finding:
        shapes = [shape for pair in found for side in (1, -1)
                  if (shape := cliff(at, ws.catalog.scores(pair.line(at).points, pair.task, probe), side))]
        if len(shapes) < 2:
            raise InputError("too few of the lines have losses far out.")
        reach, factor = (averages.mean([math.log(s[k]) for s in shapes]) for k in (0, 1))
        figures = tuple(average(name, averages.Average(math.exp(x.value), math.exp(x.low), math.exp(x.high), x.n),
                                "sides of lines", unit="factor")
                        for name, x in (("flat base: reaches this far, from the other end", reach),
                                        ("cliff: from a tenth to nine tenths of the rise, factor of α", factor)))
        agrees = reach.low > math.log(FLAT) and median(s[1] for s in shapes) < STEEP
        said = (f"The loss keeps within a tenth of its rise up to α = {numbers.fixed(figures[0].value, 1)}, and then "
                f"goes through eight tenths of it within a factor of {numbers.fixed(figures[1].value, 1)}.")
        return Finding("C8", "agrees" if agrees else "differs", said, figures,
                       f"{len(found)} pairs of one data set, {len(at)} α each, both sides", "path",
                       _settings(found[0], "Far"))

    return Question("C8", tuple(asks), conclude)


def cliff(at: Sequence[float], scores: Sequence[Score | None], side: int) -> tuple[float, float] | None:
    """(how far out from the other end the loss keeps within a tenth of its rise, the factor to nine tenths).

    The rise is from the side's end to the highest loss measured on it; distances are in units of the pair's own, log
    interpolated between measured points. None where nothing rises.
    """
    out = sorted((a if side > 0 else 1 - a, s.loss) for a, s in zip(at, scores, strict=True)
                 if s is not None and math.isfinite(s.loss) and (a >= 1 if side > 0 else a <= 0))
    if len(out) < 3 or (top := max(loss for _, loss in out)) <= out[0][1]:
        return None
    rise = [(loss - out[0][1]) / (top - out[0][1]) for _, loss in out]
    far = [math.log(a) for a, _ in out]

    def first(share: float) -> float:
        k = next(i for i, r in enumerate(rise) if r >= share)
        step = (share - rise[k - 1]) / (rise[k] - rise[k - 1])
        return far[k - 1] + step * (far[k] - far[k - 1])

    tenth, most = first(0.1), first(0.9)
    return math.exp(tenth), math.exp(most - tenth)


def _settings(pair: Pair, span: str) -> dict[str, object]:
    return {"zero": pair.zero.id, "one": pair.one.id, "tasks": [pair.task.name], "range": span}
