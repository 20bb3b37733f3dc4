"""A greedy soup, turn by turn: every model alone, the mean with it, and whether it was taken."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, fade, surface, template
from explorer.figures.writing import PERCENT


@dataclass(frozen=True)
class Turn:
    """A model's turn: its own value, that of the mean with it (None: not tried yet), taken or not, and why in words."""

    name: str
    alone: float
    with_it: float | None
    taken: bool
    why: str = ""


def soup_walk(turns: Sequence[Turn], *, title: str, percent: bool = False, dark: Dark = False,
              height: int = 430) -> go.Figure:
    """Turns from left to right; the line is the soup's value so far, which a model that is left out does not move."""
    s = surface(dark)
    figure = go.Figure(layout={
        "template": template(dark), "height": height, "hovermode": "closest", "dragmode": False,
        "margin": {"l": 70, "r": 14, "t": 34, "b": 90}, "xaxis": {"fixedrange": True}, "yaxis": {"fixedrange": True},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}})
    write = numbers.share if percent else numbers.loss
    places = list(range(len(turns)))
    names = [html.escape(t.name) for t in turns]
    figure.add_trace(go.Scatter(
        x=places, y=[t.alone for t in turns], mode="markers", name="the model alone",
        customdata=[f"<b>{name}</b> alone: {write(t.alone)}" for name, t in zip(names, turns, strict=True)],
        marker={"size": 9, "symbol": "circle-open", "color": s.quiet, "line": {"width": 1.5}},
        hovertemplate="%{customdata}<extra></extra>"))
    tried = [(i, t) for i, t in enumerate(turns) if t.with_it is not None]
    level, now = [], None
    for _, t in tried:
        now = t.with_it if t.taken else now
        level.append(now)
    figure.add_trace(go.Scatter(
        x=[i for i, _ in tried], y=level, mode="lines", name="the soup so far", hoverinfo="skip",
        line={"color": fade(s.accent, 0.6), "width": 2, "shape": "hv"}))
    for name, taken, symbol, tint in (("with it: taken", True, "circle", s.accent),
                                      ("with it: left out", False, "x-thin", s.warm)):
        some = [(i, t) for i, t in tried if t.taken is taken]
        figure.add_trace(go.Scatter(
            x=[i for i, _ in some], y=[t.with_it for _, t in some], mode="markers", name=name,
            marker={"size": 13, "symbol": symbol, "color": tint, "line": {"width": 0 if taken else 3, "color": tint}},
            customdata=[f"<b>{html.escape(t.name)}</b>, the mean with it: {write(t.with_it)}<br>{html.escape(t.why)}"
                        for _, t in some],
            hovertemplate="%{customdata}<extra></extra>"))
    figure.update_xaxes(tickvals=places, ticktext=names, range=[-0.5, max(len(turns), 1) - 0.5], showgrid=False,
                        automargin=True, tickfont={"color": s.text, "size": s.size - 1})
    figure.update_yaxes(title={"text": html.escape(title)}, showticklabels=bool(turns),
                        **(PERCENT if percent else {}))
    return figure
