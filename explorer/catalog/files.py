"""What is known of the files that models' weights were read from: see `explorer.weights.staleness`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path

from explorer.catalog.database import Database
from explorer.types import Seen

_MODELS = ("SELECT id, name, path, '' AS base, '' AS format, '{}' AS columns FROM bases UNION ALL "
           "SELECT id, name, path, base, format, columns FROM checkpoints")


class WeightFiles:
    """The files of a catalog's bases and checkpoints; `resolve` says where a stored path lies on this machine."""

    def __init__(self, database: Database, resolve: Callable[[str], Path]) -> None:
        self._database, self._resolve = database, resolve

    def known(self, checkpoints: Collection[str] | None = None) -> list[Seen]:
        """Of all bases and of these checkpoints, by id; None: of all checkpoints."""
        chosen, values = ("", []) if checkpoints is None else (
            "WHERE m.base = '' OR m.id IN (SELECT unnest(?))", [list(checkpoints)])
        rows = self._database.rows("SELECT m.id, m.name, m.path, coalesce(f.files, ''), m.base, m.format, m.columns "
                                   f"FROM ({_MODELS}) m LEFT JOIN weight_files f ON f.model = m.id {chosen}", values)
        found = []
        for model, name, path, files, base, form, columns in rows:
            said = json.loads(columns) if form == "lora" else {}
            found.append(Seen(model, name, str(self._resolve(path)), files, base, said.get("norm"),
                              said.get("cosine_with_base")))
        return found

    def add(self, model: str, files: str) -> None:
        """Remember a model's files; what was known of them before is replaced."""
        with self._database.transaction("files") as cursor:
            cursor.execute("INSERT OR REPLACE INTO weight_files (model, files) VALUES (?, ?)", [model, files])
