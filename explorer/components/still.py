"""A figure that is only looked at, as a part of the app's component: hovered over, neither dragged nor picked from."""

from __future__ import annotations

from explorer.components.map_and_path import _mounted


def component_still(figure: str, *, key: str, height: int, label: str) -> None:
    """Draws a plotly figure's JSON with the library that the map uses, as wide as its column; `label` says what it is.
    """
    _mounted({"part": "figure", "link": key, "figure": figure, "height": height, "label": label}, key)
