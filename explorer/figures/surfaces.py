"""Loss surfaces on a plane: filled contours and 3-D, the triangle of its corners, models at their projections.

What was measured is dotted; every other place is drawn, and read off by hovering, from the surface between them with
its estimated error. A clear grid of places lies over the contours, so that a click finds one. Whatever can be clicked
has the id "x,y" of its place as customdata, which `place_of` reads. Names are escaped.
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
from explorer.figures.theme import Dark, fade, scale, surface, template
from explorer.paths.quadtree import Surface

LINES = 14
"""Contours of a whole colour range."""

CLICKS = 33
"""Places a side that can be clicked: the finest lattice that is offered."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A surface (size, size) over even `xs` and `ys`, None while nothing is known; ∞ in it are no numbers.

    `measured` (m, 3) are x, y, value, of which `cards` (m) tell, in lines of text. `ceiling` clips colours; `quantity`
    is what is drawn ("loss", "ξ"), `titles` are of both axes, `equal` says that a step is as long on both.
    """

    xs: Sequence[float]
    ys: Sequence[float]
    drawn: Surface | None
    measured: np.ndarray
    cards: Sequence[tuple[str, ...]]
    ceiling: float = math.inf
    quantity: str = "loss"
    titles: tuple[str, str] = ("", "")
    equal: bool = True
    revision: str = ""

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value that colours tell apart."""
        values = self.measured[:, 2] if len(self.measured) else np.zeros(1)
        values = np.minimum(values[np.isfinite(values)], self.ceiling)
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        return low, high if high > low else low + 1e-3

    @property
    def unit(self) -> str:
        return "Loss (nats)" if self.quantity == "loss" else f"{self.quantity} (nats)"


@dataclass(frozen=True)
class Spot:
    """A named place, what its hover card says (lines of text), its height if known, its distance from the plane."""

    name: str
    x: float
    y: float
    card: tuple[str, ...] = ()
    value: float | None = None
    distance: float = 0.0


def place_id(x: float, y: float) -> str:
    return f"{float(x)!r},{float(y)!r}"


def place_of(key: str) -> tuple[float, float]:
    """The place of an id; ValueError for another text."""
    x, y = map(float, key.split(","))
    return x, y


def contours(picture: Picture, corners: Sequence[Spot], models: Sequence[Spot] = (), *, triangle: bool = True,
             chosen: tuple[float, float] | None = None, dots: bool = True, small: bool = False, dark: Dark = False,
             height: int = 600) -> go.Figure:
    """The surface from above. Traces: contours, places to click, measured nodes, then triangle, models, corners.

    `small` leaves out what a picture beside another one needs not say again.
    """
    figure = go.Figure(layout=_flat(picture, dark, height, small))
    low, high = picture.range
    if picture.drawn is not None:
        step = (high - low) / LINES
        figure.add_trace(go.Contour(
            x=picture.xs, y=picture.ys, z=np.minimum(picture.drawn.values, high).astype(np.float32), zmin=low,
            zmax=high, hoverinfo="skip", colorscale=scale(dark), line={"width": 0.6, "color": "rgba(255,255,255,.35)"},
            contours={"start": low + step, "end": high - step / 2, "size": step}, colorbar=_bar(picture, small)))
        _places(figure, picture)
    _dots(figure, picture, dots and not small)
    if triangle:
        _triangle(figure, corners)
    _models(figure, models, dark)
    _corners(figure, picture, corners, dark, small)
    if chosen is not None:
        figure.add_trace(go.Scatter(
            x=[chosen[0]], y=[chosen[1]], mode="markers", hoverinfo="skip", showlegend=False, name="chosen",
            marker={"size": 19, "symbol": "circle-cross-open", "color": "#ffffff", "line": {"width": 2.5}}))
    return figure


def breadth(figure: go.Figure) -> int | None:
    """Pixels at which a flat picture fills its box, so that the colour bar stands beside it; None for unlike axes."""
    layout = figure.layout
    if layout.yaxis.scaleanchor is None:
        return None
    wide, high = (abs(axis.range[1] - axis.range[0]) for axis in (layout.xaxis, layout.yaxis))
    margin = layout.margin
    return round((layout.height - margin.t - margin.b) * wide / high) + margin.l + margin.r


def landscape(picture: Picture, corners: Sequence[Spot], *, dots: bool = True, dark: Dark = False,
              height: int = 600) -> go.Figure:
    """The surface in three dimensions, as high as its ceiling at most; the corners stand on it."""
    low, high = picture.range
    figure = go.Figure(layout=_solid(picture, dark, height))
    if picture.drawn is not None:
        heights = np.minimum(picture.drawn.values, high).astype(np.float32)
        figure.add_trace(go.Surface(
            x=picture.xs, y=picture.ys, z=heights, cmin=low, cmax=high, colorscale=scale(dark),
            colorbar=_bar(picture, small=False),
            customdata=[[[place_id(x, y)] for x in picture.xs] for y in picture.ys],
            contours={"z": {"show": True, "start": low, "end": high, "size": (high - low) / LINES,
                            "color": "rgba(255,255,255,.4)", "width": 1}},
            lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.08, "roughness": 0.9},
            hovertemplate=f"x %{{x:.4~g}}, y %{{y:.4~g}}<br>{picture.quantity} about <b>%{{z:.3f}} nats</b>"
                          "<extra></extra>"))
    if dots and len(picture.measured):
        x, y, z = picture.measured.T
        figure.add_trace(go.Scatter3d(x=x, y=y, z=np.minimum(z, high), mode="markers", showlegend=False,
                                      name="measured", hovertext=[_lines(card) for card in picture.cards],
                                      customdata=[[place_id(*row)] for row in picture.measured[:, :2]],
                                      hovertemplate="%{hovertext}<extra></extra>",
                                      marker={"size": 1.8, "color": "#ffffff", "opacity": 0.7}))
    _standing(figure, [c for c in corners if c.value is not None and math.isfinite(c.value)], low, high, dark)
    return figure


def _standing(figure: go.Figure, corners: Sequence[Spot], low: float, high: float, dark: Dark) -> None:
    """Corners as flags above the surface, each with its stalk."""
    s, lift = surface(dark), 0.22 * (high - low)
    feet = [min(c.value or 0.0, high) for c in corners]
    for c, foot in zip(corners, feet, strict=True):
        figure.add_trace(go.Scatter3d(x=[c.x, c.x], y=[c.y, c.y], z=[foot, foot + lift], mode="lines", hoverinfo="skip",
                                      showlegend=False, name="stalk", line={"color": s.text, "width": 3}))
    figure.add_trace(go.Scatter3d(
        x=[c.x for c in corners], y=[c.y for c in corners], z=[foot + lift for foot in feet], mode="markers",
        showlegend=False, name="corners", hovertext=[_card(c) for c in corners], customdata=_ids(corners),
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": 6, "symbol": "diamond", "color": s.warm, "line": {"width": 1, "color": s.paper}}))
    figure.update_layout(scene_annotations=[
        _name(c, dark) | {"x": c.x, "y": c.y, "z": foot + lift, "yshift": 18} for c, foot in zip(corners, feet,
                                                                                              strict=True)])


def _name(spot: Spot, dark: Dark) -> dict[str, Any]:
    """A name that can be read over any colour."""
    s = surface(dark)
    return {"text": html.escape(_short(spot.name)), "showarrow": False, "bgcolor": fade(s.paper, 0.82), "borderpad": 2,
            "font": {"size": s.size - 1, "color": s.text}}


def _ids(spots: Sequence[Spot]) -> list[list[str]]:
    return [[place_id(spot.x, spot.y)] for spot in spots]


def _places(figure: go.Figure, picture: Picture) -> None:
    """Places on an even grid with what is estimated there: nothing to see, but to hover and to click."""
    drawn = picture.drawn
    assert drawn is not None  # the caller looked
    every = max(1, (len(picture.xs) - 1) // (CLICKS - 1))
    xs, ys = np.asarray(picture.xs)[::every], np.asarray(picture.ys)[::every]
    values, errors = drawn.values[::every, ::every].ravel(), drawn.errors[::every, ::every].ravel()
    taken = {(round(x, 9), round(y, 9)) for x, y in picture.measured[:, :2].tolist()}
    x, y = (part.ravel() for part in np.meshgrid(xs, ys))
    free = [i for i in range(len(x)) if (round(float(x[i]), 9), round(float(y[i]), 9)) not in taken]
    text = [f"{picture.quantity} about <b>{numbers.loss(values[i])}</b>"
            + (f"<br>estimated error of the surface {numbers.loss(errors[i])}" if math.isfinite(errors[i]) else
               "<br>error not known yet") for i in free]
    figure.add_trace(go.Scatter(
        x=x[free], y=y[free], mode="markers", name="places", showlegend=False, hovertext=text,
        customdata=[[place_id(x[i], y[i])] for i in free], hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": 6, "color": "#ffffff", "opacity": 0.0}))


def _dots(figure: go.Figure, picture: Picture, visible: bool) -> None:
    opacity = 0.5 if visible else 0.0
    x, y, z = picture.measured.T if len(picture.measured) else np.zeros((3, 0))
    figure.add_trace(go.Scatter(
        x=x, y=y, mode="markers", name="measured", showlegend=False, hovertext=[_lines(card) for card in picture.cards],
        customdata=[[place_id(*row)] for row in picture.measured[:, :2]],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": 4, "color": "#ffffff", "opacity": opacity,
                "symbol": ["circle" if math.isfinite(v) else "x" for v in z]}))


def _triangle(figure: go.Figure, corners: Sequence[Spot]) -> None:
    round_ = [*corners, corners[0]]
    for width, tint in ((4, "rgba(0,0,0,.35)"), (1.8, "#ffffff")):
        figure.add_trace(go.Scatter(x=[c.x for c in round_], y=[c.y for c in round_], mode="lines", hoverinfo="skip",
                                    showlegend=False, name="hull", line={"color": tint, "width": width}))


def _models(figure: go.Figure, models: Sequence[Spot], dark: Dark) -> None:
    """Models at their projections: the nearer to the plane, the larger and the less faint."""
    if not models:
        return
    s = surface(dark)
    apart = np.array([m.distance for m in models])
    span = float(np.ptp(apart))
    near = 1 - (apart - apart.min()) / span if span > 0 else np.ones(len(apart))
    order = np.argsort(near)
    sorted_, near = [models[i] for i in order], near[order]
    figure.add_trace(go.Scatter(
        x=[m.x for m in sorted_], y=[m.y for m in sorted_], mode="markers", name="models", showlegend=False,
        customdata=_ids(sorted_), hovertext=[_card(m) for m in sorted_], hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": (6 + 4 * near).round(1), "color": s.paper, "opacity": (0.3 + 0.6 * near).round(3),
                "line": {"width": 1.2, "color": s.text}}))


def _corners(figure: go.Figure, picture: Picture, corners: Sequence[Spot], dark: Dark, small: bool) -> None:
    s = surface(dark)
    figure.add_trace(go.Scatter(
        x=[c.x for c in corners], y=[c.y for c in corners], mode="markers", name="corners", showlegend=False,
        cliponaxis=False, customdata=_ids(corners), hovertext=[_card(c) for c in corners],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={"size": 10 if small else 16, "symbol": "diamond", "color": s.warm, "opacity": 1,
                "line": {"width": 2, "color": "#ffffff"}}))
    if small:
        return
    middle, top = float(np.mean([c.y for c in corners])), float(np.quantile(picture.ys, 0.93))
    for c in corners:
        above = middle <= c.y < top
        figure.add_annotation(x=c.x, y=c.y, yshift=21 if above else -21, **_name(c, dark))


def _card(spot: Spot) -> str:
    return "<br>".join([f"<b>{html.escape(_short(spot.name))}</b>", _lines(spot.card)]) if spot.card else (
        f"<b>{html.escape(_short(spot.name))}</b>")


def _lines(card: Sequence[str]) -> str:
    return "<br>".join(map(html.escape, card))


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _bar(picture: Picture, small: bool) -> dict[str, Any]:
    title = {"text": "" if small else picture.unit, "side": "right", "font": {"size": 13}}
    return {"title": title, "thickness": 10, "len": 0.85, "outlinewidth": 0, "tickformat": ".2f",
            "nticks": 4 if small else 7}


def _flat(picture: Picture, dark: Dark, height: int, small: bool) -> dict[str, Any]:
    across, up = ([float(axis[0]), float(axis[-1])] for axis in (picture.xs, picture.ys))
    plain = {"showgrid": False, "constrain": "domain", "automargin": False, "nticks": 4 if small else 7}
    towards = {"constraintoward": "left"}, {"constraintoward": "top"}
    return {"template": template(dark), "height": height, "hovermode": "closest", "dragmode": "pan",
            "showlegend": False, "uirevision": picture.revision, "hoverdistance": 24,
            "xaxis": {"title": {"text": "" if small else picture.titles[0]}, "range": across} | plain | towards[0],
            "yaxis": {"title": {"text": "" if small else picture.titles[1]}, "range": up} | plain | towards[1]
            | ({"scaleanchor": "x", "scaleratio": 1} if picture.equal else {}),
            # room for the colour bar from the start, so that nothing moves when it comes
            "margin": {"l": 28 if small else 58, "r": 46 if small else 84, "t": 12, "b": 24 if small else 46}}


def _solid(picture: Picture, dark: Dark, height: int) -> dict[str, Any]:
    s = surface(dark)
    wide, deep = (abs(float(axis[-1]) - float(axis[0])) for axis in (picture.xs, picture.ys))
    longest = max(wide, deep)
    axes = {name: {"title": {"text": text}, "gridcolor": s.grid, "nticks": 6}
            for name, text in zip(("xaxis", "yaxis", "zaxis"), (*picture.titles, picture.unit), strict=True)}
    return {"template": template(dark), "height": height, "uirevision": picture.revision, "showlegend": False,
            "scene": axes | {"aspectmode": "manual", "dragmode": "orbit",
                             "aspectratio": {"x": wide / longest, "y": deep / longest, "z": 0.55},
                             "camera": {"eye": {"x": -1.05, "y": -1.2, "z": 0.95},
                                        "center": {"x": 0, "y": 0, "z": -0.15}}},
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0}}
