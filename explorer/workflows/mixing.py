"""Mixtures of models: the Point of named weights, names for Points, and a prediction of the loss between them."""

from __future__ import annotations

from collections.abc import Mapping

from explorer.backends import Job, Work
from explorer.errors import InputError, RecipeError
from explorer.paths.mixture import mixture
from explorer.statistics.surrogate import LEAST
from explorer.statistics.work import Fitting
from explorer.types import Point, Probe, Score, Task
from explorer.weights.directions import is_generated
from explorer.workflows.acts import changes
from explorer.workflows.naming import named_checkpoints
from explorer.workflows.opening import Workspace


def mix(ws: Workspace, weights: Mapping[str, float]) -> Point:
    """base + Σ weight · Δ of checkpoints by name or id; RecipeError where they can't be mixed."""
    if not weights:
        raise RecipeError("the mixture is empty; give at least one checkpoint a weight.")
    chosen = named_checkpoints(ws, weights, "mixture")
    bases = {c.base for c in chosen.values()}
    if len(bases) > 1:
        told = ", ".join(f"{c.name} ({ws.catalog.base(c.base).name})" for c in chosen.values())
        raise RecipeError(f"the mixture's checkpoints have different bases: {told}; mix those of one base.")
    return mixture(bases.pop(), {chosen[name].id: value for name, value in weights.items()})


@changes("keeping a Point under a name")
def keep(ws: Workspace, name: str, point: Point) -> None:
    """Keep a Point under a name, by which it can be used wherever a Point can; InputError if the name is taken."""
    ws.catalog.add_point(name, point)


def check_name(ws: Workspace, name: str) -> None:
    """InputError where `keep` would refuse the name, for callers that have much to do before they keep a Point."""
    ws.catalog.check_name(name)


def measured_points(ws: Workspace, base: str, task: Task, probe: Probe) -> list[tuple[Point, Score]]:
    """What a prediction is fitted on: every scored Point whose place among the models is known from the Gram."""
    return [(p, s) for p, s in ws.catalog.scored_points(task, probe, base)
            if not any(is_generated(term) for term, _ in p.terms)]


def surrogate(ws: Workspace, base: str, task: Task, probe: Probe, *, owner: str = "", replaces: str = "") -> Job:
    """Fit a prediction on every score of a task so far; its result is one Fitted. InputError for too few scores."""
    known = measured_points(ws, base, task, probe)
    if len(known) < LEAST:
        raise InputError(f"{len(known)} points are measured on {task.name}; a prediction needs at least {LEAST}.")
    request = Fitting(ws.catalog.gram(base), tuple(p for p, _ in known), tuple(s for _, s in known))
    work = Work(f"Prediction on {task.name}", "explorer.statistics.work:fit_surrogate", request, lane="side",
                priority=0, replaces=replaces)
    return ws.backend.submit(work, owner=owner)
