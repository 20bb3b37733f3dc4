"""A leaderboard: of every Point the mean retention over tasks with its interval, and single tasks beside it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, Mark, fade, marks, surface, template
from explorer.figures.writing import PERCENT
from explorer.statistics.retention import Interval

ROW, FRAME = 40, 150
MEAN = "diamond-tall"
"""The mean's symbol, which no data set has."""


@dataclass(frozen=True)
class Line:
    """A Point: its name, mean retention (None: a task is missing), and retention by task."""

    name: str
    mean: Interval | None
    by_task: Mapping[str, Interval]


def ranking(lines: Sequence[Line], tasks: Sequence[str], *, looks: Mapping[str, Mark] | None = None,
            dark: Dark = False) -> go.Figure:
    """Points from top to bottom as given; 0 is the base, 1 every task's own best model.

    `looks` are how the map draws the data sets that are measured on; others have a hue each.
    """
    s, n = surface(dark), len(lines)
    figure = go.Figure(layout={
        "template": template(dark), "height": FRAME + ROW * max(n, 2), "hovermode": "closest", "dragmode": False,
        "margin": {"l": 12, "r": 14, "t": 34, "b": 96}, "xaxis": {"fixedrange": True}, "yaxis": {"fixedrange": True},
        "legend": {"orientation": "h", "x": 0, "y": 0.0, "yref": "container", "xanchor": "left",
                   "yanchor": "bottom"}})
    for at, word in ((0.0, "the base"), (1.0, "a task's own best")):
        figure.add_vline(x=at, line={"color": s.quiet if at else s.muted, "width": 1.5, "dash": "dot"}, layer="below")
        figure.add_annotation(x=at, y=1, yref="paper", text=word, showarrow=False, yanchor="bottom",
                              font={"size": s.size - 1, "color": s.quiet})
    known_looks = marks({task: [task] for task in tasks}, dark) | dict(looks or {})
    for task in tasks:
        look = known_looks[task]
        known = [(i, line.name, line.by_task[task]) for i, line in enumerate(lines) if task in line.by_task]
        figure.add_trace(go.Scatter(
            x=[r.value for *_, r in known], y=[i for i, *_ in known], mode="markers", name=html.escape(task),
            marker={"size": 8, "color": fade(look.colour, 0.8), "symbol": look.symbol},
            customdata=[[html.escape(name), _kept(r)] for _, name, r in known],
            hovertemplate=f"<b>%{{customdata[0]}}</b> on {html.escape(task)}<br>keeps %{{customdata[1]}}"
                          "<extra></extra>"))
    whole = [(i, line.name, line.mean) for i, line in enumerate(lines) if line.mean is not None]
    figure.add_trace(go.Scatter(
        x=[m.value for *_, m in whole], y=[i for i, *_ in whole], mode="markers", name="mean, 95 %",
        marker={"size": 15, "symbol": MEAN, "color": s.accent, "line": {"width": 1, "color": s.paper}},
        error_x={"type": "data", "symmetric": False, "color": s.accent, "thickness": 2, "width": 5,
                 "array": [max(m.high - m.value, 0.0) for *_, m in whole],
                 "arrayminus": [max(m.value - m.low, 0.0) for *_, m in whole]},
        customdata=[[html.escape(name), _kept(m)] for _, name, m in whole],
        hovertemplate="<b>%{customdata[0]}</b>, mean over tasks %{customdata[1]}<extra></extra>"))
    figure.update_yaxes(range=[n - 0.5, -0.5], tickvals=list(range(n)), automargin=True, showgrid=False,
                        ticktext=[html.escape(line.name) for line in lines], tickfont={"color": s.text, "size": s.size})
    figure.update_xaxes(title={"text": "share kept of what each task's own best model gains", "standoff": 8}, **PERCENT)
    return figure


def _kept(share: Interval) -> str:
    return f"<b>{numbers.share(share.value, 0)}</b> ({numbers.share_between(share.low, share.high)}, 95 %)"
