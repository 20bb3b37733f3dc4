"""One DuckDB file: opening it, its lock, its schema version, a cursor per thread, writes one at a time.

Only one process can hold a DuckDB file. Whoever comes second is told which process has it.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psutil

from explorer.catalog.changes import Changes
from explorer.catalog.migrations import VERSION, back_up, steps
from explorer.errors import ForbiddenError, WorkspaceError

FILE = "catalog.duckdb"
_log = logging.getLogger(__name__)
_SCHEMA = Path(__file__).with_name("schema.sql")


class Database:
    """A workspace's DuckDB file, open for reading and writing."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.changes = Changes()
        self._connection = _connect(self.path)
        self._local = threading.local()
        self._writing = threading.RLock()
        self._writable: frozenset[str] | None = None
        try:
            self._migrate()
        except duckdb.Error as e:
            self._connection.close()
            raise WorkspaceError(f"{self.path}: not readable as a catalog ({str(e).splitlines()[0]}).") from e
        except BaseException:
            self._connection.close()
            raise

    def limited(self, writable: Collection[str]) -> Database:
        """The same file for whoever may write only these kinds of rows."""
        limited = copy.copy(self)
        limited._writable = frozenset(writable)
        return limited

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._cursor().execute(sql, list(values)).fetchall()

    def counts(self) -> dict[str, int]:
        """How many rows the tables hold that users add to."""
        tables = ("bases", "checkpoints", "tasks", "scores", "points", "runs", "saved_views", "stories")
        counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in tables)
        return dict(zip(tables, self.rows(f"SELECT {counted}")[0], strict=True))

    @contextmanager
    def transaction(self, what: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction that is committed at the end, or rolled back if anything was raised.

        `what` names the rows it writes, so that what was read of others need not be read again; where none are named,
        it may be any. A limited database refuses those it was not made for, and unnamed ones, with ForbiddenError.
        WorkspaceError where the disk does not take it: nothing of the transaction is there then.
        """
        if self._writable is not None and what not in self._writable:
            raise ForbiddenError(f"this visitor may not write {what or 'this'} into the catalog; an editor may.")
        with self._writing, self.changes.writing((what,) if what else ()):
            cursor = self._cursor()
            try:
                cursor.begin()
                try:
                    yield cursor
                except BaseException:
                    cursor.rollback()
                    raise
                cursor.commit()
            except duckdb.Error as e:
                if (why := _unwritten(e)) is None:
                    raise
                raise WorkspaceError(f"{self.path}: can't be written ({why}). Nothing of this was kept; make room or "
                                     "see to the disk, and do it again.") from e

    def close(self) -> None:
        """Write everything into the file and release its lock."""
        with self._writing:
            self._connection.close()

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._local, "cursor"):
            self._local.cursor = self._connection.cursor()
        return self._local.cursor

    def _migrate(self) -> None:
        found = self._version()
        if found is not None and (missing := steps(found, self.path)):
            self._connection.close()  # a file is copied whole only while nobody has it open
            kept = back_up(self.path, found)
            self._connection, self._local = _connect(self.path), threading.local()
            with self.transaction() as cursor:
                for step in missing:
                    cursor.execute(step.sql)
                cursor.execute("UPDATE facts SET value = ? WHERE key = 'version'", [str(VERSION)])
            _log.warning("%s: brought from version %s to %s; as it was, it is kept as %s", self.path, found, VERSION,
                         kept.name)
        with self.transaction() as cursor:
            # every table is made where it is not there: a first version had fewer of them in its early days
            cursor.execute(_SCHEMA.read_text(encoding="utf-8"))
            if found is None:
                cursor.execute("INSERT INTO facts VALUES ('version', ?)", [str(VERSION)])

    def _version(self) -> str | None:
        """The version that the file says it is of; None of an empty one."""
        tables = {name for (name,) in self.rows("SELECT table_name FROM information_schema.tables")}
        if tables and "facts" not in tables:
            raise WorkspaceError(f"{self.path}: a DuckDB file, but no catalog (tables: "
                                 f"{', '.join(sorted(tables)[:5])}). "
                                 "Choose another workspace folder.")
        said = dict(self.rows("SELECT key, value FROM facts")) if tables else {}
        return said.get("version", "unknown") if tables else None


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise WorkspaceError(f"{path.parent}: the workspace folder can't be made ({e.strerror}). Choose one that can "
                             "be written, with --workspace or EXPLORER_WORKSPACE.") from e
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise WorkspaceError(f"{path.parent}: the workspace can't be written. Choose one that can, with --workspace or "
                             "EXPLORER_WORKSPACE.")
    try:
        return duckdb.connect(str(path), config={"enable_external_access": True})
    except duckdb.IOException as e:
        if "lock" in str(e).lower():
            raise WorkspaceError(f"{path.parent}: the workspace is held by {_holder(str(e))}. Close it, or use another "
                                 "workspace.") from e
        raise WorkspaceError(f"{path}: not a readable DuckDB file ({str(e).splitlines()[0]}).") from e
    except duckdb.Error as e:
        raise WorkspaceError(f"{path}: can't be opened ({str(e).splitlines()[0]}).") from e


def _unwritten(error: duckdb.Error) -> str | None:
    """What the system said where an error is one of writing to the disk."""
    said = str(error).splitlines()[0]
    if not isinstance(error, duckdb.IOException | duckdb.FatalException) and "Could not" not in said:
        return None
    return said.rpartition('": ')[2] if '": ' in said else said


def _holder(message: str) -> str:
    found = re.search(r"PID (\d+)", message)
    if not found:
        return "another process"
    pid = int(found.group(1))
    try:
        command = " ".join(Path(part).name if part.startswith("/") else part
                           for part in psutil.Process(pid).cmdline()[:5])
    except psutil.Error:
        return f"process {pid}"
    return f"process {pid} ({command})"
