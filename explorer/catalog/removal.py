"""Models taken out of a catalog, and what was found with models that are not in it.

Gram rows are dense: with a checkpoint its row goes, and its entry in every later row, whose rank moves down. Its
sketch, its row of signs and the maps that show it go with it, in the same transaction.

What cost work stays in the file, under ids that are hashes of weights: scores and training runs of Points that use the
model, Points kept under a name, saved views, findings. Readers of Points leave out those whose models are not all in
the catalog, so they are out of sight until the same weights are imported again. What is known of their files stays too,
so that losses measured with another head or tokenizer beside these weights are not taken up again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from explorer.catalog.database import Database
from explorer.errors import InputError
from explorer.types import Point

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_USES = "list_has_any(regexp_extract_all({}, '[0-9a-f]{{32}}'), ?)"
_AT_ONCE = 128
_ROWS = "CREATE OR REPLACE TEMP TABLE {} (id VARCHAR, rank INTEGER, gram BLOB)"


@dataclass(frozen=True)
class Uses:
    """What rests on some models: named Points, saved views by title, counts of scores and runs, and of stored maps."""

    points: tuple[str, ...]
    views: tuple[str, ...]
    scores: int
    runs: int
    maps: int


def models_of(point: Point) -> frozenset[str]:
    """The ids of the base and the checkpoints that a Point is made of, those in its merges too."""
    return frozenset(i for text in (point.base, *(term for term, _ in point.terms)) for i in _ID.findall(text))


def uses(database: Database, models: Collection[str], points: Collection[tuple[str, Point]]) -> Uses:
    """What rests on models, by id; `points` are those kept under a name."""
    ids = sorted(models)
    counts = [database.rows(f"SELECT count(*) FROM {table} WHERE {_USES.format(column)}", [ids])[0][0]
              for table, column in (("scores", "recipe"), ("runs", "recipe"), ("projections", "ids"))]
    views = database.rows(
        "SELECT s.title FROM (SELECT * FROM saved_views QUALIFY row_number() OVER (PARTITION BY name ORDER BY version "
        f"DESC) = 1) s JOIN views v ON v.id = s.view WHERE NOT s.removed AND {_USES.format('v.state')} ORDER BY s.made",
        [ids])
    named = tuple(name for name, point in points if models_of(point) & frozenset(ids))
    return Uses(named, tuple(title for (title,) in views), *counts)


def remove_models(database: Database, checkpoints: Sequence[str], bases: Sequence[str] = ()) -> None:
    """Take checkpoints and bases out, by id: all of it or, whatever happens, nothing.

    InputError where a base would be left behind by its checkpoints.
    """
    ids = list(checkpoints)
    with database.transaction() as cursor:
        left = cursor.execute("SELECT b.name, count(*) FROM checkpoints c JOIN bases b ON b.id = c.base WHERE b.id IN "
                              "(SELECT unnest(?)) AND c.id NOT IN (SELECT unnest(?)) GROUP BY b.name",
                              [list(bases), ids]).fetchall()
        if left:
            name, count = left[0]
            raise InputError(f"base {name!r} has {count} more checkpoint{'s' * (count != 1)} in the catalog. Remove "
                             f"{'them' if count != 1 else 'it'} first, or name {'them' if count != 1 else 'it'} too.")
        layouts = cursor.execute("SELECT layout_key, list(rank ORDER BY rank) FROM checkpoints WHERE id IN "
                                 "(SELECT unnest(?)) GROUP BY layout_key ORDER BY layout_key", [ids]).fetchall()
        cursor.execute(f"DELETE FROM projections WHERE {_USES.format('ids')}", [ids])
        for key, ranks in layouts:
            _close_ranks(cursor, key, np.array(ranks))
        for table in ("checkpoints", "signs", "sketches"):
            cursor.execute(f"DELETE FROM {table} WHERE id IN (SELECT unnest(?))", [ids])
        cursor.execute("DELETE FROM bases WHERE id IN (SELECT unnest(?))", [list(bases)])


def _close_ranks(cursor: duckdb.DuckDBPyConnection, layout_key: str, gone: np.ndarray) -> None:
    """Take the rows of some ranks out of a layout, and their entries out of the later rows, which move up.

    Later rows are deleted and written anew together: changed one by one, a thousand take minutes.
    """
    first, later = int(gone[0]), "layout_key = ? AND rank >= ?"
    groups, count = cursor.execute("SELECT max(octet_length(gram) // (8 * (rank + 1))), max(rank) + 1 FROM checkpoints "
                                   "WHERE layout_key = ?", [layout_key]).fetchall()[0]
    for table, of in (("moved_rows", "c"), ("moved_signs", "s")):
        cursor.execute(_ROWS.format(table))
        joined = "checkpoints c JOIN signs s USING (id)" if of == "s" else "checkpoints c"
        for start in range(first, count, _AT_ONCE):
            part = cursor.execute(f"SELECT c.id, c.rank, {of}.gram FROM {joined} WHERE {later} AND rank < ? ORDER BY "
                                  "rank", [layout_key, start, start + _AT_ONCE]).fetchall()
            kept = [(i, rank - int(np.searchsorted(gone, rank)), _without(raw, groups, gone[gone < rank]))
                    for i, rank, raw in part if rank not in gone]
            if kept:
                cursor.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", kept)
    cursor.execute("CREATE OR REPLACE TEMP TABLE moved_facts AS SELECT * EXCLUDE (rank, gram) FROM checkpoints WHERE "
                   f"{later}", [layout_key, first])
    cursor.execute(f"DELETE FROM checkpoints WHERE {later}", [layout_key, first])
    cursor.execute("INSERT INTO checkpoints BY NAME SELECT f.*, m.rank, m.gram FROM moved_facts f JOIN moved_rows m "
                   "USING (id)")
    cursor.execute("UPDATE signs SET gram = m.gram FROM moved_signs m WHERE m.id = signs.id")
    for table in ("moved_rows", "moved_signs", "moved_facts"):
        cursor.execute(f"DROP TABLE {table}")


def _without(raw: bytes, groups: int, gone: np.ndarray) -> bytes:
    """A row of a Gram, float64 (rank + 1, g), without some of its entries; an empty one has none."""
    if not raw or not len(gone):
        return raw
    return np.delete(np.frombuffer(raw, "<f8").reshape(-1, groups), gone, axis=0).tobytes()
