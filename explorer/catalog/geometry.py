"""Inner products as the catalog keeps them: Gram rows, or the sketches that take their place in a large catalog."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence

import duckdb
import numpy as np

from explorer.catalog.database import Database
from explorer.errors import InputError, UnavailableError
from explorer.types import Gram, Layout, Sketch, Sketched, SketchRow


class Geometry:
    """The Gram of each layout of a catalog. Safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[tuple[int, int], Gram]] = {}
        self._lock = threading.Lock()

    def of(self, layout: Layout, *, signs: bool = False) -> Gram:
        """The Gram of all checkpoints of a layout by rank; from sketches where one of them has no row.

        `signs`: of those whose row of signs is known.
        """
        table = "signs" if signs else "checkpoints"
        key, joined = f"{table} {layout.key}", f"checkpoints c JOIN {table} t USING (id) WHERE c.layout_key = ?"
        # not their number alone: one may have gone and another one come
        now = self._database.changes.remembered(("rows of a Gram", key), ("checkpoints", table), lambda: (
            self._database.rows(f"SELECT count(*), bit_xor(hash(c.id, c.rank)) FROM {joined}", [layout.key])[0]))
        with self._lock:
            if key not in self._known or self._known[key][0] != now:
                self._known.pop(key, None)  # before the next one takes as much memory
                sketched = not signs and layout.key in self.only_sketched()
                self._known[key] = (now, self._sketched(layout) if sketched else self._exact(layout, joined))
            return self._known[key][1]

    def add_sketch(self, checkpoint: str, layout: Layout, row: SketchRow) -> None:
        """Keep the sketch of a checkpoint that is there already; one that it has stays."""
        with self._database.transaction("checkpoints") as cursor:
            insert(cursor, checkpoint, layout, row)

    def sketched(self) -> frozenset[str]:
        """The checkpoints that have a sketch, by id."""
        return frozenset(i for (i,) in self._database.rows("SELECT id FROM sketches"))

    def only_sketched(self) -> frozenset[str]:
        """The keys of layouts of which a checkpoint has a sketch and no Gram row."""
        return frozenset(key for (key,) in self._database.rows(
            "SELECT DISTINCT layout_key FROM checkpoints WHERE octet_length(gram) = 0"))

    def kinds(self) -> dict[str, Sketch]:
        """What sketches there are of each layout, by its key."""
        rows = self._database.rows("SELECT DISTINCT layout_key, dimension, s.seed FROM sketches s JOIN checkpoints "
                                   "USING (id) ORDER BY ALL")
        return {key: Sketch(dimension, seed) for key, dimension, seed in rows}

    def _exact(self, layout: Layout, joined: str) -> Gram:
        rows = self._database.rows(f"SELECT c.id, c.rank, t.gram FROM {joined} ORDER BY c.rank", [layout.key])
        values = np.zeros((len(layout.groups), len(rows), len(rows)))
        for i, (_, rank, blob) in enumerate(rows):
            # ranks are dense: where a checkpoint is taken out, later ones move up (`removal`)
            values[:, i, : i + 1] = np.frombuffer(blob, "<f8").reshape(rank + 1, len(layout.groups)).T
        for square in values:
            square += np.tril(square, -1).T
        return Gram(tuple(r[0] for r in rows), layout.groups, values)

    def _sketched(self, layout: Layout) -> Gram:
        """Norms are read at once, sketches when they are asked for."""
        kind = self.kinds()[layout.key]
        rows = self._database.rows("SELECT c.id, s.squares FROM checkpoints c LEFT JOIN sketches s USING (id) "
                                   "WHERE layout_key = ? ORDER BY rank", [layout.key])
        if missing := sum(squares is None for _, squares in rows):
            raise UnavailableError(f"{missing} of {len(rows)} models have no sketch: an import was interrupted. Run it "
                                   "again and it goes on.")
        ends = np.cumsum([0, *kind.sizes(layout)]).tolist()
        squares = np.frombuffer(b"".join(s for _, s in rows), "<f8").reshape(len(rows), len(layout.groups))
        return Sketched(tuple(i for i, _ in rows), layout.groups, kind, squares,
                        tuple(slice(a, b) for a, b in itertools.pairwise(ends)),
                        lambda ids: self._rows(ids, ends[-1]))

    def _rows(self, ids: Sequence[str], width: int) -> np.ndarray:
        """The sketches of checkpoints, float32 (n, Σ k_g), in their order."""
        place, found = {key: i for i, key in enumerate(ids)}, np.empty((len(ids), width), "<f4")
        for first in range(0, len(ids), _AT_ONCE):
            wanted = list(ids[first : first + _AT_ONCE])
            for key, blob in self._database.rows("SELECT id, sketch FROM sketches WHERE id IN (SELECT unnest(?))",
                                                 [wanted]):
                found[place.pop(key)] = np.frombuffer(blob, "<f4")
        if place:
            raise InputError(f"no sketch of {', '.join(list(place)[:5])}: import these models again.")
        return found


_AT_ONCE = 1000
"""Sketches read in one query: their bytes are in memory twice meanwhile."""


def insert(cursor: duckdb.DuckDBPyConnection, checkpoint: str, layout: Layout, row: SketchRow) -> None:
    """A sketch in a transaction that is under way."""
    cursor.execute("INSERT OR IGNORE INTO sketches (id, dimension, seed, squares, sketch) VALUES (?, ?, ?, ?, ?)",
                   [checkpoint, row.sketch.dimension, row.sketch.seed,
                    row.squares(row.sketch.sizes(layout)).astype("<f8").tobytes(), row.values.astype("<f4").tobytes()])
