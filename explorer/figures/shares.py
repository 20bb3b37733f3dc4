"""P_B of several regions with their intervals, one row a region, and the paper's figures as lines."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import HUES, Dark, colour, fade, surface, template
from explorer.figures.writing import PERCENT
from explorer.statistics.regions import Share

LOOKS = (("circle", HUES[0]), ("diamond", HUES[2]), ("square", HUES[3]))
APART = 0.24
"""Between the comparisons of one row, where rows are 1 apart."""


@dataclass(frozen=True)
class Comparison:
    """One P_B of every region (None: not known yet), and the paper's value of it."""

    name: str
    shares: Sequence[Share | None]
    paper: float


def shares(regions: Sequence[str], compared: Sequence[Comparison], *, dark: Dark = False) -> go.Figure:
    """Regions from top to bottom, their comparisons side by side; 50 % says that neither is better."""
    s, n = surface(dark), len(regions)
    figure = go.Figure(layout={
        "template": template(dark), "height": 90 + 34 * n, "hovermode": "closest", "dragmode": False,
        "margin": {"l": 10, "r": 14, "t": 30, "b": 46},
        "xaxis": {"range": [-0.03, 1.03], "fixedrange": True, "title": {"text": "P_B"}} | PERCENT,
        "yaxis": {"range": [n - 0.5, -0.5], "tickvals": list(range(n)), "ticktext": [html.escape(r) for r in regions],
                  "automargin": True, "showgrid": False, "fixedrange": True},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}})
    figure.add_vline(x=0.5, line={"color": s.muted, "width": 1, "dash": "dot"})
    for turn, (one, (symbol, hue)) in enumerate(zip(compared, LOOKS, strict=False)):
        tint = colour(hue, 0.4, dark)
        rows = [(i + APART * (turn - (len(compared) - 1) / 2), regions[i], v) for i, v in enumerate(one.shares) if v]
        figure.add_trace(go.Scatter(
            x=[v.value for _, _, v in rows], y=[y for y, _, _ in rows], mode="markers", showlegend=True,
            name=f"{html.escape(one.name)} (paper {numbers.share(one.paper)})",
            marker={"size": 8, "symbol": symbol, "color": tint},
            error_x={"type": "data", "symmetric": False, "array": [v.high - v.value for _, _, v in rows],
                     "arrayminus": [v.value - v.low for _, _, v in rows], "color": fade(tint, 0.5), "thickness": 1.3,
                     "width": 0},
            customdata=[[html.escape(name), f"<b>{numbers.share(v.value)}</b><br>95 %: "
                         f"{numbers.share_between(v.low, v.high)}"] for _, name, v in rows],
            hovertemplate=f"<b>%{{customdata[0]}}</b><br>{html.escape(one.name)}: %{{customdata[1]}}<extra></extra>"))
    return figure
