"""Two models by layer and kind of parameter: how far each has moved, and the cosine of where to."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from explorer.figures.theme import Dark, Surface, surface, template
from explorer.figures.writing import DISTANCE_OF_X

ROW = 24
"""Pixels of one group."""


def by_group(groups: Sequence[str], norms: np.ndarray, cosines: np.ndarray, names: tuple[str, str], *,
             dark: Dark = False) -> go.Figure:
    """Groups from top to bottom: ‖Δ‖ of both (g, 2) left, their cosine (g,) right."""
    s, n = surface(dark), len(groups)
    figure = make_subplots(1, 2, shared_yaxes=True, column_widths=[0.66, 0.34], horizontal_spacing=0.04)
    figure.update_layout(template=template(dark), height=96 + ROW * n, hovermode="closest", dragmode=False,
                         margin={"l": 10, "r": 14, "t": 34, "b": 46},
                         legend={"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"})
    told = [html.escape(g) for g in groups]
    _joined(figure, norms, s)
    for turn, (symbol, tint) in enumerate((("circle", s.accent), ("diamond", s.warm))):
        figure.add_trace(go.Scatter(
            x=norms[:, turn], y=list(range(n)), mode="markers", name=html.escape(names[turn]), customdata=told,
            marker={"size": 10, "symbol": symbol, "color": tint},
            hovertemplate=f"<b>{html.escape(names[turn])}</b><br>%{{customdata}}<br>‖Δ‖ {DISTANCE_OF_X}"
                          "<extra></extra>"),
            row=1, col=1)
    figure.add_trace(go.Scatter(
        x=cosines, y=list(range(n)), mode="markers", name="cosine", showlegend=False, customdata=told,
        marker={"size": 9, "symbol": "square", "color": s.text},
        hovertemplate="%{customdata}<br>cosine %{x:.3f}<extra></extra>"), row=1, col=2)
    figure.add_vline(x=0, line={"color": s.muted, "width": 1, "dash": "dot"}, row=1, col=2)
    figure.update_yaxes(range=[n - 0.5, -0.5], tickvals=list(range(n)), ticktext=told, automargin=True, showgrid=True,
                        fixedrange=True)
    figure.update_xaxes(title={"text": "‖Δ‖"}, rangemode="tozero", fixedrange=True, row=1, col=1)
    figure.update_xaxes(title={"text": "cosine"}, range=[-1.05, 1.05], fixedrange=True, row=1, col=2)
    return figure


def _joined(figure: go.Figure, norms: np.ndarray, s: Surface) -> None:
    """A thin line between the two of a group."""
    x: list[float | None] = []
    y: list[float | None] = []
    for row, (a, b) in enumerate(norms.tolist()):
        x += [a, b, None]
        y += [row, row, None]
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line={"color": s.muted, "width": 2}, hoverinfo="skip",
                                showlegend=False, name=""), row=1, col=1)
