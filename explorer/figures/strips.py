"""Losses of groups of Points: as strips beside each other, by the hull's dimension, by distance from the centroid.

Groups keep their colour and symbol in all three. Every Point is a dot that says what it is; one without a finite loss
is not drawn. Axes are there from the start, so nothing jumps while losses come in.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import HUES, Dark, Surface, colour, fade, surface, template
from explorer.figures.writing import DISTANCE_OF_X, LOSS_OF_Y
from explorer.statistics.averages import Average

WIDTH = 0.34
"""Half of a strip's greatest width, where the distance of two strips is 1."""
OUTLINED = 8
"""From so many dots on a strip has an outline."""
LOOKS = ((HUES[0], 0.35, "circle"), (HUES[2], 0.5, "diamond"), (HUES[1], 0.5, "square"))
"""Hue, shade and symbol of the first, second and third group."""


@dataclass(frozen=True)
class Strip:
    """n Points of one group: their losses in nats (None: not known yet), and a line on each for its card."""

    name: str
    losses: Sequence[float | None]
    cards: Sequence[str]
    note: str = ""

    @property
    def shown(self) -> list[tuple[float, str]]:
        return [(v, c) for v, c in zip(self.losses, self.cards, strict=True) if v is not None and math.isfinite(v)]


def strips(groups: Sequence[Strip], *, base: float | None = None, title: str = "Loss (nats)", dark: Dark = False,
           height: int = 440) -> go.Figure:
    """Up to three groups beside each other with their means; the base's loss as a line."""
    s = surface(dark)
    figure = go.Figure(layout=_frame(title, dark, height))
    ends = [-0.72, len(groups) - 0.5]  # on the left there is room for the base's name
    if base is not None:
        _level(figure, base, ends, s)
    for place, (group, (hue, shade, symbol)) in enumerate(zip(groups, LOOKS, strict=False)):
        tint, shown = colour(hue, shade, dark), sorted(group.shown)
        losses = np.array([v for v, _ in shown])
        density = _density(losses)
        if len(shown) >= OUTLINED:
            figure.add_trace(_outline(place, losses, tint))
        figure.add_trace(go.Scatter(
            x=place + WIDTH * density * _spread(len(shown)), y=losses, mode="markers", name=html.escape(group.name),
            marker={"size": 8 if len(shown) <= 120 else 5.5, "color": tint, "symbol": symbol, "opacity": 0.85,
                    "line": {"width": 0.7, "color": s.paper}},
            customdata=[_card(group.name, c) for _, c in shown],
            hovertemplate="%{customdata}<br>loss <b>" + LOSS_OF_Y + "</b><extra></extra>"))
        if len(shown):
            mean = float(losses.mean())
            figure.add_trace(go.Scatter(x=[place - WIDTH - 0.04, place + WIDTH + 0.04], y=[mean, mean], mode="lines",
                                        name="mean", hoverinfo="skip", line={"color": s.text, "width": 2}))
    figure.update_xaxes(tickvals=list(range(len(groups))), ticktext=[_label(g) for g in groups], range=ends,
                        showgrid=False, tickangle=0, tickfont={"color": s.text, "size": s.size})
    figure.update_layout(margin={"b": 70})
    _without_numbers(figure, not any(g.shown for g in groups) and base is None)
    return figure


def by_dimension(dimensions: Sequence[int], groups: Sequence[Strip], means: Sequence[Average | None], *,
                 base: float | None = None, title: str = "Loss (nats)", dark: Dark = False,
                 height: int = 380) -> go.Figure:
    """Loss against the dimension of the face that Points were drawn in: dots, and means with 95 % intervals."""
    s = surface(dark)
    figure = go.Figure(layout=_frame(title, dark, height))
    tint = colour(*LOOKS[1][:2], dark)
    for place, group in enumerate(groups):
        shown = sorted(group.shown)
        figure.add_trace(go.Scatter(
            x=place + 0.5 * WIDTH * _spread(len(shown)), y=[v for v, _ in shown], mode="markers", showlegend=False,
            marker={"size": 6, "color": fade(tint, 0.55)}, name=html.escape(group.name),
            customdata=[_card(group.name, c) for _, c in shown],
            hovertemplate=f"%{{customdata}}<br>loss <b>{LOSS_OF_Y}</b><extra></extra>"))
    known = [(i, k, m) for i, (k, m) in enumerate(zip(dimensions, means, strict=True)) if m is not None]
    sided = [m.high - m.value if math.isfinite(m.high) else 0.0 for _, _, m in known]
    figure.add_trace(go.Scatter(
        x=[i for i, _, _ in known], y=[m.value for _, _, m in known], mode="lines+markers", showlegend=False,
        name="mean", line={"color": s.accent, "width": 2.5}, marker={"size": 9, "color": s.accent},
        error_y={"array": sided, "color": fade(s.accent, 0.6), "thickness": 1.4, "width": 4},
        customdata=[f"dimension {k}: mean loss <b>{numbers.loss(m.value, h or None)}</b> (95 %), "
                    f"{numbers.count(m.n, 'Point')}" for (_, k, m), h in zip(known, sided, strict=True)],
        hovertemplate="%{customdata}<extra></extra>"))
    if base is not None:
        _level(figure, base, [-0.5, len(dimensions) - 0.5], s)
    figure.update_xaxes(tickvals=list(range(len(dimensions))), ticktext=[str(k) for k in dimensions], showgrid=False,
                        range=[-0.5, len(dimensions) - 0.5], title={"text": "dimension of the face (0: the models)"})
    _without_numbers(figure, not known)
    return figure


def by_distance(groups: Sequence[Strip], distances: Sequence[np.ndarray], *, base: tuple[float, float] | None = None,
                title: str = "Loss (nats)", dark: Dark = False, height: int = 380) -> go.Figure:
    """Loss against distance in weight space from the centroid; `base` is the base's (distance, loss)."""
    s = surface(dark)
    figure = go.Figure(layout=_frame(title, dark, height, legend=True))
    for group, apart, (hue, shade, symbol) in zip(groups, distances, LOOKS, strict=False):
        rows = [(float(d), v, c) for d, v, c in zip(apart, group.losses, group.cards, strict=True)
                if v is not None and math.isfinite(v)]
        figure.add_trace(go.Scatter(
            x=[d for d, _, _ in rows], y=[v for _, v, _ in rows], mode="markers", name=html.escape(group.name),
            showlegend=True, customdata=[_card(group.name, c) for _, _, c in rows],
            marker={"size": 8, "color": colour(hue, shade, dark), "symbol": symbol, "opacity": 0.85,
                    "line": {"width": 0.7, "color": s.paper}},
            hovertemplate=f"%{{customdata}}<br>distance {DISTANCE_OF_X}<br>loss <b>{LOSS_OF_Y}</b><extra></extra>"))
    if base is not None:
        figure.add_trace(go.Scatter(x=[base[0]], y=[base[1]], mode="markers", name="base", showlegend=True,
                                    marker={"size": 11, "symbol": "x", "color": s.text},
                                    hovertemplate=f"base<br>distance {DISTANCE_OF_X}<br>loss <b>{LOSS_OF_Y}</b>"
                                                  "<extra></extra>"))
    figure.update_xaxes(title={"text": "distance from In's centroid in weight space"}, rangemode="tozero")
    _without_numbers(figure, not any(g.shown for g in groups))
    return figure


def _frame(title: str, dark: Dark, height: int, legend: bool = False) -> dict[str, Any]:
    return {"template": template(dark), "height": height, "showlegend": legend, "hovermode": "closest",
            "dragmode": False, "margin": {"l": 66, "r": 14, "t": 26 if legend else 14, "b": 52},
            "yaxis": {"title": {"text": html.escape(title)}, "fixedrange": True, "automargin": False},
            "xaxis": {"fixedrange": True},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}}


def _without_numbers(figure: go.Figure, empty: bool) -> None:
    """Without a value plotly would invent numbers for the axis."""
    if empty:
        figure.update_yaxes(showticklabels=False)


def _level(figure: go.Figure, base: float, ends: list[float], s: Surface) -> None:
    """The base's loss, as a line over the whole width."""
    figure.add_trace(go.Scatter(x=ends, y=[base, base], mode="lines+text", showlegend=False, name="base",
                                hoverinfo="skip", text=[f" base {numbers.loss(base)}", ""], textposition="top right",
                                textfont={"color": s.quiet, "size": s.size - 1},
                                line={"color": s.quiet, "width": 1.5, "dash": "dash"}))


def _label(group: Strip) -> str:
    """What stands under a strip: three lines, of which the last is there before its number is."""
    losses = [v for v, _ in group.shown]
    mean = "mean " + numbers.loss(sum(losses) / len(losses), unit="") if losses else " "
    return f"<b>{html.escape(group.name)}</b><br>{html.escape(group.note)}<br>{mean}"


def _card(group: str, said: str) -> str:
    return f"<b>{html.escape(group)}</b><br>{html.escape(said)}"


def _density(values: np.ndarray, at: np.ndarray | None = None) -> np.ndarray:
    """How close values lie, 1 where they do most: a Gaussian kernel of Silverman's width, (n,) or at other values."""
    if len(values) < 2:
        return np.ones(len(values if at is None else at))
    q75, q25 = np.quantile(values, [0.75, 0.25])
    width = 0.9 * (min(values.std(), (q75 - q25) / 1.34) or values.std() or 1.0) * len(values) ** -0.2
    own = np.exp(-0.5 * ((values[:, None] - values[None]) / width) ** 2).sum(axis=1)
    there = own if at is None else np.exp(-0.5 * ((at[:, None] - values[None]) / width) ** 2).sum(axis=1)
    return np.asarray(there / own.max())


def _outline(place: int, values: np.ndarray, tint: str) -> go.Scatter:
    reach = 0.08 * (values.max() - values.min() or 1.0)
    at = np.linspace(values.min() - reach, values.max() + reach, 60)
    half = WIDTH * _density(values, at)
    return go.Scatter(x=[*(place + half), *(place - half[::-1])], y=[*at, *at[::-1]], fill="toself", mode="lines",
                      fillcolor=fade(tint, 0.12), line={"width": 0}, hoverinfo="skip", name="outline")


def _spread(n: int) -> np.ndarray:
    """n places in (−1, 1) of which neighbours lie apart (van der Corput's sequence); a single one is in the middle."""
    if n == 1:
        return np.zeros(1)
    return np.array([2 * sum(((i >> bit) & 1) / 2 ** (bit + 1) for bit in range(i.bit_length())) - 1
                     for i in range(1, n + 1)])
