"""What is known of the files that models' weights were read from: see `explorer.weights.staleness`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from pathlib import Path

from explorer.catalog.database import Database
from explorer.types import Files, Seen

_log = logging.getLogger(__name__)
_ADD = "INSERT OR REPLACE INTO weight_files (model, files) VALUES (?, ?)"
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
        """Remember a model's files; what was known of them before is replaced.

        What was measured with another head, config or tokenizer beside the same weights goes: scores and runs of all
        Points that use the model. It happens to models alone that were removed and came back with others.
        """
        was = self._database.rows("SELECT files FROM weight_files WHERE model = ?", [model])
        if other := was and Files.parse(was[0][0]).unlike(Files.parse(files)):
            with self._database.transaction() as cursor:
                for table in ("scores", "runs"):
                    (gone,) = cursor.execute(f"DELETE FROM {table} WHERE contains(recipe, ?)", [model]).fetchall()[0]
                    _log.warning("model %s came back with another %s: %s %s of it are gone", model, " and ".join(other),
                                 gone, table)
                cursor.execute(_ADD, [model, files])
            return
        with self._database.transaction("files") as cursor:
            cursor.execute(_ADD, [model, files])
