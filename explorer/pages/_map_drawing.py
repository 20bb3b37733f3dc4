"""The map's figure: made once for a state of the catalog and of the controls, and what it is coloured by.

A page's own file is run anew for every visit, so what is kept from run to run lies here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas  # noqa: F401 - plotly takes it from sys.modules, where it may be half there while another thread imports it

from explorer import workflows
from explorer.errors import UnavailableError
from explorer.figures.colouring import LABELS
from explorer.figures.maps import Facts, Overlay, scatter
from explorer.figures.theme import Dark
from explorer.types import Base, Checkpoint, MapSpec, Point, Projection, Score, Task
from explorer.workflows._kept import Kept

HEIGHT = 640
OWN = "its own dataset"
READ = ("bases", "checkpoints", "projections", "tasks", "scores")
"""Tables of the catalog that the dots of a map are drawn from."""


@dataclass(frozen=True)
class Drawn:
    """A map and its JSON; shared by all visits."""

    figure: Any
    text: str


_drawn: Kept[Drawn] = Kept(8)
_columns: Kept[tuple[list[str], list[str]]] = Kept(16)


def drawn(ws: workflows.Workspace, spec: MapSpec, projection: Projection, checkpoints: Sequence[Checkpoint],
          colour: str, task: str, *, overlay: Overlay, selected: Sequence[str], dark: Dark, height: int) -> Drawn:
    """The map of a spec, coloured by a column, with scores on a task and a selection."""
    def make() -> Drawn:
        gram = ws.catalog.gram(spec.base).select(spec.layers, spec.kinds)
        norms = dict(zip(gram.ids, gram.norms.tolist(), strict=True))
        figure = scatter(projection, checkpoints, colour, facts=Facts(norms, scores(ws, task, checkpoints), task),
                         dark=dark, height=height, overlay=overlay, selected=selected)
        return Drawn(figure, figure.to_json())

    state = ws.catalog.changes.state(*READ)
    return _drawn.get((state, spec, colour, task, dark, height, overlay.key, tuple(selected)), make)


def overlay_of(ws: workflows.Workspace, spec: MapSpec, points: Mapping[str, Point]) -> Overlay:
    """The base and the kept Points where they lie; nothing where the method can place only its checkpoints."""
    if spec.method != "pca":
        return Overlay()
    try:
        places = workflows.place(ws, spec, [Point.of(spec.base), *points.values()])
    except UnavailableError:
        return Overlay()
    return Overlay(base=places[0], kept=dict(zip(points, places[1:], strict=True)))


def first_method(ws: workflows.Workspace, base: Base) -> str:
    """The method of the first map: UMAP tells the most clusters apart, where it need not be waited for; else PCA."""
    return "umap" if workflows.projection(ws, MapSpec(base.id, "umap")) is not None else "pca"


def first_map(ws: workflows.Workspace) -> Drawn | None:
    """The map as a new visitor sees it by day, kept for the page to show; None where there is nothing to show."""
    base = workflows.main_base(ws) if ws.catalog.bases() else None
    checkpoints = ws.catalog.checkpoints(base.id) if base else []
    if base is None or not checkpoints:
        return None
    columns, _ = columns_of(ws, base, checkpoints)
    spec = MapSpec(base.id, first_method(ws, base))
    if (projection := workflows.projection(ws, spec)) is None:
        return None
    overlay = replace(overlay_of(ws, spec, workflows.kept_points(ws, base.id)), approximate=spec.method != "pca")
    return drawn(ws, spec, projection, checkpoints, [*columns, "accuracy"][0], OWN, overlay=overlay, selected=(),
                 dark=False, height=HEIGHT)


def scores(ws: workflows.Workspace, task: str, checkpoints: Sequence[Checkpoint]) -> Mapping[str, Score]:
    """Stored scores by checkpoint id: on one task, or each on the dataset it was trained on."""
    tasks: dict[str, Task] = {t.name: t for t in ws.catalog.tasks()}
    if task != OWN:
        return workflows.checkpoint_scores(ws, tasks[task]) if task in tasks else {}
    own: dict[str, Score] = {}
    members: dict[str, list[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.dataset in tasks:
            members.setdefault(str(checkpoint.dataset), []).append(checkpoint.id)
    for name, ids in members.items():
        known = workflows.checkpoint_scores(ws, tasks[name])
        own |= {key: known[key] for key in ids if key in known}
    return own


def columns_of(ws: workflows.Workspace, base: Base, checkpoints: Sequence[Checkpoint]) -> tuple[list[str], list[str]]:
    """What checkpoints of a base, all or the first of them, can be coloured by: standard and further columns."""
    def make() -> tuple[list[str], list[str]]:
        return ([c for c in Checkpoint.STANDARD if any(ck.value(c) is not None for ck in checkpoints)],
                telling(checkpoints))

    return _columns.get((ws.catalog.changes.state("checkpoints"), base.id, len(checkpoints)), make)


def telling(checkpoints: Sequence[Checkpoint]) -> list[str]:
    """Further columns that tell checkpoints apart: plain values, at least two of them."""
    values: dict[str, set[object]] = {}
    for checkpoint in checkpoints:
        for column, value in checkpoint.columns.items():
            if isinstance(value, (str, int, float)):
                values.setdefault(column, set()).add(value)
    return sorted(column for column, found in values.items() if len(found) > 1 and column not in LABELS)
