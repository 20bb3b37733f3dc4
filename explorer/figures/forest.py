"""Forest plots: figures with their 95 % intervals, what chance would give, and the paper's figure."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, surface, template
from explorer.figures.writing import PERCENT
from explorer.types import Figure

ROW, FRAME = 34, 74


def forest(figures: Sequence[Figure], words: Sequence[str], *, dark: Dark = False) -> go.Figure:
    """One row a figure, the first on top: a dot on its interval, a tick at chance's 95 %, a diamond for the paper's.

    `words` say each figure in full and are its card. All figures have one unit.
    """
    s, unit = surface(dark), figures[0].unit
    rows = list(range(len(figures)))
    names = [html.escape(f.name) for f in figures]
    cards = [f"<b>{name}</b><br>{html.escape(word)}" for name, word in zip(names, words, strict=True)]
    made = go.Figure(layout={"template": template(dark), "height": FRAME + ROW * len(figures), "showlegend": True,
                             "margin": {"l": 8, "r": 16, "t": 8, "b": 8}})
    made.add_trace(go.Scatter(
        x=[f.value for f in figures], y=rows, mode="markers", name="here, with its 95 % interval",
        marker={"size": 11, "color": s.accent}, customdata=cards, hovertemplate="%{customdata}<extra></extra>",
        error_x={"type": "data", "symmetric": False, "color": s.accent, "thickness": 2, "width": 5,
                 "array": [0.0 if f.high is None else max(f.high - f.value, 0.0) for f in figures],
                 "arrayminus": [0.0 if f.low is None else max(f.value - f.low, 0.0) for f in figures]}))
    for name, values, marker in (
            ("chance, 95 % of shufflings below", [f.chance for f in figures],
             {"symbol": "line-ns", "size": 16, "line": {"width": 2, "color": s.quiet}}),
            ("the paper", [f.paper for f in figures],
             {"symbol": "diamond-open", "size": 12, "color": s.warm, "line": {"width": 2}})):
        if any(v is not None for v in values):
            made.add_trace(go.Scatter(
                x=values, y=rows, mode="markers", name=name, marker=marker,
                customdata=[None if v is None else numbers.in_unit(v, unit) for v in values],
                hovertemplate=f"{name}: %{{customdata}}<extra></extra>"))
    made.update_yaxes(tickvals=rows, ticktext=names, range=[len(figures) - 0.4, -0.6], automargin=True, showgrid=False,
                      tickfont={"color": s.text, "size": s.size})
    made.update_xaxes(automargin=True, showgrid=True, **(
        {"range": [-0.03, 1.03], **PERCENT} if unit == "share" else
        {"title": {"text": "nats"}, "rangemode": "tozero"} if unit == "nats" else
        {"title": {"text": "points"}, "rangemode": "tozero"} if unit == "points" else
        {"type": "log", "title": {"text": "factor"}}))
    made.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0})
    return made
