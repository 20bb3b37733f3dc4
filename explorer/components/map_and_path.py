"""The one map of the app and its loss curve, as a Streamlit component with parts that share a dragged marker.

Parts with the same `link` move together in the browser. The server hears of a pick (`picked`), of an α or of weights
that have settled for a quarter of a second, and of Escape (`cleared`); never of a drag.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import streamlit as st

from explorer import settings
from explorer.components import serving
from explorer.statistics.compact import Compact

_mount: Any = None


@dataclass(frozen=True)
class Trail:
    """A path as it runs on the map: places (m, k) at increasing α."""

    alphas: Sequence[float]
    places: np.ndarray


@dataclass(frozen=True)
class Knots:
    """The curve as the browser knows it, sorted by α: values, half widths of 95 % intervals, and how each is known.

    `measured` holds "full" or "first" (an estimate from a first pass).
    """

    alphas: Sequence[float]
    values: Sequence[float]
    halves: Sequence[float]
    measured: Sequence[str]
    far: bool


def component_map(figure: str, *, key: str, height: int, label: str, link: str, trail: Trail | None = None,
                  field: Mapping[str, Any] | None = None, selectable: bool = True,
                  on_picked: Callable[[], None] = lambda: None) -> Any:
    """The map; `figure` is a plotly figure's JSON whose dots carry ids as customdata.

    With `trail` the marker moves along it; with `field` it moves freely over the mixtures of the linked panel, and the
    predicted loss is drawn behind the dots: {"scale", "title", "cells" a side, "widest" ratio of an interval's limits}.

    The result's `picked` is {"ids": [...], "how": "click" | "toggle" | "replace" | "add" | "clear"} or None.
    """
    data = {"part": "map", "figure": figure, "height": height, "label": label, "link": link,
            "trail": None if trail is None else {"alphas": list(trail.alphas), "places": trail.places.tolist()},
            "field": field, "selectable": selectable, "most": settings.WEBGL_FROM}
    return _mounted(data, key, on_picked_change=on_picked)


def component_curve(figure: str, knots: Knots, *, key: str, height: int, label: str, link: str, path: str, alpha: float,
                    low: float, high: float, words: Mapping[str, Any], on_settled: Callable[[], None] = lambda: None,
                    on_cleared: Callable[[], None] = lambda: None) -> Any:
    """The curve with its α slider; a new `path` starts at `alpha`, the same one keeps the α the user has.

    The result's `settled` is an α to be measured, or None.
    """
    data = {"part": "curve", "figure": figure, "curve": asdict(knots), "height": height, "label": label, "link": link,
            "path": path, "alpha": alpha, "low": low, "high": high, "far": knots.far, "words": dict(words)}
    return _mounted(data, key, on_settled_change=on_settled, on_cleared_change=on_cleared)


def component_mixture(names: Sequence[str], weights: Sequence[float], *, key: str, link: str, start: str,
                      places: np.ndarray, origin: np.ndarray, simplex: bool, surrogate: str | None,
                      measured: Sequence[Mapping[str, Any]], words: Mapping[str, str],
                      on_settled: Callable[[], None] = lambda: None) -> Any:
    """The weights of k models; a new `start` begins at `weights`, the same one keeps those the user has.

    places (k, 2) and origin (2,) are map coordinates; `surrogate` is `compact_json`; `measured` holds {"weights",
    "loss", "half"} of mixtures that have a score. The result's `settled` is {"start", "weights"} or None.
    """
    plane = {"places": places.tolist(), "origin": origin.tolist(), "simplex": simplex}
    data = {"part": "mixture", "names": list(names), "weights": list(weights), "link": link, "start": start,
            "plane": plane, "surrogate": surrogate, "measured": list(measured), "words": dict(words)}
    return _mounted(data, key, on_settled_change=on_settled)


def component_ahead(*, key: str) -> None:
    """Has the browser read the chart library while the server still works on the page. Nothing is seen of it."""
    _mounted({"part": "ahead", "link": key}, key)


def compact_json(compact: Compact) -> str:
    """A surrogate for the browser: its arrays as JSON, the large one as base64 of float32."""
    plain = {f.name: getattr(compact, f.name) for f in fields(compact)}
    lower = base64.b64encode(np.ascontiguousarray(compact.lower, "<f4").tobytes()).decode()
    return json.dumps({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in plain.items()} | {"lower": lower})


def heard(key: str, name: str) -> Any:
    """What a part sent under `name`, None if nothing; for callbacks, which may run when the part has gone already."""
    state = st.session_state.get(key)
    return None if state is None else state.get(name)


def _mounted(data: dict[str, Any], key: str, **callbacks: Callable[[], None]) -> Any:
    global _mount
    if _mount is None:
        # The files are modules at an address of this server; a page served below another address finds them too.
        script = (f'const files = new URL("{serving.root()}{serving.address("")}", document.baseURI);\n'
                  'const style = document.createElement("link");\n'
                  'style.rel = "stylesheet";\nstyle.href = new URL("explorer.css", files);\n'
                  'document.head.append(style);\n'
                  'const ours = import(new URL("explorer.js", files));\n'
                  f'export default async (given) => (await ours).default({{...given, data: {{...given.data, '
                  f'plotly: new URL("{serving.PLOTLY.name}", files).href}}}});\n')
        _mount = st.components.v2.component("explorer", js=script, isolate_styles=False)
    return _mount(data=data, key=key, **callbacks)
