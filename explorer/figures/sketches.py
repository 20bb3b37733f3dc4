"""A figure as a small picture: an SVG of its dots, lines or cells, made from its data without a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

WIDTH, HEIGHT = 320, 180
MARGIN = 12
MOST_DOTS, MOST_CELLS = 400, 36
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}|rgba?\([\d., ]+\)")
_QUIET = "#8a93a5"


def sketch(figure: go.Figure) -> str:
    """SVG of a figure, 320 × 180; empty where it has nothing that can be drawn. Text is left out, names with it."""
    cells = next((t for t in figure.data if t.type in ("heatmap", "contour", "surface") and t.z is not None), None)
    drawn = _grid(cells) if cells is not None else [*_traces(figure)]
    if not drawn:
        return ""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            f'height="{HEIGHT}">{"".join(drawn)}</svg>')


def _grid(trace: Any) -> list[str]:
    """A matrix as cells, thinned out to at most 36 a side; what is not known is left open."""
    z = np.array([[np.nan if v is None else v for v in row] for row in trace.z], dtype=float)
    z = z[_thinned(z.shape[0])][:, _thinned(z.shape[1])]
    if not np.isfinite(z).any():
        return []
    low, high = (np.nanmin(z) if trace.type == "surface" or trace.zmin is None else trace.zmin,
                 np.nanmax(z) if trace.type == "surface" or trace.zmax is None else trace.zmax)
    size = (HEIGHT - 2 * MARGIN) / max(z.shape)
    left, top = (WIDTH - size * z.shape[1]) / 2, (HEIGHT - size * z.shape[0]) / 2
    colours = iter(_sampled(trace.colorscale, np.clip((z[np.isfinite(z)] - low) / ((high - low) or 1.0), 0, 1)))
    reversed_rows = trace.type != "heatmap"
    drawn = []
    for (row, column), value in np.ndenumerate(z):
        if np.isfinite(value):
            y = z.shape[0] - 1 - row if reversed_rows else row
            drawn.append(f'<rect x="{left + column * size:.1f}" y="{top + y * size:.1f}" width="{size + .3:.1f}" '
                         f'height="{size + .3:.1f}" fill="{next(colours)}"/>')
    return drawn


def _thinned(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_CELLS)).round().astype(int))


def _traces(figure: go.Figure) -> Iterator[str]:
    """Lines and dots of the first pair of axes, in their colours."""
    flat = [t for t in figure.data if t.type in ("scatter", "scattergl", "scatter3d")
            and t.x is not None and t.y is not None
            and getattr(t, "xaxis", None) in (None, "x") and getattr(t, "yaxis", None) in (None, "y")]
    places = _numbers([t.x for t in flat]), _numbers([t.y for t in flat])
    everything = [np.concatenate(values) if values else np.empty(0) for values in places]
    if not all(np.isfinite(values).any() for values in everything):
        return
    equal = any(t.type == "scatter3d" for t in flat) or bool(figure.layout.yaxis.scaleanchor)
    across, up = _scales(everything, equal)
    for trace, xs, ys in zip(flat, *places, strict=True):
        known = np.isfinite(xs) & np.isfinite(ys)
        if known.any():
            points = np.stack([across[0] + across[1] * xs[known], HEIGHT - up[0] - up[1] * ys[known]], axis=1)
            yield from _drawn(trace, points, np.flatnonzero(known))


def _numbers(given: Sequence[Any]) -> list[np.ndarray]:
    """Values of all traces as numbers; names as their places in the order of their first appearance."""
    order: dict[str, int] = {}
    found = []
    for values in given:
        row = [np.nan if v is None else order.setdefault(v, len(order)) if isinstance(v, str) else v for v in values]
        found.append(np.array(row, dtype=float))
    return found


def _scales(values: Sequence[np.ndarray], equal: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """(offset, factor) of both axes: pixels within the margins."""
    ends = [(np.nanmin(v), np.nanmax(v)) for v in values]
    room = (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)
    factors = [space / ((high - low) or 1.0) for space, (low, high) in zip(room, ends, strict=True)]
    if equal:
        factors = [min(factors)] * 2
    first, second = ((float(MARGIN + (space - factor * (high - low)) / 2 - factor * low), float(factor))
                     for space, factor, (low, high) in zip(room, factors, ends, strict=True))
    return first, second


def _drawn(trace: Any, points: np.ndarray, rows: np.ndarray) -> Iterator[str]:
    mode = trace.mode or "lines"
    if "lines" in mode or getattr(trace, "fill", None) in ("toself", "tonexty"):
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points[_every(len(points))])
        if getattr(trace, "fill", None) == "toself":
            yield f'<polygon points="{way}" fill="{_fill(trace.fillcolor)}" fill-opacity=".25"/>'
        elif not getattr(trace, "fill", None) and (trace.line.width is None or trace.line.width > 0):
            yield f'<polyline points="{way}" fill="none" stroke="{_fill(trace.line.color)}" stroke-width="2"/>'
    if "markers" in mode:
        colours = _marks(trace)
        radius = 3.4 if len(points) < 150 else 2.4
        for i in _every(len(points)):
            colour = colours[rows[i]] if isinstance(colours, list) and rows[i] < len(colours) else colours
            yield f'<circle cx="{points[i, 0]:.1f}" cy="{points[i, 1]:.1f}" r="{radius}" fill="{_fill(colour)}"/>'


def _every(count: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_DOTS)).round().astype(int))


def _marks(trace: Any) -> list[str] | str:
    """The colour of the dots, or one for each."""
    given = trace.marker.color
    if given is None or isinstance(given, str):
        return given or _QUIET
    if all(isinstance(v, str) for v in given):
        return list(given)
    numbers = np.array([np.nan if v is None else v for v in given], dtype=float)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    shares = np.nan_to_num((numbers - low) / ((high - low) or 1.0))
    return _sampled(trace.marker.colorscale, shares)


def _sampled(scale: Any, shares: np.ndarray) -> list[str]:
    """Colours of a scale at shares from 0 to 1; Viridis where there is none."""
    stops = [(float(at), _rgb(colour)) for at, colour in scale or get_colorscale("Viridis")]
    at, channels = [stop for stop, _ in stops], np.array([colour for _, colour in stops])
    mixed = np.stack([np.interp(shares, at, channel) for channel in channels.T], axis=1).round().astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in mixed]


def _rgb(colour: str) -> tuple[float, ...]:
    """Red, green and blue, 0 to 255, of "#rrggbb", "rgb(…)" and "rgba(…)"."""
    if colour.startswith("#"):
        return tuple(int(colour[i:i + 2], 16) for i in (1, 3, 5))
    return tuple(float(part) for part in re.findall(r"[\d.]+", colour)[:3])


def _fill(colour: Any) -> str:
    """A colour that SVG knows; a quiet one for what is none."""
    return colour if isinstance(colour, str) and _COLOUR.fullmatch(colour) else _QUIET
