"""Views that are too long for an address, as the catalog keeps them: under a short name made of what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from explorer.catalog.database import Database
from explorer.types import canonical_json, digest

_SHORT = 12


def add_view(database: Database, page: str, state: Mapping[str, Any]) -> str:
    """Keep a page's settings; the same settings have the same name."""
    text = canonical_json(dict(state))
    name = digest("view", page, text)[:_SHORT]
    with database.transaction() as cursor:
        cursor.execute("INSERT OR IGNORE INTO views (id, page, state) VALUES (?, ?, ?)", [name, page, text])
    return name


def view(database: Database, name: str) -> tuple[str, dict[str, Any]] | None:
    """(page, settings) of a kept view; None if there is none of this name."""
    rows = database.rows("SELECT page, state FROM views WHERE id = ?", [name])
    return (rows[0][0], json.loads(rows[0][1])) if rows else None
