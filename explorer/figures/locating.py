"""Distances of a Point to the hulls of regions, as bars: the nearest first, the predicted one in colour."""

from __future__ import annotations

import html
from collections.abc import Sequence

import plotly.graph_objects as go

from explorer.figures.theme import Dark, fade, surface, template
from explorer.numbers import distance, share


def nearest(regions: Sequence[tuple[str, float, float]], predicted: str, *, dark: Dark = False,
            height: int | None = None) -> go.Figure:
    """Bars of (region, probability, distance), the nearest on top; each says how likely the region is."""
    s = surface(dark)
    rows = sorted(regions, key=lambda row: -row[2])
    figure = go.Figure(layout={
        "template": template(dark), "height": height or 70 + 26 * len(rows), "showlegend": False, "bargap": 0.35,
        "margin": {"l": 10, "r": 40, "t": 6, "b": 44}, "dragmode": False,
        "xaxis": {"title": {"text": "distance to the region's hull"}, "rangemode": "tozero", "fixedrange": True},
        "yaxis": {"automargin": True, "fixedrange": True, "showgrid": False, "tickfont": {"color": s.text}}})
    figure.add_trace(go.Bar(
        x=[apart for *_, apart in rows], y=[html.escape(name) for name, *_ in rows], orientation="h",
        marker={"color": [s.accent if name == predicted else fade(s.quiet, 0.45) for name, *_ in rows]},
        text=[share(chance, 0) for _, chance, _ in rows], textposition="outside", cliponaxis=False,
        customdata=[[distance(apart), share(chance)] for _, chance, apart in rows],
        hovertemplate="%{y}<br>distance <b>%{customdata[0]}</b><br>probability <b>%{customdata[1]}</b><extra></extra>"))
    return figure
