"""Views, saved views and stories as the catalog keeps them; what is changed is a new row, and the latest counts.

A view is what a page is set to, under a short name made of that. A saved view is one that a user gave a title, and a
story is saved views in an order.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from explorer.catalog.database import Database
from explorer.types import Drawings, SavedView, Step, Story, canonical_json, digest

_SHORT = 12
_LATEST = "QUALIFY row_number() OVER (PARTITION BY name ORDER BY version DESC) = 1"


def add_view(database: Database, page: str, state: Mapping[str, Any]) -> str:
    """Keep a page's settings; the same settings have the same name."""
    text = canonical_json(dict(state))
    name = digest("view", page, text)[:_SHORT]
    with database.transaction("views") as cursor:
        cursor.execute("INSERT OR IGNORE INTO views (id, page, state) VALUES (?, ?, ?)", [name, page, text])
    return name


def view(database: Database, name: str) -> tuple[str, dict[str, Any]] | None:
    """(page, settings) of a kept view; None if there is none of this name."""
    rows = database.rows("SELECT page, state FROM views WHERE id = ?", [name])
    return (rows[0][0], json.loads(rows[0][1])) if rows else None


def add_saved(database: Database, saved: SavedView) -> None:
    """Write a saved view, or its next version if there is one of its name."""
    with database.transaction("saved views") as cursor:
        cursor.execute("INSERT INTO saved_views (name, version, view, title, note, sketch, removed, made) "
                       "SELECT ?, coalesce(max(version) + 1, 0), ?, ?, ?, ?, ?, ? FROM saved_views WHERE name = ?",
                       [saved.name, saved.view, saved.title, saved.note, saved.sketch, saved.removed, saved.made,
                        saved.name])


def add_drawings(database: Database, saved: str, drawn: Drawings) -> None:
    """Keep the figures of a saved view; they belong to its name and never change."""
    packed = zlib.compress(json.dumps(drawn.figures).encode())
    with database.transaction("saved views") as cursor:
        cursor.execute("INSERT INTO drawings (saved, look, figures) VALUES (?, ?, ?)", [saved, drawn.look, packed])


def drawings(database: Database, saved: str) -> Drawings | None:
    """The figures of a saved view; None where it was saved without."""
    rows = database.rows("SELECT look, figures FROM drawings WHERE saved = ?", [saved])
    return Drawings(rows[0][0], tuple(json.loads(zlib.decompress(rows[0][1])))) if rows else None


def saved_views(database: Database) -> list[SavedView]:
    """All saved views as they are now, removed ones too, the newest first."""
    rows = database.rows(f"SELECT s.name, s.view, v.page, v.state, s.title, s.note, s.sketch, s.made, s.removed FROM "
                         f"(SELECT * FROM saved_views {_LATEST}) s JOIN views v ON v.id = s.view "
                         "ORDER BY s.made DESC, s.name")
    return [SavedView(r[0], r[1], r[2], json.loads(r[3]), *r[4:]) for r in rows]


def add_story(database: Database, story: Story) -> None:
    """Write a story, or its next version if there is one of its name."""
    steps = json.dumps([[s.view, s.notes] for s in story.steps], ensure_ascii=False)
    with database.transaction("stories") as cursor:
        cursor.execute("INSERT INTO stories (name, version, title, steps, removed, made) "
                       "SELECT ?, coalesce(max(version) + 1, 0), ?, ?, ?, ? FROM stories WHERE name = ?",
                       [story.name, story.title, steps, story.removed, story.made, story.name])


def stories(database: Database) -> list[Story]:
    """All stories as they are now, without removed ones, in the order in which they were begun."""
    rows = database.rows(f"SELECT name, title, steps, made, removed FROM stories {_LATEST} ORDER BY made, name")
    return [Story(r[0], r[1], tuple(Step(*s) for s in json.loads(r[2])), r[3]) for r in rows if not r[4]]
