"""Loss along walks out of a region, against the radius in spreads: one line a kind of direction, the models as a band.

Where several walks are of one kind, their mean is drawn over their own thin lines. Axes are there from the start.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import HUES, Dark, Surface, colour, fade, surface, template

LOOKS = ((HUES[0], 0.3, "circle"), (HUES[1], 0.4, "diamond"), (HUES[2], 0.4, "square"))
"""Hue, shade and symbol of the kinds, in the order in which they are given."""


@dataclass(frozen=True)
class Way:
    """One kind of direction: its mean loss at rising `radii`, half the 95 % intervals of its difference from the
    centroid's, and the single walks behind it.

    `leaves` is the radius at which it leaves the region, None where it does not or that is not known; `arrives` names
    what stands at the end of a walk that has one.
    """

    name: str
    radii: Sequence[float]
    losses: Sequence[float]
    halves: Sequence[float]
    singles: Sequence[Sequence[tuple[float, float]]] = ()
    leaves: float | None = None
    arrives: str = ""


def ways_out(ways: Sequence[Way], radii: Sequence[float], models: tuple[float, float] | None, *,
             base: float | None = None, title: str = "Loss (nats)", dark: Dark = False, height: int = 420) -> go.Figure:
    """The walks over `radii`; `models` are the lowest and highest loss of the region's models, `base` the base's."""
    s = surface(dark)
    end = max(radii)
    figure = go.Figure(layout={
        "template": template(dark), "height": height, "margin": {"l": 66, "r": 14, "t": 30, "b": 46},
        "dragmode": False, "hovermode": "closest", "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left",
                                                              "yanchor": "bottom"},
        "xaxis": {"title": {"text": "distance from the centroid (spreads of the models)"}, "fixedrange": True,
                  "range": [-0.02 * end, 1.03 * end]},
        "yaxis": {"title": {"text": html.escape(title)}, "fixedrange": True}})
    if models is not None:
        low, high = models
        figure.add_hrect(y0=low, y1=high, fillcolor=fade(s.quiet, 0.16), line_width=0, layer="below")
        figure.add_annotation(x=1, xref="paper", y=low, text="the models' losses", showarrow=False, xanchor="right",
                              yanchor="bottom", font={"size": s.size - 1, "color": s.quiet})
    if base is not None:
        figure.add_hline(y=base, line={"color": s.warm, "width": 1.2, "dash": "dot"})
        figure.add_annotation(x=1, xref="paper", y=base, text="base", showarrow=False, xanchor="right",
                              yanchor="bottom", font={"size": s.size - 1, "color": s.warm})
    figure.add_vline(x=1, line={"color": s.quiet, "width": 1.2, "dash": "dash"})
    figure.add_annotation(x=1, y=0, yref="paper", text="spread", showarrow=False, xanchor="left", yanchor="bottom",
                          font={"size": s.size - 1, "color": s.quiet})
    for way, (hue, shade, symbol) in zip(ways, LOOKS, strict=False):
        _draw(figure, way, colour(hue, shade, dark), symbol, models[1] if models else None, s)
    if models is None and base is None and not any(way.radii for way in ways):
        figure.update_yaxes(showticklabels=False)
    return figure


def _draw(figure: go.Figure, way: Way, tint: str, symbol: str, limit: float | None, s: Surface) -> None:
    name = html.escape(way.name)
    for single in way.singles:
        figure.add_trace(go.Scatter(x=[r for r, _ in single], y=[v for _, v in single], mode="lines", name=name,
                                    showlegend=False, hoverinfo="skip", legendgroup=name,
                                    line={"color": fade(tint, 0.4), "width": 1}))
    last = len(way.radii) - 1
    end = f": {html.escape(way.arrives)}" if way.arrives else ""
    cards = [f"{name}<br>{numbers.figures(r)} spreads{end if i == last else ''}"
             + f"<br>loss <b>{numbers.loss(v)}</b>"
             + (f" {numbers.half_width(h)} against the centroid (95 %)" if h == h and r else "")
             for i, (r, v, h) in enumerate(zip(way.radii, way.losses, way.halves, strict=True))]
    figure.add_trace(go.Scatter(
        x=list(way.radii), y=list(way.losses), mode="lines+markers", name=name, legendgroup=name, hovertext=cards,
        hovertemplate="%{hovertext}<extra></extra>", line={"color": tint, "width": 2.5},
        marker={"size": 8, "color": tint, "symbol": symbol},
        error_y={"array": list(way.halves), "color": fade(tint, 0.5), "thickness": 1.2, "width": 3}))
    if way.leaves is not None and limit is not None:
        figure.add_trace(go.Scatter(x=[way.leaves], y=[limit], mode="markers", showlegend=False, name=f"{name} leaves",
                                    legendgroup=name, marker={"size": 14, "symbol": "circle-open", "color": tint,
                                                              "line": {"width": 2.5}},
                                    hovertemplate=f"{name}<br>leaves at <b>%{{x:.2f}}</b> spreads<extra></extra>"))
