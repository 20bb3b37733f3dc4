"""Loss along a path: dots with 95 % intervals, a band, both ends and the base as reference lines, the minimum marked.

An axis that reaches far outside [0, 1] is drawn on a signed logarithm, so that α = 32 and the interpolation are both
readable. Points that have no score yet leave a gap; the axis is there from the start, so nothing jumps.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from explorer.figures.theme import Surface, fade, surface, template
from explorer.statistics.readings import minimum
from explorer.types import Score

Quantity = Literal["loss", "accuracy"]
FAR = 4.0
"""An axis that reaches beyond this α is logarithmic."""


def loss_curve(alphas: Sequence[float], scores: Sequence[Score | None], *, zero: str, one: str, task: str,
               base: Score | None = None, show_base: bool = True, quantity: Quantity = "loss", dark: bool = False,
               height: int = 440) -> go.Figure:
    """The curve of m points; `zero` and `one` are the names of the ends, scores may still be missing.

    `show_base` False leaves out the base's line, for a path that has the base as an end.
    """
    if len(alphas) != len(scores):
        raise ValueError(f"{len(alphas)} alphas but {len(scores)} scores.")
    s, far = surface(dark), max((abs(a) for a in alphas), default=1.0) > FAR
    order = sorted(range(len(alphas)), key=lambda i: alphas[i])
    alphas, scores = [alphas[i] for i in order], [scores[i] for i in order]
    figure = go.Figure(layout=_layout(alphas, zero, one, task, quantity, far, dark, height))
    if alphas:
        figure.add_vrect(x0=position(max(0.0, alphas[0]), far), x1=position(min(1.0, max(alphas[-1], 0.0)), far),
                         fillcolor=fade(s.accent, 0.05), line_width=0, layer="below")
    if not any(scores):
        # Without a score plotly would invent numbers for the axis.
        figure.update_yaxes(showticklabels=False)
    at = dict(zip(alphas, scores, strict=True))
    _line(figure, alphas, at.get(0.0), f"α = 0: {zero}", quantity, far, s.quiet, "dot")
    _line(figure, alphas, at.get(1.0), f"α = 1: {one}", quantity, far, s.quiet, "dash")
    if show_base:
        _line(figure, alphas, base, "base", quantity, far, s.warm, "dashdot")
    _band(figure, alphas, scores, quantity, far, s)
    _dots(figure, alphas, scores, quantity, far, s)
    if quantity == "loss":
        _minimum(figure, alphas, scores, far, s)
    return figure


def position(alpha: float, far: bool) -> float:
    """Where an α is drawn: itself, or its signed logarithm log₂(1 + |α|)."""
    return math.copysign(math.log2(1 + abs(alpha)), alpha) if far else alpha


def measured(score: Score, quantity: Quantity) -> tuple[float, float]:
    """(value, standard error) of a loss in nats, or of an accuracy (binomial)."""
    if quantity == "loss":
        return score.loss, score.stderr
    return score.accuracy, math.sqrt(score.accuracy * (1 - score.accuracy) / max(score.n, 1))


def _line(figure: go.Figure, alphas: Sequence[float], score: Score | None, name: str, quantity: Quantity, far: bool,
          colour: str, dash: str) -> None:
    """A horizontal reference line; its legend entry is there before its score is, so that nothing jumps."""
    ends = [position(alphas[0], far), position(alphas[-1], far)] if alphas else [0.0, 1.0]
    level = measured(score, quantity)[0] if score is not None else None
    shown = name if score is None else f"{name} ({_text(level or 0.0, quantity)})"
    figure.add_trace(go.Scatter(x=ends, y=[level, level], mode="lines", name=html.escape(shown), hoverinfo="skip",
                                line={"color": colour, "width": 1.5, "dash": dash}, showlegend=True))


def _band(figure: go.Figure, alphas: Sequence[float], scores: Sequence[Score | None], quantity: Quantity, far: bool,
          s: Surface) -> None:
    """The 95 % band through the points that have scores; between two of them it is a guess, as the line is."""
    rows = [(position(a, far), *measured(score, quantity)) for a, score in zip(alphas, scores, strict=True)
            if score is not None]
    if len(rows) < 2:
        return
    figure.add_trace(go.Scatter(
        x=[x for x, _, _ in rows] + [x for x, _, _ in reversed(rows)],
        y=[y + 1.96 * e for _, y, e in rows] + [y - 1.96 * e for _, y, e in reversed(rows)],
        fill="toself", fillcolor=fade(s.accent, 0.13), line={"width": 0}, mode="lines", hoverinfo="skip",
        showlegend=False, name="95 % band"))


def _dots(figure: go.Figure, alphas: Sequence[float], scores: Sequence[Score | None], quantity: Quantity, far: bool,
          s: Surface) -> None:
    values = [(None, None) if score is None else measured(score, quantity) for score in scores]
    cards = ["" if score is None else (
        f"α = <b>{a:g}</b><br>loss <b>{score.loss:.4f}</b> ± {score.stderr:.4f}<br>"
        f"accuracy <b>{score.accuracy:.1%}</b><br>{score.n:,} texts, {html.escape(score.device)}"
    ) for a, score in zip(alphas, scores, strict=True)]
    figure.add_trace(go.Scatter(
        x=[position(a, far) for a in alphas], y=[y for y, _ in values], mode="lines+markers", name="along the path",
        connectgaps=True, showlegend=False, hovertext=cards, hovertemplate="%{hovertext}<extra></extra>",
        line={"color": s.accent, "width": 2.5}, marker={"size": 8, "color": s.accent},
        error_y={"array": [None if e is None else 1.96 * e for _, e in values], "color": fade(s.accent, 0.55),
                 "thickness": 1.2, "width": 3}))


def _minimum(figure: go.Figure, alphas: Sequence[float], scores: Sequence[Score | None], far: bool,
             s: Surface) -> None:
    lowest = minimum(alphas, scores)
    if lowest is None:
        return
    x, low, high = (position(a, far) for a in (lowest.alpha, alphas[0], alphas[-1]))
    share = (x - low) / ((high - low) or 1.0)
    side = "right" if share < 0.2 else "left" if share > 0.8 else "center"
    figure.add_trace(go.Scatter(
        x=[x], y=[lowest.value], mode="markers+text", showlegend=False, hoverinfo="skip",
        name="minimum", text=[f"minimum {lowest.value:.3f} at α = {lowest.alpha:g}"], textposition=f"bottom {side}",
        textfont={"color": s.text, "size": 12},
        marker={"size": 15, "symbol": "circle-open", "color": s.text, "line": {"width": 2}}))


def _text(value: float, quantity: Quantity) -> str:
    return f"{value:.3f}" if quantity == "loss" else f"{value:.1%}"


def _layout(alphas: Sequence[float], zero: str, one: str, task: str, quantity: Quantity, far: bool, dark: bool,
            height: int) -> dict[str, Any]:
    low, high = (position(alphas[0], far), position(alphas[-1], far)) if alphas else (0.0, 1.0)
    margin = 0.05 * ((high - low) or 1.0)
    xaxis: dict[str, Any] = {"title": {"text": html.escape(f"α      0 is {zero},  1 is {one}")},
                             "range": [low - margin, high + margin]}
    if far:
        marks = [a for a in (-32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64, 128)
                 if alphas[0] - 1e-9 <= a <= alphas[-1] + 1e-9]
        xaxis |= {"tickvals": [position(a, far) for a in marks], "ticktext": [f"{a:g}" for a in marks]}
    shown = "Loss (nats)" if quantity == "loss" else "Accuracy"
    yaxis: dict[str, Any] = {"title": {"text": html.escape(f"{shown} on {task}")}, "automargin": True}
    if quantity == "accuracy":
        yaxis["tickformat"] = ".0%"
    return {"template": template(dark), "height": height, "xaxis": xaxis, "yaxis": yaxis, "hovermode": "closest",
            "margin": {"l": 60, "r": 12, "t": 12, "b": 48},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}}
