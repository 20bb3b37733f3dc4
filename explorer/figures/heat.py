"""Heat maps: similarities of models in cluster order under their dendrogram, confusion, and layers by kinds.

A map of more models than can be told apart is drawn in blocks, each the mean of its models, so that thousands cost what
hundreds do.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer import numbers
from explorer.figures.theme import Dark, Mark, scale, strip_colours, surface, template
from explorer.figures.writing import PERCENT
from explorer.statistics.agreement import Agreement

BLOCKS = 400
"""Rows of a heat map at most; beyond, models are drawn in blocks."""
NAMED = 60
"""Up to this many rows have their model's name beside them."""
TREE = 0.16
"""Share of the height that the dendrogram takes."""


def similarity_map(values: np.ndarray, names: Sequence[str], groups: Sequence[str], order: np.ndarray,
                   merges: np.ndarray, *, title: str, looks: Mapping[str, Mark] | None = None, dark: Dark = False,
                   height: int = 620) -> go.Figure:
    """The matrix (n, n) with rows and columns in `order`, the tree `merges` above, groups as a strip of colours.

    Groups have their colours of `looks`, which a map gives them; those without one get one of their own.
    Names and groups are in the matrix's order. The main diagonal is left blank: everything is like itself.
    """
    n, s = len(names), surface(dark)
    shown = values[np.ix_(order, order)].astype(np.float64)
    np.fill_diagonal(shown, np.nan)
    cuts = np.unique(np.linspace(0, n, min(n, BLOCKS) + 1).round().astype(int))
    picture = shown if n <= BLOCKS else _blocks(shown, cuts)
    figure = go.Figure(layout=_frame(dark, height))
    kinds = list(dict.fromkeys(groups))
    tint = strip_colours(kinds, looks or {}, dark)
    label = [html.escape(f"{names[i]}  ·  {groups[i]}" if groups[i] else names[i]) for i in order]
    cards = label if n <= BLOCKS else [f"{label[a]} … ({b - a} models)" for a, b in pairwise(cuts)]
    size = len(picture)
    where = np.arange(size)
    figure.add_trace(go.Heatmap(
        z=picture, x=where, y=where, colorscale=scale(dark), customdata=np.array(
            [[f"{a}<br>{b}" for b in cards] for a in cards]) if size <= 120 else None,
        hovertemplate=("%{customdata}<br><b>%{z:.3f}</b><extra></extra>" if size <= 120
                       else "row %{y}, column %{x}<br><b>%{z:.3f}</b><extra></extra>"),
        colorbar={"title": {"text": html.escape(title), "side": "right"}, "thickness": 10, "len": 0.6,
                  "outlinewidth": 0}))
    codes = [kinds.index(groups[order[min(int(c), n - 1)]]) for c in (where if n <= BLOCKS else cuts[:-1])]
    figure.add_trace(go.Heatmap(
        z=[[c] for c in codes], x=[0], y=where, xaxis="x2", yaxis="y", showscale=False, zmin=-0.5,
        zmax=len(kinds) - 0.5, colorscale=_steps([tint[g] for g in kinds]),
        text=[[html.escape(kinds[c])] for c in codes], hovertemplate="%{text}<extra></extra>"))
    x, y = _tree(merges, order, size / n)
    figure.add_trace(go.Scatter(x=x, y=y, mode="lines", xaxis="x", yaxis="y3", hoverinfo="skip", showlegend=False,
                                line={"color": s.quiet, "width": 1}))
    named = {"tickvals": list(where), "ticktext": [html.escape(names[i]) for i in order], "showticklabels": True,
             "tickfont": {"size": 9, "color": s.quiet}} if n <= NAMED else {"showticklabels": False}
    figure.update_layout(
        xaxis={"domain": [0.04, 1], "showticklabels": False, "range": [-0.5, size - 0.5], "showgrid": False},
        xaxis2={"domain": [0, 0.03], "showticklabels": False, "showgrid": False, "fixedrange": True},
        yaxis={"domain": [0, 1 - TREE], "autorange": "reversed", "showgrid": False, "automargin": n <= NAMED, **named},
        yaxis3={"domain": [1 - TREE + 0.01, 1], "showticklabels": False, "showgrid": False, "anchor": "x"})
    return figure


def confusion(found: Agreement, *, dark: Dark = False, height: int = 420) -> go.Figure:
    """Models by group (rows) and cluster (columns, those matched to the groups first)."""
    figure = go.Figure(layout=_frame(dark, height))
    columns = ["none" if c < 0 else str(c + 1) for c in found.clusters]
    counts = found.confusion
    figure.add_trace(go.Heatmap(
        z=np.where(counts > 0, counts, np.nan), x=columns, y=[html.escape(g) for g in found.groups], showscale=False,
        colorscale=scale(dark), text=[[str(v) if v else "" for v in row] for row in counts], texttemplate="%{text}",
        hovertemplate="%{y}, cluster %{x}: <b>%{text}</b><extra></extra>"))
    figure.update_layout(xaxis={"title": {"text": "cluster"}, "type": "category"},
                         yaxis={"autorange": "reversed", "automargin": True})
    return figure


def layer_grid(rows: Sequence[str], columns: Sequence[str], values: np.ndarray, chance: np.ndarray, *,
               dark: Dark = False, height: int = 360) -> go.Figure:
    """Accuracy by layer (rows) and kind (columns), with chance's 95 % quantile in each cell's card; NaN is blank."""
    figure = go.Figure(layout=_frame(dark, height))
    figure.add_trace(go.Heatmap(
        z=values, x=[html.escape(c) for c in columns], y=[html.escape(r) for r in rows], zmin=0, zmax=1,
        colorscale=scale(dark), texttemplate="%{text}",
        text=[["" if np.isnan(v) else numbers.share(v, 0) for v in row] for row in values.tolist()],
        customdata=[["" if np.isnan(v) else f"<b>{numbers.share(v)}</b><br>chance stays below {numbers.share(c, 0)} in "
                     "95 of 100" for v, c in zip(row, below, strict=True)]
                    for row, below in zip(values.tolist(), chance.tolist(), strict=True)],
        hovertemplate="%{y}, %{x}: %{customdata}<extra></extra>",
        colorbar={"title": {"text": "accuracy", "side": "right"}, "thickness": 10, "len": 0.7, "outlinewidth": 0}
        | PERCENT))
    figure.update_layout(xaxis={"title": {"text": "kind of parameters"}},
                         yaxis={"autorange": "reversed", "automargin": True, "title": {"text": "layer"}})
    return figure


def _frame(dark: Dark, height: int) -> dict[str, Any]:
    return {"template": template(dark), "height": height, "margin": {"l": 10, "r": 10, "t": 10, "b": 40},
            "showlegend": False}


def _blocks(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Means over blocks of rows and columns; blank cells count nothing."""
    known = np.isfinite(values)
    sums = np.add.reduceat(np.add.reduceat(np.where(known, values, 0.0), cuts[:-1], axis=0), cuts[:-1], axis=1)
    counts = np.add.reduceat(np.add.reduceat(known.astype(float), cuts[:-1], axis=0), cuts[:-1], axis=1)
    return np.asarray(sums / np.where(counts > 0, counts, np.nan))


def _steps(colours: Sequence[str]) -> list[list[float | str]]:
    """A scale of one flat step a colour."""
    n = len(colours)
    return [[edge, c] for i, c in enumerate(colours) for edge in (i / n, (i + 1) / n)]


def _tree(merges: np.ndarray, order: np.ndarray, shrink: float) -> tuple[list[float | None], list[float | None]]:
    """The dendrogram as one line: leaves at the places of the rows in `order` (times `shrink`), its joins by height."""
    n = len(order)
    place = np.empty(2 * n - 1)
    place[order] = np.arange(n) * shrink
    heights = np.zeros(2 * n - 1)
    x: list[float | None] = []
    y: list[float | None] = []
    for i, (a, b, high, _) in enumerate(merges):
        left, right = int(a), int(b)
        place[n + i], heights[n + i] = (place[left] + place[right]) / 2, high
        x += [float(place[left]), float(place[left]), float(place[right]), float(place[right]), None]
        y += [float(heights[left]), float(high), float(high), float(heights[right]), None]
    return x, y
