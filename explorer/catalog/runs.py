"""What trainings from Points gave, as the catalog keeps it: a run that is there is never run, or written, again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from explorer.catalog.database import Database
from explorer.types import Point, Started, Task, Tuning, canonical_json

_RUN = "task, tuning, size, seed, accuracy, loss, stderr, n, steps, seconds, device"


def add_runs(database: Database, runs: Sequence[Started], tuning: Tuning) -> None:
    """Keep runs of one tuning; one that is known already stays as it is."""
    with database.transaction("trainings") as cursor:
        for r in runs:
            cursor.execute(
                f"INSERT OR IGNORE INTO runs (point, recipe, how, {_RUN}) VALUES ({', '.join('?' * 14)})",
                [r.point.hash, canonical_json(r.point.as_dict()), canonical_json(asdict(tuning)), r.task, r.tuning,
                 r.size or 0, r.seed, r.accuracy, r.loss, r.stderr, r.n, r.steps, r.seconds, r.device])


def runs_of(database: Database, base: str, task: Task | None = None, tuning: Tuning | None = None) -> list[Started]:
    """The stored runs from Points of a base (by id), in order of arrival; of a task or a tuning alone, if given."""
    where = [(f"{column} = ?", value) for column, value in
             (("task", task and task.digest), ("tuning", tuning and tuning.key)) if value is not None]
    clause = f" WHERE {' AND '.join(c for c, _ in where)}" if where else ""
    rows = database.rows(f"SELECT recipe, {_RUN} FROM runs{clause} ORDER BY added, point, task, size, seed",
                         [value for _, value in where])
    found = []
    for recipe, of, key, size, *rest in rows:
        raw = json.loads(recipe)
        found.append(Started(Point.of(raw["base"], raw["terms"]), of, key, size or None, *rest))
    return [r for r in found if r.point.base == base]


def count(database: Database) -> int:
    """How many runs are kept."""
    return int(database.rows("SELECT count(*) FROM runs")[0][0])


def tunings(database: Database) -> dict[str, Tuning]:
    """Every tuning that runs are stored of, by its key, the one used last first."""
    rows = database.rows("SELECT tuning, any_value(how) FROM runs GROUP BY tuning ORDER BY max(added) DESC")
    return {key: Tuning(**json.loads(how)) for key, how in rows}
