"""Views that were saved, and stories: views in an order, with what is said to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SavedView:
    """What a page was set to, under a title. `name` is its identity, `view` the short id of page and settings.

    `made` is UTC in ISO form; `sketch` is an SVG picture of its figure, empty where there is none.
    """

    name: str
    view: str
    page: str
    state: Mapping[str, Any]
    title: str
    note: str = ""
    sketch: str = ""
    made: str = ""
    removed: bool = False


@dataclass(frozen=True)
class Drawings:
    """The figures of a saved view as they were on the page: plotly's JSON of each, drawn for `look`, an `Appearance`.
    """

    look: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One view of a story, by the saved view's name, and the speaker's notes to it."""

    view: str
    notes: str = ""


@dataclass(frozen=True)
class Story:
    """Saved views in an order. `name` is its identity; `made` is UTC in ISO form."""

    name: str
    title: str
    steps: tuple[Step, ...] = ()
    made: str = ""
    removed: bool = False
