"""Loss along a path: dots with 95 % intervals, a band, both ends and the base as reference lines, the minimum marked.

One task is drawn with its levels, several are drawn over each other, each minus its base's level. Dots are filled where
the whole test split was measured and hollow where a first pass on some of it was. An axis that reaches far outside
[0, 1] is drawn on a signed logarithm, so that α = 32 and the interpolation are both readable. Points that have no score
yet leave a gap; the axis is there from the start, so nothing jumps.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import HUES, Dark, Mark, Surface, colour, fade, surface, template
from explorer.figures.writing import PERCENT
from explorer.paths.alphas import position
from explorer.types import Estimate

Quantity = Literal["loss", "accuracy"]
TICKS = (-32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Axis:
    """What α runs over: the values drawn, both limits, the names of the ends, and whether it is logarithmic."""

    alphas: Sequence[float]
    low: float
    high: float
    zero: str
    one: str
    far: bool = False


@dataclass(frozen=True)
class Curve:
    """One task's values along the path, sorted like the axis' α; None where nothing is known yet.

    `base` is the base's level; `faint` draws it as background to another one.
    """

    name: str
    values: Sequence[Estimate | None]
    base: Estimate | None = None
    faint: bool = False


def loss_curve(axis: Axis, curves: Sequence[Curve], *, quantity: Quantity = "loss", title: str = "",
               show_base: bool = True, looks: Mapping[str, Mark] | None = None, dark: Dark = False,
               height: int = 440) -> go.Figure:
    """The curves of m points; `title` is the value axis' text.

    `show_base` False leaves out the base's line, for a path that has the base as an end. Several curves look as `looks`
    says of their names, as the dots of a map do.
    """
    for curve in curves:
        if len(axis.alphas) != len(curve.values):
            raise ValueError(f"{len(axis.alphas)} alphas but {len(curve.values)} values.")
    s = surface(dark)
    figure = go.Figure(layout=_layout(axis, title, quantity, dark, height))
    figure.add_vrect(x0=position(max(0.0, axis.low), axis.far), x1=position(min(1.0, max(axis.high, 0.0)), axis.far),
                     fillcolor=fade(s.accent, 0.05), line_width=0, layer="below")
    if not any(v for curve in curves for v in curve.values):
        # Without a value plotly would invent numbers for the axis.
        figure.update_yaxes(showticklabels=False)
    if len(curves) == 1:
        _references(figure, axis, curves[0], quantity, show_base, s)
        _draw(figure, axis, curves[0], quantity, s.accent, legend=False)
        if quantity == "loss":
            _minimum(figure, axis, curves[0], s)
        return figure
    for i, curve in enumerate(curves):
        mark = (looks or {}).get(curve.name) or Mark(colour(HUES[i % len(HUES)], 0.35, dark), "circle")
        _draw(figure, axis, curve, quantity, s.muted if curve.faint else mark.colour, legend=True, symbol=mark.symbol,
              dash="dot" if i >= len(HUES) else "solid")
    return figure


def _references(figure: go.Figure, axis: Axis, curve: Curve, quantity: Quantity, show_base: bool, s: Surface) -> None:
    at = dict(zip(axis.alphas, curve.values, strict=True))
    lines = [(at.get(0.0), f"α = 0: {axis.zero}", s.quiet, "dot"), (at.get(1.0), f"α = 1: {axis.one}", s.quiet, "dash")]
    if show_base:
        lines.append((curve.base, "base", s.warm, "dashdot"))
    ends = [position(axis.low, axis.far), position(axis.high, axis.far)]
    for level, name, tint, dash in lines:
        # Its legend entry is there before its level is, so that nothing jumps.
        value = None if level is None else level.value
        write = numbers.loss if quantity == "loss" else numbers.share
        text = name if value is None else f"{name} ({write(value)})"
        figure.add_trace(go.Scatter(x=ends, y=[value, value], mode="lines", name=html.escape(text), hoverinfo="skip",
                                    line={"color": tint, "width": 1.5, "dash": dash}, showlegend=True))


def _draw(figure: go.Figure, axis: Axis, curve: Curve, quantity: Quantity, tint: str, *, legend: bool,
          dash: str = "solid", symbol: str = "circle") -> None:
    """Band, line and dots; between two dots band and line are a guess."""
    rows = [(position(a, axis.far), v) for a, v in zip(axis.alphas, curve.values, strict=True) if v is not None]
    name = html.escape(curve.name)
    # a legend with any group in it stacks its other entries
    together = {"legendgroup": name} if legend else {}
    if len(rows) > 1:
        figure.add_trace(go.Scatter(
            x=[x for x, _ in rows] + [x for x, _ in reversed(rows)],
            y=[v.value + v.half for _, v in rows] + [v.value - v.half for _, v in reversed(rows)],
            fill="toself", fillcolor=fade(tint, 0.13), line={"width": 0}, mode="lines", hoverinfo="skip",
            showlegend=False, name=f"{name}: 95 % band", **together))
    shown = [None if v is None else v.value for v in curve.values]
    figure.add_trace(go.Scatter(
        x=[position(a, axis.far) for a in axis.alphas], y=shown, mode="lines+markers", name=name, connectgaps=True,
        showlegend=legend, customdata=list(axis.alphas), **together,
        hovertext=[_card(a, v, curve.name if legend else "", quantity)
                   for a, v in zip(axis.alphas, curve.values, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>", line={"color": tint, "width": 2.5, "dash": dash},
        marker={"size": 8, "color": tint, "line": {"width": 1.5, "color": tint},
                "symbol": [symbol if v is None or v.measured == "full" else f"{symbol}-open" for v in curve.values]},
        error_y={"array": [None if v is None else v.half for v in curve.values], "color": fade(tint, 0.55),
                 "thickness": 1.2, "width": 3}))


def _card(alpha: float, value: Estimate | None, name: str, quantity: Quantity) -> str:
    if value is None:
        return ""
    how = "" if value.measured == "full" else "<br>first pass: some of the texts"
    head = f"{html.escape(name)}<br>" if name else ""
    return (f"{head}α = <b>{numbers.alpha(alpha)}</b><br>{quantity} "
            f"<b>{_with_half(value.value, value.half, quantity)}</b> (95 %){how}")


def _minimum(figure: go.Figure, axis: Axis, curve: Curve, s: Surface) -> None:
    # as the reading beside the figure: a first pass's estimate may change places with its neighbour's
    known = [(v.value, a) for a, v in zip(axis.alphas, curve.values, strict=True)
             if v is not None and v.measured == "full"]
    if not known:
        return
    value, alpha = min(known)
    x, low, high = (position(a, axis.far) for a in (alpha, axis.low, axis.high))
    share = (x - low) / ((high - low) or 1.0)
    side = "right" if share < 0.2 else "left" if share > 0.8 else "center"
    figure.add_trace(go.Scatter(
        x=[x], y=[value], mode="markers+text", showlegend=False, hoverinfo="skip", name="minimum",
        text=[f"minimum {numbers.loss(value)} at α = {numbers.alpha(alpha)}"], textposition=f"bottom {side}",
        textfont={"color": s.text, "size": s.size - 1},
        marker={"size": 15, "symbol": "circle-open", "color": s.text, "line": {"width": 2}}))


def _with_half(value: float, half: float, quantity: Quantity) -> str:
    if quantity == "loss":
        return numbers.loss(value, half)
    return f"{numbers.share(value)} ± {numbers.share(half)}"


def _layout(axis: Axis, title: str, quantity: Quantity, dark: Dark, height: int) -> dict[str, Any]:
    low, high = position(axis.low, axis.far), position(axis.high, axis.far)
    margin = 0.05 * ((high - low) or 1.0)
    xaxis: dict[str, Any] = {"title": {"text": html.escape(f"α      0 is {axis.zero},  1 is {axis.one}")},
                             "range": [low - margin, high + margin], "fixedrange": True}
    if axis.far:
        marks = [a for a in TICKS if axis.low - 1e-9 <= a <= axis.high + 1e-9]
        xaxis |= {"tickvals": [position(a, True) for a in marks], "ticktext": [numbers.alpha(a) for a in marks]}
    yaxis: dict[str, Any] = {"title": {"text": html.escape(title)}, "automargin": False, "fixedrange": True}
    if quantity == "accuracy":
        yaxis |= PERCENT
    return {"template": template(dark), "height": height, "xaxis": xaxis, "yaxis": yaxis, "hovermode": "closest",
            "dragmode": False, "margin": {"l": 66, "r": 14, "t": 30, "b": 46},
            "legend": {"orientation": "h", "x": 0, "y": 1.0, "xanchor": "left", "yanchor": "bottom"}}
