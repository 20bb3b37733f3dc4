"""What is drawn and read off a surface: the figure, the models beside it, numbers with 95 % intervals, the paper's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from explorer import numbers, workflows
from explorer.components.map_and_path import component_map
from explorer.figures.surfaces import Picture, Spot, breadth, contours, landscape
from explorer.pages import _readings
from explorer.pages._downloads import offer_figure
from explorer.pages._readings import metric, of_reading, tabled
from explorer.pages._session import dark, plain
from explorer.pages._stage import FIGURES, remember, tall
from explorer.pages._surface_cell import chosen, pick
from explorer.paths.quadtree import Node, surface
from explorer.statistics.paper import BETWEEN, BEYOND
from explorer.statistics.readings import NORMAL, Reading
from explorer.types import Point, Score
from explorer.workflows.planes import Filled, Kind, Sheet, models_on

SIZE = 65
"""Steps a side of the drawn surface."""
SMALL, SMALL_HEIGHT = 33, 200
HEIGHT = 560
AXES: Mapping[Kind, tuple[str, str]] = {
    "models": ("weight distance along the first side", "weight distance at right angles to it"),
    "components": ("PC 1 (weight distance)", "PC 2 (weight distance)"),
    "random": ("factor of random direction 1", "factor of random direction 2"),
    "coefficients": ("α₁", "α₂")}


@dataclass(frozen=True)
class View:
    """What the controls say: the sheet, its corners' names, and how it is drawn."""

    kind: Kind
    sheet: Sheet
    names: tuple[str, str, str]
    solid: bool
    above: float | None
    dots: bool
    others: bool

    def ceiling(self, known: Filled) -> float:
        """The loss from which on nothing is told apart."""
        return math.inf if self.above is None or known.base is None else known.base.loss + self.above

    @property
    def key(self) -> str:
        """Tells what is seen of which plane."""
        return "_".join([*(p.hash[:8] for p in self.sheet.plane.corners), f"{self.sheet.margin:g}"])

    @property
    def own(self) -> list[tuple[str, Point]]:
        """The corners and the base, by name."""
        named = list(zip(self.names, self.sheet.plane.corners, strict=True))
        base = Point.of(self.sheet.plane.corners[0].base)
        return named if base in self.sheet.plane.corners else [*named, ("base", base)]


@dataclass(frozen=True)
class Drawing:
    """The large figure as JSON, made before anything is shown, so that a page which fills in changes at once."""

    figure: str
    models: int
    width: int | None = None


def drawing(ws: workflows.Workspace, view: View, known: Filled) -> Drawing:
    picture, spots = picture_of(view, known), corner_spots(view, known)
    if view.solid:
        figure = landscape(picture, spots, dots=view.dots, dark=dark(), height=tall(HEIGHT))
        remember("surface", figure)
        return Drawing(figure.to_json(), 0)
    models = model_spots(ws, view) if view.others else []
    figure = contours(picture, spots, models, triangle=view.kind == "models", dots=view.dots, dark=dark(),
                      chosen=chosen(view.sheet.plane), height=tall(HEIGHT))
    remember("surface", figure)
    return Drawing(figure.to_json(), len(models), breadth(figure))


def draw(ws: workflows.Workspace, view: View, known: Filled, made: Drawing) -> None:
    """The large figure, and where it comes from."""
    # each plane has a figure of its own: plotly keeps the ticks of axes whose shape changes
    key = f"surface_chart_{view.key}"
    with st.container(width=made.width or "stretch"):
        component_map(made.figure, key=key, height=tall(HEIGHT), link="surface",
                      on_picked=lambda: pick(ws, view.sheet, key),
                      label="The loss on the plane; a place is chosen by a click, or by number beside it.")
    provenance(view, known, made.models)
    offer_figure(st.session_state[FIGURES]["surface"], "surface")


def provenance(view: View, known: Filled, models: int) -> None:
    """Where the picture comes from."""
    tasks = " and ".join(t.name for t in view.sheet.tasks)
    told = [f"{len(known.values)} of {view.sheet.side**2} nodes measured on {tasks}, a cubic spline between them"]
    if models:
        told.append(f"{models} models at their projections, the nearer to the plane the larger and clearer")
    if (explained := view.sheet.plane.explained) is not None:
        shares = " and ".join(numbers.share(e) for e in explained)
        told.append(f"the axes hold {shares} of the models' variance")
    if view.kind == "random":
        told.append("axes are factors of filter-normalised directions (Li et al. 2018), on which models have no place")
    if view.kind == "coefficients":
        told.append("ξ (Ortiz-Jimenez et al. 2023, here of losses) is the mean of |loss(α₁, α₂) − loss(α₁, 0)| over "
                    "task 1's texts plus that of |loss(α₁, α₂) − loss(0, α₂)| over task 2's: 0 where neither task "
                    "vector disturbs the other's task")
    st.caption(plain("; ".join(told) + ".") + " Click a place to make it a Point.")


def picture_of(view: View, known: Filled) -> Picture:
    """What is known, drawn; kept until more is."""
    ceiling = view.ceiling(known)
    key = (view.sheet, len(known.values), len(known.lost), ceiling)
    kept = st.session_state.get("surface_drawn")
    if kept is None or kept[0] != key:
        kept = st.session_state["surface_drawn"] = (key, known.surface(SIZE, ceiling))
    xs, ys = view.sheet.plane.axes(SIZE, view.sheet.margin)
    return Picture(xs, ys, kept[1], measured(view.sheet, known.values), [card(view, known, n) for n in known.values],
                   ceiling, "ξ" if view.kind == "coefficients" else "loss", AXES[view.kind],
                   revision=view.key)


def measured(sheet: Sheet, values: Mapping[Node, float]) -> np.ndarray:
    """Places and values of nodes, (m, 3)."""
    xs, ys = sheet.axes
    return np.array([(xs[j], ys[i], value) for (i, j), value in values.items()]).reshape(-1, 3)


def card(view: View, known: Filled, node: Node) -> tuple[str, ...]:
    """What a measured node says."""
    if node in known.lost:
        return "no loss", known.lost[node]
    point = view.sheet.points[node]
    if view.kind != "coefficients":
        return score_card(known.score(point))
    return f"ξ {numbers.loss(known.values[node])}", *(f"loss on {task.name} {numbers.loss(score.loss)}"
                                            for k, task in enumerate(view.sheet.tasks)
                                            if (score := known.score(point, k)) is not None)


def score_card(score: Score | None) -> tuple[str, ...]:
    if score is None:
        return ("loss not measured yet",)
    return (f"measured: loss {numbers.loss(score.loss, NORMAL * score.stderr)} (95 %)",
            f"accuracy {numbers.share(score.accuracy)}, {numbers.count(score.n, 'text')}")


def corner_spots(view: View, known: Filled) -> list[Spot]:
    found = []
    for name, point, (x, y) in zip(view.names, view.sheet.plane.corners, view.sheet.plane.coordinates, strict=True):
        score = known.score(point)
        found.append(Spot(name, float(x), float(y), score_card(score), None if score is None else score.loss))
    return found


def model_spots(ws: workflows.Workspace, view: View) -> list[Spot]:
    """The base's models apart from the corners."""
    own = {p.terms for p in view.sheet.plane.corners}
    found = []
    for m in models_on(ws, view.sheet.plane, view.sheet.tasks[0], view.sheet.probe):
        if ((m.id, 1.0),) not in own:
            loss = ("its own loss is not measured yet" if m.score is None else
                    f"its own loss {numbers.loss(m.score.loss, NORMAL * m.score.stderr)} (95 %)")
            apart = f"{numbers.distance(m.distance)} from the plane (weight distance)"
            found.append(Spot(m.name, m.x, m.y, (apart, loss), distance=m.distance))
    return found


def both(view: View, known: Filled) -> None:
    """The losses on either task, beside their disentanglement."""
    sheet, spots = view.sheet, corner_spots(view, known)
    xs, ys = sheet.plane.axes(SMALL, sheet.margin)
    for k, (column, task) in enumerate(zip(st.columns(2), sheet.tasks, strict=True)):
        values = {n: s.loss for n, p in sheet.points.items() if (s := known.score(p, k)) is not None}
        picture = Picture(xs, ys, surface(values, SMALL, sheet.depth) if values else None, measured(sheet, values),
                          [score_card(known.score(sheet.points[n], k)) for n in values],
                          revision=view.key)
        figure = contours(picture, spots, triangle=False, small=True, dark=dark(), height=SMALL_HEIGHT)
        with column:
            st.caption(f"Loss on task {k + 1} (nats)")
            component_map(figure.to_json(), key=f"surface_loss_{k}_{view.key}", height=SMALL_HEIGHT,
                          link="surface", selectable=False, label=f"The loss on {task.name} over both coefficients.")


def readings(view: View, known: Filled) -> None:
    """Numbers of the plane with 95 % intervals: what was read off, then the corners and the base."""
    columns = st.columns(2)
    with columns[0]:
        if view.kind == "coefficients":
            xi = known.disturbance
            _metric("ξ at α₁ = α₂ = 1", None if xi is None else (xi.value, xi.stderr), "disentanglement",
                    "Both task vectors added in full; 0 is no disturbance at all.")
        else:
            lowest = known.lowest
            _metric("Lowest measured", None if lowest is None else (lowest[1].loss, lowest[1].stderr),
                    "generalized_loss", "Of all nodes of the lattice that were measured.",
                    _place(view, lowest and lowest[0]))
    if view.kind == "models":
        with columns[1]:
            high = known.height
            _metric("Height in the triangle", None if high is None else (high[1].value, high[1].stderr), "plane",
                    "The most by which a loss measured in the triangle is above the flat plane through the corners' "
                    "losses; 0 where none is. Paired over the texts; chosen from the same ones, so a little large.",
                    "" if high is None else _place(view, high[0]))
    _corners(view, known)


def _corners(view: View, known: Filled) -> None:
    """The losses of the corners and the base, one column a task."""
    tasks, rows = view.sheet.tasks, []
    columns = {"name": "Corner"}
    for k in range(len(tasks)):
        columns |= {f"loss{k}": "Loss (nats)" if len(tasks) == 1 else f"Task {k + 1} (nats)", f"half{k}": "± (95 %)",
                    "n": "Texts"}
    for name, point in view.own:
        row: dict[str, Any] = {"name": name}
        for k in range(len(tasks)):
            score = known.score(point, k)
            row |= dict.fromkeys((f"loss{k}", f"half{k}")) if score is None else {
                f"loss{k}": score.loss, f"half{k}": NORMAL * score.stderr}
            if len(tasks) == 1:
                row["n"] = None if score is None else score.n
        rows.append(row)
    tabled(rows, {key: _readings.count if key == "n" else _readings.loss for key in columns if key != "name"}, columns)


def _metric(name: str, reading: tuple[float, float] | None, word: str, meaning: str, place: str = "") -> None:
    shown, under = of_reading(None if reading is None else Reading(*reading, 0.0), place or " ")
    metric(name, shown, under, words=(word,), about=f"{meaning} ± half the 95 % interval over the test texts.")


def _place(view: View, node: Node | None) -> str:
    if node is None:
        return ""
    xs, ys = view.sheet.axes
    return f"at ({numbers.figures(xs[node[1]])}, {numbers.figures(ys[node[0]])})"


def beside() -> None:
    """What the paper says of the same question."""
    st.info(plain(f"The paper, on RoBERTa-base, along lines: {BETWEEN.text} ({BETWEEN.id}, {BETWEEN.where}); "
                  f"{BEYOND.text} ({BEYOND.id}, {BEYOND.where}). {BETWEEN.figure[0].upper()}{BETWEEN.figure[1:]}."),
            icon=":material/menu_book:")
