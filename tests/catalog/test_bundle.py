"""Packing a catalog and building a workspace from it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from test_cli_refusals import tables

from explorer.catalog import Catalog
from explorer.catalog.bundle import TABLES, pack, unpack
from explorer.catalog.views import add_view, view
from explorer.errors import WorkspaceError
from explorer.types import Point


def without_times(folder: Path) -> dict[str, list[str]]:
    catalog = Catalog(folder)
    try:
        return {t: list(map(repr, catalog.database.rows(f"SELECT * EXCLUDE added FROM {t} ORDER BY ALL")))
                for t in TABLES}
    finally:
        catalog.close()


@pytest.fixture
def packed(workspace: Path, tmp_path: Path) -> Path:
    catalog = Catalog(workspace)
    pack(catalog.database, tmp_path / "it's packed")
    catalog.close()
    return tmp_path / "it's packed"


def test_a_workspace_survives_packing(packed: Path, workspace: Path, tmp_path: Path) -> None:
    assert sorted(p.name for p in packed.iterdir()) == sorted(f"{t}.parquet" for t in TABLES)
    unpack(packed, tmp_path / "new")
    assert without_times(tmp_path / "new") == without_times(workspace)
    again = Catalog(tmp_path / "new")
    assert again.gram(again.bases()[0].id).values.shape[1] == 6
    again.close()


def test_packing_twice_gives_the_same_bytes(packed: Path, workspace: Path, tmp_path: Path) -> None:
    catalog = Catalog(workspace)
    pack(catalog.database, tmp_path / "twice")
    catalog.close()
    for file in packed.iterdir():
        assert file.read_bytes() == (tmp_path / "twice" / file.name).read_bytes()


def test_unpacking_again_keeps_what_was_added_since(packed: Path, tmp_path: Path) -> None:
    unpack(packed, tmp_path / "new")
    catalog = Catalog(tmp_path / "new")
    with catalog.database.transaction() as cursor:
        cursor.execute("UPDATE checkpoints SET dataset = 'mine' WHERE name = 'm0'")
    catalog.close()
    before = tables(tmp_path / "new")
    unpack(packed, tmp_path / "new")
    assert tables(tmp_path / "new") == before
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["built-from", "catalog.duckdb"]


def test_another_bundle_sets_the_old_catalog_aside(packed: Path, workspace: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    unpack(packed, new)
    old = without_times(new)
    catalog = Catalog(workspace)
    with catalog.database.transaction() as cursor:
        cursor.execute("UPDATE checkpoints SET dataset = 'changed' WHERE name = 'm0'")
    pack(catalog.database, packed)
    catalog.close()
    for _ in range(2):
        unpack(packed, new)
        assert "changed" in repr(without_times(new))
    (aside,) = list(new.glob("catalog-*.duckdb"))
    (tmp_path / "aside").mkdir()
    shutil.copy(aside, tmp_path / "aside" / "catalog.duckdb")
    assert without_times(tmp_path / "aside") == old


def test_what_users_made_comes_along(packed: Path, workspace: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    unpack(packed, new)
    catalog = Catalog(new)
    ids = [c.id for c in catalog.checkpoints()]
    catalog.add_point("mine", Point.of(catalog.bases()[0].id, dict.fromkeys(ids[:2], 0.5)))
    catalog.add_point("of another", Point.of(catalog.bases()[0].id, {ids[5]: 0.5}))
    link = add_view(catalog.database, "map", {"colour": "task"})
    catalog.close()
    other = Catalog(workspace)
    with other.database.transaction() as cursor:
        cursor.execute("DELETE FROM checkpoints WHERE id = ?", [ids[5]])
    pack(other.database, packed)
    other.close()
    unpack(packed, new)
    catalog = Catalog(new)
    assert len(catalog.checkpoints()) == 5
    assert list(catalog.points()) == ["mine"]
    assert view(catalog.database, link) == ("map", {"colour": "task"})
    catalog.close()


def test_a_start_interrupted_before_its_mark_loses_no_catalog(packed: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    unpack(packed, new)
    catalog = Catalog(new)
    with catalog.database.transaction() as cursor:
        cursor.execute("UPDATE checkpoints SET dataset = 'mine' WHERE name = 'm0'")
    catalog.close()
    for _ in range(2):
        (new / "built-from").unlink()
        unpack(packed, new)
    assert len(list(new.glob("catalog-*.duckdb"))) == 2


def test_a_bundle_that_lacks_a_file_says_which(packed: Path, tmp_path: Path) -> None:
    (packed / "scores.parquet").unlink()
    with pytest.raises(WorkspaceError, match="scores"):
        unpack(packed, tmp_path / "new")
    assert not (tmp_path / "new").exists()
