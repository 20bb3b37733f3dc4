"""A catalog as Parquet files, and back: how the demo's catalog is shipped without its DuckDB file.

The shipped folder is never written to by the running app: a workspace is built from it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from pathlib import Path

from explorer.catalog.database import FILE, Database
from explorer.errors import WorkspaceError

TABLES = ("bases", "checkpoints", "projections", "tasks", "scores", "findings", "runs")
CARRIED = ("tasks", "scores", "points", "runs", "views", "saved_views", "drawings", "stories")
"""What users make: taken along into a catalog that is built from other files. Models of theirs are not, whose rows of
the Gram belong to the catalog that they were imported into."""


def pack(database: Database, folder: Path) -> None:
    """Write every table of a catalog into `folder`, one Parquet file a table, in a fixed order of rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        temporary = folder / f".{table}.{os.getpid()}.parquet"
        database.rows(f"COPY (SELECT * EXCLUDE added FROM {table} ORDER BY ALL) TO '{_quoted(temporary)}' "
                      "(FORMAT parquet, COMPRESSION zstd)")
        temporary.replace(folder / f"{table}.parquet")


def unpack(folder: Path, workspace: Path) -> None:
    """Build a workspace's catalog from the files of `folder`; of one built from other files CARRIED is taken along.

    Nothing happens where the workspace's catalog was built from these files. It is built under another name and
    renamed, so that an interrupted start leaves nothing half-made; the old one is kept aside.
    """
    if missing := [t for t in TABLES if not (folder / f"{t}.parquet").is_file()]:
        raise WorkspaceError(f"{folder}: the shipped catalog lacks {', '.join(missing)}.parquet; check out the "
                             "repository again.")
    mark = _mark(folder)
    built = workspace / "built-from"
    target = workspace / FILE
    if target.is_file() and built.is_file() and built.read_text() == mark:
        return
    building = workspace / f".building-{os.getpid()}"
    shutil.rmtree(building, ignore_errors=True)
    database = Database(building)
    try:
        for table in TABLES:
            with database.transaction() as cursor:
                cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet(?)",
                               [str(folder / f"{table}.parquet")])
        if target.is_file():
            _carry(workspace, database)  # refuses with the holder's name while another process has it
    finally:
        database.close()
    if target.is_file():
        old = (built.read_text() if built.is_file() else "unknown")[:8]
        built.unlink(missing_ok=True)  # from here on an interrupted start is told from a finished one
        target.replace(_unused(workspace, f"catalog-{old}"))
    (building / FILE).replace(target)
    built.write_text(mark)
    shutil.rmtree(building)


def _carry(workspace: Path, database: Database) -> None:
    """Rows of CARRIED from a workspace's catalog that are not known yet, without those that rest on models of users."""
    old = Database(workspace)
    try:
        known = set(database.rows("SELECT id FROM checkpoints"))
        gone = [identity for (identity,) in set(old.rows("SELECT id FROM checkpoints")) - known]
        for table in CARRIED:
            columns = [name for (name,) in old.rows("SELECT column_name FROM information_schema.columns WHERE "
                                                    "table_name = ? ORDER BY ordinal_position", [table])]
            with database.transaction() as cursor:
                for row in old.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY added"):
                    recipe = row[columns.index("recipe")] if "recipe" in columns else ""
                    if not any(identity in recipe for identity in gone):
                        cursor.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES "
                                       f"({', '.join('?' * len(columns))})", list(row))
    finally:
        old.close()


def _unused(workspace: Path, stem: str) -> Path:
    names = itertools.chain([f"{stem}.duckdb"], (f"{stem}-{i}.duckdb" for i in itertools.count(2)))
    return next(workspace / name for name in names if not (workspace / name).exists())


def _mark(folder: Path) -> str:
    h = hashlib.sha256()
    for table in TABLES:
        h.update((folder / f"{table}.parquet").read_bytes())
    return h.hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
