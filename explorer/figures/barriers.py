"""Barriers of all pairs beside their cosines: two matrices in one order, and one dot a pair.

The strip between names and matrices tells the models' groups apart, as that of the similarity map does.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, Mark, fade, scale, strip_colours, surface, template

WRITTEN = 10
"""Up to this many models the numbers are written into the cells."""


def matrices(barriers: np.ndarray, halves: np.ndarray, cosines: np.ndarray | None, names: Sequence[str],
             groups: Sequence[str], order: Sequence[int], *, looks: Mapping[str, Mark] | None = None,
             dark: Dark = False, height: int = 460) -> go.Figure:
    """Barriers (n, n) in nats, NaN where not known and ∞ where a line overflows, and cosines (n, n) beside them.

    `halves` are half the 95 % intervals. Names and groups are in the matrices' order; both are drawn in `order`. The
    diagonals are blank, and so is the second matrix where there are no cosines. Groups have their colours of `looks`.
    """
    n, s = len(names), surface(dark)
    rows = np.ix_(order, order)
    label = [html.escape(names[i]) for i in order]
    high, half = barriers[rows].copy(), halves[rows]
    alike = np.full((n, n), np.nan) if cosines is None else cosines[rows].copy()
    np.fill_diagonal(high, np.nan)
    np.fill_diagonal(alike, np.nan)
    cards = [[_card(label[i], label[j], high[i, j], half[i, j], alike[i, j]) if i != j else label[i]
              for j in range(n)] for i in range(n)]
    figure = go.Figure(layout={"template": template(dark), "height": height, "showlegend": False,
                               "margin": {"l": 10, "r": 10, "t": 30, "b": 56}})
    known = high[np.isfinite(high)]
    top = float(known.max()) if len(known) else 1.0
    _matrix(figure, np.where(np.isinf(high), top, high), cards, "", 0.27, _written(high, n), s.quiet, dark)
    # the highest cosines are drawn in the colour of the lowest barriers: one reads both matrices alike
    _matrix(figure, alike, cards, "2", 0.765, _written(alike, n), s.quiet, dark, turned=True)
    _strip(figure, [groups[i] for i in order], strip_colours(list(dict.fromkeys(groups)), looks or {}, dark))
    axis: dict[str, Any] = {"showticklabels": False, "showgrid": False, "range": [-0.5, n - 0.5], "fixedrange": True}
    down = axis | {"range": [n - 0.5, -0.5]}
    names_on = {"showticklabels": True, "tickvals": list(range(n)), "ticktext": label, "automargin": True,
                "tickfont": {"size": 12 if n <= 12 else 10, "color": s.quiet}}
    figure.update_layout(
        xaxis=axis | {"domain": [0.035, 0.505]}, yaxis=down | names_on | {"anchor": "x3"},
        xaxis2=axis | {"domain": [0.53, 1]}, yaxis2=down | {"anchor": "x2"},
        xaxis3={"domain": [0, 0.022], "showticklabels": False, "showgrid": False, "fixedrange": True},
        annotations=[{"x": x, "y": 1, "xref": "paper", "yref": "paper", "text": text, "showarrow": False,
                      "xanchor": "left", "yanchor": "bottom", "yshift": 6, "font": {"size": s.size, "color": s.text}}
                     for x, text in ((0.035, "Barrier (nats)"), (0.53, "Cosine of task vectors"))])
    return figure


def against_cosine(cosines: Sequence[float], barriers: Sequence[float], halves: Sequence[float],
                   cards: Sequence[str], alike: Sequence[bool], *, chosen: int | None = None, dark: Dark = False,
                   height: int = 270) -> go.Figure:
    """One dot a pair with its 95 % interval; `alike` pairs are of one group, `cards` name them, one may be chosen."""
    s = surface(dark)
    figure = go.Figure(layout={
        "template": template(dark), "height": height, "margin": {"l": 56, "r": 10, "t": 26, "b": 44},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"},
        "xaxis": {"title": {"text": "cosine"}}, "yaxis": {"title": {"text": "barrier (nats)"}, "rangemode": "tozero"}})
    for same, name, tint, symbol in ((True, "same data set", s.accent, "circle"),
                                     (False, "different", s.warm, "diamond")):
        here = [i for i, a in enumerate(alike) if a is same]
        if not here:
            continue
        figure.add_trace(go.Scatter(
            x=[cosines[i] for i in here], y=[barriers[i] for i in here], mode="markers", name=name,
            hovertext=[cards[i] for i in here], hovertemplate="%{hovertext}<extra></extra>",
            marker={"size": 8, "color": tint, "symbol": symbol},
            error_y={"array": [halves[i] for i in here], "color": fade(tint, 0.3), "thickness": 1, "width": 0}))
    if chosen is not None:
        figure.add_trace(go.Scatter(x=[cosines[chosen]], y=[barriers[chosen]], mode="markers", hoverinfo="skip",
                                    showlegend=False, marker={"size": 15, "symbol": "circle-open", "color": s.text,
                                                              "line": {"width": 2}}))
    return figure


def card(a: str, b: str, barrier: float, half: float, cosine: float) -> str:
    """What is said of a pair when it is pointed at; names are made safe."""
    return _card(html.escape(a), html.escape(b), barrier, half, cosine)


def _card(a: str, b: str, barrier: float, half: float, cosine: float) -> str:
    told = ("not measured yet" if np.isnan(barrier) else "overflows" if np.isinf(barrier)
            else f"<b>{numbers.loss(barrier, half)}</b>" + (" (95 %)" if np.isfinite(half) else ""))
    return f"{a} to {b}<br>barrier {told}" + (
        "" if np.isnan(cosine) else f"<br>cosine <b>{numbers.coefficient(cosine, 3)}</b>")


def _written(values: np.ndarray, n: int) -> list[list[str]] | None:
    if n > WRITTEN:
        return None
    return [["" if np.isnan(v) else "∞" if np.isinf(v) else numbers.fixed(v, 2) for v in row] for row in values]


def _matrix(figure: go.Figure, values: np.ndarray, cards: list[list[str]], axes: str, middle: float,
            written: list[list[str]] | None, quiet: str, dark: Dark, *, turned: bool = False) -> None:
    where = np.arange(len(values))
    stops = [at for at, _ in scale(dark)]
    tints = [tint for _, tint in scale(dark)]
    figure.add_trace(go.Heatmap(
        z=values, x=where, y=where, xaxis=f"x{axes}", yaxis=f"y{axes}", customdata=np.array(cards), xgap=1, ygap=1,
        colorscale=list(zip(stops, tints[::-1] if turned else tints, strict=True)), text=written,
        texttemplate=None if written is None else "%{text}", hovertemplate="%{customdata}<extra></extra>",
        # barriers begin at none at all, and a matrix of none is not drawn as if its rounding were a picture
        zmin=None if turned else 0.0, zmax=None if turned else max(float(np.nanmax(values, initial=0.0)), 1e-3),
        colorbar={"orientation": "h", "x": middle, "xanchor": "center", "y": 0, "yanchor": "top", "len": 0.42,
                  "thickness": 8, "outlinewidth": 0, "tickfont": {"color": quiet, "size": 11}, "nticks": 5}))


def _strip(figure: go.Figure, ordered: Sequence[str], tints: Mapping[str, str]) -> None:
    kinds, k = list(tints), len(tints)
    figure.add_trace(go.Heatmap(
        z=[[kinds.index(g)] for g in ordered], x=[0], y=list(range(len(ordered))), xaxis="x3", yaxis="y",
        showscale=False, zmin=-0.5, zmax=k - 0.5, ygap=1,
        colorscale=[[edge, c] for i, c in enumerate(tints.values()) for edge in (i / k, (i + 1) / k)],
        text=[[html.escape(g)] for g in ordered], hovertemplate="%{text}<extra></extra>"))
