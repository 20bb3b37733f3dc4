"""A catalog of an older version is brought up to date behind a copy, one of a newer version is left alone."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import duckdb
import pytest

from explorer import workflows
from explorer.catalog import Catalog, database, migrations
from explorer.catalog.database import FILE
from explorer.errors import WorkspaceError
from explorer.workflows import stories

SCHEMA_1 = Path(__file__).with_name("schema_version_1.sql")
"""The schema as version 1 had it at its end."""


def tables(path: Path) -> dict[str, int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = [n for (n,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()]
        return {n: connection.execute(f"SELECT count(*) FROM {n}").fetchall()[0][0] for n in names}


def version(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as connection:
        return str(connection.execute("SELECT value FROM facts WHERE key = 'version'").fetchall()[0][0])


@pytest.fixture
def old(made_workspace: Path, tmp_path: Path) -> Path:
    """A workspace whose catalog is of version 1, with all that the made one holds."""
    folder = tmp_path / "old"
    shutil.copytree(made_workspace, folder, ignore=shutil.ignore_patterns(FILE))
    with duckdb.connect(str(folder / FILE)) as connection:
        connection.execute(SCHEMA_1.read_text())
        connection.execute("INSERT INTO facts VALUES ('version', '1')")
        connection.execute(f"ATTACH '{made_workspace / FILE}' AS made (READ_ONLY)")
        for name in ("bases", "checkpoints", "tasks"):
            connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM made.{name}")
    return folder


def test_version_1_becomes_this_one_and_is_kept_as_it_was(old, made_workspace, caplog):
    before = (old / FILE).read_bytes()
    with caplog.at_level(logging.WARNING):
        ws = workflows.open_workspace(old)
    kept = old / "catalog.version-1.duckdb"
    assert kept.name in caplog.text
    assert kept.read_bytes() == before
    assert [c.name for c in ws.catalog.checkpoints()] == [f"m{i}" for i in range(6)]
    assert ws.catalog.gram().values.shape[1:] == (6, 6)
    assert all(s.files == "" for s in ws.catalog.weight_files.known())
    stories.save_view(ws, "map", {}, "still works")
    ws.close()
    assert tables(old / FILE).keys() == tables(made_workspace / FILE).keys()
    assert version(old / FILE) == str(migrations.VERSION)
    kept.unlink()
    Catalog(old).close()
    assert not kept.exists()


@pytest.mark.parametrize(("said", "advice"), [("3", "newer release"), ("999", "newer release"), ("0", "backup"),
                                              ("one", "backup"), ("-1", "backup")])
def test_other_versions_are_refused_and_left_alone(old, said, advice):
    with duckdb.connect(str(old / FILE)) as connection:
        connection.execute("UPDATE facts SET value = ?", [said])
    before = (old / FILE).read_bytes()
    with pytest.raises(WorkspaceError, match=f"version {said}, this program reads versions 1 to 2.*{advice}"):
        Catalog(old)
    assert (old / FILE).read_bytes() == before
    assert {p.name for p in old.glob("*.duckdb*")} == {FILE}


def test_an_interrupted_migration_leaves_the_old_catalog(old, monkeypatch):
    before = tables(old / FILE)
    broken = (*migrations.MIGRATIONS, migrations.Migration(3, "CREATE TABLE more (a INTEGER); SELECT nothing_here"))
    monkeypatch.setattr(migrations, "MIGRATIONS", broken)
    with pytest.raises(WorkspaceError, match="nothing_here"):
        Catalog(old)
    assert (version(old / FILE), tables(old / FILE)) == ("1", before)
    monkeypatch.undo()
    Catalog(old).close()
    assert version(old / FILE) == "2"


def test_a_full_disk_stops_before_anything_is_changed(old, monkeypatch):
    before = (old / FILE).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migrations.shutil, "copyfileobj", full)
    with pytest.raises(WorkspaceError, match=r"can't be copied.*No space left on device.*nothing was changed"):
        Catalog(old)
    assert (old / FILE).read_bytes() == before
    assert {p.name for p in old.glob("*duckdb*")} | {p.name for p in old.glob(".*part")} == {FILE}


def test_a_new_catalog_is_that_of_all_steps(old, tmp_path):
    """schema.sql and the steps of MIGRATIONS say the same of every table."""
    Catalog(old).close()
    Catalog(tmp_path / "new").close()
    sql = ("SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
           "ORDER BY table_name, column_name")
    found = []
    for folder in (old, tmp_path / "new"):
        with duckdb.connect(str(folder / FILE), read_only=True) as connection:
            found.append(connection.execute(sql).fetchall())
    assert found[0] == found[1]
    assert [m.to for m in migrations.MIGRATIONS] == list(range(2, migrations.VERSION + 1))
    assert database.VERSION == migrations.VERSION
