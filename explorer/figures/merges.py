"""What merges keep of their models' gains, task by task and method by method; how a search of weights went."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, fade, surface, template
from explorer.figures.writing import LOSS_OF_Y, PERCENT
from explorer.statistics.retention import Interval

ROW, FRAME = 40, 92


@dataclass(frozen=True)
class Series:
    """Retentions of one Point, row by row (None: not known)."""

    name: str
    shares: Sequence[Interval | None]


def retained(rows: Sequence[str], series: Sequence[Series], *, dark: Dark = False, strong: int = 0) -> go.Figure:
    """Rows from top to bottom, each Point's share of the own model's gain with its 95 % interval; the base at 0, the
    own model at 1. The first Point is drawn large; the last `strong` rows are set apart (means)."""
    s, n = surface(dark), len(rows)
    figure = go.Figure(layout=_frame(dark, FRAME + ROW * max(n, 2)))
    for at, word in ((0.0, "base"), (1.0, "own model")):
        figure.add_vline(x=at, line={"color": s.quiet if at else s.muted, "width": 1.5, "dash": "dot"})
        figure.add_annotation(x=at, y=1, yref="paper", text=word, showarrow=False, yanchor="bottom",
                              font={"size": s.size - 1, "color": s.quiet})
    if strong and n > strong:
        figure.add_hline(y=n - strong - 0.5, line={"color": s.grid, "width": 1})
    tints, symbols = (s.accent, s.warm, s.quiet), ("circle", "diamond-open", "square-open")
    for turn in reversed(range(len(series))):
        one, tint = series[turn], tints[turn % 3]
        placed = [(i + (0.16 * turn if turn else -0.04 * (len(series) > 1)), rows[i], r)
                 for i, r in enumerate(one.shares) if r is not None]
        figure.add_trace(go.Scatter(
            x=[r.value for _, _, r in placed], y=[y for y, _, _ in placed], mode="markers", name=html.escape(one.name),
            legendrank=turn, marker={"size": 9 if turn else 13, "color": tint, "symbol": symbols[turn % 3],
                                     "line": {"width": 1.5 if turn else 0, "color": tint}},
            error_x={"type": "data", "symmetric": False, "color": fade(tint, 0.55), "thickness": 1.2 if turn else 2,
                     "width": 0, "array": [max(r.high - r.value, 0.0) for _, _, r in placed],
                     "arrayminus": [max(r.value - r.low, 0.0) for _, _, r in placed]},
            customdata=[[html.escape(name), _range(r)] for _, name, r in placed],
            hovertemplate=f"<b>%{{customdata[0]}}</b><br>{html.escape(one.name)} keeps %{{customdata[1]}}"
                          "<extra></extra>"))
    known = [r for one in series for r in one.shares if r is not None]
    ends = [(min(r.value - 0.1, max(r.low, -0.5)), max(r.value + 0.1, min(r.high, 1.5))) for r in known]
    figure.update_xaxes(title={"text": "share kept of the own model's gain"}, **PERCENT,
                        range=[min([-0.15, *(low - 0.03 for low, _ in ends)]),
                               max([1.15, *(high + 0.03 for _, high in ends)])])
    figure.update_yaxes(range=[n - 0.45, -0.55], tickvals=list(range(n)), automargin=True, showgrid=False,
                        ticktext=[f"<b>{html.escape(r)}</b>" if i >= n - strong else html.escape(r)
                                  for i, r in enumerate(rows)], tickfont={"color": s.text, "size": s.size})
    return figure


def search_trace(objectives: Sequence[float], starts: int, *, dark: Dark = False, height: int = 340) -> go.Figure:
    """The objective of each evaluation, and the best so far; the first `starts` are single models, mean and base."""
    s = surface(dark)
    figure = go.Figure(layout=_frame(dark, height))
    at = list(range(1, len(objectives) + 1))
    for name, some, tint, symbol in (("base, centroid, single models", at[:starts], s.warm, "diamond"),
                                     ("searched", at[starts:], s.quiet, "circle")):
        if some:
            figure.add_trace(go.Scatter(x=some, y=[objectives[i - 1] for i in some], mode="markers", name=name,
                                        marker={"size": 7, "color": tint, "symbol": symbol, "opacity": 0.75},
                                        hovertemplate=f"evaluation %{{x}}: <b>{LOSS_OF_Y}</b><extra></extra>"))
    best = [min(objectives[: i + 1]) for i in range(len(objectives))]
    figure.add_trace(go.Scatter(x=at, y=best, mode="lines", name="best so far", hoverinfo="skip",
                                line={"color": s.accent, "width": 2.5, "shape": "hv"}))
    if objectives:  # far-off places would flatten the curve
        low, middle = min(objectives), sorted(objectives)[len(objectives) // 2]
        first = max(objectives[:starts], default=middle)
        top = max(middle, first)
        figure.update_yaxes(range=[low - 0.08 * (top - low) - 1e-3, top + 0.12 * (top - low) + 1e-3])
    figure.update_xaxes(title={"text": "evaluations"}, rangemode="tozero")
    figure.update_yaxes(title={"text": "loss on the shots + penalty (nats)"})
    return figure


def weight_bars(names: Sequence[str], weights: Sequence[float], *, dark: Dark = False) -> go.Figure:
    """One bar a model: the weight of its task vector."""
    s, n = surface(dark), len(names)
    figure = go.Figure(layout={**_frame(dark, 76 + 26 * max(n, 3)), "showlegend": False})
    figure.add_trace(go.Bar(x=list(weights), y=list(range(n)), orientation="h",
                            marker={"color": [s.accent if w >= 0 else s.warm for w in weights]},
                            text=[numbers.fixed(w, 2) for w in weights], textposition="outside", cliponaxis=False,
                            customdata=[html.escape(name) for name in names],
                            hovertemplate="<b>%{customdata}</b>: %{x:.3f}<extra></extra>"))
    figure.add_vline(x=0, line={"color": s.muted, "width": 1.5})
    figure.update_yaxes(range=[n - 0.4, -0.6], tickvals=list(range(n)), ticktext=[html.escape(x) for x in names],
                        automargin=True, showgrid=False, tickfont={"color": s.text, "size": s.size})
    low, high = min(0.0, *weights, 0.0), max(0.1, *weights)
    room = 0.16 * (high - low)  # for the numbers at the bars' ends
    figure.update_xaxes(title={"text": "weight"}, range=[low - (room if low < 0 else 0.02), high + room])
    return figure


def _range(share: Interval) -> str:
    return f"<b>{numbers.share(share.value, 0)}</b>, {numbers.share_between(share.low, share.high)} (95 %)"


def _frame(dark: Dark, height: int) -> dict[str, Any]:
    return {"template": template(dark), "height": height, "showlegend": True, "hovermode": "closest",
            "dragmode": False, "margin": {"l": 66, "r": 18, "t": 46, "b": 48}, "yaxis": {"fixedrange": True},
            "xaxis": {"fixedrange": True},
            "legend": {"orientation": "h", "x": 0, "y": 1 + 20 / max(height - 94, 60), "xanchor": "left",
                       "yanchor": "bottom"}}
