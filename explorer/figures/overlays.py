"""What a map shows besides its dots: lines through the checkpoints of training runs, and Points kept under a name."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from explorer.figures.theme import Dark, surface
from explorer.figures.writing import short
from explorer.types import Checkpoint

RUN, STEP = "run", "step"
"""Columns of a checkpoint that say which run it was kept along, and after how many steps."""
RUNS, KEPT = "training runs", "kept Points"


def trajectories(checkpoints: Sequence[Checkpoint]) -> list[list[int]]:
    """Rows of the checkpoints of each run in the order of their steps; runs of which a single one is known are none."""
    found: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for row, checkpoint in enumerate(checkpoints):
        run, step = checkpoint.columns.get(RUN), checkpoint.columns.get(STEP)
        if isinstance(run, str) and isinstance(step, (int, float)) and not isinstance(step, bool):
            found.setdefault((checkpoint.base, run), []).append((float(step), row))
    return [[row for _, row in sorted(steps)] for steps in found.values() if len(steps) > 1]


def draw_runs(figure: go.Figure, coords: np.ndarray, checkpoints: Sequence[Checkpoint], origin: np.ndarray | None,
              dark: Dark) -> None:
    """One line a run through its checkpoints (n, k), from the base (k,) on where the map has it; under the dots."""
    lines = trajectories(checkpoints)
    if not lines:
        return
    s, k = surface(dark), coords.shape[1]
    gap = np.full((1, k), np.nan)
    start = np.empty((0, k)) if origin is None else np.asarray(origin, dtype=float)[None]
    way = np.concatenate([part for rows in lines for part in (start, coords[rows], gap)])[:-1]
    kind = go.Scatter3d if k == 3 else go.Scatter
    figure.add_trace(kind(**axes(way), mode="lines", name=RUNS, hoverinfo="skip", legendrank=3000, connectgaps=False,
                          line={"color": s.quiet, "width": 3 if k == 3 else 1.4}))


def draw_kept(figure: go.Figure, kept: Mapping[str, np.ndarray], dark: Dark) -> None:
    """Points kept under a name, each at its place (k,), as open diamonds."""
    if not kept:
        return
    s, places = surface(dark), np.array(list(kept.values()), dtype=float)
    solid = places.shape[1] == 3
    names = [html.escape(short(name)) for name in kept]
    figure.add_trace((go.Scatter3d if solid else go.Scatter)(
        **axes(places), mode="markers", name=KEPT, legendrank=2, hovertext=names,
        hovertemplate="<b>%{hovertext}</b><br>a kept Point<extra></extra>",
        marker={"size": 6 if solid else 13, "symbol": "diamond-open", "color": s.warm, "line": {"width": 2.5}}))


def axes(coords: np.ndarray) -> dict[str, np.ndarray]:
    """Coordinates (n, k) by the names of plotly's axes."""
    return {axis: coords[:, i] for i, axis in enumerate("xyz"[: coords.shape[1]])}
