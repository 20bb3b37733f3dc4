"""Lines measured to the end, for callers that wait: every point on every task, what is read off, and the boundary.

Pages show a path while it grows (`probing`); everything here returns when it is measured. A Point at which the model
overflows has no loss: it is told with its reason, and the rest of the line is measured all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from explorer.errors import InputError, NotFiniteError
from explorer.evaluation.work import Ask
from explorer.paths.alphas import is_far
from explorer.paths.boundary import Boundary, Side, next_boundary_alpha, threshold
from explorer.paths.refinement import next_alpha
from explorer.statistics import readings
from explorer.statistics.readings import Difference, Reading
from explorer.types import Line, Point, Probe, Score, Task
from explorer.workflows.naming import describe
from explorer.workflows.opening import Workspace
from explorer.workflows.probing import measure, unscored

SIDES: tuple[Side, Side] = ("zero", "one")
MOST_REFINED = 1000


@dataclass(frozen=True, eq=False)
class Measured:
    """Scores on one task at the m `alphas` of a line; `reasons` says, by α, why there is none.

    `base` is the base's own score on the task, where it was asked for.
    """

    task: Task
    alphas: tuple[float, ...]
    scores: tuple[Score | None, ...]
    reasons: Mapping[float, str] = field(default_factory=dict)
    base: Score | None = None

    @property
    def barrier(self) -> Reading | None:
        """None too where the model overflows between the ends: no number says how high that is."""
        return None if any(0 <= a <= 1 for a in self.reasons) else readings.barrier(self.alphas, self.scores)

    @property
    def minimum(self) -> Reading | None:
        return readings.minimum(self.alphas, self.scores)


@dataclass(frozen=True, eq=False)
class Found:
    """A boundary, the loss it was looked for above, and every α that was measured on the way, in that order."""

    boundary: Boundary
    excess: float
    measured: Measured


def measured(ws: Workspace, line: Line, tasks: Sequence[Task], probe: Probe, *, base: bool = False,
             lost: Mapping[Ask, str] | None = None) -> list[Measured]:
    """One Measured a task, all of them made in one job; `base`: the base is measured beside the line.

    `lost` are asks known to have no loss, and why; they are not tried again. NotFiniteError if no point of the line
    has a loss.
    """
    origin, lost = Point.of(line.zero.base), lost or {}
    asks = [Ask(point, task, probe) for point in line.points for task in tasks]
    wanted = [*asks, *(Ask(origin, task, probe) for task in tasks if base)]
    title = f"{describe(ws, line.zero)} to {describe(ws, line.one)} on {', '.join(t.name for t in tasks)}"
    reasons = {**lost, **attempt(ws, [ask for ask in wanted if ask not in lost], title)}
    if asks and all(ask in reasons for ask in asks):
        raise NotFiniteError(reasons[asks[0]])
    found = []
    for task in tasks:
        scores = ws.catalog.scores(line.points, task, probe)
        told = {a: reasons[ask] for a, p in zip(line.alphas, line.points, strict=True)
                if (ask := Ask(p, task, probe)) in reasons}
        (beside,) = ws.catalog.scores([origin], task, probe) if base else [None]
        found.append(Measured(task, line.alphas, tuple(scores), told, beside))
    return found


def mean(found: Sequence[Measured]) -> list[Difference | None]:
    """Mean generalized loss over the tasks at each α of their one line; None where a task has none."""
    rows = zip(*(m.scores for m in found), strict=True)
    return [readings.mean_over_tasks({m.task.name: s for m, s in zip(found, row, strict=True)}) for row in rows]


def refined(ws: Workspace, line: Line, tasks: Sequence[Task], probe: Probe, count: int) -> Line:
    """The line with at most `count` further α, each measured where the curve is least certain; α rise.

    Of several tasks the mean curve is refined. There are fewer where the curve is certain enough before.
    """
    if not 0 <= count <= MOST_REFINED:
        raise InputError(f"{count} further points: a number from 0 to {MOST_REFINED} is needed.")
    low, high, far = min(line.alphas), max(line.alphas), is_far(line.alphas)
    line = replace(line, alphas=tuple(sorted(set(line.alphas))))
    lost: dict[Ask, str] = {}
    for _ in range(count):
        found = measured(ws, line, tasks, probe, lost=lost)
        lost |= {Ask(p, m.task, probe): m.reasons[a] for m in found
                 for a, p in zip(line.alphas, line.points, strict=True) if a in m.reasons}
        curve = mean(found)
        losses = [math.inf if v is None else v.value for v in curve]
        errors = [math.nan if v is None else v.stderr for v in curve]
        alpha = next_alpha(line.alphas, losses, errors, low, high, far=far)
        if alpha is None:
            break
        line = replace(line, alphas=tuple(sorted({*line.alphas, alpha})))
    return line


def boundary(ws: Workspace, zero: Point, one: Point, task: Task, probe: Probe, excess: float, side: Side, *,
             tolerance: float = 0.01, limit: float | None = None) -> Found:
    """How far a line can be followed on a side before the loss passes that of its end by `excess` nats.

    Each α is measured by a job of its own, and every score is kept. A model that overflows counts as above. The
    boundary's `stderr` is that of its loss over the end's, paired where single texts' losses are there. InputError for
    an excess, tolerance or limit of no use, before anything is measured.
    """
    check_search(excess, tolerance, side, limit)
    end = 1.0 if side == "one" else 0.0
    scores: dict[float, Score | None] = {}
    reasons: dict[float, str] = {}
    names = f"{describe(ws, zero)} to {describe(ws, one)}"
    asked: float | Boundary = end
    while not isinstance(asked, Boundary):
        point = zero.moved(one, asked)
        title = f"Boundary on {task.name} from {names}: α = {asked:g}, point {len(scores) + 1}"
        lost = attempt(ws, [ask := Ask(point, task, probe)], title)
        reasons |= {asked: lost[ask]} if ask in lost else {}
        (scores[asked],) = ws.catalog.scores([point], task, probe)
        asked = boundary_step(scores, side, excess, tolerance, limit)
    last, first = scores.get(math.nan if asked.alpha is None else asked.alpha), scores[end]
    if last is not None and first is not None:
        asked = replace(asked, stderr=readings.paired(last, first).stderr)
    return Found(asked, excess, Measured(task, tuple(scores), tuple(scores.values()), reasons))


def check_search(excess: float, tolerance: float, side: Side = "one", limit: float | None = None) -> None:
    """InputError where a boundary can't be looked for with these numbers."""
    threshold(0.0, excess)
    next_boundary_alpha({}, side, excess, limit, tolerance)


def boundary_step(scores: Mapping[float, Score | None], side: Side, excess: float, tolerance: float = 0.01,
                  limit: float | None = None) -> float | Boundary:
    """The α to measure next on a side, or its Boundary, from the scores so far; None where the model overflows.

    The side's end must be among them. Beside `boundary`, for callers that do not wait.
    """
    known = {a: math.inf if s is None or not math.isfinite(s.loss) else s.loss for a, s in scores.items()}
    end = 1.0 if side == "one" else 0.0
    if math.isinf(known[end]):
        return Boundary(side, None, None, end, math.nan, True, None,
                        f"α = {end:g} itself has no loss: the model is not finite there.")
    return next_boundary_alpha(known, side, threshold(known[end], excess), limit, tolerance)


def attempt(ws: Workspace, asks: Sequence[Ask], title: str) -> dict[Ask, str]:
    """Measure, and say of each ask that can't be measured why: a Point far out takes nothing from the others.

    All are one job. Only where that meets such a Point, what is left is asked for one by one.
    """
    try:
        measure(ws, asks, title=title).result()
    except NotFiniteError as error:
        left = unscored(ws, asks)
        if len(left) == 1:
            return {left[0]: str(error)}
    else:
        return {}
    reasons = {}
    for ask in left:
        try:
            measure(ws, [ask], title=title).result()
        except NotFiniteError as error:
            reasons[ask] = str(error)
    return reasons
