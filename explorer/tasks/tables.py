"""Labelled text out of the user's own tables: CSV, TSV, Parquet and JSON Lines, read by DuckDB.

Covers reading text and label columns from one or two files, or from several parts of one table. The database lives
in memory and can open the given files only; values are bound, column names quoted.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.errors import TaskError, legible
from explorer.tasks import prepare
from explorer.tasks.splits import Row
from explorer.types import Task

if TYPE_CHECKING:
    import duckdb

# One level deep, every JSON value stays JSON: types guessed from the first lines would fail, or change texts, later on.
_JSON = "read_json(?, format = 'newline_delimited', maximum_depth = 1)"
READERS = {
    ".csv": "read_csv(?, header = true, all_varchar = true)",
    ".tsv": "read_csv(?, header = true, all_varchar = true, delim = '\t')",
    ".parquet": "read_parquet(?)",
    ".jsonl": _JSON,
    ".ndjson": _JSON,
}
MOST_CHARACTERS = 4 * 10**9
"""Of the texts of a table: a compressed file of a few kilobytes can hold any number of equal ones."""
_NESTED = "error('a text or label is a list or a record')"


def from_table(name: str, train: Path, test: Path | None, text: Sequence[str], label: str, folder: Path, *,
               family: str | None = None, domain: str | None = None) -> Task:
    """Make `folder/name.parquet` from one table, or from a train and a test table whose split is respected.

    `text` names one column, or two for pairs of texts; `label` names the label column, whose values are taken as
    words. A train text that is in the test table too is left out of train (`prepare.read_dropped` counts it).
    TaskError where a file, a column or the labels do not do.
    """
    prepare.check_name(name)
    rows = read([train], text, label, "train" if test else None)
    if test:
        rows += read([test], text, label, "test")
    source = f"{train.name} and {test.name}" if test else train.name
    return prepare.write(name, rows, folder, family=family, domain=domain, source=source)


def read(files: Sequence[Path], text: Sequence[str], label: str, split: Literal["train", "test"] | None) -> list[Row]:
    """The rows of one table that may lie in several files of one format; columns as for `from_table`."""
    if len(text) not in (1, 2) or len(set(text)) != len(text):
        raise TaskError(f"{len(text)} text columns came ({', '.join(text)}); one or two different ones are allowed.")
    for file in files:
        if not file.is_file():
            raise TaskError(f"there is no file {file}; name a {', '.join(READERS)} file.")
        if file.suffix.lower() not in READERS:
            raise TaskError(f"{file.name} has no known format; allowed: {', '.join(READERS)}.")
    with _open(files) as db:
        found = _query(db, files, text, label)
    return [Row(first or "", None if value is None else legible(value),
                None if len(text) == 1 else second or "", split=split)
            for first, second, value in found]


@contextmanager
def _open(files: Sequence[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    db = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        allowed = [path for file in files for path in (str(file.resolve()), _named(file))]
        db.execute("SET allowed_paths = ?", [allowed])
        db.execute("SET enable_external_access = false")
        db.execute("SET lock_configuration = true")
        yield db
    except duckdb.Error as e:
        reason = str(e).strip().splitlines()[0]
        raise TaskError(f"{files[0].name} can't be read as a {files[0].suffix.lower()} table ({reason}); "
                        "it has to be a UTF-8 text table with a header, JSON objects line by line, or Parquet.") from e
    finally:
        db.close()


def _query(db: duckdb.DuckDBPyConnection, files: Sequence[Path], text: Sequence[str],
           label: str) -> list[tuple[str | None, str | None, str | None]]:
    reader = READERS[files[0].suffix.lower()]
    paths = [_named(file) for file in files]
    described = db.execute(f"DESCRIBE SELECT * FROM {reader}", [paths]).fetchall()  # noqa: S608 (a constant)
    types = {str(column): str(kind) for column, kind, *_ in described}
    for column in (*text, label):
        if column not in types:
            raise TaskError(f"{files[0].name} has no column {column!r}; its columns are {', '.join(types) or 'none'}.")
    first, second = _as_text(text[0], types), _as_text(text[1], types) if len(text) == 2 else "NULL"
    query = f"SELECT {first}, {second}, {_as_text(label, types)} FROM {reader}"  # noqa: S608 (quoted columns)
    if files[0].suffix.lower() == ".parquet":
        size = " + ".join(f"coalesce(strlen({part}), 0)" for part in (first, second, "'.'") if part != "NULL")
        (found,) = db.execute(f"SELECT sum({size}) FROM {reader}", [paths]).fetchall()[0]  # noqa: S608 (as above)
        if (found or 0) > MOST_CHARACTERS:
            raise TaskError(f"{files[0].name} holds {found} characters; at most {MOST_CHARACTERS} are read.")
    return db.execute(query, [paths]).fetchall()


def _named(file: Path) -> str:
    """The path as DuckDB takes it for this one file: a name is no pattern for others."""
    return glob.escape(str(file.resolve()))


def _as_text(column: str, types: dict[str, str]) -> str:
    """SQL that gives a column as text; TaskError where its values are lists, records or bytes."""
    quoted, kind = '"' + column.replace('"', '""') + '"', types[column]
    if kind == "JSON":
        return f"CASE WHEN json_type({quoted}) IN ('ARRAY', 'OBJECT') THEN {_NESTED} ELSE {quoted} ->> '$' END"
    if kind == "BLOB" or kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        raise TaskError(f"column {column!r} holds values of type {kind[:60]}; text, numbers or booleans are needed.")
    return f"CAST({quoted} AS VARCHAR)"
