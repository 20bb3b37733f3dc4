"""The catalog of one workspace: what is written and read, in the project's own values.

Every write is one transaction. Paths are kept as given if absolute, as `demo:…` if they lie in the shipped demo (so
that a moved checkout still finds them), and relative to the workspace if they lie inside it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer import settings
from explorer.catalog.database import Database
from explorer.catalog.files import WeightFiles
from explorer.catalog.geometry import Geometry, insert
from explorer.catalog.known import KnownScores
from explorer.catalog.removal import Uses, models_of, remove_models, uses
from explorer.errors import InputError, UnknownNameError
from explorer.types import (
    Base,
    Checkpoint,
    Entry,
    Finding,
    Gram,
    Layout,
    MapSpec,
    Point,
    Probe,
    Projection,
    Score,
    SketchRow,
    Task,
    canonical_json,
    digest,
)

_BASE = "id, name, path, model_type, prefix, pooling, layout, note"
_CHECKPOINT = "id, name, base, path, format, dataset, task, domain, seed, train_size, method, columns"
_TASK = "name, path, labels, n_train, n_test, digest, family, domain, source"
_SCORE = "point, task, probe, loss, stderr, accuracy, n, device, seconds, losses"


class Catalog:
    """A workspace's catalog. Reads are safe from any thread; writes wait for each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder)
        self.geometry = Geometry(self.database)
        self.weight_files = WeightFiles(self.database, self.resolve)
        self.changes = self.database.changes
        self._known = KnownScores(self.changes)

    def limited(self, writable: Collection[str]) -> Catalog:
        """The same catalog for whoever may write only these kinds of rows (see `Database.limited`)."""
        limited = copy.copy(self)
        limited.database = self.database.limited(writable)
        limited.geometry = Geometry(limited.database)
        limited.weight_files = WeightFiles(limited.database, limited.resolve)
        return limited

    def close(self) -> None:
        self.database.close()

    # ------------------------------------------------------------------ paths

    def stored(self, path: Path) -> str:
        """How a path is written into the catalog."""
        path = path.resolve()
        for root, form in ((settings.DEMO, "demo:{}"), (self.folder, "{}")):
            if path.is_relative_to(root):
                return form.format(path.relative_to(root).as_posix())
        return str(path)

    def resolve(self, stored: str) -> Path:
        """Where a stored path lies on this machine."""
        return settings.DEMO / stored.removeprefix("demo:") if stored.startswith("demo:") else self.folder / stored

    # ------------------------------------------------------------------ models

    def add_base(self, base: Base) -> None:
        """Add a base; nothing happens if its weights are known. InputError if its name is taken by other weights."""
        for other in self.bases():
            if other.id == base.id:
                return
            if other.name == base.name:
                raise InputError(f"a base called {base.name!r} with other weights is in this workspace already.")
        with self.database.transaction("bases") as cursor:
            cursor.execute(f"INSERT INTO bases ({_BASE}, layout_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           [base.id, base.name, base.path, base.model_type, base.prefix, base.pooling,
                            base.layout.as_json(), base.note, base.layout.key])

    def bases(self) -> list[Base]:
        """All bases, in order of arrival."""
        def read() -> list[Base]:
            return [Base(id=r[0], name=r[1], path=r[2], model_type=r[3], prefix=r[4], pooling=r[5],
                         layout=Layout.from_json(r[6]), note=r[7])
                    for r in self.database.rows(f"SELECT {_BASE} FROM bases ORDER BY added, name")]

        return list(self.changes.remembered("bases", ("bases",), read))

    def base(self, name: str) -> Base:
        """A base by name or id; UnknownNameError lists them."""
        bases = self.bases()
        for base in bases:
            if name in (base.id, base.name):
                return base
        raise UnknownNameError("base", name, [b.name for b in bases])

    def ranked(self, layout_key: str) -> list[Checkpoint]:
        """The checkpoints of one layout in the order of their Gram rows."""
        return list(self._table().ranked.get(layout_key, ()))

    def add_checkpoint(self, checkpoint: Checkpoint, layout: Layout, gram_row: np.ndarray | None,
                       sketch: SketchRow | None = None) -> None:
        """Add a checkpoint with its Gram row, float64 (rank + 1, g), or a sketch in its place, in one transaction.

        InputError for a duplicate (same weights) or a name that is taken.
        """
        if clash := self.database.rows("SELECT id, name FROM checkpoints WHERE id = ? OR name = ?",
                                       [checkpoint.id, checkpoint.name]):
            same = next((name for i, name in clash if i == checkpoint.id), None)
            raise InputError(f"{checkpoint.path}: duplicate, the same weights are in the catalog as {same!r}." if same
                             else f"{checkpoint.path}: the name {checkpoint.name!r} is taken by other weights.")
        c = checkpoint
        raw = b"" if gram_row is None else gram_row.astype("<f8").tobytes()
        with self.database.transaction("checkpoints") as cursor:
            rank = cursor.execute("SELECT coalesce(max(rank) + 1, 0) FROM checkpoints WHERE layout_key = ?",
                                  [layout.key]).fetchall()[0][0]
            if (gram_row is None and sketch is None) or (
                    gram_row is not None and gram_row.shape != (rank + 1, len(layout.groups))):
                raise ValueError(f"row {rank} of the Gram must be {(rank + 1, len(layout.groups))}, got "
                                 f"{None if gram_row is None else gram_row.shape}")
            cursor.execute(
                f"INSERT INTO checkpoints ({_CHECKPOINT}, layout_key, rank, gram) VALUES ({', '.join('?' * 15)})",
                [c.id, c.name, c.base, c.path, c.format, c.dataset, c.task, c.domain, c.seed, c.train_size, c.method,
                 canonical_json(dict(c.columns)), layout.key, rank, raw])
            if sketch is not None:
                insert(cursor, c.id, layout, sketch)

    def relocate(self, model: str, folder: Path, form: str, files: str) -> None:
        """A base or checkpoint lies in another folder from here on, in format `form` (of checkpoints); what is known of
        its files is replaced."""
        where = self.stored(folder)
        with self.database.transaction() as cursor:
            cursor.execute("UPDATE bases SET path = ? WHERE id = ?", [where, model])
            cursor.execute("UPDATE checkpoints SET path = ?, format = ? WHERE id = ?", [where, form, model])
            cursor.execute("INSERT OR REPLACE INTO weight_files (model, files) VALUES (?, ?)", [model, files])

    def uses(self, models: Collection[str]) -> Uses:
        """What rests on bases and checkpoints, by id."""
        return uses(self.database, models, self._kept())

    def remove(self, checkpoints: Sequence[str], bases: Sequence[str] = ()) -> None:
        """Take checkpoints and bases out, by id, in one transaction (see `removal`)."""
        remove_models(self.database, checkpoints, bases)

    def checkpoints(self, base: str | None = None) -> list[Checkpoint]:
        """The checkpoints of a base (by id; None: of all bases), in order of arrival."""
        table = self._table()
        return list(table.listed if base is None else table.of_base.get(base, ()))

    def checkpoint(self, name: str) -> Checkpoint:
        """A checkpoint by name or id; UnknownNameError suggests near names."""
        table = self._table()
        if (found := table.by_name.get(name) or table.by_id.get(name)) is not None:
            return found
        raise UnknownNameError("checkpoint", name, table.by_name)

    def gram(self, base: str | None = None, *, signs: bool = False) -> Gram:
        """The Gram of a base's checkpoints; None: of every checkpoint (InputError if their layouts differ).

        Across bases each task vector is measured from its own base. `signs`: that of the task vectors' signs, of the
        checkpoints whose rows are known (see `add_signs`). Where a checkpoint has a sketch alone, that of the sketches.
        """
        keys = dict(self.database.rows("SELECT id, layout_key FROM bases"))
        wanted = {keys[base]} if base else set(keys.values())
        if len(wanted) > 1:
            raise InputError("the bases in this workspace have different architectures; choose one base.")
        layout = next(b.layout for b in self.bases() if b.layout.key in wanted) if wanted else Layout(())
        whole = self.geometry.of(layout, signs=signs)
        there = set(whole.ids)
        chosen = tuple(c.id for c in self.checkpoints(base) if c.id in there)
        return whole if chosen == whole.ids else whole.subset(chosen)

    def add_signs(self, checkpoint: str, row: np.ndarray) -> None:
        """Keep a checkpoint's row of the Gram of signs, float64 (rank + 1, g); one that is there stays.

        InputError where models were taken out since it was begun.
        """
        with self.database.transaction("signs") as cursor:
            rank = cursor.execute("SELECT rank FROM checkpoints WHERE id = ?", [checkpoint]).fetchall()
            if rank != [(len(row) - 1,)]:
                raise InputError("models were removed while signs were compared; do it again.")
            cursor.execute("INSERT OR IGNORE INTO signs (id, gram) VALUES (?, ?)",
                           [checkpoint, row.astype("<f8").tobytes()])

    def signed(self, layout_key: str) -> int:
        """How many checkpoints of a layout, from the first rank on, have a row in the Gram of signs."""
        rows = self.database.rows("SELECT s.id IS NOT NULL FROM checkpoints c LEFT JOIN signs s USING (id) "
                                  "WHERE layout_key = ? ORDER BY rank", [layout_key])
        return next((i for i, (there,) in enumerate(rows) if not there), len(rows))

    def _table(self) -> Checkpoints:
        """All checkpoints."""
        def read() -> Checkpoints:
            rows = self.database.rows(f"SELECT layout_key, {_CHECKPOINT} FROM checkpoints ORDER BY layout_key, rank")
            return Checkpoints([(r[0], _checkpoint(r[1:])) for r in rows])

        return self.changes.remembered("checkpoints", ("checkpoints",), read)

    # ------------------------------------------------------------------ points

    def add_point(self, name: str, point: Point) -> None:
        """Keep a Point under a name; InputError if the name is empty or taken."""
        with self.database.transaction("points") as cursor:
            cursor.execute("INSERT INTO points (name, recipe) VALUES (?, ?)",
                           [self.check_name(name), canonical_json(point.as_dict())])

    def check_name(self, name: str) -> str:
        """The name as a Point would have it; InputError if it is empty or taken."""
        name = " ".join(name.split())
        if not name or name == "base":
            raise InputError(f"a Point can't be called {name!r}; give it a name of its own.")
        taken = "SELECT name FROM points UNION SELECT name FROM checkpoints UNION SELECT name FROM bases"
        if (name,) in self.database.rows(taken):
            hidden = " by a Point of models that are not in the catalog any more" if (
                name in self.point_names() and name not in self.points()) else ""
            raise InputError(f"the name {name!r} is taken{hidden}; choose another one.")
        return name

    def points(self) -> dict[str, Point]:
        """The named Points in order of arrival, but for those with a model that is not in the catalog any more."""
        def read() -> dict[str, Point]:
            there = self._there()
            return {name: point for name, point in self._kept() if models_of(point) <= there}

        return dict(self.changes.remembered("points", ("points", "checkpoints", "bases"), read))

    def point_names(self) -> tuple[str, ...]:
        """All names that Points have, in order of arrival."""
        return tuple(name for name, _ in self._kept())

    def _kept(self) -> list[tuple[str, Point]]:
        rows = self.database.rows("SELECT name, recipe FROM points ORDER BY added, name")
        return [(name, _point(recipe)) for name, recipe in rows]

    def _there(self) -> frozenset[str]:
        """The ids of all models."""
        return frozenset(self._table().by_id) | {b.id for b in self.bases()}

    # ------------------------------------------------------------------ findings

    def add_findings(self, entries: Sequence[Entry]) -> None:
        """Keep findings beside the ones made before."""
        with self.database.transaction("findings") as cursor:
            for e in entries:
                cursor.execute("INSERT INTO findings (base, claim, made, state, probe, finding) "
                               "VALUES (?, ?, ?, ?, ?, ?)",
                               [e.base, e.finding.claim, e.made, e.state, e.probe, canonical_json(e.finding.as_dict())])

    def findings(self, base: str) -> dict[str, Entry]:
        """The latest finding on each claim that there is one on, by claim."""
        rows = self.database.rows("SELECT claim, base, finding, probe, state, made FROM findings WHERE base = ? "
                                  "ORDER BY rowid", [base])  # in order of arrival, whatever clocks said
        return {claim: Entry(of, Finding.from_dict(json.loads(raw)), probe, state, made)
                for claim, of, raw, probe, state, made in rows}

    # ------------------------------------------------------------------ projections

    def add_projection(self, spec: MapSpec, projection: Projection) -> None:
        """Keep a map's coordinates; the first ones stored for a spec stay, so every viewer sees the same."""
        explained = None if projection.explained is None else canonical_json(list(projection.explained))
        with self.database.transaction("projections") as cursor:
            cursor.execute("INSERT OR IGNORE INTO projections (key, spec, ids, coords, explained) VALUES (?, ?, ?, ?, "
                           "?)",
                           [_map_key(spec, projection.ids), canonical_json(asdict(spec)),
                            canonical_json(list(projection.ids)), projection.coords.astype("<f8").tobytes(), explained])

    def projection(self, spec: MapSpec, ids: Sequence[str]) -> Projection | None:
        """The stored map of these checkpoints, or None."""
        rows = self.database.rows("SELECT coords, explained FROM projections WHERE key = ?", [_map_key(spec, ids)])
        if not rows:
            return None
        coords = np.frombuffer(rows[0][0], "<f8").reshape(len(ids), spec.dims)
        explained = tuple(json.loads(rows[0][1])) if rows[0][1] else None
        return Projection(tuple(ids), coords, spec.method, spec.metric, explained)

    # ------------------------------------------------------------------ tasks

    def add_task(self, task: Task) -> None:
        """Add a task, or replace the one of that name (its scores are kept: they refer to the texts' digest)."""
        with self.database.transaction("tasks") as cursor:
            cursor.execute(f"INSERT OR REPLACE INTO tasks ({_TASK}) VALUES ({', '.join('?' * 9)})",
                           [task.name, self.stored(Path(task.path)), canonical_json(list(task.labels)), task.n_train,
                            task.n_test, task.digest, task.family, task.domain, task.source])

    def tasks(self) -> list[Task]:
        """All tasks by name; `path` is where the texts are or will be."""
        def read() -> list[Task]:
            return [Task(r[0], str(self.resolve(r[1])), tuple(json.loads(r[2])), *r[3:])
                    for r in self.database.rows(f"SELECT {_TASK} FROM tasks ORDER BY name")]

        return list(self.changes.remembered("tasks", ("tasks",), read))

    def task(self, name: str) -> Task:
        """A task by name; UnknownNameError lists them."""
        tasks = {t.name: t for t in self.tasks()}
        if name not in tasks:
            raise UnknownNameError("task", name, tasks)
        return tasks[name]

    # ------------------------------------------------------------------ scores

    def add_scores(self, scores: Sequence[tuple[Point, Score]]) -> None:
        """Keep scores; one that is known already stays as it is."""
        with self.database.transaction("scores") as cursor:
            for point, s in scores:
                cursor.execute(f"INSERT OR IGNORE INTO scores ({_SCORE}, recipe) VALUES ({', '.join('?' * 11)})",
                               [s.point, s.task, s.probe, s.loss, s.stderr, s.accuracy, s.n, s.device, s.seconds,
                                s.losses.astype("<f4").tobytes(), canonical_json(point.as_dict())])

    def scores(self, points: Sequence[Point], task: Task, probe: Probe) -> list[Score | None]:
        """The stored score of each Point on a task, None where there is none."""
        return self._known.of(task.digest, probe.key, [p.hash for p in points], lambda hashes: self._scores(
            "AND point IN (SELECT unnest(?))", task, probe, hashes))

    def known_scores(self, task: Task, probe: Probe) -> Mapping[str, Score]:
        """Point hash → score, of everything measured on a task with these settings."""
        return self._scores("", task, probe)

    def scored_points(self, task: Task, probe: Probe, base: str) -> list[tuple[Point, Score]]:
        """Every Point of a base that has a score on a task with these settings, in order of arrival; without those that
        a model is gone of."""
        rows = self.database.rows(f"SELECT recipe, {_SCORE} FROM scores WHERE task = ? AND probe = ? "
                                  "ORDER BY added, point", [task.digest, probe.key])
        found, there = [(_point(recipe), _score(row)) for recipe, *row in rows], self._there()
        return [(p, s) for p, s in found if p.base == base and models_of(p) <= there]

    def _scores(self, clause: str, task: Task, probe: Probe, *values: Any) -> dict[str, Score]:
        rows = self.database.rows(f"SELECT {_SCORE} FROM scores WHERE task = ? AND probe = ? {clause}",
                                  [task.digest, probe.key, *values])
        return {r[0]: _score(r) for r in rows}


class Checkpoints:
    """All checkpoints of a catalog, found by layout (in the order of their rows), by name and by id."""

    def __init__(self, listed: Sequence[tuple[str, Checkpoint]]) -> None:
        self.ranked: dict[str, list[Checkpoint]] = {}
        for key, checkpoint in listed:
            self.ranked.setdefault(key, []).append(checkpoint)
        self.listed = [c for ranked in self.ranked.values() for c in ranked]
        self.of_base: dict[str, list[Checkpoint]] = {}
        for c in self.listed:
            self.of_base.setdefault(c.base, []).append(c)
        self.by_name = {c.name: c for _, c in listed}
        self.by_id = {c.id: c for _, c in listed}


def _checkpoint(row: Sequence[Any]) -> Checkpoint:
    return Checkpoint(**_named(_CHECKPOINT, row[:-1]), columns=json.loads(row[-1]))


def _named(columns: str, row: Sequence[Any]) -> dict[str, Any]:
    """The first columns of a row by name."""
    return dict(zip(columns.split(", "), row, strict=False))


def _score(row: Sequence[Any]) -> Score:
    return Score(**_named(_SCORE, row[:-1]), losses=np.frombuffer(row[-1], "<f4"))


def _point(recipe: str) -> Point:
    raw = json.loads(recipe)
    return Point.of(raw["base"], raw["terms"])


def _map_key(spec: MapSpec, ids: Sequence[str]) -> str:
    return digest(replace(spec, ids=None).key, canonical_json(list(ids)))  # one map, however its models are named
