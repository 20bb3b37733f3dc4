"""A figure as a file: PNG, SVG or PDF in the sizes of a column, two columns or a slide.

Text stays text in SVG and PDF, and PDF carries its fonts; three-dimensional scenes are pixels in all formats. It is
drawn by the plotly.js of the installed package in a Chromium of this machine, which is kept for the next picture.
Nothing is fetched from outside.
"""

from __future__ import annotations

import asyncio
import atexit
import base64
import concurrent.futures
import copy
import html
import json
import math
import os
import shutil
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go

from explorer.errors import InputError, UnavailableError
from explorer.figures.theme import DARK, LIGHT

Figure = go.Figure
FORMATS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
DOTS = 300
"""Dots an inch of a PNG."""
_CSS = 96
_NARROW = 4.0
_LINE = 19.5
"""Pixels of a line of names: plotly gives it so many for its symbol, however small the type is."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
_PATIENCE = 60.0


@dataclass(frozen=True)
class Size:
    """Inches, and by how much type and marks (dots, lines) shrink or grow against the screen's."""

    width: float
    height: float
    type: float
    marks: float


SIZES = {"column": Size(3.3, 2.6, 0.75, 0.6), "two-columns": Size(6.9, 4.2, 0.82, 0.75),
         "slide": Size(13.333, 7.5, 1.5, 1.4)}


def image(figure: go.Figure, form: str = "png", size: str = "two-columns") -> bytes:
    """The figure as a file's bytes; its colours are its own, on the paper of its appearance.

    InputError for an unknown format or size, UnavailableError without a Chromium.
    """
    for what, given, known in (("format", form, FORMATS), ("size", size, SIZES)):
        if given not in known:
            raise InputError(f"{given!r} is no {what} of a picture; there are {', '.join(known)}.")
    made = set_for(figure, SIZES[size])
    options = {"format": form, "width": made["layout"]["width"], "height": made["layout"]["height"],
               "scale": DOTS / _CSS if form == "png" else 1}
    return _drawing().draw(made, options)


def set_for(figure: go.Figure, size: Size) -> dict[str, Any]:
    """A copy as plotly's JSON, its type, dots, lines and margins in proportion to the size, on opaque paper.

    In a column the names stand below the figure, which grows by their lines.
    """
    made = copy.deepcopy(figure.to_dict())
    layout = made["layout"]
    text = layout.get("template", {}).get("layout", {}).get("font", {}).get("color", LIGHT.text)
    _scaled(made, size)
    layout |= {"paper_bgcolor": (DARK if _light(text) else LIGHT).paper, "autosize": False,
               "width": round(size.width * _CSS), "height": round(size.height * _CSS)}
    shown = [t for t in made["data"] if t.get("showlegend", True) and t.get("name")]
    if layout.get("showlegend", True) and len(shown) > 1:
        (_names_below if size.width < _NARROW else _names_beside)(layout, shown)
    return made


def rows(figure: go.Figure) -> list[dict[str, Any]]:
    """What a figure shows as a table, one row a dot or cell: trace, coordinates, and the id or text that it carries."""
    import numpy as np

    found: list[dict[str, Any]] = []
    for trace in figure.data:
        name, z = html.unescape(trace.name or ""), getattr(trace, "z", None)
        if z is not None and np.ndim(z) == 2:
            across = trace.x if trace.x is not None else range(np.shape(z)[1])
            down = trace.y if trace.y is not None else range(np.shape(z)[0])
            found += [{"trace": name, "x": a, "y": b, "value": z[i][j]} for i, b in enumerate(down)
                      for j, a in enumerate(across)]
            continue
        columns = {axis: list(v) for axis in "xyz" if (v := getattr(trace, axis, None)) is not None}
        if not columns:
            continue
        for key in ("error_x", "error_y"):
            if (error := getattr(trace, key, None)) is not None and error.array is not None:
                columns[f"± {key[-1]}"] = list(error.array)
        if (carried := getattr(trace, "customdata", None)) is not None:
            columns["id"] = [v[0] if isinstance(v, list | tuple | np.ndarray) and len(v) else v for v in carried]
        length = max(map(len, columns.values()))
        found += [{"trace": name, **{k: v[i] if i < len(v) else None for k, v in columns.items()}}
                  for i in range(length)]
    return [{k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()} for row in found]


def _names_beside(layout: dict[str, Any], shown: Sequence[dict[str, Any]]) -> None:
    """Shrinks the names until all of them are on the picture, which can't be scrolled; if need be, it grows."""
    legend = {**layout["template"]["layout"]["legend"], **layout.get("legend", {})}
    if legend.get("orientation") == "h":
        return
    titles = len({t.get("legendgroup") for t in shown if t.get("legendgrouptitle", {}).get("text")})
    lines, type_size = len(shown) + 1.5 * titles, legend["font"]["size"]
    line, over = 1.3 * type_size + 6, layout.get("margin", {}).get("t", 9) + 8
    # below a line's least height smaller type gains no room
    smaller = max(min(1.0, (layout["height"] - over) / (line * lines)), min(1.0, _LINE / line))
    layout["legend"] = {**layout.get("legend", {}), "y": 1, "yanchor": "top", "tracegroupgap": 0.5 * type_size}
    for font in ("font", "grouptitlefont"):
        layout["legend"][font] = {**legend[font], "size": legend[font]["size"] * smaller}
    layout["height"] = max(layout["height"], round(max(_LINE, line * smaller) * lines + over))
    layout["legend"]["maxheight"] = layout["height"] - over


def _names_below(layout: dict[str, Any], shown: Sequence[dict[str, Any]]) -> None:
    """Puts the legend under a narrow figure: beside it there is no room for names."""
    for trace in shown:
        for key in ("legendgroup", "legendgrouptitle"):
            trace.pop(key, None)
    margin = {"l": 9, "r": 9, "b": 9, **layout.get("margin", {})}
    margin["t"] = min(margin.get("t", 9), 12)
    type_size = layout["template"]["layout"]["legend"]["font"]["size"]
    widest = max(len(html.unescape(t["name"])) for t in shown) * 0.58 * type_size + 42
    columns = max(1, int((layout["width"] - margin["l"] - margin["r"]) / widest))
    below = _LINE * math.ceil(len(shown) / columns) + 8
    plot = layout["height"] - margin["t"] - margin["b"]
    layout["legend"] = {**layout.get("legend", {}), "orientation": "h", "x": 0, "xanchor": "left", "yanchor": "top",
                        "y": -margin["b"] / plot, "maxheight": 1.0, "traceorder": "normal"}
    layout["margin"] = {**margin, "b": margin["b"] + below}
    layout["height"] = round(layout["height"] + below)
    if layout.get("xaxis", {}).get("title"):
        layout["xaxis"] = {**layout["xaxis"], "title": {**layout["xaxis"]["title"], "standoff": 4}}


def _scaled(node: Any, size: Size, inside: str = "") -> None:
    """Type and margins by one share, dots and lines by another, wherever they stand."""
    if isinstance(node, list | tuple):
        for part in node:
            _scaled(part, size, inside)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        by = _share(key, inside, size)
        if by is not None and isinstance(value, int | float):
            node[key] = value * by
        elif by is not None and isinstance(value, list | tuple):
            node[key] = [v * by for v in value]
        elif key not in ("x", "y", "z", "customdata", "hovertext"):
            _scaled(value, size, key)


def _share(key: str, inside: str, size: Size) -> float | None:
    """By what a setting is multiplied; None where it stays."""
    if (key == "size" and inside.endswith("font")) or key == "tracegroupgap" or (inside == "margin" and key in "lrtb"):
        return size.type
    marked = (key == "size" and inside == "marker") or (key == "width" and inside in ("line", "error_x", "error_y"))
    return size.marks if marked or key == "thickness" else None


def _light(colour: str) -> bool:
    """Whether "#rrggbb" is type for a dark paper."""
    return colour.startswith("#") and sum(int(colour[i:i + 2], 16) for i in (1, 3, 5)) > 3 * 128


def read(text: str) -> go.Figure:
    """A figure from plotly's JSON, its packed arrays as arrays again."""
    return go.Figure(json.loads(text, object_hook=_unpacked), skip_invalid=True)


def _unpacked(value: dict[str, Any]) -> Any:
    """plotly writes arrays as {"dtype", "bdata"} with "shape" where it is not one row; it does not read them itself."""
    if value.keys() - {"shape"} != {"dtype", "bdata"}:
        return value
    flat = np.frombuffer(base64.b64decode(value["bdata"]), np.dtype(value["dtype"]))
    return flat.reshape([int(n) for n in str(value["shape"]).split(",")]) if "shape" in value else flat


def chromium() -> str:
    """The browser that draws; UnavailableError says how to get one."""
    named = os.environ.get("EXPLORER_CHROMIUM")
    found = named if named and Path(named).is_file() else next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        where = f"EXPLORER_CHROMIUM names {named!r}, which is not there, and " if named else ""
        raise UnavailableError(f"{where}no Chromium or Chrome was found, which draws PNG, SVG and PDF. Install one "
                               "(Debian and Ubuntu: apt install chromium), or name its file in EXPLORER_CHROMIUM. "
                               "Data, settings and HTML are there without it.")
    return found


class _Drawing:
    """A browser that stays open, in a thread of its own with its own event loop."""

    def __init__(self) -> None:
        import kaleido

        plotly = Path(str(find_spec("plotly").origin)).parent / "package_data" / "plotly.min.js"  # type: ignore[union-attr]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="figures", daemon=True)
        self._thread.start()

        async def begin() -> Any:
            class Page(kaleido.PageGenerator):
                """Without the margin that a printed page has, into which a PDF would be shrunk."""

                def generate_index(self, *given: Any) -> str:
                    whole: str = super().generate_index(*given)
                    return whole.replace("</head>", "<style>@page { margin: 0 }</style></head>")

            made = kaleido.Kaleido(n=1, timeout=_PATIENCE, path=chromium(),
                                   page_generator=Page(plotly=str(plotly), mathjax=False))
            await made.open()
            return made

        try:
            self._browser = self._wait(begin())
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    def draw(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        return bytes(self._wait(self._browser.calc_fig(figure, opts=options)))

    def close(self) -> None:
        self._wait(self._browser.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_PATIENCE + 5)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise UnavailableError(f"Chromium did not draw the figure within {_PATIENCE:.0f} seconds.") from None


_lock = threading.Lock()
_open: list[_Drawing] = []


def _drawing() -> _Drawing:
    chromium()  # said before anything is started
    with _lock:
        if not _open:
            if find_spec("kaleido") is None:
                raise UnavailableError("pictures need the package kaleido: pip install kaleido. Data, settings and "
                                       "HTML are there without it.")
            _open.append(_Drawing())
            atexit.register(close)
        return _open[0]


def close() -> None:
    """End the browser, if one is open; the next picture starts another."""
    with _lock:
        while _open:
            _open.pop().close()
