"""Saved views and stories: views under a title, put in an order, with what is said to each step.

Nothing is ever overwritten: a change is a new version. A view that is removed leaves the list; stories keep showing it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from explorer.catalog import views
from explorer.errors import InputError, UnknownNameError
from explorer.types import Drawings, SavedView, Step, Story
from explorer.workflows.acts import changes
from explorer.workflows.opening import Workspace

LONGEST = 120
"""Characters of a title."""
MODEL_KEYS = ("basket", "zero", "one", "mix_models", "cluster_only", "barrier_models", "surface_a", "surface_b",
              "surface_c", "compare_a", "compare_b")
TASK_KEYS = ("tasks", "map_task", "mix_task", "region_task", "barrier_task", "surface_task", "start_targets",
             "compare_task")
BASE_KEYS = ("base", "cluster_base")
"""The settings of views that name models, tasks and bases."""
_NO_MODEL = ("", "base")
_KEPT = "kept: "


@changes("saving a view")
def save_view(ws: Workspace, page: str, state: Mapping[str, Any], title: str, note: str = "",
              sketch: str = "", drawn: Drawings | None = None) -> SavedView:
    """Keep what a page is set to under a title, and what it drew; InputError if it has none or a long one."""
    view = views.add_view(ws.catalog.database, page, state)
    saved = SavedView(_identity(), view, page, dict(state), _title(title), note.strip(), sketch, _now())
    views.add_saved(ws.catalog.database, saved)
    if drawn is not None and drawn.figures:
        views.add_drawings(ws.catalog.database, saved.name, drawn)
    return saved


def saved_views(ws: Workspace) -> list[SavedView]:
    """The saved views, the newest first."""
    return [saved for saved in views.saved_views(ws.catalog.database) if not saved.removed]


@changes("changing a saved view")
def change_view(ws: Workspace, saved: SavedView, title: str, note: str) -> None:
    """Give a saved view another title and note."""
    views.add_saved(ws.catalog.database, replace(saved, title=_title(title), note=note.strip()))


@changes("removing a saved view")
def remove_view(ws: Workspace, saved: SavedView) -> None:
    """Take a view off the list; stories that hold it keep it."""
    views.add_saved(ws.catalog.database, replace(saved, removed=True))


def stories(ws: Workspace) -> list[Story]:
    """All stories, in the order in which they were begun."""
    return views.stories(ws.catalog.database)


def story(ws: Workspace, name: str) -> Story:
    """A story by its identity or title, of equal titles the latest; UnknownNameError lists the titles."""
    known = stories(ws)
    for found in reversed(known):
        if name in (found.name, found.title):
            return found
    raise UnknownNameError("story", name, [s.title for s in known])


@changes("beginning a story")
def begin_story(ws: Workspace, title: str, steps: tuple[Step, ...] = ()) -> Story:
    """A new story."""
    made = Story(_identity(), _title(title), steps, _now())
    views.add_story(ws.catalog.database, made)
    return made


@changes("changing a story")
def change_story(ws: Workspace, changed: Story) -> None:
    """Write a story as it is now: another title, other steps."""
    views.add_story(ws.catalog.database, replace(changed, title=_title(changed.title)))


@changes("removing a story")
def remove_story(ws: Workspace, gone: Story) -> None:
    """Take a story off the list; its views stay."""
    views.add_story(ws.catalog.database, replace(gone, removed=True))


def moved(steps: tuple[Step, ...], place: int, by: int) -> tuple[Step, ...]:
    """The steps with that of `place` so many places further on, as far as there are places."""
    rest = [*steps[:place], *steps[place + 1:]]
    rest.insert(max(0, min(place + by, len(rest))), steps[place])
    return tuple(rest)


@dataclass(frozen=True)
class Told:
    """A step as it is shown: the saved view, or None if this catalog has it no more, and the notes."""

    saved: SavedView | None
    notes: str


def told(ws: Workspace, found: Story) -> list[Told]:
    """The steps of a story with their views."""
    known = {saved.name: saved for saved in views.saved_views(ws.catalog.database)}
    return [Told(known.get(step.view), step.notes) for step in found.steps]


@dataclass(frozen=True)
class Here:
    """What a workspace holds that views may name: bases with how many models each has, models and Points, tasks."""

    bases: Mapping[str, int]
    models: frozenset[str]
    tasks: frozenset[str]


def here(ws: Workspace) -> Here:
    """What views of this workspace may refer to."""
    models, bases = ws.catalog.checkpoints(), [b.id for b in ws.catalog.bases()]
    known = {*(c.id for c in models), *bases, *(_KEPT + name for name in ws.catalog.points())}
    return Here({b: sum(c.base == b for c in models) for b in bases}, frozenset(known),
                frozenset(t.name for t in ws.catalog.tasks()))


def absent(known: Here, state: Mapping[str, Any]) -> str:
    """What a view refers to and the workspace does not hold, in a sentence; empty if all is here."""
    if lost := [b for b in _named(state, BASE_KEYS) if b not in known.bases and b != "all"]:
        return f"It shows models of another base ({lost[0][:12]}), which is not in this workspace."
    wanted = [m for m in _named(state, MODEL_KEYS) if m not in _NO_MODEL]
    said = []
    if lost := [m for m in wanted if m not in known.models]:
        said.append(f"{len(lost)} of the {len(wanted)} models it names are not in this workspace")
    if lost := [t for t in _named(state, TASK_KEYS) if t and t not in known.tasks]:
        said.append(f"the task {lost[0]} is not")
    held, base = state.get("models"), str(state.get("base"))
    if isinstance(held, int) and base in known.bases and held > known.bases[base]:
        said.append(f"its map had {held} models, here are {known.bases[base]}")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}." if said else ""


def _named(state: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    """The names that a view has under some of its settings, each once."""
    seen = set()
    for key in keys:
        value = state.get(key)
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and name not in seen:
                seen.add(name)
                yield name


def _title(given: str) -> str:
    title = " ".join(given.split())
    if not title or len(title) > LONGEST:
        raise InputError(f"a title has 1 to {LONGEST} characters, this one has {len(title)}.")
    return title


def _identity() -> str:
    return uuid.uuid4().hex[:12]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


