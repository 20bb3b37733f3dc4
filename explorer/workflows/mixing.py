"""Mixtures of models: the Point of named weights, names for Points, and a prediction of the loss between them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from explorer.backends import Job, Work
from explorer.errors import InputError, RecipeError
from explorer.paths.mixture import mixture
from explorer.statistics.surrogate import LEAST
from explorer.statistics.work import Fitting
from explorer.types import Point, Probe, Task
from explorer.weights.exporting import Exporting, check_target
from explorer.workflows.opening import Workspace


def mix(ws: Workspace, weights: Mapping[str, float]) -> Point:
    """base + Σ weight · Δ of checkpoints by name or id; RecipeError where they can't be mixed."""
    if not weights:
        raise RecipeError("the mixture is empty; give at least one checkpoint a weight.")
    Point.of("", weights)  # says which name has a coefficient that is no finite number
    chosen = {name: ws.catalog.checkpoint(name) for name in weights}
    if len({c.id for c in chosen.values()}) < len(chosen):
        raise RecipeError("the mixture names a checkpoint twice.")
    bases = {c.base for c in chosen.values()}
    if len(bases) > 1:
        told = ", ".join(f"{c.name} ({ws.catalog.base(c.base).name})" for c in chosen.values())
        raise RecipeError(f"the mixture's checkpoints have different bases: {told}; mix those of one base.")
    return mixture(bases.pop(), {chosen[name].id: value for name, value in weights.items()})


def keep(ws: Workspace, name: str, point: Point) -> None:
    """Keep a Point under a name, by which it can be used wherever a Point can; InputError if the name is taken."""
    ws.catalog.add_point(name, point)


def check_name(ws: Workspace, name: str) -> None:
    """InputError where `keep` would refuse the name, for callers that have much to do before they keep a Point."""
    plain = " ".join(name.split())
    if not plain or plain == "base":
        raise InputError(f"a Point can't be called {plain!r}; give it a name of its own.")
    taken = {*ws.catalog.points(), *(c.name for c in ws.catalog.checkpoints()), *(b.name for b in ws.catalog.bases())}
    if plain in taken:
        raise InputError(f"the name {plain!r} is taken; choose another one.")


def export(ws: Workspace, point: Point, out: Path) -> Job:
    """Write a Point as a model folder that `AutoModel.from_pretrained` loads; InputError if the folder is there."""
    out = out.expanduser().absolute()
    check_target(out)
    base = ws.catalog.base(point.base)
    used = dict(point.terms)
    members = [c for c in ws.catalog.checkpoints(base.id) if c.id in used]
    recipe = {"base": base.name, "terms": {c.name: used[c.id] for c in members}}
    request = Exporting(base, str(ws.catalog.resolve(base.path)), {c.id: str(ws.catalog.resolve(c.path))
                                                                   for c in members}, point, str(out),
                        {"name": out.name, "base": base.name, "method": "mixture", "recipe": recipe})
    return ws.backend.submit(Work(f"Export to {out.name}", "explorer.weights.exporting:export", request, lane="side"))


def surrogate(ws: Workspace, base: str, task: Task, probe: Probe, *, owner: str = "", replaces: str = "") -> Job:
    """Fit a prediction on every score of a task so far; its result is one Fitted. InputError for too few scores."""
    known = ws.catalog.scored_points(task, probe, base)
    if len(known) < LEAST:
        raise InputError(f"{len(known)} points are measured on {task.name}; a prediction needs at least {LEAST}.")
    request = Fitting(ws.catalog.gram(base), tuple(p for p, _ in known), tuple(s for _, s in known))
    work = Work(f"Prediction on {task.name}", "explorer.statistics.work:fit_surrogate", request, lane="side",
                priority=0, replaces=replaces)
    return ws.backend.submit(work, owner=owner)
