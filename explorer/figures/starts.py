"""Accuracies of models trained from several starts: of one target seed by seed, or differences over many targets."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from explorer.figures.theme import HUES, SYMBOLS, Dark, colour, fade, surface, template
from explorer.figures.writing import PERCENT
from explorer.numbers import count, points, share
from explorer.statistics.averages import Average

ROW = 38


@dataclass(frozen=True)
class Column:
    """A start: accuracies by seed, their mean (None: no run yet), and what start it is, for its card."""

    name: str
    by_seed: Mapping[int, float]
    mean: Average | None
    why: str = ""


def by_start(columns: Sequence[Column], *, title: str = "Accuracy", dark: Dark = False,
             height: int = 430) -> go.Figure:
    """Starts beside each other: means with 95 % intervals, and a thin line for each seed, whose runs are paired."""
    s = surface(dark)
    figure = go.Figure(layout=_frame(dark, height, title))
    for seed in sorted({seed for c in columns for seed in c.by_seed}):
        known = [(i, c.by_seed[seed], c.name) for i, c in enumerate(columns) if seed in c.by_seed]
        figure.add_trace(go.Scatter(
            x=[i for i, _, _ in known], y=[v for _, v, _ in known], mode="lines+markers", showlegend=False,
            name=f"seed {seed}", line={"color": fade(s.quiet, 0.4), "width": 1}, marker={"size": 5, "color": s.quiet},
            customdata=[[html.escape(name), share(v)] for _, v, name in known],
            hovertemplate=f"<b>%{{customdata[0]}}</b>, seed {seed}<br>accuracy <b>%{{customdata[1]}}</b>"
                          "<extra></extra>"))
    rows = [(i, c, c.mean) for i, c in enumerate(columns) if c.mean is not None]
    spread = [m.high - m.value if math.isfinite(m.high) else 0.0 for _, _, m in rows]
    figure.add_trace(go.Scatter(
        x=[i for i, _, _ in rows], y=[m.value for _, _, m in rows], mode="markers", name="mean", showlegend=False,
        marker={"size": 13, "color": [_tint(i, dark) for i, _, _ in rows], "symbol": "diamond",
                "line": {"width": 1, "color": s.paper}},
        error_y={"type": "data", "array": spread, "color": s.text, "thickness": 1.5, "width": 6},
        customdata=[[html.escape(c.name), html.escape(c.why), f"<b>{share(m.value)}</b> ± {share(half)} (95 %), "
                     f"{count(m.n, 'seed')}"] for (_, c, m), half in zip(rows, spread, strict=True)],
        hovertemplate="<b>%{customdata[0]}</b>: %{customdata[1]}<br>mean %{customdata[2]}<extra></extra>"))
    figure.update_xaxes(tickvals=list(range(len(columns))), ticktext=[_under(c) for c in columns], showgrid=False,
                        range=[-0.5, len(columns) - 0.5], tickfont={"color": s.text, "size": s.size})
    figure.update_yaxes(showticklabels=bool(rows), **PERCENT)
    return figure


@dataclass(frozen=True)
class Gains:
    """One start's differences to the reference, target by target (None: not known), as shares."""

    name: str
    differences: Sequence[Average | None]


def over_targets(targets: Sequence[str], starts: Sequence[Gains], *, dark: Dark = False) -> go.Figure:
    """Targets from top to bottom: differences of accuracy in points with 95 % intervals, the reference at 0."""
    s, n = surface(dark), len(targets)
    figure = go.Figure(layout={**_frame(dark, max(430, 96 + ROW * n), ""), "showlegend": True})
    figure.add_vline(x=0, line={"color": s.muted, "width": 1.5, "dash": "dot"})
    apart = min(0.22, 0.7 / max(len(starts), 1))
    for turn, one in enumerate(starts):
        rows = [(i + apart * (turn - (len(starts) - 1) / 2), targets[i], d)
                for i, d in enumerate(one.differences) if d is not None]
        half = [100 * (d.high - d.value) if math.isfinite(d.high) else 0.0 for _, _, d in rows]
        tint = _tint(turn + 1, dark)
        figure.add_trace(go.Scatter(
            x=[100 * d.value for _, _, d in rows], y=[y for y, _, _ in rows], mode="markers",
            name=html.escape(one.name), marker={"size": 9, "color": tint, "symbol": SYMBOLS[turn % len(SYMBOLS)]},
            error_x={"type": "data", "array": half, "color": fade(tint, 0.5), "thickness": 1.4, "width": 0},
            customdata=[[html.escape(name), f"<b>{points(d.value, h / 100)}</b> (95 %), {count(d.n, 'seed')}"]
                        for (_, name, d), h in zip(rows, half, strict=True)],
            hovertemplate=f"<b>%{{customdata[0]}}</b><br>{html.escape(one.name)}: %{{customdata[1]}}<extra></extra>"))
    known = any(d is not None for one in starts for d in one.differences)
    figure.update_xaxes(title={"text": "accuracy minus the base's, in points"}, showticklabels=known)
    figure.update_yaxes(range=[n - 0.5, -0.5], tickvals=list(range(n)), automargin=True, showgrid=False,
                        ticktext=[html.escape(t) for t in targets], tickfont={"color": s.text, "size": s.size})
    return figure


def _frame(dark: Dark, height: int, title: str) -> dict[str, Any]:
    return {"template": template(dark), "height": height, "showlegend": False, "hovermode": "closest",
            "dragmode": False, "margin": {"l": 66, "r": 14, "t": 30, "b": 60},
            "yaxis": {"title": {"text": html.escape(title)}, "fixedrange": True}, "xaxis": {"fixedrange": True},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}}


def _tint(turn: int, dark: Dark) -> str:
    return colour(HUES[turn % len(HUES)], 0.4, dark)


def _under(column: Column) -> str:
    mean = "" if column.mean is None else share(column.mean.value)
    return f"{html.escape(column.name)}<br><b>{mean}</b>"
