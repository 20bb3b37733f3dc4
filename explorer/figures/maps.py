"""Maps of checkpoints in 2-D and 3-D: dots by category or number, the base, a selection and a path.

Every dot carries its checkpoint's id as customdata, so that a selection survives any change of the figure. Names from
data are escaped, because plotly reads a little HTML in text.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.colouring import UNKNOWN, Categories, Numbers, colouring, label
from explorer.figures.overlays import axes, draw_kept, draw_runs
from explorer.figures.theme import SYMBOLS, SYMBOLS_3D, Dark, Mark, marks, scale, surface, template
from explorer.figures.writing import short
from explorer.statistics.readings import NORMAL
from explorer.types import Checkpoint, Projection, Score

AXES = ("x", "y", "z")
CROWD = 2000
"""From more dots on, hover cards say what a dot is and no more, once for all dots of a category: they would be most of
what a browser is sent."""


@dataclass(frozen=True, eq=False)
class Overlay:
    """Places on a map besides the checkpoints: the base (k,), and a path (m, k) with its ends (2, k): α = 0, then 1.

    An `approximate` path is dotted. `kept` are Points that were given a name, each with its place (k,).
    """

    base: np.ndarray | None = None
    path: np.ndarray | None = None
    ends: np.ndarray | None = None
    end_names: tuple[str, str] = ("α = 0", "α = 1")
    approximate: bool = False
    kept: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for overlays that look the same."""
        places = (self.base, self.path, self.ends, *self.kept.values())
        return (self.end_names, self.approximate, *self.kept,
                *(None if place is None else (place.shape, np.asarray(place, float).tobytes()) for place in places))


@dataclass(frozen=True, eq=False)
class Facts:
    """What hover cards and colours know beyond a checkpoint's metadata, by checkpoint id; scores are on `task`."""

    norms: Mapping[str, float] = field(default_factory=dict)
    scores: Mapping[str, Score] = field(default_factory=dict)
    task: str = ""


def scatter(projection: Projection, checkpoints: Sequence[Checkpoint], colour_by: str = "dataset", *,
            facts: Facts | None = None, overlay: Overlay | None = None, selected: Sequence[str] = (),
            dark: Dark = False, height: int = 640, legend: bool = True, around: np.ndarray | None = None) -> go.Figure:
    """The map of n checkpoints; `checkpoints` are found by id and may come in any order.

    `around` (m, 2) are places on a flat map that the first view is centred on.
    From three selected checkpoints on, the others turn grey; one or two are ringed and the rest keeps its colours.
    """
    facts, overlay = facts or Facts(), overlay or Overlay()
    by_id = {c.id: c for c in checkpoints}
    rows = [row for row, key in enumerate(projection.ids) if key in by_id]
    shown, coords = [by_id[projection.ids[row]] for row in rows], projection.coords[rows]
    figure = go.Figure(layout=_layout(projection, dark, height, legend))
    colours = colouring(shown, colour_by, facts.scores, facts.norms)
    draw = _Drawing(figure, coords, shown, facts, colour_by, frozenset(selected), dark)
    draw_runs(figure, coords, shown, overlay.base, dark)
    if isinstance(colours, Numbers):
        draw.numbers(colours, label(colour_by) + (f" on {facts.task}" if colour_by in ("accuracy", "loss") else ""))
    else:
        draw.categories(colours)
    _draw_rings(figure, coords, shown, selected, dark)
    _draw_path(figure, overlay, dark)
    _draw_base(figure, overlay, dark)
    draw_kept(figure, overlay.kept, dark)
    if around is not None and projection.coords.shape[1] == 2:
        for axis, values in zip((figure.update_xaxes, figure.update_yaxes), around.T, strict=True):
            low, high = float(values.min()), float(values.max())
            margin = 0.45 * float(np.ptp(around, axis=0).max() or 1.0)
            axis(range=[low - margin, high + margin])
    return figure


def hover_card(checkpoint: Checkpoint, facts: Facts, colour_by: str = "dataset", brief: bool = False) -> str:
    """The escaped HTML of a dot's hover card; the column that colours the map is on it, of a `brief` one nothing else.
    """
    rows = [(label(c), checkpoint.value(c)) for c in ("dataset", "task", "domain", "seed", "train_size", "method")]
    if brief:
        rows = [(label(colour_by), checkpoint.value(colour_by))]
    elif colour_by in checkpoint.columns:
        rows.append((colour_by, checkpoint.value(colour_by)))
    if (norm := facts.norms.get(checkpoint.id)) and (not brief or colour_by == "norm"):
        rows.append((label("norm"), numbers.distance(norm)))
    if score := facts.scores.get(checkpoint.id):
        rows.append((f"on {facts.task}", f"accuracy {numbers.share(score.accuracy)}, "
                     f"loss {numbers.loss(score.loss, NORMAL * score.stderr)}"))
    lines = [_line(k, v) for k, v in rows if v is not None]
    return "<br>".join([f"<b>{html.escape(_short(checkpoint.name))}</b>", *lines])


@lru_cache(maxsize=4096, typed=True)
def _line(name: str, value: Any) -> str:
    """A line of a hover card; thousands of dots have the same few."""
    return f"{html.escape(name)}  <b>{html.escape(_short(value))}</b>"


def _short(value: Any) -> str:
    text = str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 9999:
        text = numbers.count(value)
    return short(text)


@dataclass(frozen=True)
class _Drawing:
    """The checkpoints' dots, added to a figure."""

    figure: go.Figure
    coords: np.ndarray
    checkpoints: Sequence[Checkpoint]
    facts: Facts
    colour_by: str
    selected: frozenset[str]
    dark: Dark

    @property
    def solid(self) -> bool:
        return self.coords.shape[1] == 3

    def categories(self, colours: Categories) -> None:
        known = marks(colours.groups, self.dark, SYMBOLS_3D if self.solid else SYMBOLS)
        rows: dict[str, list[int]] = {member: [] for member in known}
        for i, value in enumerate(colours.values):
            if value in rows:
                rows[value].append(i)
        parts: list[tuple[str, dict[str, Any]]] = []
        for group, members in colours.groups.items():
            for member in members:
                title = html.escape(_short(group)) if len(members) > 1 or len(colours.groups) < len(known) else None
                parts.append((member, {"legendgroup": group, "legendgrouptitle_text": title}))
        if len(self.checkpoints) > CROWD and len(self.selected) > 2:
            # among so many a small selection would be hidden by what is drawn later; the legend keeps its order
            parts = [(member, trace | {"legendrank": 1000 + i / len(parts)}) for i, (member, trace) in enumerate(parts)]
            parts.sort(key=lambda part: any(self.checkpoints[i].id in self.selected for i in rows[part[0]]))
        for member, trace in parts:
            self._dots(rows[member], known[member], member, **trace)
        unknown = [i for i, c in enumerate(colours.values) if c not in known]
        if unknown:
            self._dots(unknown, Mark(surface(self.dark).muted, "circle"), UNKNOWN, legendgroup="", legendrank=2000)

    def numbers(self, colours: Numbers, title: str) -> None:
        known = [i for i, v in enumerate(colours.values) if v is not None]
        if unknown := [i for i, v in enumerate(colours.values) if v is None]:
            self._dots(unknown, Mark(surface(self.dark).muted, "circle"), UNKNOWN)
        if not known:
            return
        found = np.array([colours.values[i] for i in known], dtype=float)
        shades = np.log10(found) if colours.logarithmic else found
        bar: dict[str, Any] = {"title": {"text": html.escape(title), "side": "right"}, "thickness": 10, "len": 0.6,
                               "outlinewidth": 0, "tickcolor": surface(self.dark).quiet}
        if colours.logarithmic:
            ticks = sorted(set(found)) if len(set(found)) <= 6 else list(np.geomspace(*_ends(found), 5))
            bar |= {"tickvals": list(np.log10(ticks)), "ticktext": [numbers.figures(float(t)) for t in ticks]}
        self._dots(known, Mark("", "circle"), title, shades=shades, bar=bar)

    def _dots(self, rows: Sequence[int], mark: Mark, name: str, *, shades: np.ndarray | None = None,
              bar: dict[str, Any] | None = None, **trace: Any) -> None:
        s, crowd = surface(self.dark), len(self.checkpoints)
        cards, card = self._cards(rows, crowd > CROWD, shades is None)
        size = (5 if self.solid else 11) - (2 if crowd > 150 else 0) - (2 if crowd > 500 else 0)
        marker: dict[str, Any] = {"size": size, "symbol": mark.symbol, "opacity": 0.95,
                                  "line": {"width": 1, "color": s.paper}}
        ids = [self.checkpoints[i].id for i in rows]
        greyed = [len(self.selected) > 2 and key not in self.selected for key in ids]
        if shades is not None:
            marker |= {"color": shades, "colorscale": scale(self.dark), "colorbar": bar, "showscale": True}
        elif self.solid:
            marker["color"] = [s.muted if grey else mark.colour for grey in greyed]
        else:
            marker["color"] = mark.colour
        if not self.solid:
            # The browser dims what is not clicked by itself; that flash is wanted only where a cluster is selected.
            trace |= {"selected": {"marker": {"opacity": 0.95}}, "unselected": {"marker": {"opacity": 0.95}}}
            if any(greyed):
                trace["unselected"] = {"marker": {"color": s.muted, "opacity": 0.6}}
                trace["selectedpoints"] = [i for i, grey in enumerate(greyed) if not grey]
        # as a dict plotly checks it once, as a trace of its own a second time when it is added
        self.figure.add_trace({
            "type": "scatter3d" if self.solid else "scatter", **axes(self.coords[list(rows)]), "mode": "markers",
            "marker": marker, "name": html.escape(_short(name)), "showlegend": shades is None,
            "customdata": np.array([[key] for key in ids], object), "hovertext": np.array(cards, object),
            "hovertemplate": f"{card}<extra></extra>", **trace})

    def _cards(self, rows: Sequence[int], brief: bool, alike: bool) -> tuple[list[str], str]:
        """What each dot's hover card says, and the template around it; brief cards of dots that are `alike` differ in
        the name alone."""
        if brief and alike and rows and not self.facts.scores:
            names = [html.escape(_short(self.checkpoints[i].name)) for i in rows]
            value = self.checkpoints[rows[0]].value(self.colour_by)
            line = "" if value is None else "<br>" + _line(label(self.colour_by), value)
            # what plotly would take for a name of its own is no such thing in a value
            return names, "<b>%{hovertext}</b>" + line.replace("%{", "&#37;{")
        cards = [hover_card(self.checkpoints[i], self.facts, self.colour_by, brief) for i in rows]
        return cards, "%{hovertext}"


def _draw_rings(figure: go.Figure, coords: np.ndarray, shown: Sequence[Checkpoint], selected: Sequence[str],
                dark: Dark) -> None:
    """Rings around a small selection, with names while it is one or two."""
    place = {c.id: row for row, c in enumerate(shown)}
    rows = [place[key] for key in selected if key in place]
    if not rows or len(selected) > 12:
        return
    s, solid = surface(dark), coords.shape[1] == 3
    kind, names = go.Scatter3d if solid else go.Scatter, [shown[row].name for row in rows]
    sides = ["top center"] * len(rows)
    if len(rows) == 2 and not solid:
        sides[int(coords[rows[0], 1] > coords[rows[1], 1])] = "bottom center"
    figure.add_trace(kind(
        **axes(coords[rows]), mode="markers+text" if len(rows) <= 2 else "markers", hoverinfo="skip", showlegend=False,
        name="selected", text=[html.escape(_short(name)) for name in names],
        textposition="top center" if solid else sides, textfont={"size": s.size - 1, "color": s.text},
        marker={"size": 11 if solid else 19, "symbol": "circle-open", "color": s.accent, "line": {"width": 2.5}},
    ))


def _draw_path(figure: go.Figure, overlay: Overlay, dark: Dark) -> None:
    """The path as a line, its ends as labelled diamonds."""
    if overlay.path is None or not len(overlay.path):
        return
    s, solid = surface(dark), overlay.path.shape[1] == 3
    kind = go.Scatter3d if solid else go.Scatter
    figure.add_trace(kind(**axes(overlay.path), mode="lines+markers", name="path", showlegend=False, hoverinfo="skip",
                          line={"color": s.accent, "width": 4 if solid else 2.5,
                                "dash": "dot" if overlay.approximate else "solid"},
                          marker={"size": 2 if solid else 4, "color": s.accent}))
    if overlay.ends is None:
        return
    text = [html.escape(_short(name)) for name in overlay.end_names]
    positions = ["top center", "bottom center"] if overlay.ends[0, 1] >= overlay.ends[1, 1] else [
        "bottom center", "top center"]
    figure.add_trace(kind(
        **axes(overlay.ends), mode="markers+text", name="ends of the path", showlegend=False, text=text,
        textposition="top center" if solid else positions, textfont={"size": s.size - 1, "color": s.text},
        hoverinfo="text", hovertext=text,
        marker={"size": 6 if solid else 12, "symbol": "diamond", "color": s.accent,
                "line": {"width": 1.5, "color": s.paper}},
    ))


def _draw_base(figure: go.Figure, overlay: Overlay, dark: Dark) -> None:
    if overlay.base is None:
        return
    s, solid = surface(dark), len(overlay.base) == 3
    kind = go.Scatter3d if solid else go.Scatter
    figure.add_trace(kind(
        **axes(np.asarray(overlay.base)[None]), mode="markers", name="base", legendrank=1, showlegend=True,
        hovertemplate="<b>base</b><br>the pretrained model: task vector 0<extra></extra>",
        marker={"size": 7 if solid else 15, "symbol": "cross" if solid else "star", "color": s.base,
                "line": {"width": 1.5, "color": s.paper}},
    ))


def _layout(projection: Projection, dark: Dark, height: int, legend: bool) -> dict[str, Any]:
    k, s = projection.coords.shape[1], surface(dark)
    layout: dict[str, Any] = {"template": template(dark), "height": height, "dragmode": "pan", "hovermode": "closest",
                              "showlegend": legend, "uirevision": f"{projection.method}{projection.metric}{k}",
                              "legend": {"orientation": "v", "x": 1.01, "y": 1, "maxheight": 1.0,
                                         "groupclick": "toggleitem"}}
    named = [{"title": {"text": title}} for title in axis_titles(projection)]
    if k == 3:
        axes = {f"{a}axis": axis | {"gridcolor": s.grid, "showticklabels": False}
                for a, axis in zip(AXES, named, strict=True)}
        camera = {"eye": {"x": 1.35, "y": 1.35, "z": 0.9}}
        return layout | {"scene": axes | {"aspectmode": "data", "camera": camera, "dragmode": "orbit"}}
    ticks = {"showticklabels": False, "automargin": False}
    layout |= {"xaxis": named[0] | ticks, "yaxis": named[1] | ticks | {"scaleanchor": "x", "scaleratio": 1}}
    return layout | {"margin": {"l": 34, "r": 8, "t": 30, "b": 34}}


def axis_titles(projection: Projection) -> list[str]:
    """Axis titles: the component and its share of variance for PCA, none where an axis has no meaning."""
    k = projection.coords.shape[1]
    if projection.explained is None:
        return [""] * k
    return [f"PC {i + 1}  ·  {numbers.share(projection.explained[i])} of variance" for i in range(k)]


def _ends(numbers: np.ndarray) -> tuple[float, float]:
    return float(numbers.min()), float(numbers.max())
