"""What a catalog remembers: read once until a transaction writes its table, in whatever thread, and never wrongly."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest

from explorer.catalog import Catalog, changes
from explorer.catalog.changes import Changes
from explorer.types import Base, Group, Layout, Point, Task

BASE = Base("base-id", "base", "models/base", "bert", Layout.of([("a", (2, 3), Group("0", "attention"))]))


@pytest.fixture
def queries(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every query of the catalog from now on."""
    asked, rows = [], catalog.database.rows

    def noted(sql: str, values: Any = ()) -> Any:
        asked.append(sql)
        return rows(sql, values)

    monkeypatch.setattr(catalog.database, "rows", noted)
    return asked


def task(name: str) -> Task:
    return Task(name, f"tasks/{name}.parquet", ("neg", "pos"), 10, 5, f"digest of {name}")


def test_tables_are_read_once_until_they_are_written(catalog: Catalog, queries: list[str]) -> None:
    for read in (catalog.bases, catalog.checkpoints, catalog.tasks, catalog.points):
        read()
        read()
    assert len(queries) == 4
    catalog.add_task(task("toy"))
    queries.clear()
    for _ in range(2):
        assert [t.name for t in catalog.tasks()] == ["toy"]
        assert [b.name for b in catalog.bases()] == ["base"]
    assert len(queries) == 1  # of the table that was written alone


def test_a_transaction_that_names_no_table_may_have_written_any(catalog: Catalog) -> None:
    assert catalog.points() == {}
    before = catalog.changes.state("points")
    with catalog.database.transaction() as cursor:
        cursor.execute("INSERT INTO points (name, recipe) VALUES ('p', ?)", ['{"base": "base-id", "terms": {}}'])
    assert list(catalog.points()) == ["p"]
    assert catalog.changes.state("points") != before


def test_what_is_rolled_back_is_not_remembered(catalog: Catalog) -> None:
    catalog.add_task(task("toy"))
    with contextlib.suppress(ZeroDivisionError), catalog.database.transaction("tasks") as cursor:
        cursor.execute("UPDATE tasks SET name = 'ghost'")
        assert [t.name for t in catalog.tasks()] == ["ghost"]  # its own thread sees what it has written
        raise ZeroDivisionError
    assert [t.name for t in catalog.tasks()] == ["toy"]


def test_a_list_that_was_given_can_be_changed(catalog: Catalog) -> None:
    catalog.bases().clear()
    catalog.points()["p"] = Point.of(BASE.id)
    assert len(catalog.bases()) == 1
    assert catalog.points() == {}


def test_two_catalogs_are_never_in_the_same_state() -> None:
    assert Changes().state("a") != Changes().state("a")


def test_a_write_while_somebody_reads_is_seen_afterwards() -> None:
    kept, value = Changes(), ["old"]
    reading, written = threading.Event(), threading.Event()

    def slow() -> str:
        found = value[0]
        reading.set()
        assert written.wait(10)
        return found

    thread = threading.Thread(target=kept.remembered, args=("key", ("table",), slow))
    thread.start()
    assert reading.wait(10)
    with kept.writing(("table",)):
        value[0] = "new"
    written.set()
    thread.join(10)
    assert kept.remembered("key", ("table",), lambda: value[0]) == "new"


def test_threads_that_write_and_read_never_see_the_past(catalog: Catalog) -> None:
    behind: list[tuple[int, int]] = []
    arrived = [0]

    def read() -> None:
        while arrived[0] < 30:
            there = arrived[0]
            if (seen := len(catalog.tasks())) < there:
                behind.append((there, seen))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for i in range(30):
        catalog.add_task(task(f"t{i:02}"))
        arrived[0] = i + 1
    for reader in readers:
        reader.join(30)
    assert not behind


def test_little_is_kept_of_what_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_BYTES", 100)
    kept, made = Changes(), []

    def get(key: str, size: int) -> None:
        kept.remembered(key, (), lambda: made.append(key) or key, lambda _: size)

    for key, size in (("a", 60), ("b", 60), ("b", 60), ("huge", 200), ("a", 60), ("a", 60)):
        get(key, size)
    assert made == ["a", "b", "huge", "a"]
