"""Further views of a region: loss by the hull's dimension, by distance from the centroid, and every Point."""

from __future__ import annotations

import math

import streamlit as st

from explorer import workflows
from explorer.figures.strips import Strip, by_dimension, by_distance
from explorer.pages import _readings
from explorer.pages._charts import show_figure
from explorer.pages._measuring import live
from explorer.pages._region_view import View, known, loss, of_groups, said, weights
from explorer.pages._session import dark
from explorer.statistics.readings import NORMAL
from explorer.types import Point, Score
from explorer.workflows import regions


def dimension(ws: workflows.Workspace, view: View) -> None:
    """Loss against the dimension of the hull's faces."""
    drawn = regions.faces(view.groups)
    asks = regions.face_asks(view.groups, view.probe, drawn)

    def draw() -> None:
        found = regions.by_dimension(ws, view.groups, view.probe, drawn)
        groups = [Strip(f"dimension {f.dimension}", [loss(s) for s in f.scores],
                        [view.names.get(p.terms[0][0], "") if f.dimension == 0 else weights(view, p)
                         for p in f.points]) for f in found]
        (base,) = ws.catalog.scores([Point.of(view.groups.base)], view.groups.task, view.probe)
        figure = by_dimension([f.dimension for f in found], groups, [f.mean for f in found],
                              base=loss(base), dark=dark(),
                              title=f"Loss on {view.groups.task.name} (nats)")
        show_figure(figure, key="region_dimension", alt="Loss against the dimension of the hull's faces.")
        st.caption(f"Dimension 0: the models themselves. Between: {regions.FACES} mixtures of k + 1 models chosen anew "
                   "for each. Highest: In′. Means with 95 % intervals, of further draws from this hull.")

    live(ws, "faces", asks, f"Faces of the hull of {view.groups.said} on {view.groups.task.name}", draw, on_click=True)


def distance(ws: workflows.Workspace, view: View) -> None:
    """Loss against distance from the centroid."""
    found = known(ws, view)
    apart = regions.distances(ws, view.groups)
    origin = None
    if found.base is not None:
        _, square = ws.catalog.gram(view.groups.base).inner(view.groups.centroid)
        origin = (math.sqrt(max(square, 0.0)), found.base.loss)
    figure = by_distance(of_groups(view, found), apart, base=origin, dark=dark(),
                         title=f"Loss on {view.groups.task.name} (nats)")
    show_figure(figure, key="region_distance", alt="Loss against distance from the centroid of In.")
    st.caption("Distances are of whole task vectors and come from their inner products alone; a random direction is "
               "taken as at right angles to all models." if view.groups.level == "general" else
               "Distances are of whole task vectors and come from their inner products alone.")


def table(ws: workflows.Workspace, view: View) -> None:
    """Every Point with its loss."""
    found = known(ws, view)
    groups = view.groups
    sides = (("In", groups.inside, found.inside), ("In′", groups.in_prime, found.in_prime),
             ("Ex", groups.outside, found.outside))
    rows = [row(name, text, score) for name, members, scores in sides
            for text, score in zip(said(view, members.points, members.names), scores, strict=True)]
    _readings.tabled(rows, {"loss": _readings.loss, "half": _readings.loss, "accuracy": _readings.percent}, {
        "group": st.column_config.TextColumn("Group", width="small"),
        "point": st.column_config.TextColumn("Point", width="large"),
        "loss": "Loss (nats)", "half": "± (95 %)", "accuracy": "Accuracy"}, height=380)


def row(group: str, point: str, score: Score | None) -> dict[str, str | float | None]:
    if score is None:
        return {"group": group, "point": point, "loss": None, "half": None, "accuracy": None}
    return {"group": group, "point": point, "loss": score.loss, "half": NORMAL * score.stderr,
            "accuracy": score.accuracy}
