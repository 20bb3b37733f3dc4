"""Merges of models as Points, and their place among the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explorer.backends import Job, Work
from explorer.errors import RecipeError
from explorer.merges._recipe import BASE, Recipe, method
from explorer.projections._coordinates import ordered, principal, similarity, unit_scale
from explorer.types import Base, Checkpoint, Gram, MapSpec, Point
from explorer.weights.directions import ZERO
from explorer.weights.merged_rows import MergedRows
from explorer.workflows import fishers
from explorer.workflows._kept import Kept
from explorer.workflows.naming import folders, main_base
from explorer.workflows.opening import Workspace

_rows: Kept[np.ndarray] = Kept(32)

ONE = 1e-9
"""Coefficients whose sum is this close to 1 sum to 1."""


USUAL: Mapping[str, Mapping[str, Any]] = {
    "breadcrumbs": {"density": 0.9, "lambda": 0.4}, "breadcrumbs_ties": {"density": 0.9, "lambda": 0.4},
    "dare_linear": {"density": 0.5, "lambda": 0.4}, "dare_ties": {"density": 0.5, "lambda": 0.4},
    "task_arithmetic": {"lambda": 0.4}, "ties": {"density": 0.2}}
"""Options to begin with, as the methods' papers choose them: where mergekit's defaults leave task vectors as they are,
and sums of several whole ones are not what the papers take."""


def merge_point(ws: Workspace, name: str, models: Mapping[str, Any],
                options: Mapping[str, Any] | None = None) -> Point:
    """The Point of a merge: models by name or id with their weights, options by mergekit's names.

    Weights and options are a value, a list of values (a gradient over the layers) or cases of filter and value; an
    option that models may differ in can be {NAME: value}. "base" among the models is the base itself. A merge that is a
    sum of task vectors, the same in all layers, is the Point of that sum. A method that takes Fisher information is
    given that of each model's own data set, which must be there (`fishers.inform`). RecipeError or UnknownNameError
    says what is wrong.
    """
    chosen = {name: name if name == BASE else ws.catalog.checkpoint(name) for name in models}
    checkpoints = [c for c in chosen.values() if not isinstance(c, str)]
    ids = {name: c if isinstance(c, str) else c.id for name, c in chosen.items()}
    if len(set(ids.values())) < len(ids):
        raise RecipeError("the merge names a model twice.")
    bases = {c.base for c in checkpoints}
    if len(bases) > 1:
        told = ", ".join(f"{c.name} ({ws.catalog.base(c.base).name})" for c in checkpoints)
        raise RecipeError(f"the merged models have different bases: {told}; merge those of one base.")
    base = ws.catalog.base(bases.pop()) if bases else main_base(ws)
    turned = {key: {ids.get(name, name): v for name, v in value.items()} if isinstance(value, Mapping) and
              set(value) <= set(ids) else value for key, value in (options or {}).items()}
    if (option := method(name).models.informed) and option not in turned:
        turned[option] = _informed(ws, checkpoints)
    return point_of(Recipe.of(name, {ids[name]: weight for name, weight in models.items()}, turned), base)


def _informed(ws: Workspace, models: Sequence[Checkpoint]) -> dict[str, str]:
    """The key of each model's Fisher information by id; RecipeError where one is not there."""
    wanted = fishers.informed(ws, models)
    if missing := {w.checkpoint for w in fishers.lacking(ws, wanted)}:
        told = ", ".join(c.name for c in models if c.id in missing)
        raise RecipeError(f"the Fisher information of {told} is not estimated yet; the Merge page does it, and so does "
                          "`merge --method fisher`.")
    return {w.checkpoint: w.key for w in wanted}


def point_of(recipe: Recipe, base: Base) -> Point:
    """The Point of a merge over a base; RecipeError where some parameter of the base would have no weight."""
    recipe.check(base.layout, base.prefix)
    terms = _sum(recipe)
    return Point.of(base.id, {recipe.id: 1.0} if terms is None else terms)


def gram_with_merges(ws: Workspace, points: Sequence[Point]) -> Gram:
    """The Gram of the Points' base with a row for every merge and direction in them, by one pass over the models.

    With it a merge has its exact place on every map, its distances and cosines. Waits for the pass, whose last few
    results are kept in this process; Points of one base.
    """
    gram = ws.catalog.gram(points[0].base)
    if not (terms := _made_terms(gram, points)):
        return gram

    def made() -> np.ndarray:
        if (job := place_job(ws, points)) is not None:
            return np.asarray(job.result()[0])
        return _rows.get((points[0].base, gram.ids, terms), made)  # another session has just made them

    # hashes of weights and what is done with them: nothing else goes into the rows
    rows = _rows.get((points[0].base, gram.ids, terms), made)
    n, k = len(gram.ids), len(terms)
    values = np.empty((len(gram.groups), n + k, n + k))
    values[:, :n, :n], values[:, n:, :] = gram.values, rows
    values[:, :n, n:] = rows[:, :, :n].transpose(0, 2, 1)
    return Gram((*gram.ids, *terms), gram.groups, values, gram.sketch)


def place_merges(ws: Workspace, spec: MapSpec, points: Sequence[Point]) -> np.ndarray:
    """Coordinates (m, k) of Points, merges among them, on the PCA map of a base's models (waits as
    `gram_with_merges` does)."""
    whole = gram_with_merges(ws, points)
    known = ordered(ws.catalog.gram(spec.base).select(spec.layers, spec.kinds))
    whole = whole.select(spec.layers, spec.kinds)
    _, weights, _ = principal(known, spec.metric, spec.dims)
    columns = [whole.ids.index(i) for i in known.ids]
    inner = [whole.inner(point) for point in points]
    rows = np.array([row[columns] for row, _ in inner]).reshape(len(points), len(columns))
    if spec.metric == "cosine":
        lengths = np.sqrt(np.maximum([square for _, square in inner], 0.0))
        lengths = np.where(lengths > 1e-7 * float(known.norms.max(initial=0.0)), lengths, 0.0)
        rows = rows * unit_scale(lengths)[:, None] * unit_scale(known.norms)[None, :]
    return np.asarray((rows - similarity(known, spec.metric).mean(axis=0)) @ weights)


def place_job(ws: Workspace, points: Sequence[Point], *, owner: str = "") -> Job | None:
    """The pass that `gram_with_merges` waits for, in the background; None where there is nothing to wait for."""
    base = ws.catalog.base(points[0].base)
    gram = ws.catalog.gram(base.id)
    key = (base.id, gram.ids, terms := _made_terms(gram, points))
    if not terms or _rows.peek(key) is not None:
        return None
    used = ws.catalog.checkpoints(base.id)  # what merges are made of is among them
    request = MergedRows(base, str(ws.catalog.resolve(base.path)), folders(ws, used), gram.ids, terms)
    work = Work(f"The place of {len(terms)} merge{'s' * (len(terms) > 1)} among {len(gram.ids)} models",
                "explorer.weights.merged_rows:merged_rows", request, lane="side",
                replaces=f"place-{owner}" if owner else "")

    def keep(found: Any) -> None:
        _rows.get(key, lambda: found)

    return ws.backend.submit(work, keep, owner=owner)


def _made_terms(gram: Gram, points: Sequence[Point]) -> tuple[str, ...]:
    """The terms of Points that are no models."""
    return tuple(sorted({term for p in points for term, _ in p.terms} - set(gram.ids)))


def _sum(recipe: Recipe) -> dict[str, float] | None:
    """Coefficients of a merge that is a sum of task vectors, by checkpoint; None of any other merge."""
    settings = [*recipe.models.values(), *recipe.options.values()]
    if recipe.method not in ("linear", "task_arithmetic") or any(isinstance(s, (list, dict)) for s in settings):
        return None
    total = sum(recipe.models.values())
    models = {i: w for i, w in recipe.models.items() if i != BASE}
    if recipe.method == "task_arithmetic":
        scale = recipe.options.get("lambda", 1.0) / (total if recipe.options.get("normalize") and total else 1.0)
        return {i: scale * w for i, w in models.items()}
    if not recipe.options.get("normalize", True):
        return models | ({} if abs(total - 1) <= ONE else {ZERO: 1 - total})
    if abs(total) < 1e-12:
        raise RecipeError("linear: the weights sum to 0; give others, or normalize: false.")
    return {i: w / total for i, w in models.items()}
