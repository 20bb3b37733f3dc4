"""The look of every figure: surfaces for light, dark and the projector, colours for categories and for numbers.

Hue stands for the group (a task), shade for the member within it (a dataset), a symbol tells neighbouring shades
apart. Colours are made in OKLCH, whose lightness and hue agree with the eye, and mapped to sRGB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import plotly.graph_objects as go
import plotly.io as pio
from plotly.colors import sample_colorscale

FONT = '"Source Sans", "Source Sans Pro", "Noto Sans", "Liberation Sans", sans-serif'
HUES = (255, 55, 165, 345, 95, 300, 205, 25, 130, 275)
"""Hue angles in the order they are given out: the first four stay apart in the common kinds of colour blindness."""
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "triangle-down", "pentagon", "x", "hexagram")
SYMBOLS_3D = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")
STEP = 3
"""Symbols by which the first of a group is ahead of the first of the group before."""


class Appearance(Enum):
    """What figures are drawn for: a light or a dark page, or a projector in a room that is not dark."""

    LIGHT = "light"
    DARK = "dark"
    PROJECTOR = "projector"


Dark = bool | Appearance
"""What figures take as `dark`: whether the page is, or its appearance by name."""


@dataclass(frozen=True)
class Surface:
    """Colours of one appearance; `muted` is for unselected dots, `warm` for what must differ from the accent."""

    paper: str
    text: str
    quiet: str
    grid: str
    muted: str
    accent: str
    base: str
    warm: str
    size: float = 13
    """Pixels of plain text; smaller text follows it."""


LIGHT = Surface("#ffffff", "#1d2433", "#5d6779", "#e8ebf0", "#c3c9d4", "#3553c4", "#1d2433", "#b4531a")
DARK = Surface("#11151d", "#e7ebf3", "#9aa5b8", "#262d3a", "#4a5467", "#93a9ff", "#f3f5fa", "#f0a868")
PROJECTOR = Surface("#ffffff", "#000000", "#262b35", "#c9ced8", "#8b93a3", "#10299c", "#000000", "#8a3200", 16)
"""A lamp in a lit room turns black to grey and pale colours to white: nothing here is pale."""
_SURFACES = {Appearance.LIGHT: LIGHT, Appearance.DARK: DARK, Appearance.PROJECTOR: PROJECTOR}
_SHADES = {Appearance.LIGHT: (0.38, 0.74), Appearance.DARK: (0.56, 0.90), Appearance.PROJECTOR: (0.30, 0.62)}
"""OKLCH lightness of the deepest and the palest shade."""


def appearance(dark: Dark) -> Appearance:
    if isinstance(dark, Appearance):
        return dark
    return Appearance.DARK if dark else Appearance.LIGHT


def surface(dark: Dark) -> Surface:
    return _SURFACES[appearance(dark)]


def template(dark: Dark) -> str:
    """The name of the one template of an appearance, under which plotly knows it once it is asked for.

    Figures name it themselves, because importing streamlit changes plotly's default.
    """
    name = f"weight-space {appearance(dark).value}"
    if name not in pio.templates:
        pio.templates[name] = _template(dark)
    return name


def _template(dark: Dark) -> go.layout.Template:
    s = surface(dark)
    axis = {"gridcolor": s.grid, "zerolinecolor": s.grid, "linecolor": s.grid, "zeroline": False, "ticks": "",
            "tickfont": {"color": s.quiet, "size": s.size - 1}, "title": {"font": {"color": s.quiet, "size": s.size}}}
    scene_axis = axis | {"backgroundcolor": "rgba(0,0,0,0)", "showspikes": False}
    return go.layout.Template(layout={
        "font": {"family": FONT, "color": s.text, "size": s.size},
        # The page shows through, so that figure and page can't disagree about their background.
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": axis, "yaxis": axis, "scene": {"xaxis": scene_axis, "yaxis": scene_axis, "zaxis": scene_axis},
        "margin": {"l": 12, "r": 12, "t": 12, "b": 12}, "colorway": [colour(h, 0.6, dark) for h in HUES],
        "legend": {"font": {"size": s.size - 1, "color": s.text}, "bgcolor": "rgba(0,0,0,0)",
                   "grouptitlefont": {"size": s.size - 1, "color": s.quiet}, "itemsizing": "constant",
                   "tracegroupgap": 8},
        "hoverlabel": {"bgcolor": s.paper, "bordercolor": s.muted, "align": "left",
                       "font": {"family": FONT, "size": s.size, "color": s.text}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": s.muted, "activecolor": s.accent},
        "newselection": {"line": {"color": s.accent, "width": 1.5}},
        "activeselection": {"fillcolor": s.accent, "opacity": 0.08},
    })


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """sRGB "#rrggbb" of an OKLCH colour (Ottosson 2020); chroma shrinks until the colour exists in sRGB."""
    angle = math.radians(hue)
    while True:
        a, b = chroma * math.cos(angle), chroma * math.sin(angle)
        long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        linear = (4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
                  -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
                  -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short)
        if chroma < 1e-3 or all(-1e-4 <= c <= 1.0001 for c in linear):
            return "#" + "".join(f"{round(255 * _gamma(min(max(c, 0.0), 1.0))):02x}" for c in linear)
        chroma *= 0.95


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def colour(hue: float, shade: float, dark: Dark) -> str:
    """A category's colour: shade 0 is the deepest and 1 the palest that still stands out from the surface."""
    low, high = _SHADES[appearance(dark)]
    return oklch(low + (high - low) * shade, 0.155, hue)


@dataclass(frozen=True)
class Mark:
    """How one category is drawn."""

    colour: str
    symbol: str


def marks(groups: Mapping[str, Sequence[str]], dark: Dark, symbols: Sequence[str] = SYMBOLS) -> dict[str, Mark]:
    """A mark for every member of every group: hue by group, shade and symbol by its place within the group.

    Neighbouring shades differ in symbol and, a little, in hue, so that 40 and more categories can be told apart. Each
    group begins with another symbol: whoever sees two hues as one finds another symbol, or another lightness.
    """
    found: dict[str, Mark] = {}
    for turn, members in enumerate(groups.values()):
        # A second round of hues falls between those of the first.
        hue = HUES[turn % len(HUES)] + 18 * (turn // len(HUES))
        for i, member in enumerate(members):
            shade = 0.45 if len(members) == 1 else i / (len(members) - 1)
            drift = 0.0 if len(members) == 1 else 26 * (shade - 0.5)
            found[member] = Mark(colour(hue + drift, shade, dark), symbols[(i + STEP * turn) % len(symbols)])
    return found


def strip_colours(categories: Sequence[str], known: Mapping[str, Mark], dark: Dark) -> dict[str, str]:
    """The colours of categories beside a figure: those of the map where it shows them, else one hue each."""
    return {name: known[name].colour if name in known else
            colour(HUES[i % len(HUES)] + 18 * (i // len(HUES)), 0.2 + 0.6 * ((i // 3) % 2), dark)
            for i, name in enumerate(categories)}


def scale(dark: Dark) -> list[list[float | str]]:
    """A perceptually uniform colour scale (viridis) without the end that sinks into the surface."""
    low, high = (0.2, 1.0) if appearance(dark) is Appearance.DARK else (0.0, 0.9)
    stops = [i / 10 for i in range(11)]
    return [[s, c] for s, c in zip(stops, sample_colorscale("Viridis", [low + (high - low) * s for s in stops]),
                                   strict=True)]


def fade(colour: str, alpha: float) -> str:
    """"#rrggbb" with an opacity."""
    return f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:7], 16)},{alpha})"
