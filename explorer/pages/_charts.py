"""Figures on a page that are only looked at; the map and the curve, which are dragged, have parts of their own."""

from __future__ import annotations

from typing import Any

import pandas  # noqa: F401 - see _map_drawing

from explorer.components.still import component_still
from explorer.pages._stage import remember

HEIGHT = 450
"""Pixels of a figure that does not say how tall it is."""


def show_figure(figure: Any, *, key: str, alt: str) -> None:
    """A figure as wide as its column; `alt` says in a sentence what is drawn, for those who don't see it."""
    remember(key, figure)
    component_still(figure.to_json(), key=key, height=int(figure.layout.height or HEIGHT), label=alt)
