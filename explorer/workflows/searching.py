"""Search of mixing weights on a few texts of a target: which models, the job, and what its end is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from explorer.backends import Job, Work
from explorer.errors import InputError, RecipeError
from explorer.evaluation.searching import FOLDS, Searching, Tried
from explorer.evaluation.work import Ask
from explorer.paths.mixture import uniform
from explorer.statistics.readings import Difference, paired
from explorer.tasks.prepare import require_texts
from explorer.types import Base, Checkpoint, Point, Probe, Score, Task, canonical_json, digest
from explorer.workflows.naming import checkpoint_point, folders
from explorer.workflows.opening import Workspace
from explorer.workflows.regions import full_size

MOST = 12
"""Models of one search: each is a dimension."""


@dataclass(frozen=True)
class Search:
    """A search that can be begun: checked, with everything its outcome depends on."""

    base: Base
    models: tuple[Checkpoint, ...]
    task: Task
    shots: int = 32
    budget: int = 100
    penalty: float = 0.05
    bound: float = 1.5
    seed: int = 0
    probe: Probe = field(default_factory=Probe)

    def point(self, tried: Tried) -> Point:
        """The Point of some weights."""
        return Point.of(self.base.id, dict(zip((c.id for c in self.models), tried.weights, strict=True)))

    @property
    def key(self) -> str:
        """The identity of its outcome."""
        return digest("search", canonical_json([
            self.base.id, [c.id for c in self.models], self.task.digest, self.shots, self.budget, self.penalty,
            self.bound, self.seed, self.probe.key]))

    @property
    def alone(self) -> dict[str, Point]:
        """What the found Point is compared with: base, centroid, single models; in the order of the first tries."""
        ids = [c.id for c in self.models]
        return {"base": Point.of(self.base.id), "centroid": Point.of(self.base.id, uniform(ids)),
                **{c.name: checkpoint_point(c) for c in self.models}}


def candidates(checkpoints: Sequence[Checkpoint], task: Task) -> list[Checkpoint]:
    """A model of every other data set than the target, trained on as many texts as there are, MOST at most; those of
    the target's own family first."""
    first = {c.dataset: c for c in reversed(full_size(checkpoints)) if c.dataset not in (None, task.name)}
    return sorted(first.values(), key=lambda c: (c.task != task.family, c.name))[:MOST]


def plan(ws: Workspace, models: Sequence[Checkpoint], task: Task, *, shots: int = 32, budget: int = 100,
         penalty: float = 0.05, bound: float = 1.5, seed: int = 0, probe: Probe | None = None) -> Search:
    """A search with everything checked that can be wrong with it; InputError or RecipeError says what."""
    n = len(models)
    if not 2 <= n <= MOST or len({c.id for c in models}) < n:
        raise InputError(f"{n} models: weights are searched for 2 to {MOST} different ones.")
    if len({c.base for c in models}) > 1:
        raise RecipeError("the models have different bases; search among those of one base.")
    if not 2 <= shots <= 1000:
        raise InputError(f"{shots} shots: 2 to 1000 train texts of each label can be used; each is left out once.")
    if not n + 3 <= budget <= 10_000:
        raise InputError(f"a budget of {budget}: {n + 3} to 10000 evaluations; base, mean and single models come "
                         "first.")
    if not (math.isfinite(penalty) and 0 <= penalty <= 10):
        raise InputError(f"the penalty is {penalty:g}; 0 to 10 nats for a weight of 1 can be used.")
    if not (math.isfinite(bound) and 0 < bound <= 10):
        raise InputError(f"the bound is {bound:g}; weights can be held within 0.01 to 10.")
    if not 0 <= seed < 2**31:
        raise InputError(f"the seed is {seed}; a whole number from 0 to {2**31 - 1} is needed.")
    if task.n_train < 2 * len(task.labels):
        raise InputError(f"{task.name} has {task.n_train} train texts, too few to leave some out.")
    return Search(ws.catalog.base(models[0].base), tuple(models), task, shots, budget, penalty, bound, seed,
                  probe or Probe())


def begin(ws: Workspace, search: Search, *, owner: str = "", replaces: str = "") -> Job:
    """Search in the background; its results are one Tried an evaluation. UnavailableError without texts."""
    require_texts(search.task)
    request = Searching(search.base, str(ws.catalog.resolve(search.base.path)), folders(ws, search.models),
                        tuple(c.id for c in search.models), search.task, search.shots, search.budget, search.penalty,
                        search.bound, search.seed, search.probe, ws.device)
    title = f"Weights of {len(search.models)} models on {search.task.name}"
    return ws.backend.submit(Work(title, "explorer.evaluation.searching:search", request, replaces=replaces),
                             owner=owner)


def best(tried: Sequence[Tried]) -> Tried:
    """The lowest objective; InputError where nothing was tried."""
    if not tried:
        raise InputError("the search has not tried anything yet.")
    return min(tried, key=lambda t: t.objective)


def asks(search: Search, found: Tried | None) -> list[Ask]:
    """The scores on the whole of the target that the outcome needs."""
    points = [*search.alone.values(), *([search.point(found)] if found else [])]
    return [Ask(p, search.task, search.probe) for p in dict.fromkeys(points)]


@dataclass(frozen=True)
class Row:
    """One Point on the target's test texts: `few` is its objective's loss on the shots, `difference` the found
    Point's loss minus this one's, paired over the texts (None: not measured)."""

    name: str
    point: Point
    few: float | None
    score: Score | None
    difference: Difference | None


def outcome(ws: Workspace, search: Search, tried: Sequence[Tried]) -> list[Row]:
    """The found Point beside base, centroid and single models; the single model with the lowest loss on the shots is
    called best single model, because that is how it would have been chosen."""
    found = best(tried)
    known = {search.point(t): t.loss for t in tried}
    singles = {name: p for name, p in search.alone.items() if name not in ("base", "centroid")}
    chosen = min(singles, key=lambda name: known.get(singles[name], math.inf))
    points = {"found": search.point(found), **search.alone}
    scores = ws.catalog.scores(list(points.values()), search.task, search.probe)
    mine = scores[0]
    return [Row(f"{name} (best single model)" if name == chosen else name, p, known.get(p), s,
                paired(mine, s) if mine and s and name != "found" else None)
            for (name, p), s in zip(points.items(), scores, strict=True)]


def in_words(search: Search) -> str:
    """How the objective is made."""
    folds = min(FOLDS, search.shots)
    return (f"On {search.shots} train texts of each of {len(search.task.labels)} labels (seed {search.seed}), dealt "
            f"into {folds} folds: a head fitted on the others scores each fold; plus {search.penalty:g} nats for a "
            "weight of 1. Compared on the test texts with the generalized loss, its head fitted on "
            f"{search.probe.train or 'all'} train texts.")
